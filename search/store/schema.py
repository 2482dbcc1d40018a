"""The tables of the store. ``VERSION`` counts their changes: a store says which one it was made with.

Every table but ``answers`` is a study's own: its rows carry the study's id, so that one study never depends on what
another one did. Times are seconds since 1970.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

VERSION = 1

Json = dict[str, Any]


class Table(DeclarativeBase):
    """A table of the store."""

    type_annotation_map = {str: Text(), Json: JSON(), bytes: LargeBinary()}  # noqa: RUF012


class MetaRow(Table):
    """What is true of the whole store: the version of its schema."""

    __tablename__ = "nasc_meta"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class StudyRow(Table):
    """A study: its name, what was asked for, and how many evaluations are wanted."""

    __tablename__ = "studies"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(unique=True)
    settings: Mapped[Json]
    wanted: Mapped[int]
    created: Mapped[float]


class Owned(Table):
    """A row that belongs to a study."""

    __abstract__ = True

    study: Mapped[int] = mapped_column(ForeignKey("studies.id"), primary_key=True, sort_order=-1)


class RoundRow(Owned):
    """A round: the seed of its chance and how many trials it made; written with them, or not at all."""

    __tablename__ = "rounds"

    number: Mapped[int] = mapped_column(primary_key=True)
    seed: Mapped[str]
    trials: Mapped[int]
    asked: Mapped[float]


class CandidateRow(Owned):
    """A network, once however often it was proposed: the text of the first trial that had it."""

    __tablename__ = "candidates"

    digest: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    params: Mapped[int] = mapped_column(BigInteger)
    macs: Mapped[int] = mapped_column(BigInteger)


class TrialRow(Owned):
    """A proposal and what became of it. ``stage`` is the stage of the cascade that it waits for or has ended in."""

    __tablename__ = "trials"

    number: Mapped[int] = mapped_column(primary_key=True)
    round: Mapped[int]
    status: Mapped[str]
    stage: Mapped[int]
    digest: Mapped[str | None]
    repeat_of: Mapped[int | None]
    operator: Mapped[str]
    change: Mapped[str]
    why: Mapped[str]
    error: Mapped[str]
    notes: Mapped[Json]
    __table_args__ = (Index("trials_by_status", "study", "status"),)


class ParentRow(Owned):
    """An edge of the modification tree."""

    __tablename__ = "parents"

    trial: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    parent: Mapped[int]


class EvaluationRow(Owned):
    """What an evaluator measured of a trial at one stage: at most one row, whoever worked on it and how often."""

    __tablename__ = "evaluations"

    trial: Mapped[int] = mapped_column(primary_key=True)
    stage: Mapped[int] = mapped_column(primary_key=True)
    evaluator: Mapped[str]
    seed: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str]
    metrics: Mapped[Json]
    error: Mapped[str]
    seconds: Mapped[float]
    worker: Mapped[str]
    ended: Mapped[float]


class LeaseRow(Owned):
    """Who works on something (``ask``, ``trial:7``), and until when others believe it without another sign of life."""

    __tablename__ = "leases"

    task: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    expires: Mapped[float]


class AnswerRow(Table):
    """What an LLM answered, by the digest of prompt and client: paid once for all studies of the store."""

    __tablename__ = "answers"

    digest: Mapped[str] = mapped_column(primary_key=True)
    client: Mapped[str]
    prompt: Mapped[Json]
    text: Mapped[str]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    seconds: Mapped[float]
    model: Mapped[str]
    finished: Mapped[bool]
    error: Mapped[str]
    created: Mapped[float]


class CallRow(Owned):
    """A question that a round asked, in its place; ``paid`` where the answer was not known before."""

    __tablename__ = "calls"

    round: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(ForeignKey("answers.digest"))
    paid: Mapped[bool]
    cost: Mapped[float | None]


class DocumentRow(Owned):
    """What a strategy wrote down: experiences, ideas, trees. ``place`` orders a kind by age."""

    __tablename__ = "documents"

    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int]
    round: Mapped[int]
    document: Mapped[Json]


class BlobRow(Owned):
    """Bytes that a strategy keeps, such as a soft prompt."""

    __tablename__ = "blobs"

    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    round: Mapped[int]
    data: Mapped[bytes]
