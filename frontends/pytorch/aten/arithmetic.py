"""Rules of element-wise arithmetic: numbers on either side, scaled sums, dtypes, and calls that change nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..site import Site, Values

Rule = Callable[[Site], Values]


def _binary(op: str) -> Rule:
    """Return the rule of ``op(self, other)``, where ``other`` is a tensor or a number."""

    def rule(site: Site) -> Values:
        if not site.is_tensor("other"):
            return site.emit(op, site.value("self"), other=site.args["other"])
        return site.emit(op, site.value("self"), site.value("other"))

    return rule


def _scaled(op: str) -> Rule:
    """Return the rule of ``op(self, alpha * other)``."""
    plain = _binary(op)

    def rule(site: Site) -> Values:
        alpha = site.args.get("alpha", 1)
        if alpha == 1:
            return plain(site)
        if not site.is_tensor("other"):
            return site.emit(op, site.value("self"), other=site.args["other"] * alpha)
        return site.emit(op, site.value("self"), site.emit("mul", site.value("other"), other=alpha))

    return rule


def divide(site: Site) -> Values:
    """Lower ``div.Tensor_mode``."""
    mode = site.args["rounding_mode"]
    if mode is None:
        return _binary("div")(site)
    if mode != "floor":
        raise site.unsupported(f"rounding_mode={mode!r}", "use rounding_mode='floor' or none")
    return _binary("floor_divide")(site)


def power_of_number(site: Site) -> Values:
    """Lower ``number ** tensor``."""
    base = site.emit("full", shape=(), value=site.args["self"], dtype=site.result.dtype)
    return site.emit("pow", base, site.value("exponent"))


def power(site: Site) -> Values:
    """Lower ``tensor ** number`` and ``tensor ** tensor``."""
    if site.is_tensor("exponent"):
        return site.emit("pow", site.value("self"), site.value("exponent"))
    return site.emit("pow", site.value("self"), other=site.args["exponent"])


def square(site: Site) -> Values:
    """Lower ``square``."""
    return site.emit("pow", site.value("self"), other=2)


def identity(site: Site) -> Values:
    """Lower a copy or a change of memory layout, which mean nothing here."""
    return site.emit("identity", site.subject)


def cast(site: Site) -> Values:
    """Lower a change of dtype; one that changes nothing leaves no node."""
    value = site.value("self")
    wanted = site.result.dtype
    return value if site.type(value).dtype is wanted else site.emit("cast", value, dtype=wanted)


def _dropout(op: str) -> Rule:
    def rule(site: Site) -> Values:
        return site.emit(op, site.subject, p=site.args["p"])

    return rule


def logical(op: str) -> Rule:
    """Return the rule of a bitwise operation, which on truth values is the logical one."""
    plain = _binary(op)

    def rule(site: Site) -> Values:
        if site.result.dtype.value != "bool":
            raise site.unsupported("bitwise arithmetic on integers", "only truth values can be combined")
        return plain(site)

    return rule


def copy(site: Site) -> Values:
    """Lower what ``x[...] = y`` writes: the source, in the shape and dtype of the target."""
    value, wanted = site.value("src" if "src" in site.args else "value"), site.result
    if site.type(value).dtype is not wanted.dtype:
        value = site.emit("cast", value, dtype=wanted.dtype)
    return value if site.type(value) == wanted else site.emit("expand", value, shape=wanted.shape)


def rrelu(site: Site) -> Values:
    """Lower ``rrelu`` in evaluation mode: leaky ReLU with the mean slope."""
    slope = (site.args["lower"] + site.args["upper"]) / 2
    return site.emit("leaky_relu", site.value("self"), negative_slope=slope)


def logical_xor(site: Site) -> Values:
    """Lower ``logical_xor`` of truth values: whether they differ."""
    return site.emit("ne", site.value("self"), site.value("other"))


def addmm(site: Site) -> Values:
    """Lower ``beta * self + alpha * (a @ b)``."""
    names = ("mat1", "mat2") if "mat1" in site.args else ("batch1", "batch2")
    product = site.emit("matmul", site.value(names[0]), site.value(names[1]))
    if site.args["alpha"] != 1:
        product = site.emit("mul", product, other=site.args["alpha"])
    if site.args["beta"] == 0:
        return product
    term = site.value("self")
    if site.args["beta"] != 1:
        term = site.emit("mul", term, other=site.args["beta"])
    return site.emit("add", term, product)


def addcmul(site: Site) -> Values:
    """Lower ``self + value * a * b``."""
    product = site.emit("mul", site.value("tensor1"), site.value("tensor2"))
    if site.args["value"] != 1:
        product = site.emit("mul", product, other=site.args["value"])
    return site.emit("add", site.value("self"), product)


def lerp(site: Site) -> Values:
    """Lower ``self + weight * (end - self)``."""
    start = site.value("self")
    step = site.emit("sub", site.value("end"), start)
    if site.is_tensor("weight"):
        return site.emit("add", start, site.emit("mul", step, site.value("weight")))
    return site.emit("add", start, site.emit("mul", step, other=site.args["weight"]))


_NAMES = {
    "mul": "mul",
    "div": "div",
    "true_divide": "div",
    "floor_divide": "floor_divide",
    "remainder": "remainder",
    "eq": "eq",
    "ne": "ne",
    "lt": "lt",
    "le": "le",
    "gt": "gt",
    "ge": "ge",
}

ARITHMETIC: Mapping[str, Rule] = {
    **{f"{name}.{kind}": _binary(op) for name, op in _NAMES.items() for kind in ("Tensor", "Scalar")},
    **{f"{op}.{kind}": _scaled(op) for op in ("add", "sub", "rsub") for kind in ("Tensor", "Scalar")},
    "floor_divide": _binary("floor_divide"),
    "div.Tensor_mode": divide,
    "div.Scalar_mode": divide,
    "pow.Tensor_Scalar": power,
    "pow.Tensor_Tensor": power,
    "pow.Scalar": power_of_number,
    "square": square,
    "logical_and": _binary("logical_and"),
    "logical_or": _binary("logical_or"),
    "logical_xor": logical_xor,
    "bitwise_and.Tensor": logical("logical_and"),
    "bitwise_or.Tensor": logical("logical_or"),
    "__and__.Tensor": logical("logical_and"),
    "__or__.Tensor": logical("logical_or"),
    "dropout": _dropout("dropout"),
    "feature_dropout": _dropout("feature_dropout"),
    "copy": copy,
    "fill.Tensor": copy,
    "rrelu": rrelu,
    "contiguous": identity,
    "clone": identity,
    "detach": identity,
    "alias": identity,
    "lift_fresh_copy": identity,
    "lift_fresh": identity,
    "to.dtype": cast,
    "to.dtype_layout": cast,
    "to.device": cast,
    "to.other": cast,
    "type_as": cast,
    "_to_copy": cast,
    "addmm": addmm,
    "baddbmm": addmm,
    "addcmul": addcmul,
    "lerp.Scalar": lerp,
    "lerp.Tensor": lerp,
}
