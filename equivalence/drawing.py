"""Inputs: what both models take, and numbers drawn for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..frontends.pytorch.sizes import TORCH_DTYPES
from ..ir import Diagnostic, Dim, Expr, Graph, NascError, TensorType, solve, substitute, symbols_of
from .subjects import Subject

STEP = 4
"""By how much the second symbol of the inputs is larger than the batch, the third than the second."""
_MOVES = frozenset("reshape flatten unflatten permute transpose squeeze unsqueeze expand slice select cast".split())


@dataclass(frozen=True)
class Port:
    """One input of both models: its type, the batch a symbol, and the integers that it may hold are below ``bound``."""

    name: str
    type: TensorType
    bound: int = 2

    def draw(self, sizes: Mapping[str, Dim], generator: torch.Generator) -> Tensor:
        """Return numbers: normal ones for floats, whole ones below the bound for integers."""
        shape = [int(str(substitute(dim, sizes))) for dim in self.type.shape]
        dtype = TORCH_DTYPES[self.type.dtype]
        if self.type.dtype.is_floating:
            return torch.randn(shape, generator=generator).to(dtype)
        return torch.randint(0, self.bound, shape, generator=generator).to(dtype)

    def __str__(self) -> str:
        """Return the port as the certificate shows it."""
        what = "normal numbers" if self.type.dtype.is_floating else f"whole numbers below {self.bound}"
        return f"{self.name}: {self.type}, {what}"


def ports(a: Subject, b: Subject) -> tuple[Port, ...]:
    """Return what both models take. Raises NascError for each input that only one takes, or takes otherwise."""
    if len(a.inputs) != len(b.inputs):
        raise NascError.of(
            f"A takes {_listed(a)} but B takes {_listed(b)}", "expected two models with the same inputs", "inputs"
        )
    problems: list[Diagnostic] = []
    known: dict[str, Dim] = {}
    found: list[Port] = []
    for (name, one), (other_name, other) in zip(a.inputs, b.inputs, strict=True):
        if not _fits(one, other, known):
            message = f"A takes {name}: {one} but B takes {other_name}: {other}"
            problems.append(Diagnostic(message, "give both the same shape with --input, or build them alike", "inputs"))
        found.append(Port(name, one, _bound(a, b, len(found))))
    if problems:
        raise NascError(*problems)
    return tuple(Port(port.name, port.type.substitute(known), port.bound) for port in found)


def _listed(subject: Subject) -> str:
    count = len(subject.inputs)
    shown = ", ".join(f"{name}: {type}" for name, type in subject.inputs)
    return f"{count} input{'s' * (count != 1)} ({shown})"


def _fits(one: TensorType, other: TensorType, known: dict[str, Dim]) -> bool:
    """Return whether two types may be one; a size that only one of them fixes is noted."""
    if one.dtype is not other.dtype or one.rank != other.rank:
        return False
    for left, right in zip(one.shape, other.shape, strict=True):
        left = substitute(left, known)
        if isinstance(left, Expr) and isinstance(right, int):
            solved = solve(left, right, {})
            if solved is None or substitute(left, dict([solved])) != right:
                return False
            known[solved[0]] = solved[1]
        elif isinstance(left, int) and isinstance(right, int) and left != right:
            return False
    return True


def _bound(a: Subject, b: Subject, place: int) -> int:
    """Return how many whole numbers an input may hold: the rows of the smallest table that it chooses from."""
    rows = [_rows(subject.module.main, place) for subject in (a, b) if subject.module is not None]
    known = [count for count in rows if count]
    return min(known) if known else 2


def _rows(graph: Graph, place: int) -> int:
    if place >= len(graph.inputs) or graph.inputs[place].type.dtype.is_floating:
        return 0
    reached, found = {graph.inputs[place].name}, list[int]()
    types = graph.value_types()
    for node in graph.nodes:
        if not reached.intersection(node.operands):
            continue
        if node.op.name in _MOVES:
            reached.update(node.results)
        elif node.op.name == "embedding":
            found.append(int(str(node.op.attributes()["num_embeddings"])))
        elif node.op.name == "index" and node.operands[1] in reached:
            found.append(int(str(types[node.operands[0]].shape[int(str(node.op.attributes()["dim"]))])))
    return min(found) if found else 0


def _symbols(found: Sequence[Port]) -> list[str]:
    """Return the symbols of all inputs; the first one is the batch."""
    names = [name for port in found for dim in port.type.shape for name in sorted(symbols_of(dim))]
    return list(dict.fromkeys(names))


def batches(found: Sequence[Port], wanted: Sequence[int]) -> tuple[int, ...]:
    """Return the batch sizes to run: those wanted, or the only one where the batch is fixed."""
    if _symbols(found):
        return tuple(wanted)
    first = found[0].type.shape[0] if found and found[0].type.rank else 1
    return (int(str(first)),)


def draw(found: Sequence[Port], batch: int, seed: int) -> list[Tensor]:
    """Return inputs for one run; the same for the same batch and seed. Other symbols than the batch are larger."""
    generator = torch.Generator().manual_seed(1_000_003 * seed + batch)
    sizes: dict[str, Dim] = {name: batch + STEP * place for place, name in enumerate(_symbols(found))}
    return [port.draw(sizes, generator) for port in found]
