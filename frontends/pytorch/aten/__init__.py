"""The rules by which ATen calls become ops: generic ones from the op table's facts, and the irregular cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ....ir import OPS
from ..site import Site, Values
from .arithmetic import ARITHMETIC
from .creation import CREATION
from .decomposed import DECOMPOSED
from .generic import spelled
from .indexing import INDEXING
from .ordering import ORDERING
from .pointwise import POINTWISE
from .pooling import POOLING
from .recurrent import RECURRENT
from .reduction import REDUCTION
from .resampling import RESAMPLING
from .selection import SELECTION
from .shaping import SHAPING
from .weighted import WEIGHTED

Rule = Callable[[Site], Values]
_TABLES: tuple[Mapping[str, Rule], ...] = (
    WEIGHTED,
    RECURRENT,
    ARITHMETIC,
    POINTWISE,
    SHAPING,
    SELECTION,
    INDEXING,
    ORDERING,
    CREATION,
    REDUCTION,
    POOLING,
    RESAMPLING,
    DECOMPOSED,
)


def _full(name: str) -> str:
    """Return an overload's name in full: ``relu`` is ``relu.default``."""
    return name if "." in name else f"{name}.default"


def _rules() -> Mapping[str, Rule]:
    rules: dict[str, Rule] = {}
    for cls in OPS.values():
        for name in cls.aten:
            rules[_full(name)] = spelled(cls)
    for table in _TABLES:
        rules.update({_full(name): rule for name, rule in table.items()})
    return MappingProxyType(rules)


RULES: Mapping[str, Rule] = _rules()
