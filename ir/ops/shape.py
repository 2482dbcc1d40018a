"""Ops that move or repeat elements without changing them."""

from __future__ import annotations

from typing import ClassVar

from .. import attributes as at
from ..dims import Dim, numel, product
from ..op import Call, Method, OnnxNode, Op, Spelling, Types, declare
from ..types import TensorType
from .rules import axes_of, axis_of, shape_text


@declare
class Reshape(Op):
    """The same elements in another shape; one entry may be -1."""

    name: ClassVar[str] = "reshape"
    torch: ClassVar[Spelling] = Method("reshape", ("shape",), starred=True)
    shape: tuple[Dim, ...] = at.dims(low=-1)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        known = [size for size in self.shape if size != -1]
        if len(self.shape) - len(known) > 1:
            raise at.diagnostic(f"reshape to {shape_text(self.shape)} leaves two sizes open", "expected at most one -1")
        total, rest = x.numel, product(known)
        if len(known) == len(self.shape):
            if total != rest:
                raise self._misfit(x, total, rest)
            return (x.with_shape(*self.shape),)
        if rest == 0 or (total // rest) * rest != total:
            raise self._misfit(x, total, rest)
        return (x.with_shape(*(total // rest if size == -1 else size for size in self.shape)),)

    def _misfit(self, x: TensorType, total: Dim, rest: Dim) -> Exception:
        return at.diagnostic(
            f"reshape of {x} to {shape_text(self.shape)}: {total} elements against {rest}",
            f"expected sizes whose product is {total}; leave one open with -1",
            "shape-clash",
        )


@declare
class Flatten(Op):
    """Join the axes from ``start_dim`` to ``end_dim`` into one."""

    name: ClassVar[str] = "flatten"
    torch: ClassVar[Spelling] = Method("flatten", ("start_dim", "end_dim"))
    aten: ClassVar[tuple[str, ...]] = ("flatten.using_ints",)
    start_dim: int = at.integer(0)
    end_dim: int = at.integer(-1)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        start, end = axis_of(self.start_dim, x.rank, "start_dim"), axis_of(self.end_dim, x.rank, "end_dim")
        if start > end:
            raise at.diagnostic(f"flatten from axis {start} to {end}", "expected start_dim <= end_dim", "axis")
        return (x.with_shape(*x.shape[:start], numel(x.shape[start : end + 1]), *x.shape[end + 1 :]),)


@declare
class Unflatten(Op):
    """Split one axis into several; one size may be -1."""

    name: ClassVar[str] = "unflatten"
    torch: ClassVar[Spelling] = Method("unflatten", ("dim", "sizes"))
    dim: int = at.integer()
    sizes: tuple[Dim, ...] = at.dims(low=-1)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        axis = axis_of(self.dim, x.rank)
        part = Reshape(shape=self.sizes).infer((x.with_shape(x.shape[axis]),))[0]
        return (x.with_shape(*x.shape[:axis], *part.shape, *x.shape[axis + 1 :]),)


@declare
class Permute(Op):
    """Axes in another order."""

    name: ClassVar[str] = "permute"
    torch: ClassVar[Spelling] = Method("permute", ("dims",), starred=True)
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Transpose", (("perm", "dims"),))
    aten: ClassVar[tuple[str, ...]] = ("permute",)
    dims: tuple[int, ...] = at.integers()

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        axes = axes_of(self.dims, x.rank)
        if len(axes) != x.rank:
            raise at.diagnostic(f"permute names {len(axes)} axes of {x}", f"expected all {x.rank} axes", "axis")
        return (x.with_shape(*(x.shape[axis] for axis in axes)),)


@declare
class Transpose(Op):
    """Two axes exchanged."""

    name: ClassVar[str] = "transpose"
    torch: ClassVar[Spelling] = Method("transpose", ("dim0", "dim1"))
    aten: ClassVar[tuple[str, ...]] = ("transpose.int",)
    dim0: int = at.integer()
    dim1: int = at.integer()

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        a, b = axis_of(self.dim0, x.rank, "dim0"), axis_of(self.dim1, x.rank, "dim1")
        shape = list(x.shape)
        shape[a], shape[b] = shape[b], shape[a]
        return (x.with_shape(*shape),)


@declare
class Squeeze(Op):
    """Drop axes of size 1; all of them where none is named."""

    name: ClassVar[str] = "squeeze"
    torch: ClassVar[Spelling] = Method("squeeze", ("dim",))
    aten: ClassVar[tuple[str, ...]] = ("squeeze", "squeeze.dim", "squeeze.dims")
    dim: tuple[int, ...] | None = at.integers(None, optional=True)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        if self.dim is None:
            return (x.with_shape(*(size for size in x.shape if size != 1)),)
        axes = axes_of(self.dim, x.rank)
        return (x.with_shape(*(size for axis, size in enumerate(x.shape) if axis not in axes or size != 1)),)


@declare
class Unsqueeze(Op):
    """A new axis of size 1."""

    name: ClassVar[str] = "unsqueeze"
    torch: ClassVar[Spelling] = Method("unsqueeze", ("dim",))
    aten: ClassVar[tuple[str, ...]] = ("unsqueeze",)
    dim: int = at.integer()

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        axis = axis_of(self.dim, x.rank + 1)
        return (x.with_shape(*x.shape[:axis], 1, *x.shape[axis:]),)


@declare
class Expand(Op):
    """Axes of size 1 repeated to ``shape``; -1 keeps a size."""

    name: ClassVar[str] = "expand"
    torch: ClassVar[Spelling] = Method("expand", ("shape",), starred=True)
    shape: tuple[Dim, ...] = at.dims(low=-1)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        lead = len(self.shape) - x.rank
        if lead < 0:
            raise at.diagnostic(f"expand of {x} to fewer axes {shape_text(self.shape)}", f"expected {x.rank} or more")
        sizes: list[Dim] = list(self.shape[:lead])
        for size, wanted in zip(x.shape, self.shape[lead:], strict=True):
            if wanted not in (-1, size) and size != 1:
                raise at.diagnostic(
                    f"expand of {x} to {shape_text(self.shape)}: {size} cannot become {wanted}",
                    "only axes of size 1 are repeated",
                    "shape-clash",
                )
            sizes.append(size if wanted == -1 else wanted)
        return (x.with_shape(*sizes),)


@declare
class Repeat(Op):
    """The tensor repeated along each axis."""

    name: ClassVar[str] = "repeat"
    torch: ClassVar[Spelling] = Method("repeat", ("repeats",), starred=True)
    aten: ClassVar[tuple[str, ...]] = ("repeat",)
    repeats: tuple[Dim, ...] = at.dims(low=0)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        lead = len(self.repeats) - x.rank
        if lead < 0:
            raise at.diagnostic(f"repeat needs a count for each of the {x.rank} axes", f"not {list(self.repeats)}")
        shape = (*(1 for _ in range(lead)), *x.shape)
        return (x.with_shape(*(size * count for size, count in zip(shape, self.repeats, strict=True))),)


@declare
class Pad(Op):
    """Elements added around the last axes: ``pad`` holds (before, after) pairs, last axis first."""

    name: ClassVar[str] = "pad"
    torch: ClassVar[Spelling] = Call("F.pad", ("pad",))
    aten: ClassVar[tuple[str, ...]] = ("pad",)
    pad: tuple[Dim, ...] = at.dims(low=None)
    mode: str = at.word("constant", "reflect", "replicate", "circular", default="constant")
    value: float | int | None = at.scalar(None, optional=True)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        if len(self.pad) % 2 or len(self.pad) > 2 * x.rank:
            raise at.diagnostic(f"pad of {len(self.pad)} numbers for {x}", "expected a pair for each of the last axes")
        if self.mode != "constant" and self.value is not None:
            raise at.diagnostic(f"pad with mode={self.mode} takes no value", "leave value out", "attribute-value")
        shape = list(x.shape)
        most = {"reflect": -1, "circular": 0}.get(self.mode)
        for i, pad in enumerate(self.pad):
            size = shape[-1 - i // 2]
            if most is not None and isinstance(pad, int) and isinstance(size, int) and pad > size + most:
                raise at.diagnostic(
                    f"pad of {pad} with mode={self.mode} for an axis of {size}", f"expected at most {size + most}"
                )
        for i in range(len(self.pad) // 2):
            shape[-1 - i] = shape[-1 - i] + self.pad[2 * i] + self.pad[2 * i + 1]
        return (x.with_shape(*shape),)


@declare
class Roll(Op):
    """Elements moved cyclically along axes."""

    name: ClassVar[str] = "roll"
    torch: ClassVar[Spelling] = Call("torch.roll", ("shifts", "dims"))
    aten: ClassVar[tuple[str, ...]] = ("roll",)
    shifts: tuple[Dim, ...] = at.dims(low=None)
    dims: tuple[int, ...] = at.integers()

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        if not self.shifts or len(axes_of(self.dims, x.rank)) != len(self.shifts):
            raise at.diagnostic(f"roll has {len(self.shifts)} shifts for {len(self.dims)} axes", "expected one an axis")
        return (x,)


@declare
class Flip(Op):
    """Axes reversed."""

    name: ClassVar[str] = "flip"
    torch: ClassVar[Spelling] = Call("torch.flip", ("dims",))
    aten: ClassVar[tuple[str, ...]] = ("flip",)
    dims: tuple[int, ...] = at.integers()

    def infer(self, operands: Types) -> Types:
        axes_of(self.dims, operands[0].rank)
        return (operands[0],)


@declare
class Tril(Op):
    """The lower triangle of the last two axes; zero above."""

    name: ClassVar[str] = "tril"
    torch: ClassVar[Spelling] = Call("torch.tril", ("diagonal",))
    aten: ClassVar[tuple[str, ...]] = ("tril",)
    diagonal: int = at.integer(0)

    def infer(self, operands: Types) -> Types:
        return (_matrices(operands[0], self.name),)


@declare
class Triu(Op):
    """The upper triangle of the last two axes; zero below."""

    name: ClassVar[str] = "triu"
    torch: ClassVar[Spelling] = Call("torch.triu", ("diagonal",))
    aten: ClassVar[tuple[str, ...]] = ("triu",)
    diagonal: int = at.integer(0)

    def infer(self, operands: Types) -> Types:
        return (_matrices(operands[0], self.name),)


def _matrices(x: TensorType, name: str) -> TensorType:
    if x.rank < 2:
        raise at.diagnostic(f"{name} needs matrices, not {x}", "expected [..., rows, columns]", "rank")
    return x
