"""Studies that are killed, shared and large, as a Markdown table for docs/search.md: nothing lost, nothing done twice.

    NASC_DATA_DIR=... python -m benchmarks.resume
    NASC_DATA_DIR=... python -m benchmarks.resume --only kills --trials 40 --kills 3

Regularised evolution on NAS-Bench-201, each study held against one that nothing disturbed: `nasc search` killed by
SIGKILL at random moments and started again; two `nasc search` at once on one study; a Ray cluster of two nodes, one of
which is killed; every method, interrupted after each round; 1,000 candidates in one study. ``equal``: the two studies
are the same, bit for bit but for times.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from nasc.cli.arguments import positive
from nasc.search.engine import DirectPool, Request, Settings, Study, open_study, run
from nasc.search.store import Store, StoredStudy, dump
from nasc.search.strategies import STRATEGIES

SETTINGS = Settings(method="evolution{population=20, sample=5}", start="nb201", evaluator="table:nb201:cifar10")
NAME = "s"
QUIET: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


@dataclass(frozen=True)
class Row:
    """What one check found."""

    check: str
    study: StoredStudy
    undisturbed: str
    seconds: float
    remark: str

    def __str__(self) -> str:
        """Return the row of the table."""
        trials = self.study.trials()
        evaluated = [found.trial for found in self.study.evaluations()]
        wanted = {trial.number for trial in trials if trial.repeat_of is None and trial.status != "invalid"}
        lost, doubled = len(wanted - set(evaluated)), len(evaluated) - len(set(evaluated))
        equal = "yes" if dump(self.study) == self.undisturbed else "NO"
        cells = (self.check, len(trials), len(evaluated), lost, doubled, equal, f"{self.seconds:.0f}", self.remark)
        return "| " + " | ".join(map(str, cells)) + " |"


def study(where: Path, trials: int, method: str = SETTINGS.method) -> Study:
    """Return the study in a file, to go on with in this process."""
    where.parent.mkdir(exist_ok=True)
    given = {"method": method, "start": SETTINGS.start, "evaluator": SETTINGS.evaluator}
    return open_study(Request(str(where), given, trials))


def undisturbed(folder: Path, trials: int) -> str:
    """Return the dump of a study that one process makes in one go."""
    found = study(folder / f"calm{trials}" / f"{NAME}.db", trials)
    run(found, DirectPool())
    return dump(found.stored)


def command(where: Path, trials: int, *more: str) -> list[str]:
    """Return `nasc search` for a study in a file."""
    settings = ["--method", SETTINGS.method, "--start", SETTINGS.start, "--evaluator", SETTINGS.evaluator]
    return [sys.executable, "-m", "nasc", "search", str(where), *settings, "--trials", str(trials), *more]


def evaluations(where: Path) -> int:
    """Return how many evaluations a study has that another process writes."""
    if not where.is_file():
        return 0
    with closing(sqlite3.connect(where)) as connection:
        try:
            (found,) = connection.execute("SELECT count(*) FROM evaluations").fetchone()
        except sqlite3.OperationalError:
            return 0
    return int(found)


def kills(folder: Path, trials: int, times: int) -> Row:
    """Kill `nasc search` at random moments: near random numbers of evaluations, or while it starts."""
    where, rng, killed, start = folder / "kills" / f"{NAME}.db", Random(1), 0, time.monotonic()
    where.parent.mkdir()
    for wanted in sorted(rng.randrange(trials - 1) for _ in range(times)):
        process = subprocess.Popen(command(where, trials, "--workers", "2"), **QUIET)
        while process.poll() is None and evaluations(where) < wanted:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.5))
        killed += process.poll() is None
        process.kill()
        process.wait()
    subprocess.run(command(where, trials, "--workers", "2"), check=True, **QUIET)
    took = time.monotonic() - start
    return Row("SIGKILL", Store(where).study(NAME), undisturbed(folder, trials), took, f"{killed} kills")


def shared(folder: Path, trials: int) -> Row:
    """Let two processes work on one study."""
    where, start = folder / "shared" / f"{NAME}.db", time.monotonic()
    where.parent.mkdir()
    both = [subprocess.Popen(command(where, trials), **QUIET) for _ in range(2)]
    codes = [process.wait() for process in both]
    found = Store(where).study(NAME)
    workers = {item.worker for item in found.evaluations()}
    remark = f"{len(workers)} processes, exit codes {codes}"
    return Row("two processes", found, undisturbed(folder, trials), time.monotonic() - start, remark)


def cluster(folder: Path, trials: int) -> Row:
    """Kill one of the two nodes of a Ray cluster when a third of the evaluations is there."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    from nasc.search.engine.ray_pool import RayPool

    start = time.monotonic()
    found = study(folder / "cluster" / f"{NAME}.db", trials)
    small: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80_000_000}
    nodes: Any = Cluster(initialize_head=True, head_node_args={**small, "include_dashboard": False})
    other = nodes.add_node(**small)
    pool = RayPool(str(nodes.address), 2, SETTINGS.seconds, SETTINGS.gib)
    killed: list[int] = []

    def watch() -> None:
        if not killed and found.state().evaluated >= trials // 3:
            killed.append(pool.size)
            nodes.remove_node(other, allow_graceful=False)

    run(found, pool, watch)
    pool.close()
    nodes.shutdown()
    took = time.monotonic() - start
    remark = f"{len(killed)} of 2 nodes killed, {found.retried} candidates tried again"
    return Row("Ray", found.stored, undisturbed(folder, trials), took, remark)


