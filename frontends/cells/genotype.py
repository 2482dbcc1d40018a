"""Genotypes: two cells as lists of operations on earlier states, and the network stacked from them.

Each pair of operations feeds one state, their sum; the cell's output is some states side by side
(Liu et al., "DARTS", ICLR 2019; Radosavovic et al., "On Network Design Spaces", ICCV 2019, appendix).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from ...ir import Builder, Graph, Module, f32, symbol
from .layers import classifier, conv, conv_bn, factorized_reduce, relu_conv_bn

N, C, P, Q, H, W = map(symbol, "NCPQHW")

Edge = tuple[str, int]
Operation = Callable[[Builder, str, int, str], str]


@dataclass(frozen=True)
class Genotype:
    """What the two kinds of cells hold: (operation, state) pairs, and the states that make the output."""

    normal: tuple[Edge, ...]
    normal_concat: tuple[int, ...]
    reduce: tuple[Edge, ...]
    reduce_concat: tuple[int, ...]


def network(genotype: Genotype, width: int, depth: int, *, imagenet: bool, classes: int, source: str) -> Module:
    """Return ``depth`` cells of a genotype, ``width`` channels in the first, twice as many after a third and two.

    Inputs are ``f32[N,3,224,224]`` through a stem that ends at an eighth of the resolution, or, not
    ``imagenet``, ``f32[N,3,32,32]``.
    """
    reductions = {depth // 3, 2 * depth // 3}
    kinds = list(_kinds(depth, reductions, after=imagenet))
    b = Builder(blocks={name: _cell(genotype, name) for name in dict.fromkeys(kinds)})
    before, x = (_imagenet_stem if imagenet else _cifar_stem)(b, width)
    for index, name in enumerate(kinds):
        width *= 2 if index in reductions else 1
        (y,) = b.call(name, before, x, path=f"cells.{index}", C=width)
        before, x = x, y
    return b.module(classifier(b, x, classes, "head"), source=source)


def _kinds(depth: int, reductions: set[int], *, after: bool) -> Sequence[str]:
    names: list[str] = []
    for index in range(depth):
        names.append(("reduce" if index in reductions else "normal") + ("_after_reduce" if after else ""))
        after = index in reductions
    return names


def _imagenet_stem(b: Builder, width: int) -> tuple[str, str]:
    x = b.input("x", f32(N, 3, 224, 224))
    x = conv_bn(b, x, width // 2, 3, "stem.0", stride=2, act="relu")
    before = conv_bn(b, x, width, 3, "stem.1", stride=2)
    return before, relu_conv_bn(b, before, width, 3, "stem.2", stride=2)


def _cifar_stem(b: Builder, width: int) -> tuple[str, str]:
    x = conv_bn(b, b.input("x", f32(N, 3, 32, 32)), 3 * width, 3, "stem")
    return x, x


def _cell(genotype: Genotype, name: str) -> Graph:
    """Return the block of one kind of cell, ``C`` wide, which takes the outputs of the two cells before it."""
    reduces, after = name.startswith("reduce"), name.endswith("_after_reduce")
    edges, concat = (genotype.reduce, genotype.reduce_concat) if reduces else (genotype.normal, genotype.normal_concat)
    scale = 2 if reduces else 1
    far = scale * 2 if after else scale
    b = Builder(name, symbols=("C",))
    before = b.input("before", f32(N, P, H * far, W * far))
    last = b.input("last", f32(N, Q, H * scale, W * scale))
    first = factorized_reduce(b, before, C, "before") if after else relu_conv_bn(b, before, C, 1, "before")
    states = [first, relu_conv_bn(b, last, C, 1, "last")]
    for index in range(0, len(edges), 2):
        states.append(_state(b, states, edges[index : index + 2], index // 2 + 2, reduces))
    chosen = [states[i] for i in concat]
    return b.finish(b("cat", *chosen, dim=1, path="concat") if len(chosen) > 1 else chosen[0])


def _state(b: Builder, states: Sequence[str], edges: Sequence[Edge], index: int, reduces: bool) -> str:
    strides = [2 if reduces and source < 2 else 1 for _, source in edges]
    results = [
        OPERATIONS[op](b, states[source], stride, f"states.{index}.{i}")
        for i, ((op, source), stride) in enumerate(zip(edges, strides, strict=True))
        if op != "none"
    ]
    if not results:
        return _zero(b, states[edges[0][1]], strides[0], f"states.{index}.zero")
    return b("add", *results, path=f"states.{index}.sum") if len(results) > 1 else results[0]


def _zero(b: Builder, x: str, stride: int, path: str) -> str:
    if stride > 1:
        for dim in (2, 3):
            x = b("slice", x, dim=dim, step=stride, path=f"{path}.{dim}")
    return b("mul", x, other=0.0, path=path)


def _skip(b: Builder, x: str, stride: int, path: str) -> str:
    return x if stride == 1 else factorized_reduce(b, x, C, path)


def _max_pool(kernel: int, b: Builder, x: str, stride: int, path: str) -> str:
    return b("max_pool2d", x, kernel_size=kernel, stride=stride, padding=kernel // 2, path=path)


def _avg_pool(kernel: int, b: Builder, x: str, stride: int, path: str) -> str:
    padding = kernel // 2
    return b("avg_pool2d", x, kernel_size=kernel, stride=stride, padding=padding, count_include_pad=False, path=path)


def _plain(kernel: int, b: Builder, x: str, stride: int, path: str) -> str:
    return relu_conv_bn(b, x, C, kernel, path, stride=stride)


def _separable(kernel: int, dilation: int, times: int, b: Builder, x: str, stride: int, path: str) -> str:
    for index in range(times):
        place = f"{path}.{index}" if times > 1 else path
        x = b("relu", x, path=f"{place}.relu")
        x = conv(b, x, C, kernel, f"{place}.depthwise", stride=stride, groups=C, dilation=dilation)
        x = b("batch_norm", conv(b, x, C, 1, f"{place}.pointwise"), path=f"{place}.bn")
        stride = 1
    return x


def _crossed(kernel: int, b: Builder, x: str, stride: int, path: str) -> str:
    x = b("relu", x, path=f"{path}.relu")
    x = conv(b, x, C, (1, kernel), f"{path}.row", stride=(1, stride))
    return b("batch_norm", conv(b, x, C, (kernel, 1), f"{path}.column", stride=(stride, 1)), path=f"{path}.bn")


OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "none": _zero,
        "skip_connect": _skip,
        **{f"max_pool_{k}x{k}": partial(_max_pool, k) for k in (3, 5, 7)},
        **{f"avg_pool_{k}x{k}": partial(_avg_pool, k) for k in (3, 5)},
        **{f"conv_{k}x{k}": partial(_plain, k) for k in (1, 3)},
        **{f"sep_conv_{k}x{k}": partial(_separable, k, 1, 2) for k in (3, 5, 7)},
        **{f"dil_conv_{k}x{k}": partial(_separable, k, 2, 1) for k in (3, 5)},
        "dil_sep_conv_3x3": partial(_separable, 3, 2, 2),
        **{f"conv_{k}x1_1x{k}": partial(_crossed, k) for k in (3, 7)},
    }
)
"""What an operation of a genotype adds to the builder, given its operand, stride and path."""
