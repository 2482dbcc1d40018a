"""Rules of the calls that make a tensor from numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

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
    """Lower ``arange``; steps that are not positive integers are folded into a constant."""
    start, end, step = site.args.get("start", 0), site.args["end"], site.args.get("step", 1)
    return site.emit("arange", start=start, end=end, step=step, dtype=site.result.dtype)


_ZERO = ("zero", "zeros", "zeros_like", "new_zeros", "empty.memory_format", "new_empty", "empty_like")

CREATION: Mapping[str, Rule] = {
    **dict.fromkeys(_ZERO, _filled(0)),
    **dict.fromkeys(("ones", "ones_like", "new_ones"), _filled(1)),
    **dict.fromkeys(("full", "full_like", "new_full", "scalar_tensor", "fill.Scalar"), _filled(None)),
    "arange": arange,
    "arange.start": arange,
    "arange.start_step": arange,
}