def methods(folder: Path, trials: int) -> list[Row]:
    """Interrupt every method after each of its rounds and go on, with random answers in the place of an LLM."""
    rows: list[Row] = []
    for name in STRATEGIES:
        if name == "predictor":
            continue
        start, times = time.monotonic(), 0
        calm, found = (study(folder / f"{name}-{kind}" / f"{NAME}.db", trials, name) for kind in ("calm", "cut"))
        run(calm, DirectPool())
        while not found.over():
            try:
                run(found, DirectPool(), partial(_interrupt, found, found.state().rounds))
            except KeyboardInterrupt:
                times += 1
        rows.append(Row(name, found.stored, dump(calm.stored), time.monotonic() - start, f"{times} interruptions"))
    return rows


def _interrupt(found: Study, rounds: int) -> None:
    if found.state().rounds > rounds:
        raise KeyboardInterrupt


def large(folder: Path, trials: int) -> Row:
    """Make one large study with two workers, and open it again."""
    where = folder / "large" / f"{NAME}.db"
    where.parent.mkdir()
    start = time.monotonic()
    subprocess.run(command(where, trials, "--workers", "2"), check=True, **QUIET)
    took = time.monotonic() - start
    begin = time.monotonic()
    subprocess.run([sys.executable, "-m", "nasc", "search", str(where)], check=True, **QUIET)
    size = sum(path.stat().st_size for path in where.parent.iterdir()) / 2**20
    remark = f"{size:.0f} MiB, opened again in {time.monotonic() - begin:.1f} s"
    return Row("one study", Store(where).study(NAME), undisturbed(folder, trials), took, remark)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the checks and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("kills", "shared", "cluster", "methods", "large"), action="append")
    parser.add_argument("--trials", type=positive, default=200, help="of each study but the large one")
    parser.add_argument("--large", type=positive, default=1000)
    parser.add_argument("--kills", type=positive, default=20)
    options = parser.parse_args(arguments)
    checks: dict[str, Callable[[Path], Row | list[Row]]] = {
        "kills": partial(kills, trials=options.trials, times=options.kills),
        "shared": partial(shared, trials=options.trials),
        "cluster": partial(cluster, trials=options.trials),
        "methods": partial(methods, trials=options.trials // 5),
        "large": partial(large, trials=options.large),
    }
    print("| study | proposals | evaluations | lost | doubled | equal | seconds | |")
    print("|---|--:|--:|--:|--:|---|--:|---|")
    for name, check in checks.items():
        if not options.only or name in options.only:
            with TemporaryDirectory() as folder:
                found = check(Path(folder))
                print(*(found if isinstance(found, list) else [found]), sep="\n", flush=True)


if __name__ == "__main__":
    main()
