"""The LLM of a study: every answer is kept in the store, and no answer that the store has is asked for again."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Final

from sqlalchemy import and_, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ...ir import Diagnostic
from ..llm import Answer, BadAnswer, Client, ContextTooLong, LLMError, Price, Prompt
from ..llm.ledger import Metered
from .database import Database
from .schema import AnswerRow, CallRow
from .wording import clean

_KEPT: Final[dict[str, type[LLMError]]] = {kind.code: kind for kind in (BadAnswer, ContextTooLong)}
"""Failures that belong to the prompt: they would come again, so they are kept like answers."""


class Recorded:
    """A client that answers from the store what was answered before, and records each call in its round.

    ``price`` is what the user pays for tokens. An answer is kept together with the call that paid for it. Calls are
    numbered: a round that is asked again after it was cut off finds its calls, and its answers, where it left them.
    """

    def __init__(self, client: Client, database: Database, study: int, turn: int, price: Price | None = None) -> None:
        """Record the calls of one round of a study."""
        self._client, self._database, self._price = client, database, price
        self._study, self._round = study, turn
        self._position = 0

    @property
    def name(self) -> str:
        """The name of the client behind."""
        return self._client.name

    def complete(self, prompt: Prompt) -> Answer:
        """Return the kept answer, else ask and keep; raises what the client raises."""
        return self._complete(self._client, prompt)

    def beside(self, client: Client, prompt: Prompt) -> Answer:
        """Return the answer of another client: kept, recorded and counted alike, but recorded once a study."""
        with self._database.reading() as session:
            row = session.get(AnswerRow, prompt.digest(client.name))
            if row and self._before(session, row.digest):
                return _given(_answer(row), row.error)
        metered = self._client.beside(client) if isinstance(self._client, Metered) else client
        return self._complete(metered, prompt)

    def _before(self, session: Session, digest: str) -> bool:
        """Return whether an earlier call of the study was the same; what it shows does not depend on the process."""
        study, turn, position = self._study, self._round, self._position
        earlier = or_(CallRow.round < turn, and_(CallRow.round == turn, CallRow.position < position))
        query = select(CallRow.position).where(CallRow.study == study, CallRow.digest == digest, earlier)
        return session.scalar(query.limit(1)) is not None

    def _complete(self, client: Client, prompt: Prompt) -> Answer:
        digest = prompt.digest(client.name)
        with self._database.reading() as session:
            row = session.get(AnswerRow, digest)
            known = row and (_answer(row), row.error)
        answer, error = known or _asked(client, prompt)
        paid = known is None and not answer.cached
        with self._database.writing(self._study) as session:
            if known is None:
                row = _row(digest, client.name, prompt, answer, error)
                kept = _first(session, row)
                answer, error = (answer, error) if kept is row else (_answer(kept), kept.error)
            self._record(session, digest, answer, paid)
        self._position += 1
        return _given(answer, error)

    def _record(self, session: Session, digest: str, answer: Answer, paid: bool) -> None:
        """Note the call in its place; one that was noted before the round was cut off stays as it is."""
        study, turn, position = self._study, self._round, self._position
        row = session.get(CallRow, (study, turn, position))
        if row is None or row.digest != digest:
            full = None if self._price is None else self._price.of(answer.prompt_tokens, answer.completion_tokens)
            cost = full if paid else 0.0
            session.merge(CallRow(study=study, round=turn, position=position, digest=digest, paid=paid, cost=cost))


def _given(answer: Answer, error: str) -> Answer:
    """Return an answer; raises the failure that was kept in its place."""
    if error:
        code, _, text = error.partition("\n")
        message, _, hint = text.partition("\n")
        raise _KEPT[code](Diagnostic(message, hint, code))
    return answer


def _asked(client: Client, prompt: Prompt) -> tuple[Answer, str]:
    """Return the answer of a client, and the failure that belongs to the prompt."""
    start = time.monotonic()
    error = ""
    try:
        answer = client.complete(prompt)
    except (BadAnswer, ContextTooLong) as failed:
        found = failed.diagnostics[0]
        error = f"{failed.code}\n{found.message}\n{found.hint}"
        answer = Answer("", 0, 0, time.monotonic() - start, client.name)
    return replace(answer, text=clean(answer.text)), error


def _first(session: Session, row: AnswerRow) -> AnswerRow:
    """Keep an answer, unless another study was given one meanwhile; return the one that is kept."""
    kept = session.get(AnswerRow, row.digest)
    if kept is not None:
        return kept
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:  # PostgreSQL lets two studies write at the same time
        return session.get_one(AnswerRow, row.digest)
    return row


def _row(digest: str, client: str, prompt: Prompt, answer: Answer, error: str) -> AnswerRow:
    fields = asdict(prompt)
    fields["messages"] = [[message.role, message.content] for message in prompt.messages]
    fields = {name: sha256(value).hexdigest() if isinstance(value, bytes) else value for name, value in fields.items()}
    return AnswerRow(
        digest=digest,
        client=client,
        prompt=clean(fields),
        text=answer.text,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        seconds=answer.seconds,
        model=clean(answer.model),
        finished=answer.finished,
        error=clean(error),
        created=time.time(),
    )


def _answer(row: AnswerRow) -> Answer:
    return Answer(
        row.text, row.prompt_tokens, row.completion_tokens, row.seconds, row.model, cached=True, finished=row.finished
    )
