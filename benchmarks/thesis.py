"""The recipe of the thesis with one choice changed at a time.

    NASC_DATA_DIR=... python -m benchmarks.thesis --record thesis.jsonl
    NASC_DATA_DIR=... python -m benchmarks.thesis --graphs 29500 --regressions 2000 --strings --device cuda --jobs 8

Each variant is trained on NAS-Bench-101 alone and ranks networks of it that it has not seen, and the other families. A
ranker that gives all networks of a family one score counts as 0 there. The choices were not made by this table: it
says what each is worth. A line of the record is a variant and a seed, so that a run that was broken off goes on.

The second command is as much as the tables hold, for a GPU: one training leaves it idle most of the time, so that
several share it. All seeds of a variant come first, and variants in the order of how much they tell.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import asdict
from itertools import islice
from math import inf, nan
from pathlib import Path
from statistics import mean

from nasc.cli.arguments import positive
from nasc.predictor.records import adding, recorded
from nasc.predictor.tables import cell

from .thesis_trial import NETWORKS, SOURCE, STRINGS, TARGETS, Ground, Line, Task, tried
from .thesis_variants import Size, variants


def options() -> argparse.Namespace:
    """Return what the user wants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    plain = Size()
    parser.add_argument("--record", type=Path, default=Path("thesis.jsonl"), help="results; default: thesis.jsonl")
    for name, text in {
        "width": "numbers of GIN and of attention",
        "graphs": "networks that are trained on",
        "batch": "networks a step of pretraining",
        "passes": "passes of pretraining",
        "regressions": "steps that experts are trained for",
    }.items():
        known = getattr(plain, name)
        parser.add_argument(f"--{name}", type=positive, default=known, help=f"{text}; default: {known}")
    parser.add_argument(
        "--networks", type=positive, default=200, help="networks a family that are ranked; default: 200"
    )
    parser.add_argument("--strings", action="store_true", help="rank all strings of NAS-Bench-201 too")
    parser.add_argument("--seeds", type=positive, default=3, help="seeds; default: 3")
    names = list(variants(plain))
    parser.add_argument("--variants", nargs="+", default=names, choices=names, metavar="NAME", help="default: all")
    parser.add_argument("--device", default="cpu", help="cpu or cuda; default: cpu")
    parser.add_argument("--jobs", type=positive, default=1, help="trainings at a time; default: 1")
    parser.add_argument("--minutes", type=float, default=inf, help="start no training after these; default: no end")
    return parser.parse_args()


def main() -> None:
    """Train, rank, record, print."""
    began, chosen = time.monotonic(), options()
    size = Size(chosen.width, chosen.graphs, chosen.batch, chosen.passes, chosen.regressions)
    ground = Ground(chosen.graphs, chosen.networks, chosen.strings, chosen.device)
    known = {line.task: line for line in read(chosen.record)}
    wanted = [Task(name, seed, size) for name in chosen.variants for seed in range(chosen.seeds)]
    due = (task for task in wanted if task not in known and time.monotonic() - began < 60 * chosen.minutes)
    for line in one_by_one(due, ground) if chosen.jobs == 1 else together(due, ground, chosen.jobs):
        known[line.task] = line
        with adding(chosen.record) as add:
            add(asdict(line))
        took = f"{line.seconds:.0f} s, {time.monotonic() - began:.0f} s in all"
        print(f"{line.variant}, seed {line.seed}: {line.spearman[SOURCE]:.3f}, {line.transfer:.3f}, {took}", flush=True)
    table([known[task] for task in wanted if task in known])


def read(record: Path) -> list[Line]:
    """Return the lines of a record."""
    return [Line(**row) for row in recorded(record)]


def one_by_one(tasks: Iterable[Task], ground: Ground) -> Iterator[Line]:
    """Yield what becomes of tasks."""
    return (tried(task, ground) for task in tasks)


def together(tasks: Iterator[Task], ground: Ground, jobs: int) -> Iterator[Line]:
    """Yield what becomes of tasks as they end, so many at a time; a task that fails is told, and left out."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _settle, (ground,)) as pool:
        running = {pool.submit(_tried, task): task for task in islice(tasks, jobs)}
        while running:
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                task, error = running.pop(done), done.exception()
                running |= {pool.submit(_tried, task): task for task in islice(tasks, 1)}
                if error is None:
                    yield done.result()
                else:
                    print(f"{task.variant}, seed {task.seed}: failed", file=sys.stderr, flush=True)
                    traceback.print_exception(error)


_here: list[Ground] = []
"""What this process, one of several, ranks on: the families are read once in it."""


def _settle(ground: Ground) -> None:
    _here.append(ground)


def _tried(task: Task) -> Line:
    return tried(task, _here[0])


def table(lines: Sequence[Line]) -> None:
    """Print a row a variant: some families, and the mean over all, over seeds."""
    shown = [SOURCE, "nb201", "transnas_micro", "macro", "channel", "ofa", "nds_amoeba"]
    shown[2:2] = [name for name in (STRINGS, NETWORKS) if any(name in line.spearman for line in lines)]
    heads = [*shown, *["NDCG@10 of strings"] * (STRINGS in shown), f"mean of the other {len(TARGETS)}"]
    print(f"\n| variant | seeds | {' | '.join(heads)} | s |")
    print("|---|---|" + "---|" * (len(heads) + 1))
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(line.variant, []).append(line)
    for name, some in groups.items():
        columns = [[one.spearman.get(family, nan) for one in some] for family in shown]
        if STRINGS in shown:
            columns.append([one.ndcg10.get(STRINGS, nan) for one in some])
        cells = [cell(values) for values in (*columns, [one.transfer for one in some])]
        print(f"| {name} | {len(some)} | {' | '.join(cells)} | {mean(one.seconds for one in some):.0f} |")


if __name__ == "__main__":
    main()
