"""The predictor and zero-cost proxies put together by rank, without one label of NAS-Bench-201.

    NASC_DATA_DIR=... python -m benchmarks.zero_cost --networks 9445 [--record proxies.jsonl] [--folder FOLDER]

Two predictors: one was trained on NAS-Bench-101 alone, one on every family but NAS-Bench-201. The predictor's score
and proxies are put together as AZ-NAS does it: the sum of the logarithms of ranks in the set, all
of one weight. Proxies are those that NAS-Bench-Suite-Zero published; with a record of benchmarks.proxies, its
networks are taken, and our own proxies and the parts of AZ-NAS stand beside them. Which proxies go together was fixed
before anything was measured. *Fitted to the labels* is no ranker but a bound: what the best weights of all columns
reach, found by least squares on the very accuracies that are ranked.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from math import log
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata, spearmanr

from nasc.benchmarks.proxies import read, sample, table
from nasc.cli.arguments import positive
from nasc.frontends.cells import nb201
from nasc.predictor import Predictor
from nasc.predictor.targets import normal_scores
from nasc.search.evaluators.az import PARTS

from .search_weights import trained, unseen

Rows = Sequence[Mapping[str, str]]
Columns = Mapping[str, Sequence[float]]
TOGETHER = (
    ("predictor",),
    ("predictor", "jacov"),
    ("predictor", "nwot"),
    ("predictor", "jacov", "nwot"),
    ("predictor", "jacov", "nwot", "synflow", "zen"),
)
WITH_AZ = (PARTS, ("predictor", *PARTS), ("predictor", "jacov", *PARTS), ("predictor", "jacov", "nwot", *PARTS))


def together(columns: Columns, names: Sequence[str]) -> list[float]:
    """Return the sum over columns of the logarithm of the rank, the best having the highest, over the size."""
    ranks = [rankdata(columns[name]) for name in names]
    return [sum(log(rank[i] / len(rank)) for rank in ranks) for i in range(len(ranks[0]))]


def ndcg(scores: Sequence[float], truth: Sequence[float], top: int = 10) -> float:
    """Return how near the best by score come to the best in truth, each discounted by its place."""
    found = sorted(range(len(scores)), key=lambda i: -scores[i])[:top]
    best = sorted(truth, reverse=True)[:top]
    discounts = [1 / log(place + 2) for place in range(top)]
    ideal = sum(value * discount for value, discount in zip(best, discounts, strict=False))
    return sum(truth[i] * discount for i, discount in zip(found, discounts, strict=False)) / ideal


def fitted(columns: Columns, truth: Sequence[float]) -> list[float]:
    """Return the weighted sum of the columns' normal scores that is nearest to those of the truth."""
    scores = np.stack([normal_scores(np.asarray(column)) for column in columns.values()], axis=1)
    weights, *_ = np.linalg.lstsq(scores, normal_scores(np.asarray(truth)), rcond=None)
    return [float(score) for score in scores @ weights]


def show(title: str, columns: Columns, choices: Sequence[Sequence[str]], truth: Sequence[float]) -> None:
    """Print a table."""
    print(f"\n{title}\n\n| ranks of | Spearman | NDCG@10 |\n|---|---|---|")
    rankings = [(", ".join(names), together(columns, names)) for names in choices]
    for name, scores in (*rankings, ("*all, fitted to the labels*", fitted(columns, truth))):
        found: Any = spearmanr(scores, truth)
        print(f"| {name} | {found.statistic:.4f} | {ndcg(scores, truth):.4f} |", flush=True)


def main() -> None:
    """Predict, put together, print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--networks", type=positive, default=1000, help="how many; default: 1000, of 9,445")
    options.add_argument("--record", type=Path, help="the record of benchmarks.proxies")
    options.add_argument("--folder", type=Path, default=Path("search_runs"), help="weights; default: search_runs")
    chosen = options.parse_args()
    own = read(chosen.record) if chosen.record else {}
    rows = [row for row in sample(chosen.networks) if not own or row["arch"] in own]
    accuracy = {row["arch"]: float(row["c10_test"]) for row in table("nb201")}
    truth = [accuracy[row["arch"]] for row in rows]
    known = {
        "NAS-Bench-101 alone": trained(chosen.folder / "weights-nb101", ["nb101"]),
        "every family but NAS-Bench-201": unseen(chosen.folder),
    }
    for name, weights in known.items():
        predictor = Predictor.load(weights)
        scores = [found.score for start in range(0, len(rows), 100) for found in _predicted(predictor, rows, start)]
        compare(f"{len(rows)} networks, trained on {name}", rows, scores, own, truth)


def compare(title: str, rows: Rows, scores: Sequence[float], own: Mapping[str, Any], truth: Sequence[float]) -> None:
    """Print what a predictor's scores and proxies reach, alone and together: published ones, then ours."""
    names = ("jacov", "nwot", "synflow", "zen", "snip", "grad_norm")
    columns = {"predictor": scores, **{name: [float(row[name]) for row in rows] for name in names}}
    alone = tuple((name,) for name in columns)
    show(f"{title}, proxies as published", columns, (*TOGETHER, *alone[1:]), truth)
    if own:
        values = [own[row["arch"]]["values"] for row in rows]
        ours = {name: [_number(value[name]) for value in values] for name in (*names, *PARTS)}
        show(f"{title}, our own proxies", {"predictor": scores, **ours}, (*TOGETHER, *WITH_AZ), truth)


def _predicted(predictor: Predictor, rows: Rows, start: int) -> Sequence[Any]:
    return predictor.predict([nb201(row["arch"]) for row in rows[start : start + 100]])


def _number(value: float | None) -> float:
    return float("-inf") if value is None else value


if __name__ == "__main__":
    main()
