"""The work of a study: what is to be done, who has it, and what came of it. Every change is one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ...ir import NascError
from ..engine.drafts import Draft
from ..engine.memory import RoundMemory
from ..engine.trial import OPEN
from ..evaluators import Outcome
from .database import Database
from .leases import Leases
from .schema import (
    BlobRow,
    CandidateRow,
    DocumentRow,
    EvaluationRow,
    ParentRow,
    RoundRow,
    StudyRow,
    TrialRow,
)
from .wording import clean


@dataclass(frozen=True, slots=True)
class Task:
    """A trial to evaluate at one stage of the cascade: its network as text, and the seed of the evaluation.

    ``measures`` are evaluators by the metric that they add where the network is done: ``latency``.
    """

    number: int
    stage: int
    evaluator: str
    text: str
    seed: int
    measures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """How far a study is.

    ``wanted`` evaluations were asked for and ``evaluated`` are over, of ``proposals`` trials in ``rounds`` rounds;
    the last round made ``last`` trials (-1: there is no round). ``open`` trials are not over, ``waiting`` of them for
    the others' scores.
    """

    wanted: int
    evaluated: int
    proposals: int
    rounds: int
    last: int
    open: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Plan:
    """How trials are evaluated: the stages of the cascade, what is measured after the last one, the seed."""

    stages: tuple[str, ...]
    measures: tuple[str, ...] = ()
    seed: int = 0


class Work:
    """The work of one study, as one process does it."""

    def __init__(self, database: Database, study: int, leases: Leases, plan: Plan) -> None:
        """Work on a study in a store."""
        self._database, self._study, self._leases = database, study, leases
        self._stages, self._plan = plan.stages, plan
        self._held: dict[int, int] = {}

    def state(self) -> State:
        """Return how far the study is."""
        with self._database.reading() as session:
            wanted = session.get_one(StudyRow, self._study).wanted
            turns = session.scalars(select(RoundRow).where(RoundRow.study == self._study)).all()
            rows = self._open(session)
            scored = self._scored(session, rows)
            over = (EvaluationRow.stage == len(self._stages) - 1, EvaluationRow.status.in_(("done", "failed")))
            mine = select(func.count()).where(EvaluationRow.study == self._study, *over)
            return State(
                wanted,
                session.scalar(mine) or 0,
                sum(turn.trials for turn in turns),
                len(turns),
                max(turns, key=lambda turn: turn.number).trials if turns else -1,
                len(rows),
                sum((row.number, row.stage) in scored for row in rows),
            )

    def claim(self, limit: int | None) -> list[Task]:
        """Return tasks that nobody works on, at most ``limit``, from now on this process's."""
        with self._database.reading() as session:
            if not self._free(session):
                return []
        with self._database.writing(self._study) as session:
            rows = self._free(session)[:limit]
            for row in rows:
                self._leases.take(session, _lease(row.number))
                row.status = "running"
                self._held[row.number] = row.stage
            return [self._task(session, row) for row in rows]

    def task(self, number: int) -> Task:
        """Return the task that a trial is at now. Raises NascError where there is no such trial, or no network."""
        with self._database.reading() as session:
            row = session.get(TrialRow, (self._study, number))
            if row is None or row.digest is None:
                what = f"there is no trial {number}" if row is None else f"trial {number} is {row.status}"
                raise NascError.of(
                    f"{what}: nothing can be told of it", "expected the number of an asked trial", "study"
                )
            return self._task(session, row)

    def settle(self, task: Task, outcome: Outcome) -> bool:
        """Keep the outcome of a task; return whether it is the first one for it: others do not count."""
        last = task.stage == len(self._stages) - 1
        with self._database.writing(self._study) as session:
            self._leases.drop(session, _lease(task.number))
            self._held.pop(task.number, None)
            row = session.get_one(TrialRow, (self._study, task.number))
            place = (self._study, task.number, task.stage)
            if row.status not in OPEN or session.get(EvaluationRow, place) is not None:
                return False
            session.add(self._evaluation(task, outcome, self._database.now(session)))
            row.status = outcome.status if last or outcome.status != "done" else "pending"
            row.error = clean(outcome.error)
            return True

    def release(self, task: Task) -> None:
        """Give a task back, for anybody to take."""
        with self._database.writing(self._study) as session:
            self._leases.drop(session, _lease(task.number))
            self._held.pop(task.number, None)

    def forget(self) -> None:
        """Forget what this process has: its leases were given back."""
        self._held.clear()

    def waiting(self) -> list[tuple[int, int, dict[str, float]]]:
        """Return number, stage and metrics of the open trials that were scored at their stage."""
        with self._database.reading() as session:
            rows = self._open(session)
            scored = self._scored(session, rows)
            return [
                (row.number, row.stage, scored[row.number, row.stage])
                for row in rows
                if (row.number, row.stage) in scored
            ]

    def promote(self, stage: int, numbers: Sequence[int], chosen: Sequence[int]) -> None:
        """Send the chosen trials of those that wait at a stage on to the next one; the others are filtered."""
        with self._database.writing(self._study) as session:
            for row in self._open(session):
                if row.stage == stage and row.number in numbers:
                    row.stage, row.status = (stage + 1, "pending") if row.number in chosen else (stage, "filtered")

    def reserve(self, turn: int) -> bool:
        """Take the right to ask a round that is due; return whether nobody else has it."""
        with self._database.writing(self._study) as session:
            there = session.get(RoundRow, (self._study, turn)) is not None
            return not there and not self._open(session) and self._leases.take(session, "ask")

    def stop_asking(self) -> None:
        """Give back the right to ask."""
        with self._database.writing(self._study) as session:
            self._leases.drop(session, "ask")

    def keep(self, turn: int, seed: str, drafts: Sequence[Draft], memory: RoundMemory) -> bool:
        """Keep a round, its trials and what was written down, or nothing; return whether nobody was faster."""
        with self._database.writing(self._study) as session:
            self._leases.drop(session, "ask")
            if session.get(RoundRow, (self._study, turn)) is not None:
                return False
            asked = self._database.now(session)
            session.add(RoundRow(study=self._study, number=turn, seed=seed, trials=len(drafts), asked=asked))
            for draft in drafts:
                self._add(session, turn, draft)
            self._remember(session, turn, memory)
            return True

    def _open(self, session: Session) -> Sequence[TrialRow]:
        query = select(TrialRow).where(TrialRow.study == self._study, TrialRow.status.in_(OPEN))
        return session.scalars(query.order_by(TrialRow.number)).all()

    def _scored(self, session: Session, rows: Sequence[TrialRow]) -> dict[tuple[int, int], dict[str, float]]:
        numbers = [row.number for row in rows]
        query = select(EvaluationRow).where(EvaluationRow.study == self._study, EvaluationRow.trial.in_(numbers))
        return {(row.trial, row.stage): row.metrics for row in session.scalars(query)}

    def _free(self, session: Session) -> list[TrialRow]:
        rows = self._open(session)
        scored = self._scored(session, rows)
        tasks = {
            _lease(row.number): row
            for row in rows
            if (row.number, row.stage) not in scored and self._held.get(row.number) != row.stage
        }
        return [tasks[task] for task in self._leases.free(session, tasks)]

    def _task(self, session: Session, row: TrialRow) -> Task:
        assert row.digest is not None
        candidate = session.get_one(CandidateRow, (self._study, row.digest))
        drawn = sha256(f"{self._plan.seed} {row.digest}".encode()).digest()
        measures = self._plan.measures if row.stage == len(self._stages) - 1 else ()
        seed = int.from_bytes(drawn[:4])
        return Task(row.number, row.stage, self._stages[row.stage], candidate.text, seed, measures)

    def _evaluation(self, task: Task, outcome: Outcome, now: float) -> EvaluationRow:
        return EvaluationRow(
            study=self._study,
            trial=task.number,
            stage=task.stage,
            evaluator=task.evaluator,
            seed=task.seed,
            status=outcome.status,
            metrics={name: float(value) for name, value in outcome.metrics.items()},
            error=clean(outcome.error),
            seconds=outcome.seconds,
            worker=self._leases.worker,
            ended=now,
        )

    def _add(self, session: Session, turn: int, draft: Draft) -> None:
        study, proposal = self._study, draft.proposal
        session.add(
            TrialRow(
                study=study,
                number=draft.number,
                round=turn,
                status=draft.status,
                stage=0,
                digest=draft.digest,
                repeat_of=draft.repeat_of,
                operator=clean(proposal.operator),
                change=clean(proposal.change),
                why=clean(proposal.why),
                error=clean(draft.error),
                notes=dict(draft.notes),
            )
        )
        if draft.text and draft.size is not None:
            size = draft.size
            row = CandidateRow(study=study, digest=draft.digest, text=draft.text, params=size.params, macs=size.macs)
            session.add(row)
        for position, parent in enumerate(proposal.parents):
            session.add(ParentRow(study=study, trial=draft.number, position=position, parent=parent))

    def _remember(self, session: Session, turn: int, memory: RoundMemory) -> None:
        known = select(func.max(DocumentRow.place)).where(DocumentRow.study == self._study)
        place = session.scalar(known)
        following = 0 if place is None else place + 1
        for (kind, key), document in memory.written.items():
            row = session.get(DocumentRow, (self._study, kind, key))
            if row is None:
                row = DocumentRow(study=self._study, kind=kind, key=key, place=following)
                session.add(row)
                following += 1
            row.round, row.document = turn, clean(dict(document))
        for (kind, key), data in memory.blobs.items():
            session.merge(BlobRow(study=self._study, kind=kind, key=key, round=turn, data=data))


def _lease(number: int) -> str:
    return f"trial {number}"
