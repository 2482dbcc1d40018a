"""A study as the store has it, to be read: settings, rounds, trials, evaluations, calls, documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from ...ir import Module
from ..engine.settings import Settings
from .database import Database
from .records import Call, Evaluation, Round, read_network
from .schema import (
    AnswerRow,
    BlobRow,
    CallRow,
    CandidateRow,
    DocumentRow,
    EvaluationRow,
    RoundRow,
    StudyRow,
)
from .trials import Trials

if TYPE_CHECKING:
    from ..engine.trial import Trial


class StoredStudy:
    """A study in a store. Every method reads what is there now."""

    def __init__(self, database: Database, identity: int) -> None:
        """Name a study by its row."""
        self.database = database
        self.id = identity
        self._trials = Trials(identity)

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
            return self._trials.read(session)

    def evaluations(self) -> tuple[Evaluation, ...]:
        """Return all evaluations, by trial and stage."""
        with self.database.reading() as session:
            rows = select(EvaluationRow).where(EvaluationRow.study == self.id)
            ordered = rows.order_by(EvaluationRow.trial, EvaluationRow.stage)
            return tuple(map(_evaluation, session.scalars(ordered)))

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
            return read_network(row.text, digest, self._trials.networks) if row else None

    def _row(self) -> StudyRow:
        with self.database.reading() as session:
            return session.get_one(StudyRow, self.id)


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
