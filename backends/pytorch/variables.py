"""Variables: which Python variable holds which value, and where a symbolic size can be read at run time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ...ir import Dim, Expr, Graph, Node, TensorType, substitute, symbols_of
from .quoting import identifier

LONGEST = 20
_HINTS = {"scaled_dot_product_attention": ("q", "k", "v", "mask")}
_THROUGH = ("transpose", "permute", "reshape", "layer_norm", "rms_norm", "mul", "normalize", "cast")
_SCORES = ("add", "mul", "div", "sub", "reshape", "masked_fill", "where")


class Variables:
    """The variables of one forward function."""

    def __init__(self, graph: Graph, types: Mapping[str, TensorType], reserved: Iterable[str]) -> None:
        """Name the inputs."""
        self.types = types
        self.names: dict[str, str] = {}
        self.holds: dict[str, str] = {}
        self._reserved = frozenset(reserved)
        self._taken = set(self._reserved)
        self._sources: dict[Dim, list[tuple[str, str, int]]] = {}
        self._hints = hints(graph)
        for value in graph.inputs:
            self.assign(value.name, identifier(value.name.split(".")[-1], self._taken))
        self.inputs = dict(self.names)

    def fresh(self, value: str, wanted: Iterable[str] = ()) -> str:
        """Return a variable name for a value that no live value uses: one that is wanted, if there is."""
        for name in wanted:
            if name not in self._taken:
                return name
        parts = [part for part in self._hints.get(value, value).split(".") if not part.strip("_").isdecimal()]
        stem = (parts or ["x"])[-1]
        head, _, number = stem.rpartition("_")
        words = (head if number.isdecimal() and head else stem).split("_")
        while len(words) > 1 and len("_".join(words)) > LONGEST:
            words.pop()
        return identifier("_".join(words), self._taken, LONGEST)

    def hinted(self, value: str) -> bool:
        """Return whether a value has a customary name, such as ``q``."""
        return value in self._hints

    def assign(self, value: str, name: str) -> None:
        """Note that a variable now holds a value."""
        self.names[value] = name
        self._taken.add(name)
        self.holds[name] = value
        for axis, dim in enumerate(self.types[value].shape):
            if isinstance(dim, Expr):
                self._sources.setdefault(dim, []).append((name, value, axis))

    def release(self, value: str) -> None:
        """Note that a value is not read again; its variable may be reused."""
        name = self.names.pop(value, "")
        if name not in self._reserved:
            self._taken.discard(name)

    def size(self, dim: Dim) -> str | None:
        """Return ``x.shape[i]`` for a size that a variable has now."""
        found = self._sources.get(dim, [])
        while found and self.holds.get(found[-1][0]) != found[-1][1]:
            found.pop()
        return f"{found[-1][0]}.shape[{found[-1][2]}]" if found else None

    def any(self) -> str:
        """Return a variable that holds a tensor now, if there is one."""
        return next(iter(self.holds), "")


def hints(graph: Graph) -> dict[str, str]:
    """Return customary names of values: the operands of attention, traced back to where they are made."""
    found: dict[str, str] = {}
    uses: dict[str, int] = {}
    weighted: set[str] = set()
    for node in graph.nodes:
        if node.op.name == "softmax" or (node.op.name == "dropout" and node.operands[0] in weighted):
            weighted.add(node.name)
        for operand in node.operands:
            uses[operand] = uses.get(operand, 0) + 1
    for node in reversed(graph.nodes):
        for operand, name in zip(node.operands, _HINTS.get(node.op.name, ()), strict=False):
            found.setdefault(operand, name)
        for operand, name in _roles(node, found, weighted):
            if uses[operand] == 1:
                found.setdefault(operand, name)
    return found


def _roles(node: Node, found: Mapping[str, str], weighted: set[str]) -> list[tuple[str, str]]:
    """Return what a node's operands are, given what its result is: ``attn @ v``, ``q @ k``."""
    role = found.get(node.name, "")
    first = node.operands[0] if node.operands else ""
    if node.op.name == "matmul" and first in weighted:
        return [(first, "attn"), (node.operands[1], "v")]
    if node.op.name == "matmul" and role == "attn":
        return [(first, "q"), (node.operands[1], "k")]
    if role == "attn" and node.op.name in ("softmax", "dropout", *_SCORES):
        return [(first, "attn")]
    passes = node.op.name in _THROUGH and len(node.operands) == 1 and role not in ("", "attn")
    return [(first, role)] if passes else []


def recover(graph: Graph, name: str) -> tuple[str, int, Dim, Dim] | None:
    """Return ``(input, axis, rest, slope)`` so that the symbol is ``(input.shape[axis] - rest) // slope``.

    ``rest`` and ``slope`` are numbers where some axis allows it; else they hold symbols that can be read alone, as
    the ``M`` of ``M*N`` where another input has an axis of ``M``.
    """
    found = _recovered(graph, name, lambda dim: isinstance(dim, int))
    return found or _recovered(graph, name, lambda dim: all(_alone(graph, other, name) for other in symbols_of(dim)))


def _alone(graph: Graph, name: str, unknown: str) -> bool:
    if name == unknown:
        return False
    return name in graph.symbols or _recovered(graph, name, lambda dim: isinstance(dim, int)) is not None


def _recovered(graph: Graph, name: str, readable: Callable[[Dim], bool]) -> tuple[str, int, Dim, Dim] | None:
    for value in graph.inputs:
        for axis, dim in enumerate(value.type.shape):
            if name not in symbols_of(dim):
                continue
            rest = substitute(dim, {name: 0})
            slope = substitute(dim, {name: 1}) - rest
            linear = substitute(dim, {name: 2}) == 2 * slope + rest
            if linear and readable(rest) and readable(slope):
                return value.name, axis, rest, slope
    return None
