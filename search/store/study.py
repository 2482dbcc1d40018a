"""A study as the store has it, to be read: settings, rounds, trials, evaluations, calls, documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ...ir import Module
from ..engine.settings import Settings
from .database import Database
from .records import Call, Evaluation, Round, StoredTrial, read_network
from .schema import (
    AnswerRow,
    BlobRow,
    CallRow,
    CandidateRow,
    DocumentRow,
    EvaluationRow,
    ParentRow,
    RoundRow,
    StudyRow,
    TrialRow,
)

if TYPE_CHECKING:
    from ..engine.trial import Trial


class StoredStudy:
    """A study in a store. Every method reads what is there now."""

    def __init__(self, database: Database, identity: int) -> None:
        """Name a study by its row."""
        self.database = database
        self.id = identity
        self._networks: dict[str, Module] = {}

    @property
    def name(self) -> str:
        """The name that the user gave."""
        return self._row().name

    @property
    def settings(self) -> Settings:
        """What was asked for: method, start, evaluator, limits, seed ..."""
        return Settings.from_json(self._row().settings)

    @property
    def wanted(self) -> int:
        """How many evaluations are wanted."""
        return self._row().wanted

    @property
    def created(self) -> float:
        """When the study was begun, in seconds since 1970."""
        return self._row().created

    def rounds(self) -> tuple[Round, ...]:
        """Return all rounds in order."""
        with self.database.reading() as session:
            rows = session.scalars(select(RoundRow).where(RoundRow.study == self.id).order_by(RoundRow.number))
            return tuple(Round(row.number, row.seed, row.trials, row.asked) for row in rows)

    def trials(self) -> tuple[Trial, ...]:
        """Return all trials in their order, pending ones too; networks are parsed when they are looked at."""
        with self.database.reading() as session:
            return _Trials(session, self.id, self._networks).all()

    def evaluations(self) -> tuple[Evaluation, ...]:
        """Return all evaluations, by trial and stage."""
        with self.database.reading() as session:
            return tuple(map(_evaluation, _rows(session, EvaluationRow, self.id, EvaluationRow.trial)))

    def calls(self) -> tuple[Call, ...]:
        """Return all calls of the LLM, by round and place in it."""
        query = (
            select(CallRow, AnswerRow)
            .join(AnswerRow, CallRow.digest == AnswerRow.digest)
            .where(CallRow.study == self.id)
            .order_by(CallRow.round, CallRow.position)
        )
        with self.database.reading() as session:
            return tuple(_call(call, answer) for call, answer in session.execute(query))

    def tokens(self) -> int:
        """Return the tokens that were paid for, of prompts and answers."""
        spent = func.sum(AnswerRow.prompt_tokens + AnswerRow.completion_tokens)
        query = select(spent).join(CallRow, CallRow.digest == AnswerRow.digest)
        with self.database.reading() as session:
            return int(session.scalar(query.where(CallRow.study == self.id, CallRow.paid)) or 0)

    def documents(self, kind: str | None = None) -> Sequence[tuple[str, Mapping[str, object]]]:
        """Return the documents of a kind with their keys, oldest first; of all kinds, keyed ``kind/key``, for None."""
        with self.database.reading() as session:
            query = select(DocumentRow).where(DocumentRow.study == self.id)
            if kind is not None:
                query = query.where(DocumentRow.kind == kind)
            rows = session.scalars(query.order_by(DocumentRow.kind, DocumentRow.place))
            return [(row.key if kind is not None else f"{row.kind}/{row.key}", row.document) for row in rows]

    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of documents that there are."""
        with self.database.reading() as session:
            query = select(DocumentRow.kind).where(DocumentRow.study == self.id).distinct()
            return tuple(sorted(session.scalars(query)))

    def blob(self, kind: str, key: str) -> bytes | None:
        """Return bytes that the strategy kept, or None."""
        with self.database.reading() as session:
            row = session.get(BlobRow, (self.id, kind, key))
            return row.data if row else None

    def network(self, digest: str) -> Module | None:
        """Return the candidate with a digest, or None."""
        with self.database.reading() as session:
            row = session.get(CandidateRow, (self.id, digest))
            return read_network(row.text, digest, self._networks) if row else None

    def _row(self) -> StudyRow:
        with self.database.reading() as session:
            return session.get_one(StudyRow, self.id)


class _Trials:
    """Puts the trials of a study together from their tables."""

    def __init__(self, session: Session, study: int, networks: dict[str, Module]) -> None:
        self.networks = networks
        self.rows = {row.number: row for row in _rows(session, TrialRow, study, TrialRow.number)}
        self.texts = {row.digest: row for row in _rows(session, CandidateRow, study, CandidateRow.digest)}
        self.parents: dict[int, list[int]] = {}
        for row in _rows(session, ParentRow, study, ParentRow.position):
            self.parents.setdefault(row.trial, []).append(row.parent)
        self.measured: dict[int, list[EvaluationRow]] = {}
        for found in _rows(session, EvaluationRow, study, EvaluationRow.stage):
            self.measured.setdefault(found.trial, []).append(found)

    def all(self) -> tuple[StoredTrial, ...]:
        """Return all trials in order."""
        return tuple(map(self.trial, self.rows.values()))

    def trial(self, row: TrialRow) -> StoredTrial:
        """Return one trial; a repeat has the metrics of the trial that it repeats."""
        candidate = self.texts.get(row.digest or "")
        return StoredTrial(
            candidate.text if candidate else "",
            self.networks,
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
            metrics=self.metrics(row, candidate),
            repeat_of=row.repeat_of,
            seconds=sum(found.seconds for found in self.measured.get(row.number, ())),
        )

    def metrics(self, row: TrialRow, candidate: CandidateRow | None) -> dict[str, float]:
        """Return sizes and what was measured; what an evaluator calls ``params`` or ``macs`` does not count.

        ``score`` is that of the last stage of a cascade; where that was not reached the score is ``first_score``.
        """
        if candidate is None:
            return {}
        sizes: dict[str, float] = {"params": candidate.params, "macs": candidate.macs}
        metrics = dict(sizes)
        origin = row if row.repeat_of is None else self.rows[row.repeat_of]
        for found in self.measured.get(origin.number, ()):
            metrics.update(found.metrics)
        metrics.update(sizes)
        if origin.status != "done" and "score" in metrics:
            metrics["first_score"] = metrics.pop("score")
        return metrics


def _rows(session: Session, table: type[Any], study: int, *order: Any) -> Sequence[Any]:
    return session.scalars(select(table).where(table.study == study).order_by(*order)).all()


def _evaluation(row: EvaluationRow) -> Evaluation:
    return Evaluation(
        row.trial,
        row.stage,
        row.evaluator,
        row.seed,
        row.status,
        row.metrics,
        row.error,
        row.seconds,
        row.worker,
        row.ended,
    )


def _call(call: CallRow, answer: AnswerRow) -> Call:
    return Call(
        call.round,
        call.position,
        answer.client,
        answer.model,
        answer.prompt,
        answer.text,
        answer.prompt_tokens,
        answer.completion_tokens,
        answer.seconds,
        answer.finished,
        answer.error,
        call.paid,
        call.cost,
        call.digest,
    )
