"""Where the axes of a Keras tensor lie in the IR: channels-last there is channels-first here.

A value of the IR keeps its axes in an order of its own: axis ``i`` is axis ``order[i]`` of the Keras tensor. Layers
say which order they need, so a permutation is emitted only where two of them disagree, and none around convolutions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from ...ir import Dim

Order = tuple[int, ...]
Shape = tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """How flattened features lie: as axes of these ``sizes``, of which the ``i``-th is axis ``axes[i]`` in Keras."""

    sizes: tuple[int, ...]
    axes: Order

    def keras_indices(self) -> list[int]:
        """Return, for each feature in the order of the IR, its index in Keras."""
        keras_sizes = [self.sizes[self.axes.index(axis)] for axis in range(len(self.axes))]
        strides = [prod(keras_sizes[axis + 1 :]) for axis in self.axes]
        indices = [0]
        for size, stride in zip(self.sizes, strides, strict=True):
            indices = [index + stride * i for index in indices for i in range(size)]
        return indices


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the IR that stands for a Keras tensor; ``rows`` where its last axis was flattened in our order."""

    name: str
    order: Order
    rows: Rows | None = None


def identity(rank: int) -> Order:
    """Return the order of Keras itself."""
    return tuple(range(rank))


def channels_first(rank: int) -> Order:
    """Return the order that has the last axis of Keras after the batch."""
    return (0, rank - 1, *range(1, rank - 1)) if rank > 2 else identity(rank)


def in_keras(shape: Shape, order: Order) -> Shape:
    """Return the shape that Keras sees, for the shape that the IR has."""
    return tuple(shape[order.index(axis)] for axis in range(len(shape)))


def reordered(shape: Shape, order: Order) -> Shape:
    """Return the shape that the IR has, for the shape that Keras sees."""
    return tuple(shape[axis] for axis in order)


def moves_only_ones(shape: Shape, old: Order, new: Order) -> bool:
    """Return whether changing the order moves nothing but axes of size 1; ``shape`` is as Keras sees it."""
    return [axis for axis in old if shape[axis] != 1] == [axis for axis in new if shape[axis] != 1]


@dataclass(frozen=True, slots=True)
class Regrouping:
    """A reshape in the IR: the shape there, and the order of the result's axes."""

    shape: Shape
    order: Order
    rows: Rows | None = None


def regroup(source: Shape, order: Order, target: Shape) -> Regrouping | None:
    """Return the reshape in the IR that is Keras's reshape from ``source`` to ``target`` (as Keras sees them).

    Axes are matched in groups of equal size. Where every group lies together in the IR, the reshape keeps the IR's
    order of groups; None where elements have to be moved first.
    """
    groups = _groups(source[1:], target[1:])
    if groups is None:
        return None
    placed: list[tuple[int, tuple[int, ...]]] = [(0, (0,))]
    for old, new in groups:
        places = [order.index(axis + 1) for axis in old if source[axis + 1] != 1]
        if places != sorted(places) or not _together(places, source, order):
            return _flattened(source, order, target)
        placed.append((places[0] if places else len(order), tuple(axis + 1 for axis in new)))
    placed.sort(key=lambda pair: pair[0])
    axes = tuple(axis for _, group in placed for axis in group)
    natural = channels_first(len(target))
    if len(target) > 3 and moves_only_ones(target, axes, natural):
        axes = natural
    return Regrouping(reordered(target, axes), axes)


def _together(places: Sequence[int], source: Shape, order: Order) -> bool:
    """Return whether nothing but axes of size 1 lies between these places of the IR."""
    if not places:
        return True
    between = set(range(places[0], places[-1] + 1)) - set(places)
    return all(source[order[place]] == 1 for place in between)


def _flattened(source: Shape, order: Order, target: Shape) -> Regrouping | None:
    """Return the reshape to one axis of features that keeps our order of them, remembered as rows."""
    sizes = reordered(source, order)[1:]
    known = tuple(size for size in sizes if isinstance(size, int))
    if len(target) != 2 or order[0] != 0 or len(known) != len(sizes):
        return None
    return Regrouping(target, (0, 1), Rows(known, tuple(axis - 1 for axis in order[1:])))


def _groups(source: Shape, target: Shape) -> list[tuple[list[int], list[int]]] | None:
    """Return the least groups of neighbouring axes that hold equally many elements; None for symbolic sizes."""
    old = [size for size in source if isinstance(size, int)]
    new = [size for size in target if isinstance(size, int)]
    if len(old) < len(source) or len(new) < len(target) or prod(old) != prod(new):
        return None
    groups: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(old) and j < len(new):
        ends = i + 1, j + 1
        while (sizes := (prod(old[i : ends[0]]), prod(new[j : ends[1]])))[0] != sizes[1]:
            ends = (ends[0] + 1, ends[1]) if sizes[0] < sizes[1] else (ends[0], ends[1] + 1)
        groups.append((list(range(i, ends[0])), list(range(j, ends[1]))))
        i, j = ends
    left, right = list(range(i, len(old))), list(range(j, len(new)))
    last = groups.pop() if groups else ([], [])
    return [*groups, (last[0] + left, last[1] + right)]
