"""Studies of a store as the material of a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from ...ir import Module
from .material import Call, Material

if TYPE_CHECKING:
    from ..store import Call as StoredCall
    from ..store import StoredStudy

Final = Callable[[Module, str, int], Mapping[str, float]]
"""Returns what held-out tests say of a network that was picked by this evaluator and seed."""


def material(study: StoredStudy, final: Final | None = None) -> Material:
    """Return a study as a report is made of it; ``final`` tests its pick."""
    settings = study.settings
    begun = datetime.fromtimestamp(study.created, UTC).strftime("%Y-%m-%d %H:%M UTC")
    stated = {name: _shown(value) for name, value in settings.as_json().items() if name != "origin"}
    found = Material(
        study.name,
        study.trials(),
        {**stated, "evaluations wanted": study.wanted, "begun": begun},
        [_call(call) for call in study.calls()],
    )
    best = found.best()
    if final is None or best is None or best.module is None:
        return found
    last = [one for one in study.evaluations() if one.trial == best.number and "score" in one.metrics][-1]
    return replace(found, final=final(best.module, last.evaluator, last.seed))


def _shown(value: object) -> object:
    return ", ".join(map(str, cast("list[object]", value))) if isinstance(value, list) else value


def _call(call: StoredCall) -> Call:
    messages: Any = call.prompt.get("messages", ())
    return Call(
        model=call.model or call.client,
        round=call.round,
        messages=[(str(role), str(text)) for role, text in messages],
        text=call.text,
        prompt_tokens=call.prompt_tokens,
        completion_tokens=call.completion_tokens,
        seconds=call.seconds,
        cached=not call.paid,
        error=call.error,
        cost=call.cost,
        digest=call.digest,
    )
