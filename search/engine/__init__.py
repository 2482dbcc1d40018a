"""The engine of all searches: what a strategy proposes, what became of it, and what a strategy sees."""

from .space import Change, Space, Spot
from .strategy import Memory, Strategy, View
from .trial import Proposal, Status, Trial

__all__ = ["Change", "Memory", "Proposal", "Space", "Spot", "Status", "Strategy", "Trial", "View"]
