"""Our zero-cost proxies beside the values that NAS-Bench-Suite-Zero published, and beside accuracy, on NAS-Bench-201.

    NASC_DATA_DIR=... python -m benchmarks.proxies --networks 200 --record proxies.jsonl

A network is a line of the record, so that a run that was ended goes on; with --report nothing is computed. Inputs are
parts of two photographs, of AZ-NAS noise (--inputs: other ones), where the published values had CIFAR-10.
Times are of the processor, one thread, a batch of 64.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from scipy.stats import spearmanr

from nasc.cli.arguments import positive
from nasc.frontends.cells import nb201
from nasc.predictor.records import adding, recorded
from nasc.search.evaluators import az, open_evaluator
from nasc.search.evaluators.proxies import PROXIES
from nasc.search.evaluators.scoring import INPUTS

ORDER = 20260101
Row = Mapping[str, Any]


def table(name: str) -> Iterator[Mapping[str, str]]:
    """Yield the rows of a table."""
    folder = Path(os.environ.get("NASC_DATA_DIR", ""))
    with gzip.open(folder / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def sample(count: int) -> list[Mapping[str, str]]:
    """Return the first rows of the published values in an order drawn once: a larger sample holds a smaller one."""
    networks = list(table("nb201_zc_cifar10"))
    random.Random(ORDER).shuffle(networks)
    return networks[:count]


def read(path: Path) -> dict[str, Row]:
    """Return the record so far, by cell string."""
    return {row["arch"]: row for row in recorded(path)}


def measure(arch: str, options: str, seed: int) -> Row:
    """Return all proxies of one network under these options, with the milliseconds of the processor that each took."""
    module = nb201(arch)
    values: dict[str, float | None] = {}
    spent: dict[str, float] = {}
    for name in (*PROXIES, "az"):
        start = time.process_time()
        metrics = open_evaluator(f"proxy:{name}{{{options}}}").evaluate(module, seed).metrics
        spent[name] = (time.process_time() - start) * 1000
        if name == "az":
            values.update({part: metrics.get(part) for part in az.PARTS})
        else:
            values[name] = metrics.get("score")
    return {"arch": arch, "values": values, "ms": spent}


def run(networks: Sequence[Mapping[str, str]], record: Path, options: str) -> None:
    """Compute what the record does not have."""
    done = read(record)
    torch.set_num_threads(1)
    with adding(record) as add:
        for place, row in enumerate(networks):
            if row["arch"] in done:
                continue
            add(measure(row["arch"], options, place))
            if place % 10 == 9:
                print(f"{place + 1} networks", flush=True)


def report(networks: Sequence[Mapping[str, str]], record: Path) -> None:
    """Print the table."""
    done = read(record)
    there = [row for row in networks if row["arch"] in done]
    accuracy = {row["arch"]: float(row["c10_test"]) for row in table("nb201")}
    tested = [accuracy[row["arch"]] for row in there]
    print(f"{len(there)} networks of NAS-Bench-201, a batch of 64\n")
    print("| proxy | Spearman with published | with accuracy | published with accuracy | ms a network |")
    print("|---|---|---|---|---|")
    for name in PROXIES:
        own = [_number(done[row["arch"]]["values"][name]) for row in there]
        published = [float(row[name]) for row in there]
        took = sum(done[row["arch"]]["ms"][name] for row in there) / len(there)
        print(
            f"| {name} | {_spearman(own, published):.3f} | {_spearman(own, tested):.3f} "
            f"| {_spearman(published, tested):.3f} | {took:.0f} |"
        )
    parts = [{part: _number(done[row["arch"]]["values"][part]) for part in az.PARTS} for row in there]
    took = sum(done[row["arch"]]["ms"]["az"] for row in there) / len(there)
    print(f"| az | not published | {_spearman(az.ranked(parts), tested):.3f} | | {took:.0f} |")
    for part in az.PARTS:
        print(f"| az: {part} | | {_spearman([each[part] for each in parts], tested):.3f} | | |")


def _number(value: float | None) -> float:
    return float("-inf") if value is None else value


def _spearman(one: Sequence[float], other: Sequence[float]) -> float:
    found: Any = spearmanr(one, other)
    return float(found.statistic)


def main() -> None:
    """Compute and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--networks", type=positive, default=200, help="how many; default: 200, of 9,445")
    options.add_argument("--record", type=Path, default=Path("proxies.jsonl"), help="a line a network, for going on")
    options.add_argument("--draws", type=positive, default=1, help="draws of weights and inputs to average; default: 1")
    options.add_argument("--inputs", choices=tuple(INPUTS), help="default: photographs, normal for az")
    options.add_argument("--report", action="store_true", help="print the table of what is there")
    chosen = options.parse_args()
    networks = sample(chosen.networks)
    if not chosen.report:
        inputs = f", inputs={chosen.inputs}" if chosen.inputs else ""
        run(networks, chosen.record, f"draws={chosen.draws}{inputs}")
    report(networks, chosen.record)


if __name__ == "__main__":
    main()
