"""Rules of reductions whose calls name things otherwise, or give two results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..site import Site, Values

Rule = Callable[[Site], Values]


def _in_dtype(op: str) -> Rule:
    """Return the rule of a reduction that may first change the dtype."""

    def rule(site: Site) -> Values:
        value = site.value("self")
        wanted = site.args.get("dtype")
        if wanted is not None and wanted is not site.type(value).dtype:
            value = site.emit("cast", value, dtype=wanted)
        given = site.args.get("dim")
        axes = given if isinstance(given, int) else given or None
        return site.emit(op, value, dim=axes, keepdim=site.args.get("keepdim", False))

    return rule


def _along(op: str) -> Rule:
    """Return the rule of a function along one axis that may first change the dtype."""

    def rule(site: Site) -> Values:
        value = site.value("self")
        wanted = site.args.get("dtype")
        if wanted is not None and wanted is not site.type(value).dtype:
            value = site.emit("cast", value, dtype=wanted)
        return site.emit(op, value, dim=site.args["dim"])

    return rule


def _spread(op: str) -> Rule:
    """Return the rule of variance and standard deviation."""

    def rule(site: Site) -> Values:
        return site.emit(op, site.value("self"), **_spread_attributes(site))

    return rule


def _spread_attributes(site: Site) -> dict[str, Any]:
    correction = site.args.get("correction", 1 if site.args.get("unbiased", True) else 0)
    return {
        "dim": site.args.get("dim") or None,
        "correction": 1 if correction is None else correction,
        "keepdim": site.args.get("keepdim", False),
    }


def _with_mean(op: str) -> Rule:
    """Return the rule of ``var_mean`` and ``std_mean``."""

    def rule(site: Site) -> Values:
        value, attributes = site.value("self"), _spread_attributes(site)
        spread = site.emit(op, value, **attributes)
        return spread, site.emit("mean", value, dim=attributes["dim"], keepdim=attributes["keepdim"])

    return rule


def largest(site: Site) -> Values:
    """Lower ``max.dim``: the largest and where it stands."""
    value, axis, keep = site.value("self"), site.args["dim"], site.args["keepdim"]
    found = site.emit("amax", value, dim=axis, keepdim=keep)
    return found, site.emit("argmax", value, dim=axis, keepdim=keep)


def smallest(site: Site) -> Values:
    """Lower ``min.dim``: the smallest and where it stands."""
    value, axis, keep = site.value("self"), site.args["dim"], site.args["keepdim"]
    found = site.emit("amin", value, dim=axis, keepdim=keep)
    return found, site.emit("argmax", site.emit("neg", value), dim=axis, keepdim=keep)


def norm(site: Site) -> Values:
    """Lower the spellings of the vector norm."""
    order = site.args["ord"] if "ord" in site.args else site.args["p"]
    if site.args.get("dtype") not in (None, site.result.dtype):
        raise site.unsupported("it changes the dtype")
    attributes: dict[str, Any] = {"dim": site.args["dim"] or None, "keepdim": site.args["keepdim"]}
    return site.emit("vector_norm", site.value("self"), ord=2 if order is None else order, **attributes)


def logsumexp(site: Site) -> Values:
    """Lower ``log(sum(exp(x)))``, shifted by the maximum so that nothing overflows."""
    value, axes, keep = site.value("self"), site.args["dim"], site.args["keepdim"]
    top = site.emit("amax", value, dim=axes, keepdim=True)
    total = site.emit("sum", site.emit("exp", site.emit("sub", value, top)), dim=axes, keepdim=True)
    made = site.emit("add", site.emit("log", total), top)
    return made if keep else site.emit("squeeze", made, dim=axes)


REDUCTION: Mapping[str, Rule] = {
    "mean": _in_dtype("mean"),
    "mean.dim": _in_dtype("mean"),
    "sum": _in_dtype("sum"),
    "sum.dim_IntList": _in_dtype("sum"),
    "max": _in_dtype("amax"),
    "min": _in_dtype("amin"),
    "cumsum": _along("cumsum"),
    "softmax.int": _along("softmax"),
    "log_softmax.int": _along("log_softmax"),
    **dict.fromkeys(("var", "var.dim", "var.correction"), _spread("var")),
    **dict.fromkeys(("std", "std.dim", "std.correction"), _spread("std")),
    **dict.fromkeys(("var_mean", "var_mean.dim", "var_mean.correction"), _with_mean("var")),
    **dict.fromkeys(("std_mean", "std_mean.dim", "std_mean.correction"), _with_mean("std")),
    "max.dim": largest,
    "min.dim": smallest,
    "linalg_vector_norm": norm,
    "norm.ScalarOpt_dim": norm,
    "norm.Scalar": norm,
    "logsumexp": logsumexp,
}
