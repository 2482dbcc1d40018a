"""Arithmetic, comparison and choice; and the ops whose ONNX spelling is a fact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ....ir import DType, OnnxNode
from ....ir.ops.elementwise import Binary, Comparison, Pairwise, Unary, Where
from ....ir.ops.linear import Matmul
from ....ir.ops.rules import promote
from ..values import DATA_TYPES
from ..writer import Site, Value


def spelled(site: Site, fact: OnnxNode) -> Value:
    """Write an op as the one node that it states; operands of mixed dtypes are cast first, as PyTorch does."""
    attributes = {name: _plain(site.get(ours)) for name, ours in fact.attributes}
    return site.add(fact.type, *operands(site), **attributes)


def _plain(value: object) -> object:
    return int(DATA_TYPES[value]) if isinstance(value, DType) else int(value) if isinstance(value, bool) else value


def operands(site: Site) -> list[Value]:
    """Return the operands in the dtype in which the op computes; a number in place of the second is added."""
    wanted = computing(site)
    made = [
        value if wanted is None else site.cast(value, type.dtype, wanted)
        for value, type in zip(site.operands, site.types, strict=True)
    ]
    if isinstance(site.node.op, Where):
        made[0] = site.operands[0]
    if isinstance(site.node.op, Binary) and len(made) == 1:
        made.append(site.number(site.get("other"), wanted))
    return made


def computing(site: Site) -> DType | None:
    """Return the dtype to which an op's operands are brought; None where it takes them as they are."""
    op = site.node.op
    if op.name.startswith("logical_"):
        return DType.BOOL
    if isinstance(op, Comparison):
        return _compared(site, op)
    if isinstance(op, Binary | Pairwise | Unary | Matmul | Where):
        return site.result.dtype
    return None


def _compared(site: Site, op: Comparison) -> DType:
    if op.other is None:
        return promote(*site.types)
    if isinstance(op.other, float) and not site.type.dtype.is_floating:
        return DType.F32
    return DType.I64 if site.type.dtype is DType.BOOL and not isinstance(op.other, bool) else site.type.dtype


def _floored(site: Site) -> Value:
    """Divide and round down; ONNX divides integers towards zero, so their remainder is taken off first."""
    x, y = operands(site)
    if site.result.dtype.is_floating:
        return site.add("Floor", site.add("Div", x, y))
    return site.add("Div", site.add("Sub", x, site.add("Mod", x, y)), y)


def _remainder(site: Site) -> Value:
    """The remainder has the divisor's sign: ``x - floor(x / y) * y`` for floats, which Mod takes only as in C."""
    x, y = operands(site)
    if not site.result.dtype.is_floating:
        return site.add("Mod", x, y)
    return site.add("Sub", x, site.add("Mul", site.add("Floor", site.add("Div", x, y)), y))


def _rsub(site: Site) -> Value:
    x, y = operands(site)
    return site.add("Sub", y, x)


def _ne(site: Site) -> Value:
    return site.add("Not", site.add("Equal", *operands(site)))


def _not(site: Site) -> Value:
    return site.add("Not", *operands(site))


def _masked_fill(site: Site) -> Value:
    return site.add("Where", site.operands[1], site.number(site.get("value")), site.x)


def _clamp(site: Site) -> Value:
    low, high = site.get("min"), site.get("max")
    bounds = [None if bound is None else site.number(bound) for bound in (low, high)]
    return site.add("Clip", site.x, *(bounds if high is not None else bounds[:1]))


def _cast(site: Site) -> Value:
    return site.add("Cast", site.x, to=int(DATA_TYPES[site.get("dtype")]))


def _rounded(site: Site) -> Value:
    return site.add(site.node.op.name.capitalize() if site.type.dtype.is_floating else "Identity", site.x)


def _rsqrt(site: Site) -> Value:
    return site.add("Reciprocal", site.add("Sqrt", *operands(site)))


def _log1p(site: Site) -> Value:
    (x,) = operands(site)
    return site.add("Log", site.add("Add", x, site.number(1, site.result.dtype)))


def _expm1(site: Site) -> Value:
    return site.add("Sub", site.add("Exp", *operands(site)), site.number(1, site.result.dtype))


ELEMENTWISE: Mapping[str, Callable[[Site], Value]] = MappingProxyType(
    {
        "cast": _cast,
        "ceil": _rounded,
        "clamp": _clamp,
        "expm1": _expm1,
        "floor": _rounded,
        "floor_divide": _floored,
        "log1p": _log1p,
        "logical_not": _not,
        "masked_fill": _masked_fill,
        "ne": _ne,
        "remainder": _remainder,
        "round": _rounded,
        "rsqrt": _rsqrt,
        "rsub": _rsub,
    }
)
