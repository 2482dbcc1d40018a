"""The recipe of the thesis with one choice changed at a time.

    NASC_DATA_DIR=... python -m benchmarks.thesis --record thesis.jsonl

Each variant is trained on NAS-Bench-101 alone and ranks networks of it that it has not seen, and the other families. A
ranker that gives all networks of a family one score counts as 0 there. The choices were not made by this table: it
says what each is worth. A line of the record is a variant and a seed, so that a run that was broken off goes on.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isnan
from pathlib import Path
from statistics import mean

import numpy as np

from nasc.predictor.datasets import Dataset, load
from nasc.predictor.evaluation import ranking
from nasc.predictor.families import FAMILIES
from nasc.predictor.tables import cell
from nasc.predictor.thesis.encoder import KINDS, TOGETHER, Shape
from nasc.predictor.thesis.pretraining import Pretraining
from nasc.predictor.thesis.recipe import Recipe

SOURCE = "nb101"
HELD_OUT = 400
SMALL = 150
"""Nodes a network, on average, up to which a family is pretrained on: attention grows with the square of the nodes."""
TARGETS = tuple(
    name for name, family in FAMILIES.items() if name != SOURCE and family.decoder != "model" and "_lr" not in name
)


@dataclass(frozen=True)
class Line:
    """A variant under a seed: Spearman by family, and seconds of training."""

    variant: str
    seed: int
    width: int
    graphs: int
    seconds: float
    spearman: Mapping[str, float]

    @property
    def key(self) -> tuple[str, int, int, int]:
        """What tells lines apart."""
        return self.variant, self.seed, self.width, self.graphs

    @property
    def transfer(self) -> float:
        """The mean over the families that it was not trained on."""
        return mean(self.spearman[family] for family in TARGETS)


def variants(width: int, graphs: int, unlabelled: Sequence[Dataset]) -> Mapping[str, Recipe]:
    """Return the recipe, and the recipe with one choice changed, by name."""
    shape, training = Shape(width), Pretraining()
    plain = Recipe(shape, training, graphs)
    return {
        "the recipe": plain,
        "all attributes in one embedding": replace(plain, shape=replace(shape, attributes=TOGETHER)),
        "kinds of ops alone": replace(plain, shape=replace(shape, attributes=KINDS)),
        "GIN alone": replace(plain, shape=replace(shape, heads=0)),
        "attention alone": replace(plain, shape=replace(shape, layers=0)),
        "three GIN layers": replace(plain, shape=replace(shape, layers=3)),
        "attention along the flow": replace(plain, shape=replace(shape, flow=True)),
        "hard labels": replace(plain, pretraining=replace(training, soft=False)),
        "no contrastive loss": replace(plain, pretraining=replace(training, contrast=0.0)),
        "no reconstruction": replace(plain, pretraining=replace(training, rebuild=0.0)),
        "temperature of 0.1 throughout": replace(plain, pretraining=replace(training, hot=0.1, cold=0.1)),
        "no pretraining": replace(plain, pretraining=replace(training, passes=0)),
        "pretrained on other families too, unlabelled": replace(plain, unlabelled=tuple(unlabelled)),
        "one expert": replace(plain, components=1),
        "ranking loss": replace(plain, loss="pairs"),
        "encoder tuned by labels": replace(plain, tuned=2),
        "encoder tuned by labels, ranking loss": replace(plain, tuned=2, loss="pairs"),
        "statistics beside embeddings": replace(plain, statistics=True),
        "three members": replace(plain, members=3),
    }


def options() -> argparse.Namespace:
    """Return what the user wants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", type=Path, default=Path("thesis.jsonl"), help="results; default: thesis.jsonl")
    parser.add_argument("--width", type=int, default=256, help="numbers of GIN and of attention; default: 256")
    parser.add_argument("--graphs", type=int, default=1000, help="networks that are trained on; default: 1000")
    parser.add_argument("--networks", type=int, default=200, help="networks a family that are ranked; default: 200")
    parser.add_argument("--seeds", type=int, default=3, help="seeds; default: 3")
    parser.add_argument("--only", nargs="+", default=[], help="names of variants; default: all")
    return parser.parse_args()


def main() -> None:
    """Train, rank, record, print."""
    chosen = options()
    data = {name: load(name, None, chosen.networks, print).distinct() for name in TARGETS}
    both = load(SOURCE, None, max(chosen.graphs, 1000) + HELD_OUT, print).distinct()
    source, data[SOURCE] = (both.take(part) for part in np.split(np.arange(len(both.x)), [-HELD_OUT]))
    small = [one for name, one in data.items() if name != SOURCE and mean(len(g.kinds) for g in one.layouts) < SMALL]
    all_of_them = variants(chosen.width, chosen.graphs, small)
    known = {line.key: line for line in read(chosen.record)}
    for seed in range(chosen.seeds):
        for name in chosen.only or all_of_them:
            key = (name, seed, chosen.width, chosen.graphs)
            if key not in known:
                known[key] = tried(all_of_them[name], source, data, key)
                with chosen.record.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(known[key])) + "\n")
    table([line for line in known.values() if (line.width, line.graphs) == (chosen.width, chosen.graphs)])


def read(record: Path) -> list[Line]:
    """Return the lines of a record."""
    lines = record.read_text(encoding="utf-8").splitlines() if record.is_file() else []
    return [Line(**json.loads(line)) for line in lines]


def tried(recipe: Recipe, source: Dataset, data: Mapping[str, Dataset], key: tuple[str, int, int, int]) -> Line:
    """Return how well a variant ranks each family, and how long it took to train."""
    began = time.process_time()
    score = recipe([source], key[1])
    seconds = time.process_time() - began
    seen = set(source.digests.tolist())
    found = {family: target.without(seen) for family, target in data.items()}
    ranked = {family: ranking(score(one), one.accuracy).spearman for family, one in found.items()}
    line = Line(*key, seconds, {family: 0.0 if isnan(value) else value for family, value in ranked.items()})
    print(f"{key[0]}, seed {key[1]}: {line.spearman[SOURCE]:.3f}, {line.transfer:.3f}, {seconds:.0f} s", flush=True)
    return line


def table(lines: Sequence[Line]) -> None:
    """Print a row a variant: some families, and the mean over all, over seeds."""
    shown = (SOURCE, "nb201", "transnas_micro", "macro", "channel", "ofa", "nds_amoeba")
    print(f"\n| variant | seeds | {' | '.join(shown)} | mean of the other {len(TARGETS)} | s |")
    print("|---|---|" + "---|" * (len(shown) + 2))
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(line.variant, []).append(line)
    for name, some in groups.items():
        cells = [cell([one.spearman[family] for one in some]) for family in shown]
        means = cell([one.transfer for one in some])
        seconds = mean(one.seconds for one in some)
        print(f"| {name} | {len(some)} | {' | '.join(cells)} | {means} | {seconds:.0f} |")


if __name__ == "__main__":
    main()
