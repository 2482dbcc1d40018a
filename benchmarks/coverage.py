"""Lower, print, parse, emit and run every model of the list, beside torch.fx and onnx2torch; write docs/coverage.md.

python -m benchmarks.coverage --jobs 2
python -m benchmarks.coverage --only transformers --limit 3
python -m benchmarks.coverage --only peers

Each model runs in a process of its own, with a limit on time and memory. What is done is kept in the log, a line a
model; a second run goes on where the first ended.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from pathlib import Path

import torch

from nasc.cli.arguments import positive, seconds
from nasc.predictor.records import adding, recorded

from .coverage_models import KINDS, Subject, subjects
from .coverage_row import TASKS, Row
from .coverage_table import document

GIB = 1 << 30
_WARM = ("timm", "torchvision", "transformers", "onnxruntime", "onnx_ir", "torch.onnx", "torch._dynamo")


@dataclass(frozen=True)
class Job:
    """One thing to do with one model."""

    subject: Subject
    task: str

    @property
    def key(self) -> str:
        """The job's name in the log."""
        return f"{self.task} {self.subject.key}"


@dataclass(frozen=True)
class Running:
    """A job in its process."""

    job: Job
    process: ForkProcess
    result: Connection
    deadline: float


def done(log: Path) -> dict[str, Row]:
    """Return the rows of a log by their jobs' names."""
    return {row["job"]: row for row in recorded(log)}


def _child(job: Job, result: Connection, memory: int) -> None:
    """Do a job and send its row; what it prints is dropped."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    torch.set_num_threads(1)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    try:
        row = TASKS[job.task](job.subject)
    except BaseException as error:
        row = {"problem": f"{type(error).__name__}: {error}"[:200]}
    result.send(row)
    result.close()
    os._exit(0)


def _start(job: Job, seconds: float, memory: int) -> Running:
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(job, theirs, memory))
    process.start()
    theirs.close()
    return Running(job, process, mine, time.monotonic() + seconds)


def _finish(running: Running) -> Row:
    """Return the row of a job that has ended or has to."""
    try:
        row: Row = running.result.recv() if running.result.poll() else {"problem": "took too long"}
    except EOFError:
        row = {"problem": "the process died, of memory most likely"}
    running.process.kill()
    running.process.join()
    running.result.close()
    return row


def run(jobs: Sequence[Job], workers: int, seconds: float, memory: int) -> Iterator[tuple[Job, Row]]:
    """Run jobs in processes of their own, some at a time, and yield each with its row as it ends."""
    waiting, active = list(reversed(jobs)), list[Running]()
    while waiting or active:
        while waiting and len(active) < workers:
            active.append(_start(waiting.pop(), seconds, memory))
        wait([one.result for one in active], max(0.0, min(one.deadline for one in active) - time.monotonic()))
        ended = [one for one in active if one.result.poll() or time.monotonic() >= one.deadline]
        for one in ended:
            active.remove(one)
            yield one.job, _finish(one)


def chosen(only: str | None, limit: int | None) -> list[Job]:
    """Return the jobs: all of nasc's and its peers', those of one kind of models, or the peers' alone."""
    kinds = [only] if only in KINDS else KINDS
    tasks = [task for task in TASKS if only != "peers" or task != "ours"]
    return [Job(subject, task) for subject in subjects(kinds, limit) for task in tasks]


def main() -> int:
    """Run what the log does not have yet, write the page, and return 1 where a model is not equal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=(*KINDS, "peers"), help="the models of one library, or the peers alone")
    parser.add_argument("--no-peers", action="store_true", help="leave torch.fx and onnx2torch out")
    parser.add_argument("--limit", type=positive, help="at most this many models of each library")
    parser.add_argument("--jobs", type=positive, default=1, help="processes at a time (default: 1)")
    parser.add_argument("--seconds", type=seconds, default=240, help="the longest that one may take (default: 240)")
    parser.add_argument(
        "--memory", type=positive, default=24, help="GiB of address space that one may take (default: 24)"
    )
    parser.add_argument("--log", type=Path, default=Path("coverage.jsonl"), help="a JSON line a job, for resuming")
    parser.add_argument("--out", type=Path, default=Path("docs/coverage.md"), help="the page to write")
    options = parser.parse_args()
    rows = done(options.log)
    jobs = [job for job in chosen(options.only, options.limit) if not options.no_peers or job.task == "ours"]
    left = [job for job in jobs if job.key not in rows]
    for name in _WARM if left else ():
        importlib.import_module(name)
    torch.set_num_threads(1)
    with adding(options.log) as add:
        for job, row in run(left, options.jobs, options.seconds, options.memory * GIB):
            rows[job.key] = {"job": job.key, "family": job.subject.family, **row}
            add(rows[job.key])
            print(json.dumps(rows[job.key])[:300], file=sys.stderr)
    mine = [rows[job.key] for job in jobs]
    if options.only is None and options.limit is None:
        options.out.write_text(document(mine), encoding="utf-8")
    else:
        print(document(mine, peers_only=options.only == "peers"))
    return int(any("problem" in row or row.get("error", 1) > 1e-4 for row in mine if row["job"].startswith("ours")))


if __name__ == "__main__":
    raise SystemExit(main())
