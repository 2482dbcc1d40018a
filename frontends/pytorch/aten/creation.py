"""Rules of the calls that make a tensor from numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..folding import known
from ..patching import constant
from ..site import Site, Values

Rule = Callable[[Site], Values]


def _filled(value: float | None) -> Rule:
    """Return the rule of a tensor that holds one value everywhere; None takes it from the call."""

    def rule(site: Site) -> Values:
        held = value
        if held is None:
            held = next(site.args[name] for name in ("fill_value", "value", "s") if name in site.args)
        result = site.result
        if not result.dtype.is_floating and isinstance(held, float) and held.is_integer():
            held = int(held)
        return site.emit("full", shape=result.shape, value=held, dtype=result.dtype)

    return rule


def arange(site: Site) -> Values:
    """Lower ``arange``; one that does not go up in whole steps is a table."""
    bounds = [site.args.get("start", 0), site.args["end"], site.args.get("step", 1)]
    whole = [int(b) if isinstance(b, float) and b.is_integer() else b for b in bounds]
    start, end, step = whole
    if isinstance(step, int) and step > 0 and not any(isinstance(bound, float) for bound in whole):
        return site.emit("arange", start=start, end=end, step=step, dtype=site.result.dtype)
    value = known(site.translation, site.node)
    if value is None:
        raise site.unsupported("its length depends on the batch and its step is no positive integer")
    return constant(site, "range", value)


_ZERO = ("zero", "zeros", "zeros_like", "new_zeros", "empty.memory_format", "new_empty", "empty_like")

CREATION: Mapping[str, Rule] = {
    **dict.fromkeys(_ZERO, _filled(0)),
    **dict.fromkeys(("ones", "ones_like", "new_ones"), _filled(1)),
    **dict.fromkeys(("full", "full_like", "new_full", "scalar_tensor", "fill.Scalar"), _filled(None)),
    "arange": arange,
    "arange.start": arange,
    "arange.start_step": arange,
}
