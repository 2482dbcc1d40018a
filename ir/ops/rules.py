"""Type rules that several families of ops share: broadcasting, axes, sliding windows."""

from __future__ import annotations

from collections.abc import Sequence

from ..attributes import diagnostic
from ..dims import Dim, ceildiv
from ..types import DType, TensorType


def broadcast_shapes(shapes: Sequence[tuple[Dim, ...]]) -> tuple[Dim, ...]:
    """Return the common shape of operands under broadcasting. Raises NascError naming the axis at fault."""
    rank = max(map(len, shapes))
    result: list[Dim] = []
    for axis in range(-rank, 0):
        sizes = [shape[axis] for shape in shapes if len(shape) >= -axis]
        wide = [size for size in sizes if size != 1]
        if wide and any(size != wide[0] for size in wide):
            shown = " and ".join(shape_text(shape) for shape in shapes)
            other = next(size for size in wide if size != wide[0])
            raise diagnostic(
                f"shapes {shown} do not broadcast: {wide[0]} against {other} at axis {axis}",
                "make the dimensions equal, or one of them 1",
                "shape-clash",
            )
        result.append(wide[0] if wide else 1)
    return tuple(result)


def promote(*types: TensorType) -> DType:
    """Return the dtype that an arithmetic operation of these operands has, as ``torch.result_type``.

    A scalar only counts where it is of another kind than all tensors with axes: a float beside integers.
    """
    highest = max(_kind(t.dtype) for t in types)
    tensors = [t for t in types if t.rank and _kind(t.dtype) == highest]
    found = {t.dtype for t in tensors or types if _kind(t.dtype) == highest}
    return DType.F32 if found == {DType.F16, DType.BF16} else max(found, key=lambda t: t.rank)


def need_one_dtype(types: Sequence[TensorType], name: str) -> None:
    """Raise NascError unless all operands hold the same kind of number."""
    if len({t.dtype for t in types}) > 1:
        raise diagnostic(f"{name} of {' and '.join(map(str, types))}", "cast them to one dtype first", "dtype")


def axis_of(axis: int, rank: int, what: str = "axis") -> int:
    """Return ``axis`` counted from the front. Raises NascError where it lies outside."""
    if not -rank <= axis < rank:
        hint = f"expected {-rank} to {rank - 1}" if rank else "expected a tensor, not a scalar"
        raise diagnostic(f"{what} {axis} is outside a tensor of rank {rank}", hint, "axis")
    return axis % rank


def axes_of(axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Return distinct axes counted from the front. Raises NascError on repeats."""
    front = tuple(axis_of(axis, rank) for axis in axes)
    if len(set(front)) != len(front):
        raise diagnostic(f"axes {list(axes)} name one axis twice", "name each axis once", "axis")
    return front


def need_rank(x: TensorType, ranks: Sequence[int], name: str, layout: str) -> None:
    """Raise NascError unless ``x`` has one of these ranks."""
    if x.rank not in ranks:
        wanted = " or ".join(map(str, ranks))
        raise diagnostic(f"{name} needs an input of rank {wanted}, not {x}", f"expected {layout}", "rank")


def need_multiple(size: Dim, divisor: Dim, name: str) -> None:
    """Raise NascError where ``size`` is known not to be a multiple of ``divisor``."""
    if isinstance(size, int) and isinstance(divisor, int) and size % divisor:
        raise diagnostic(f"{name} divides {size} by {divisor}", f"expected a multiple of {divisor}", "multiple")


def window(size: Dim, kernel: Dim, stride: Dim, padding: Dim, dilation: Dim, ceil: bool = False) -> Dim:
    """Return the number of windows along one axis. Raises NascError where none fits.

    ``(size + 2*padding - dilation*(kernel-1) - 1) // stride + 1``, as torch.nn.Conv2d documents it; with
    ``ceil`` the division rounds up and a window that starts in the right padding is left out.
    """
    span = size + 2 * padding - dilation * (kernel - 1) - 1
    if isinstance(span, int) and span < 0:
        raise diagnostic(
            f"a window of {kernel} (dilation {dilation}) does not fit into {size} with padding {padding}",
            f"expected a kernel of at most {size + 2 * padding}, or more padding",
            "window",
        )
    if not ceil:
        return span // stride + 1
    count = ceildiv(span, stride) + 1
    beyond = padding + stride - dilation * (kernel - 1) - 1
    return ceildiv(size + padding, stride) if isinstance(beyond, int) and beyond > 0 else count


def _kind(dtype: DType) -> int:
    """Return 0 for truth values, 1 for integers, 2 for floats, 3 for complex numbers."""
    bounds = (DType.U8, DType.F16, DType.C64)
    return sum(dtype.rank >= bound.rank for bound in bounds)


def shape_text(shape: Sequence[Dim]) -> str:
    """Return a shape as people write it, ``[N,64,56,56]``."""
    return f"[{','.join(map(str, shape))}]"
