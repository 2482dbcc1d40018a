"""Rules: how each ONNX operator is lowered, by its type."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..site import Site, Values
from . import arithmetic, attention, choosing, control, facts, pooling, recurrent, reducing, resizing, shaping, weighted

Rule = Callable[[Site], Values]

RULES: Mapping[str, Rule] = {
    **facts.RULES,
    **arithmetic.RULES,
    **weighted.RULES,
    **pooling.RULES,
    **reducing.RULES,
    **shaping.RULES,
    **choosing.RULES,
    **resizing.RULES,
    **attention.RULES,
    **recurrent.RULES,
    **control.RULES,
}
