"""Symbols of a block: which integers differ between its instances, and how few symbols explain them.

An integer of a block is a vector: its value in each instance. Vectors that are constant stay numbers. Each of
the others becomes a symbol, unless it is a multiple, a part, a product or a sum of symbols that were found
before; a kernel is ``P*2+1`` for its padding ``P``. Sizes of the inputs come first, so that they are the symbols
and the rest is said in terms of them (``C//4``); where that does not type-check, smaller ones come first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...ir import Dim, symbol

Vector = tuple[int, ...]
Role = str
CHANNELS = frozenset({"C", "G"})
SPACE = frozenset({"H", "W", "L"})
WINDOW = frozenset({"S", "K", "P", "D"})
ROLES: dict[str, Role] = {
    "out_channels": "C",
    "out_features": "C",
    "embedding_dim": "C",
    "normalized_shape": "C",
    "groups": "G",
    "num_groups": "G",
    "stride": "S",
    "kernel_size": "K",
    "padding": "P",
    "dilation": "D",
    "output_size": "H",
    "size": "H",
}


@dataclass(frozen=True, slots=True)
class Varying:
    """A vector that is not constant, and what it is the size of."""

    vector: Vector
    role: Role
    interface: bool = False

    @property
    def key(self) -> tuple[str, Vector]:
        """Vectors with one key are one size: strides and channels never are."""
        return (self.role if self.role in WINDOW else "", self.vector)


class Symbols:
    """The dimensions that stand for vectors."""

    def __init__(
        self,
        varying: Iterable[Varying],
        taken: Iterable[str],
        results: Iterable[Vector],
        *,
        inputs_first: bool,
    ) -> None:
        self.dims: dict[tuple[str, Vector], Dim] = {}
        self.values: dict[str, Vector] = {}
        self._bases: list[tuple[Varying, Dim]] = []
        self._known: list[tuple[Varying, Dim]] = []
        self._taken = set(taken)
        self._results = frozenset(results)
        self._divides = inputs_first
        order = sorted(_merged(varying), key=lambda v: (v.role == "K", sum(v.vector), v.vector))
        for one in sorted(order, key=lambda v: inputs_first and not v.interface):
            self._add(one)

    def generalise(self, dims: Sequence[Dim], role: Role) -> Dim:
        """Return the dimension that stands for one size, given its value in each instance."""
        first = dims[0]
        if isinstance(first, int):
            vector = tuple(dim for dim in dims if isinstance(dim, int))
            return self._of(vector, role)
        total: Dim = 0
        for vector, monomial in zip(vectors(dims), (monomial for monomial, _ in first.terms), strict=True):
            from ...ir import Expr

            total = total + self._of(vector, "") * (Expr(((monomial, 1),)) if monomial else 1)
        return total

    def _of(self, vector: Vector, role: Role) -> Dim:
        if _constant(vector):
            return vector[0]
        key = Varying(vector, role).key
        return self.dims[key]

    def _add(self, one: Varying) -> None:
        dim = self._expressed(one)
        if dim is None:
            name = self._name(one)
            dim = symbol(name)
            self.values[name] = one.vector
            self._bases.append((one, dim))
        self._known.append((one, dim))
        self.dims[one.key] = dim

    def _expressed(self, one: Varying) -> Dim | None:
        if one.role in WINDOW:
            return self._from_padding(one) if one.role == "K" else None
        for base, dim in self._bases:
            factor = _ratio(one.vector, base.vector) if _related(one.role, base.role) else None
            if factor is not None:
                return dim * factor
        return self._part(one) or self._product(one) or self._sum(one)

    def _part(self, one: Varying) -> Dim | None:
        for base, dim in self._bases if self._divides else ():
            divisor = _ratio(base.vector, one.vector) if _related(one.role, base.role) else None
            if divisor is not None:
                return dim // divisor
        return None

    def _from_padding(self, one: Varying) -> Dim | None:
        for base, dim in self._bases:
            if base.role == "P" and all(k == 2 * p + 1 for k, p in zip(one.vector, base.vector, strict=True)):
                return dim * 2 + 1
        return None

    def _product(self, one: Varying) -> Dim | None:
        if one.role not in ("", "L"):
            return None
        bases = [(b, dim) for b, dim in self._bases if b.role not in WINDOW]
        for i, (a, left) in enumerate(bases):
            for b, right in bases[i:]:
                product = tuple(x * y for x, y in zip(a.vector, b.vector, strict=True))
                factor = _ratio(one.vector, product)
                if factor is not None:
                    return left * right * factor
        return None

    def _sum(self, one: Varying) -> Dim | None:
        known = [(b, dim) for b, dim in self._known if b.role not in WINDOW and _related(one.role, b.role)]
        for i, (a, left) in enumerate(known):
            for b, right in known[i:]:
                if all(z == x + y for x, y, z in zip(a.vector, b.vector, one.vector, strict=True)):
                    return left + right
        return None

    def _name(self, one: Varying) -> str:
        stem = one.role or "M"
        if stem == "C" and "C" in self._taken:
            stem = "C_out" if one.vector in self._results else "C_mid"
        name, count = stem, 2
        while name in self._taken:
            name, count = f"{stem}{count}", count + 1
        self._taken.add(name)
        return name


def vectors(dims: Sequence[Dim]) -> list[Vector]:
    """Return the integers of one size over all instances: itself, or its coefficients where it is symbolic."""
    if isinstance(dims[0], int):
        return [tuple(dim for dim in dims if isinstance(dim, int))]
    rows = [[coefficient for _, coefficient in dim.terms] for dim in dims if not isinstance(dim, int)]
    return [tuple(column) for column in zip(*rows, strict=True)]


def varying(dims: Sequence[Dim], role: Role, *, interface: bool = False) -> list[Varying]:
    """Return the vectors of one size that are not constant."""
    plain = isinstance(dims[0], int)
    role = role if plain else ""
    return [Varying(vector, role, interface and plain) for vector in vectors(dims) if not _constant(vector)]


def _merged(varying: Iterable[Varying]) -> list[Varying]:
    """Return one of each size, known as the first role that says what it is."""
    merged: dict[tuple[str, Vector], Varying] = {}
    for one in varying:
        known = merged.setdefault(one.key, one)
        role = min(one.role, known.role, key=_rank)
        merged[one.key] = Varying(one.vector, role, one.interface or known.interface)
    return list(merged.values())


def _rank(role: Role) -> int:
    return ("C", "H", "W", "L", "G", "").index(role) if role not in WINDOW else 0


def _constant(vector: Vector) -> bool:
    return all(value == vector[0] for value in vector)


def _ratio(vector: Vector, base: Vector) -> int | None:
    if not all(base) or vector[0] % base[0] or vector[0] == 0:
        return None
    factor = vector[0] // base[0]
    return factor if all(v == factor * b for v, b in zip(vector, base, strict=True)) else None


def _related(a: Role, b: Role) -> bool:
    if b in WINDOW:
        return False
    return not a or not b or (a in CHANNELS) == (b in CHANNELS)
