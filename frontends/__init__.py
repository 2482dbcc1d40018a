"""Frontends: models of other frameworks and files become modules of the IR."""

from .lowered import Lowered
from .lowering import lower

__all__ = ["Lowered", "lower"]
