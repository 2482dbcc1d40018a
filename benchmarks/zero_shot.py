"""Trained on NAS-Bench-101 alone, ranking NAS-Bench-201 in CIFAR-10 test accuracy: every string, as papers count.

    NASC_DATA_DIR=... python -m benchmarks.zero_shot

`nasc evaluate --all` counts each network once, which is harder: many strings are one good or one bad network, and most
of the worst differ in edges that nothing reads. Both counts are printed, over three seeds. The rankers are those of the
model card.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from nasc.cli.arguments import positive
from nasc.predictor.datasets import Dataset, load
from nasc.predictor.evaluation import Ranking, ranking
from nasc.predictor.rankers import rankers
from nasc.predictor.tables import cell

RANKERS = ("parameters", "FLOPs", "trees", "k-GNN", "ours")
UNLEARNT = RANKERS[:2]


def main() -> None:
    """Train, rank, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=positive, default=3, help="seeds; default: 3")
    parser.add_argument("--networks", type=positive, default=4000, help="rows of NAS-Bench-101; default: 4000")
    parser.add_argument("--limit", type=positive, help="rows of NAS-Bench-201; default: all")
    parser.add_argument("--rankers", nargs="+", choices=RANKERS, default=RANKERS, metavar="NAME", help="default: all")
    chosen = parser.parse_args()
    source = load("nb101", None, chosen.networks, print).distinct()
    strings = load("nb201", None, chosen.limit, print)
    once = strings.distinct().without(set(source.digests.tolist()))
    print(
        f"\n| ranker | Spearman, {len(strings.x):,} strings | Kendall | NDCG@10 | Spearman, {len(once.x):,} networks |"
    )
    print("|---|---|---|---|---|")
    for name in chosen.rankers:
        seeds = range(1 if name in UNLEARNT else chosen.seeds)
        found = [compared(name, source, (strings, once), seed) for seed in seeds]
        counted, single = zip(*found, strict=True)
        columns = [[getattr(one, key) for one in counted] for key in ("spearman", "kendall", "ndcg10")]
        cells = [cell(values) for values in (*columns, [one.spearman for one in single])]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def compared(name: str, source: Dataset, targets: Sequence[Dataset], seed: int) -> list[Ranking]:
    """Return how well a ranker that was trained on the source ranks each target."""
    score = rankers()[name]([source], seed)
    return [ranking(score(target), target.accuracy) for target in targets]


if __name__ == "__main__":
    main()
