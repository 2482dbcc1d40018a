"""The trials of a study, put together from their tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ...ir import Module
from ..engine.trial import OPEN
from .records import StoredTrial
from .schema import CandidateRow, EvaluationRow, ParentRow, TrialRow


class Trials:
    """Reads the trials of one study, again and again.

    A trial that is decided never changes, so those before the first open one are read once: what a round reads is what
    it made, not what the study has become. ``networks`` are those that were looked at, by digest.
    """

    def __init__(self, study: int) -> None:
        self.networks: dict[str, Module] = {}
        self._study = study
        self._decided: tuple[StoredTrial, ...] = ()

    def read(self, session: Session) -> tuple[StoredTrial, ...]:
        """Return all trials in their order, open ones too."""
        known = list(self._decided)
        later = _Rows(session, self._study, len(known))
        for row in later.trials:
            origin = None if row.repeat_of is None else known[row.repeat_of]
            known.append(later.trial(row, self.networks, origin))
        undecided = (trial.number for trial in known[len(self._decided) :] if trial.status in OPEN)
        self._decided = tuple(known[: next(undecided, len(known))])
        return tuple(known)


class _Rows:
    """The rows of the trials of a study from a number on."""

    def __init__(self, session: Session, study: int, first: int) -> None:
        def rows(table: type[Any], *where: Any, order: Any) -> Sequence[Any]:
            return session.scalars(select(table).where(table.study == study, *where).order_by(order)).all()

        self.trials: Sequence[TrialRow] = rows(TrialRow, TrialRow.number >= first, order=TrialRow.number)
        digests = select(TrialRow.digest).where(TrialRow.study == study, TrialRow.number >= first)
        named = rows(CandidateRow, CandidateRow.digest.in_(digests), order=CandidateRow.digest)
        self.candidates: dict[str, CandidateRow] = {row.digest: row for row in named}
        self.parents = defaultdict[int, list[int]](list)
        for row in rows(ParentRow, ParentRow.trial >= first, order=ParentRow.position):
            self.parents[row.trial].append(row.parent)
        self.measured = defaultdict[int, list[EvaluationRow]](list)
        for row in rows(EvaluationRow, EvaluationRow.trial >= first, order=EvaluationRow.stage):
            self.measured[row.trial].append(row)

    def trial(self, row: TrialRow, networks: dict[str, Module], origin: StoredTrial | None) -> StoredTrial:
        """Return one trial; a repeat has the metrics of the trial that it repeats, its ``origin``."""
        candidate = self.candidates.get(row.digest or "")
        measured = self.measured.get(row.number, ())
        return StoredTrial(
            candidate.text if candidate else "",
            networks,
            number=row.number,
            round=row.round,
            status=row.status,
            digest=row.digest or "",
            parents=tuple(self.parents.get(row.number, ())),
            operator=row.operator,
            change=row.change,
            why=row.why,
            error=row.error,
            notes=row.notes,
            metrics=dict(origin.metrics) if origin else _metrics(row.status, candidate, measured),
            repeat_of=row.repeat_of,
            seconds=sum(found.seconds for found in measured),
        )


def _metrics(status: str, candidate: CandidateRow | None, measured: Sequence[EvaluationRow]) -> Mapping[str, float]:
    """Return sizes and what was measured; what an evaluator calls ``params`` or ``macs`` does not count.

    ``score`` is that of the last stage of a cascade; where that was not reached the score is ``first_score``.
    """
    if candidate is None:
        return {}
    sizes: dict[str, float] = {"params": candidate.params, "macs": candidate.macs}
    metrics = dict(sizes)
    for found in measured:
        metrics.update(found.metrics)
    metrics.update(sizes)
    if status != "done" and "score" in metrics:
        metrics["first_score"] = metrics.pop("score")
    return metrics
