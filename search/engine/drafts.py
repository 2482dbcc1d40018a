"""Drafts: proposals of a round after admission, as they will be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...grammar import print_module
from ...ir import Module, NascError
from ..limits import Size
from ..store.wording import clean
from .admission import OverLimit, fingerprint
from .memory import plain_json
from .trial import Proposal, Status
from .view import RoundView


@dataclass(frozen=True)
class Draft:
    """A trial that is not kept yet. ``text`` and ``size`` are there for a network that is new to the study."""

    number: int
    status: Status
    proposal: Proposal
    notes: Mapping[str, object]
    error: str = ""
    digest: str | None = None
    repeat_of: int | None = None
    text: str = ""
    size: Size | None = None


def drafts(view: RoundView, proposals: Sequence[Proposal], room: int) -> list[Draft]:
    """Return what becomes of proposals, in order, until ``room`` of them have to be evaluated; the rest are dropped."""
    found: list[Draft] = []
    first = len(view.trials)
    fresh: dict[str, int] = {}
    for proposal in proposals:
        if len(fresh) >= room:
            break
        _check_parents(proposal, first)
        draft = _draft(view, proposal, first + len(found), fresh)
        if draft.status == "pending" and draft.digest is not None:
            fresh[draft.digest] = draft.number
        found.append(draft)
    return found


def _draft(view: RoundView, proposal: Proposal, number: int, fresh: Mapping[str, int]) -> Draft:
    notes = clean(plain_json(proposal.notes, f"the note of proposal {number}"))
    if proposal.module is None:
        status: Status = "over" if proposal.over else "invalid"
        return Draft(number, status, proposal, notes, proposal.error or "no network was proposed")
    try:
        module = view.admit(proposal.module)
    except OverLimit as error:
        return Draft(number, "over", proposal, notes, str(error))
    except NascError as error:
        return Draft(number, "invalid", proposal, notes, str(error))
    mark = fingerprint(module)
    earlier = view.first(mark)
    known = earlier.number if earlier else fresh.get(mark)
    if known is not None:
        return Draft(number, "repeat", proposal, notes, digest=mark, repeat_of=known)
    size = view.admission.size(module)
    return Draft(number, "pending", proposal, notes, digest=mark, text=_text(module), size=size)


def _text(module: Module) -> str:
    return clean(print_module(module))


def _check_parents(proposal: Proposal, first: int) -> None:
    for parent in proposal.parents:
        if not 0 <= parent < first:
            raise ValueError(f"a proposal names the parent {parent}; the trials of earlier rounds are 0 to {first - 1}")
