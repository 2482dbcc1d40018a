"""The comparison of rankers over all families: zero-shot, one family left out, and with 50 labelled networks.

Each result is kept in a file of its own line, so that a run that was killed goes on. No network that a ranker was
trained on is ranked: networks are told apart by their digest, across families too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ..ir import NascError
from .datasets import Dataset, Score, load
from .evaluation import Ranking, ranking
from .families import FAMILIES, related
from .fewshot import LABELS, adapt
from .fitting import error_left_out
from .rankers import Fit, rankers
from .records import adding, recorded
from .targets import knots, normal_scores
from .training import SHIPPED_FAMILIES, Config

SOURCE = "nb101"
SIZES = MappingProxyType({SOURCE: 4000, "nb201": 3000})
MOST = 500
"""Networks of a family that take part, where ``SIZES`` says nothing else."""

MODELS = 60
"""Named models of a library that take part: each takes seconds to read."""

OURS = "ours"
UNLEARNT = ("parameters", "FLOPs")
SLOW = ("k-GNN", "thesis")
"""Rankers that are tried with the first seed alone where each family is left out; the last of them always."""

ABLATED = ("ours, trees alone", "ours and encoder", "thesis")
"""Rankers that are only tried zero-shot: to train them for each family left out takes hours."""

ADAPTED = ("parameters", "k-GNN", "ours")
"""Rankers that are told of 50 labelled networks."""

NINETY = 1.645
"""Half the width of a normal distribution's 90% interval, in standard deviations."""

ZERO, LEAVE, FEW = "zero-shot", "left out", "50 labels"
Key = tuple[str, str, str, int]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trial:
    """One cell of the tables: what was tried, with which seed, and how well it ranked.

    ``mae`` is the mean absolute error of the accuracy where some family that was trained on has the same task, and
    ``coverage`` the share of networks in their 90% interval, scores and targets of the family each less their mean.
    ``limit`` is the plan's.
    """

    protocol: str
    ranker: str
    family: str
    seed: int
    count: int
    ranking: Ranking
    mae: float | None = None
    coverage: float | None = None
    limit: int | None = None

    @property
    def key(self) -> Key:
        """What tells a trial apart."""
        return (self.protocol, self.ranker, self.family, self.seed)

    def as_json(self) -> dict[str, object]:
        """Return plain data."""
        return {**asdict(self), "ranking": self.ranking.as_json()}


@dataclass(frozen=True, slots=True)
class Plan:
    """Which families, seeds and how many networks of a family (None: as in ``SIZES`` and ``MOST``)."""

    families: tuple[str, ...] = tuple(FAMILIES)
    seeds: tuple[int, ...] = (0, 1, 2)
    limit: int | None = None
    data_dir: str | Path | None = None

    def samples(self, say: Callable[[str], None]) -> Mapping[str, Dataset]:
        """Return the families, each network once."""
        found: dict[str, Dataset] = {}
        for name in self.families:
            size = SIZES.get(name, MODELS if FAMILIES[name].decoder == "model" else MOST)
            found[name] = load(name, self.data_dir, size if self.limit is None else self.limit, say).distinct()
        return found


def compare(plan: Plan, record: Path, say: Callable[[str], None]) -> list[Trial]:
    """Return all trials of a plan; those in the record, of the same limit, are not tried again. Raises NascError."""
    known = {trial.key: trial for trial in read(record) if trial.limit == plan.limit}
    samples = plan.samples(say)
    record.parent.mkdir(parents=True, exist_ok=True)
    with adding(record) as add:
        for found in _trials(plan, samples, set(known)):
            trial = known[found.key] = replace(found, limit=plan.limit)
            add(asdict(trial))
            say(f"{trial.protocol}, {trial.ranker}, {trial.family}, seed {trial.seed}: {trial.ranking.spearman:.3f}")
    return list(known.values())


def read(record: Path) -> list[Trial]:
    """Return the trials of a record but a line that was cut off. Raises NascError for a file of another kind."""
    try:
        return [Trial(ranking=Ranking(**row.pop("ranking")), **row) for row in recorded(record)]
    except (LookupError, TypeError):
        raise NascError.of(
            f"{record} holds what is no trial", "name a record of `nasc evaluate --all`, or a new file", "record"
        ) from None


def _trials(plan: Plan, samples: Mapping[str, Dataset], known: set[Key]) -> Iterator[Trial]:
    fits, targets = rankers(), list(samples.values())
    for name, fit in fits.items():
        for seed in plan.seeds[:1] if name in (*UNLEARNT, SLOW[1]) else plan.seeds:
            wanted = [t for t in targets if t.name != SOURCE and (ZERO, name, t.name, seed) not in known]
            if wanted:
                yield from _fitted((ZERO, name, seed), fit, [samples[SOURCE]], wanted)
    for name in (name for name in fits if name not in ABLATED):
        for seed in plan.seeds[:1] if name in (*UNLEARNT, *SLOW) else plan.seeds:
            wanted = [t for t in targets if (LEAVE, name, t.name, seed) not in known]
            yield from _left_out((LEAVE, name, seed), fits[name], targets, wanted)


def _left_out(
    tried: tuple[str, str, int], fit: Fit, samples: Sequence[Dataset], wanted: Sequence[Dataset]
) -> Iterator[Trial]:
    """Train a ranker once for each target, on the others; what hardly was trained itself is never trained on."""
    for target in wanted:
        good = [s for s in samples if s.name in SHIPPED_FAMILIES and not related(s.name, target.name)]
        if good:
            yield from _fitted(tried, fit, good, [target])


def _fitted(
    tried: tuple[str, str, int], fit: Fit, sources: Sequence[Dataset], targets: Sequence[Dataset]
) -> Iterator[Trial]:
    """Train a ranker once and rank each target by it, last after it was shown some networks of the target."""
    protocol, name, seed = tried
    score = fit(sources, seed)
    seen = {digest for s in sources for digest in s.digests.tolist()}
    for target in targets:
        rest = target.without(seen)
        if not len(rest.x):
            continue
        if protocol == LEAVE and name in ADAPTED and len(rest.x) >= 2 * LABELS:
            yield _few(name, score, rest, seed)
        scores = score(rest)
        mae = None if name in UNLEARNT else _error(score, scores, sources, rest)
        inside = _coverage(scores, sources, rest) if protocol == LEAVE and name == OURS else None
        yield Trial(protocol, name, target.name, seed, len(rest.x), ranking(scores, rest.accuracy), mae, inside)


def _few(name: str, score: Score, target: Dataset, seed: int) -> Trial:
    """Rank a family by a ranker that was shown some of its networks, drawn by the seed."""
    order = np.random.default_rng(seed).permutation(len(target.x))
    shown, rest = target.take(order[:LABELS]), target.take(order[LABELS:])
    return Trial(FEW, name, target.name, seed, len(rest.x), ranking(adapt(score, shown)(rest), rest.accuracy))


def _error(score: Score, scores: Floats, sources: Sequence[Dataset], target: Dataset) -> float | None:
    """Return the mean absolute error of the accuracy, read from the first source of the same task."""
    task = target.family.task
    for source in sources:
        if source.family.task == task:
            x, y = np.array(knots(score(source), source.labels[:, 0])).T
            return float(np.mean(np.abs(1 / (1 + np.exp(-np.interp(scores, x, y))) - target.accuracy)))
    return None


def _coverage(scores: Floats, sources: Sequence[Dataset], target: Dataset) -> float:
    deviation = error_left_out(sources, Config())
    error = scores - scores.mean() - normal_scores(target.accuracy)
    return float(np.mean(np.abs(error) <= NINETY * deviation))
