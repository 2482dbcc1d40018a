"""The calls of one run of a model, told apart from those of another by what they compute and not by its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor, nn
from torch.utils import _pytree as pytree

_COUNTER = "num_batches_tracked"
_DRAWS = ("bernoulli", "multinomial", "normal", "rand", "randint", "randn", "random", "randperm", "uniform")
"""Functions that draw numbers, by their names without ``_like`` and the ``_`` of what they write in place."""


@dataclass(frozen=True)
class _Call:
    name: str
    taken: tuple[object, ...]
    given: tuple[object, ...]

    @property
    def writes(self) -> bool:
        """Whether the first argument is changed in place."""
        return self.name == "__setitem__" or (self.name.endswith("_") and not self.name.endswith("__"))


class Calls:
    """Calls in order; the tensors that they take and give are kept, so that each is known again."""

    def __init__(self, model: nn.Module) -> None:
        """Start with the tensors that a model owns, which are known by their keys."""
        self._calls: list[_Call] = []
        state = (*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False))
        self._state = tuple((key, tensor) for key, tensor in state if not key.endswith(_COUNTER))
        self._results: tuple[object, ...] = ()

    def add(self, name: str, taken: object, given: object) -> None:
        """Note a call."""
        self._calls.append(_Call(name, tuple(pytree.tree_leaves(taken)), tuple(pytree.tree_leaves(given))))

    def finish(self, model: nn.Module, outputs: object) -> None:
        """Note what the run leaves: its outputs, and the buffers that the model has now."""
        buffers = [tensor for key, tensor in model.named_buffers() if not key.endswith(_COUNTER)]
        self._results = tuple(pytree.tree_leaves((outputs, buffers)))

    def computed(self) -> tuple[tuple[object, ...], ...]:
        """Return the calls that outputs or buffers depend on, tensors by their keys or the order of their making.

        The counters of batches, which count in training alone, are none of these buffers.
        """
        names: dict[int, object] = {id(tensor): key for key, tensor in self._state}

        def shown(leaf: object) -> object:
            plain = isinstance(leaf, bool | int | float | str | None)
            return leaf if plain else names.setdefault(id(leaf), len(names))

        live = [(call.name, *map(shown, call.taken), "->", *map(shown, call.given)) for call in self._live()]
        return (*live, ("", *map(shown, self._results)))

    def draws(self) -> bool:
        """Return whether outputs or buffers depend on numbers drawn by anything but dropout."""
        return any(call.name.removesuffix("_like").rstrip("_") in _DRAWS for call in self._live())

    def _live(self) -> list[_Call]:
        needed = set(_memory((*self._results, *(tensor for _, tensor in self._state))))
        live: list[_Call] = []
        for call in reversed(self._calls):
            made = set(_memory(call.taken[:1] if call.writes else call.given))
            if made & needed:
                needed.update(_memory(call.taken))
                live.append(call)
        return live[::-1]


def _memory(leaves: Iterable[object]) -> Iterator[int]:
    """Return what tells the memory of each tensor: a view has that of the whole."""
    for leaf in leaves:
        if isinstance(leaf, Tensor):
            yield cast("Any", leaf.untyped_storage())._cdata
