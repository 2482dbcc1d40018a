"""The engine of all searches: what a strategy proposes, what became of it, and what a strategy sees.

The words that strategies and spaces are written in load at once, and what runs a study, with its store, when it is
first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .settings import Settings
from .space import Change, Space, Spot
from .strategy import Memory, Strategy, View
from .trial import Proposal, Status, Trial

if TYPE_CHECKING:
    from .opening import Request, open_study, read_study
    from .pool import Bench, DirectPool, Done, LocalPool, Pool
    from .running import Finish, run
    from .study import Study

__all__ = [
    "Bench",
    "Change",
    "DirectPool",
    "Done",
    "Finish",
    "LocalPool",
    "Memory",
    "Pool",
    "Proposal",
    "Request",
    "Settings",
    "Space",
    "Spot",
    "Status",
    "Strategy",
    "Study",
    "Trial",
    "View",
    "open_study",
    "read_study",
    "run",
]

_HOMES = {
    **dict.fromkeys(("Request", "open_study", "read_study"), "opening"),
    **dict.fromkeys(("Bench", "DirectPool", "Done", "LocalPool", "Pool"), "pool"),
    **dict.fromkeys(("Finish", "run"), "running"),
    "Study": "study",
}


def __getattr__(name: str) -> object:
    """Load what runs a study."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value
