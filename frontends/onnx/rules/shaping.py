"""Rules of the operators that move, join or repeat elements, and of those that make tensors of a shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

import numpy as np

from ....ir import Dim, DType, Expr, numel
from ..places import unsupported
from ..site import Site, Values
from ..tensors import NUMPY
from ..values import Value, sizes


def reshape(site: Site) -> Values:
    """Lower ``Reshape``: 0 keeps a size, -1 is what is left."""
    x = site.input_type(0)
    shape = list(site.dims(1))
    if not site.integer("allowzero", 0):
        for i, size in enumerate(shape):
            if size == 0:
                shape[i] = x.shape[site.axis_of(i, x.rank)]
    if -1 in shape:
        rest = numel(size for size in shape if size != -1)
        if isinstance(rest, int) and rest == 0:
            raise unsupported("Reshape leaves a size open beside one of 0", "say all sizes")
    return _reshaped(site, shape)


def _reshaped(site: Site, shape: list[Dim]) -> str:
    """Return the first input in a shape; where its only open size is the symbolic one, say that."""
    x = site.input_type(0)
    rest = numel(size for size in shape if size != -1)
    if -1 in shape and (x.numel // rest) * rest == x.numel:
        shape[shape.index(-1)] = x.numel // rest
    return site.emit("reshape", site.value(0), shape=tuple(shape))


def flatten(site: Site) -> Values:
    """Lower ``Flatten`` to a matrix."""
    x = site.input_type(0)
    axis = site.integer("axis", 1)
    axis = axis + x.rank if axis < 0 else axis
    if not 0 <= axis <= x.rank:
        raise unsupported(f"Flatten at axis {axis} of {x}", f"expected 0 to {x.rank}", "axis")
    if axis == 1 and x.rank > 1:
        return site.emit("flatten", site.value(0), start_dim=1)
    return site.reshape(site.value(0), (numel(x.shape[:axis]), numel(x.shape[axis:])))


def transpose(site: Site) -> Values:
    """Lower ``Transpose``; without an order the axes are reversed."""
    rank = site.input_type(0).rank
    order = site.integers("perm")
    return site.permute(site.value(0), tuple(range(rank))[::-1] if order is None else order)


def squeeze(site: Site) -> Values:
    """Lower ``Squeeze``."""
    x = site.input_type(0)
    axes = site.axes(1, x.rank)
    if axes is None:
        axes = tuple(i for i, size in enumerate(x.shape) if size == 1)
    wrong = [axis for axis in axes if x.shape[axis] != 1 and isinstance(x.shape[axis], int)]
    if wrong:
        raise unsupported(f"Squeeze of axis {wrong[0]} of {x}", "only axes of size 1 can go", "axis")
    return site.reshape(site.value(0), tuple(size for i, size in enumerate(x.shape) if i not in axes))


def unsqueeze(site: Site) -> Values:
    """Lower ``Unsqueeze``."""
    x = site.input_type(0)
    count = len(site.ints(1)) if site.has(1) else len(site.integers("axes") or ())
    axes = site.axes(1, x.rank + count) or ()
    if len(set(axes)) != count:
        raise unsupported("Unsqueeze names an axis twice", "name each axis once", "axis")
    left = iter(x.shape)
    return site.reshape(site.value(0), tuple(1 if i in axes else next(left) for i in range(x.rank + count)))


def expand(site: Site) -> Values:
    """Lower ``Expand``, which broadcasts both ways."""
    x, shape = site.input_type(0), site.dims(1)
    rank = max(x.rank, len(shape))
    have = (*(1 for _ in range(rank - x.rank)), *x.shape)
    wanted = (*(1 for _ in range(rank - len(shape))), *shape)
    full = tuple(h if w == 1 else w for h, w in zip(have, wanted, strict=True))
    return site.value(0) if full == x.shape else site.emit("expand", site.value(0), shape=full)


def tile(site: Site) -> Values:
    """Lower ``Tile``."""
    return site.emit("repeat", site.value(0), repeats=site.dims(1))


def concat(site: Site) -> Values:
    """Lower ``Concat``."""
    values = site.values()
    axis = site.axis_of(site.integer("axis", 0), site.type(values[0]).rank)
    return values[0] if len(values) == 1 else site.emit("cat", *values, dim=axis)


def split_sizes(site: Site, size: Dim) -> tuple[Dim, ...]:
    """Return the sizes of the parts of ``Split``: given, or as equal as can be."""
    if site.has(1):
        return site.dims(1)
    count = site.integer("num_outputs", len(site.node.output))
    if isinstance(size, Expr) or not 1 <= count <= max(size, 1):
        raise unsupported(f"Split of {size} into {count} parts", "say their sizes")
    part = -(-size // count)
    return tuple(max(0, min(part, size - i * part)) for i in range(count))


def split(site: Site) -> Values:
    """Lower ``Split``."""
    x = site.input_type(0)
    axis = site.axis_of(site.integer("axis", 0), x.rank)
    return site.emit_many("split", [site.value(0)], sizes=split_sizes(site, x.shape[axis]), dim=axis)


PAD_MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


def pad(site: Site) -> Values:
    """Lower ``Pad``; a value that is not known, or of another kind than PyTorch pads, is put in by a mask."""
    x = site.input_type(0)
    mode = PAD_MODES.get(site.word("mode", "constant"))
    given = site.dims(1)
    axes = site.axes(3, x.rank) if site.has(3) else tuple(range(x.rank))
    if mode is None or axes is None or len(given) != 2 * len(axes):
        raise unsupported(f"Pad with {len(given)} numbers for {x}", "expected two an axis, and a known mode")
    sides: list[tuple[Dim, Dim]] = [(0, 0)] * x.rank
    for i, axis in enumerate(axes):
        sides[axis] = given[i], given[i + len(axes)]
    if mode != "constant":
        return _mirrored(site, sides, mode)
    value = site.number(2) if site.has(2) else None
    if site.has(2) and value is None:
        raise site.needs(2)
    flat = _flat(sides)
    kept = x.dtype if x.dtype is DType.BOOL else None
    source = site.cast(site.value(0), DType.U8) if kept else site.value(0)
    number = None if not value else (float(value) if x.dtype.is_floating else int(value))
    made = site.emit("pad", source, pad=flat, value=number)
    return site.cast(made, kept) if kept else made


def _flat(sides: list[tuple[Dim, Dim]]) -> tuple[Dim, ...]:
    while sides and sides[0] == (0, 0):
        sides = sides[1:]
    return tuple(side for pair in reversed(sides) for side in pair)


def _mirrored(site: Site, sides: list[tuple[Dim, Dim]], mode: str) -> str:
    """Return a value padded with its own elements: by PyTorch on the last axes, else chosen by known places."""
    x = site.value(0)
    rank = len(sides)
    last = [i for i, pair in enumerate(sides) if pair != (0, 0)]
    if rank in (3, 4) and all(i >= 2 for i in last) and site.type(x).dtype.is_floating:
        return site.emit("pad", x, pad=tuple(s for pair in reversed(sides[2:]) for s in pair), mode=mode)
    numpy_mode = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}[mode]
    for axis in last:
        size, (before, after) = site.type(x).shape[axis], sides[axis]
        if isinstance(size, Expr) or isinstance(before, Expr) or isinstance(after, Expr):
            raise unsupported(f"Pad of the symbolic size {size}", "give --input to fix it")
        if max(before, after) > 2**20:
            raise unsupported(f"Pad by {max(before, after)}", "expected a number that fits in memory", "limit")
        places = np.arange(size)[max(0, -before) : size - max(0, -after)]
        places = np.pad(places, (max(0, before), max(0, after)), mode=numpy_mode)  # type: ignore[call-overload]
        x = site.emit("index", x, site.constant(places.astype(np.int64)), dim=axis)
    return x


def slice_(site: Site) -> Values:
    """Lower ``Slice``; a negative step walks the reversed axis."""
    x = site.input_type(0)
    starts, ends = site.dims(1), site.dims(2)
    axes = site.axes(3, x.rank) if site.has(3) else tuple(range(len(starts)))
    steps = site.ints(4) if site.has(4) else (1,) * len(starts)
    if axes is None or not len(starts) == len(ends) == len(axes) == len(steps) or len(axes) > x.rank:
        raise unsupported("Slice has lists of several lengths", "expected one number an axis")
    value = site.value(0)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        value = _sliced(site, value, axis, start, end, step)
    return value


def _sliced(site: Site, value: str, axis: int, start: Dim, end: Dim, step: int) -> str:
    size = site.type(value).shape[axis]
    if step == 0:
        raise unsupported("Slice has a step of 0", "expected another number")
    if step > 0:
        last = None if (isinstance(end, int) and end >= 2**31 - 1) or end == size else end
        if step == 1 and start == 0 and last is None:
            return value
        return site.emit("slice", value, dim=axis, start=start, end=last, step=step)
    if isinstance(size, Expr) or isinstance(start, Expr) or isinstance(end, Expr):
        raise unsupported(f"Slice of the symbolic size {size} backwards", "give --input to fix it")
    first, behind, _ = slice(start, end if end >= -size else None, step).indices(size)
    value = site.emit("flip", value, dims=(axis,))
    count = max(0, -(-(first - behind) // -step))
    begin = size - 1 - first
    if count == 0:
        return site.emit("slice", value, dim=axis, start=0, end=0)
    return site.emit("slice", value, dim=axis, start=begin, end=begin + (count - 1) * -step + 1, step=-step)


def shape_of(site: Site) -> Values:
    """Return the sizes of a tensor, which need no node."""
    x = site.input_type(0)
    start, end = site.integer("start", 0), site.integer("end", x.rank)
    return Value(array=sizes(x.shape[start:end]))


def size_of(site: Site) -> Values:
    """Return the number of elements of a tensor, which needs no node."""
    return Value(array=sizes([site.input_type(0).numel]).reshape(()))


def constant_of_shape(site: Site) -> Values:
    """Lower ``ConstantOfShape``, too large or too symbolic to be written down."""
    given = site.tensor("value")
    array = np.zeros(1, np.float32) if given is None else given.reshape(-1)[:1]
    value = Value(array=array).known_type.dtype
    number = array[0]
    return site.emit("full", shape=site.dims(0), value=number.item(), dtype=value)


def arange(site: Site) -> Values:
    """Lower ``Range`` over whole numbers."""
    unknown = [i for i in range(3) if site.input(i).array is None]
    if unknown:
        raise site.needs(unknown[0])
    start, limit, delta = (site.dims(i)[0] for i in range(3))
    if not isinstance(delta, int) or delta < 1:
        raise unsupported(f"Range by {delta}", "expected a number >= 1")
    return site.emit("arange", start=start, end=limit, step=delta, dtype=site.input_type(0).dtype)


def eye_like(site: Site) -> Values:
    """Return the matrix of ``EyeLike``, which needs no node."""
    x = site.input_type(0)
    rows = [size for size in x.shape if isinstance(size, int)]
    if x.rank != 2 or len(rows) != 2 or prod(rows) > 2**24:
        raise unsupported(f"EyeLike of {x}", "expected a matrix of known size", "rank")
    dtype = NUMPY[site.dtype("dtype", x.dtype)]
    return Value(array=np.eye(rows[0], rows[1], site.integer("k", 0)).astype(dtype))


def triangle(site: Site) -> Values:
    """Lower ``Trilu``."""
    diagonal = site.ints(1)[0] if site.has(1) else 0
    return site.emit("triu" if site.integer("upper", 1) else "tril", site.value(0), diagonal=diagonal)


def _blocks(site: Site) -> tuple[str, int, Dim, Dim, Dim, Dim]:
    x, block = site.input_type(0), site.integer("blocksize", 1)
    if x.rank != 4 or block < 1:
        raise unsupported(f"{site.op} of {x} by {block}", "expected [N,C,H,W] and a number >= 1", "rank")
    n, c, h, w = x.shape
    return site.value(0), block, n, c, h, w


def depth_to_space(site: Site) -> Values:
    """Lower ``DepthToSpace``: of columns first it is a pixel shuffle, of depth first a permutation."""
    x, b, n, c, h, w = _blocks(site)
    if site.word("mode", "DCR") == "CRD":
        return site.emit("pixel_shuffle", x, upscale_factor=b)
    split_up = site.reshape(x, (n, b, b, c // (b * b), h, w))
    return site.reshape(site.permute(split_up, (0, 3, 4, 1, 5, 2)), (n, c // (b * b), h * b, w * b))


def space_to_depth(site: Site) -> Values:
    """Lower ``SpaceToDepth``, blocks before channels."""
    x, b, n, c, h, w = _blocks(site)
    if site.word("mode", "DCR") == "CRD":
        return site.emit("pixel_unshuffle", x, downscale_factor=b)
    split_up = site.reshape(x, (n, c, h // b, b, w // b, b))
    return site.reshape(site.permute(split_up, (0, 3, 5, 1, 2, 4)), (n, c * b * b, h // b, w // b))


def column_to_image(site: Site) -> Values:
    """Lower ``Col2Im`` of two spatial axes: a fold."""
    size, kernel = site.ints(1), site.ints(2)
    pads = site.integers("pads") or (0,) * 4
    if len(size) != 2 or pads[:2] != pads[2:]:
        raise unsupported(f"Col2Im over {len(size)} axes padded by {list(pads)}", "expected two axes, padded alike")
    return site.emit(
        "fold",
        site.value(0),
        output_size=size,
        kernel_size=kernel,
        padding=pads[:2],
        stride=site.integers("strides") or (1, 1),
        dilation=site.integers("dilations") or (1, 1),
    )


RULES: Mapping[str, Callable[[Site], Values]] = {
    "Reshape": reshape,
    "Flatten": flatten,
    "Transpose": transpose,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Expand": expand,
    "Tile": tile,
    "Concat": concat,
    "Split": split,
    "Pad": pad,
    "Slice": slice_,
    "Shape": shape_of,
    "Size": size_of,
    "ConstantOfShape": constant_of_shape,
    "Range": arange,
    "EyeLike": eye_like,
    "Trilu": triangle,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "Col2Im": column_to_image,
}
