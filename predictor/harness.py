"""The comparison of rankers over all families: zero-shot, one family left out, and with 50 labelled networks.

Each result is kept in a file of its own line, so that a run that was killed goes on. No network that a ranker was
trained on is ranked: networks are told apart by their digest, across families too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from .datasets import load
from .evaluation import Ranking, ranking
from .families import FAMILIES
from .fewshot import LABELS, adapt
from .rankers import Fit, rankers
from .samples import Sample, sample

SOURCE = "nb101"
SIZES = MappingProxyType({SOURCE: 4000, "nb201": 3000})
MOST = 500
"""Networks of a family that take part, where ``SIZES`` says nothing else."""

LEARNT = ("k-GNN", "trees", "trees, size", "trees, signals", "trees, signals, size")
LEFT_OUT = ("trees", "trees, size", "trees, signals, size")
ZERO, LEAVE, FEW = "zero-shot", "left out", "50 labels"


@dataclass(frozen=True, slots=True)
class Trial:
    """One cell of the tables: what was tried, with which seed, and how well it ranked."""

    protocol: str
    ranker: str
    family: str
    seed: int
    count: int
    ranking: Ranking

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What tells a trial apart."""
        return (self.protocol, self.ranker, self.family, self.seed)


@dataclass(frozen=True, slots=True)
class Plan:
    """Which families, seeds and how many networks of a family (None: as in ``SIZES`` and ``MOST``)."""

    families: tuple[str, ...] = tuple(FAMILIES)
    seeds: tuple[int, ...] = (0, 1, 2)
    limit: int | None = None
    data_dir: str | Path | None = None

    def samples(self, say: Callable[[str], None]) -> Mapping[str, Sample]:
        """Return the families, each network once."""
        found: dict[str, Sample] = {}
        for name in self.families:
            size = SIZES.get(name, MOST) if self.limit is None else self.limit
            found[name] = sample(load(name, self.data_dir, size, say).distinct())
        return found


def related(name: str, other: str) -> bool:
    """Return whether two families are one space of networks, so that leaving one out means leaving both out."""
    spaces = ("nds_darts",)
    return name == other or any(name.startswith(s) and other.startswith(s) for s in spaces)


def compare(plan: Plan, record: Path, say: Callable[[str], None]) -> list[Trial]:
    """Return all trials of a plan; those in the record are not tried again. Raises NascError without tables."""
    known = {trial.key: trial for trial in read(record)}
    samples = plan.samples(say)
    record.parent.mkdir(parents=True, exist_ok=True)
    with record.open("a", encoding="utf-8") as file:
        for trial in _trials(plan, samples, set(known)):
            known[trial.key] = trial
            file.write(json.dumps(asdict(trial)) + "\n")
            file.flush()
            say(f"{trial.protocol}, {trial.ranker}, {trial.family}, seed {trial.seed}: {trial.ranking.spearman:.3f}")
    return list(known.values())


def read(record: Path) -> list[Trial]:
    """Return the trials of a record; a last line that was cut off is left out."""
    if not record.is_file():
        return []
    found: list[Trial] = []
    for line in record.read_text(encoding="utf-8").splitlines():
        try:
            data: dict[str, Any] = json.loads(line)
        except json.JSONDecodeError:
            continue
        data["ranking"] = Ranking(**data["ranking"])
        found.append(Trial(**data))
    return found


def _trials(plan: Plan, samples: Mapping[str, Sample], known: set[tuple[str, str, str, int]]) -> Iterator[Trial]:
    fits = rankers()
    for name, fit in fits.items():
        seeds = plan.seeds if name in LEARNT else (0,)
        yield from _fitted(ZERO, name, fit, [samples[SOURCE]], list(samples.values()), seeds, known)
    for name in LEFT_OUT:
        for target in samples.values():
            sources = [s for s in samples.values() if not related(s.name, target.name)]
            yield from _fitted(LEAVE, name, fits[name], sources, [target], plan.seeds, known)
            yield from _few(name, fits[name], sources, target, plan.seeds, known)


def _fitted(
    protocol: str,
    name: str,
    fit: Fit,
    sources: Sequence[Sample],
    targets: Sequence[Sample],
    seeds: Sequence[int],
    known: set[tuple[str, str, str, int]],
) -> Iterator[Trial]:
    for seed in seeds:
        wanted = [t for t in targets if (protocol, name, t.name, seed) not in known]
        wanted = [t for t in wanted if protocol != ZERO or t.name != SOURCE]
        if not wanted:
            continue
        score = fit(sources, seed)
        seen = {digest for s in sources for digest in s.data.digests.tolist()}
        for target in wanted:
            rest = target.without(seen)
            yield Trial(protocol, name, target.name, seed, len(rest.x), ranking(score(rest), rest.accuracy))


def _few(
    name: str,
    fit: Fit,
    sources: Sequence[Sample],
    target: Sample,
    seeds: Sequence[int],
    known: set[tuple[str, str, str, int]],
) -> Iterator[Trial]:
    """Rank a family by a ranker of the others that was then shown some of its networks, drawn by the seed."""
    for seed in seeds:
        if (FEW, name, target.name, seed) in known or len(target.x) < 2 * LABELS:
            continue
        order = np.random.default_rng(seed).permutation(len(target.x))
        shown, rest = target.take(order[:LABELS]), target.take(order[LABELS:])
        rest = rest.without({d for s in sources for d in s.data.digests.tolist()})
        score = adapt(fit(sources, seed), shown)
        yield Trial(FEW, name, target.name, seed, len(rest.x), ranking(score(rest), rest.accuracy))
