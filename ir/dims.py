"""Symbolic integer dimensions: polynomials over named symbols with floor division.

A dimension is an ``int`` or an :class:`Expr`. Expressions are kept in one normal form (a sorted sum of
monomials), so two dimensions are equal exactly when their normal forms are. Symbols stand for integers >= 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import TypeAlias, Union

Dim: TypeAlias = Union[int, "Expr"]
Atom: TypeAlias = Union[str, "FloorDiv"]
Monomial: TypeAlias = tuple[Atom, ...]


@dataclass(frozen=True, slots=True)
class FloorDiv:
    """``numerator // denominator`` that could not be simplified further."""

    numerator: Dim
    denominator: Dim

    def __str__(self) -> str:
        """Return the text form, ``(H-1)//2``."""
        return f"{_factor(self.numerator)}//{_factor(self.denominator)}"


@dataclass(frozen=True, slots=True, eq=True)
class Expr:
    """A sum of ``coefficient * monomial`` terms with at least one symbol; build it with :func:`symbol`."""

    terms: tuple[tuple[Monomial, int], ...]
    _hash: int = field(init=False, repr=False, compare=False)
    _text: str = field(init=False, repr=False, compare=False, default="")
    name: str | None = field(init=False, repr=False, compare=False, default=None)
    """The symbol, where the dimension is a symbol and nothing else, as most are."""

    def __post_init__(self) -> None:
        """Hash once: dimensions are compared and looked up all the time."""
        object.__setattr__(self, "_hash", hash(self.terms))
        monomial, coefficient = self.terms[0]
        if coefficient == 1 and len(self.terms) == 1 and len(monomial) == 1 and isinstance(monomial[0], str):
            object.__setattr__(self, "name", monomial[0])

    def __hash__(self) -> int:
        """Return the hash of the normal form."""
        return self._hash

    def __add__(self, other: Dim) -> Dim:
        """Return the sum."""
        total = dict(self.terms)
        for monomial, coefficient in _terms(other):
            total[monomial] = total.get(monomial, 0) + coefficient
        return _normal(total)

    __radd__ = __add__

    def __mul__(self, other: Dim) -> Dim:
        """Return the product, expanded."""
        total: dict[Monomial, int] = {}
        for left, a in self.terms:
            for right, b in _terms(other):
                monomial = tuple(sorted(left + right, key=str))
                total[monomial] = total.get(monomial, 0) + a * b
        return _normal(total)

    __rmul__ = __mul__

    def __neg__(self) -> Dim:
        """Return the negation."""
        return self * -1

    def __sub__(self, other: Dim) -> Dim:
        """Return the difference."""
        return self + (-1 * other)

    def __rsub__(self, other: Dim) -> Dim:
        """Return the difference, reversed."""
        return (self * -1) + other

    def __floordiv__(self, other: Dim) -> Dim:
        """Return the floor of the quotient."""
        return _floordiv(self, other)

    def __rfloordiv__(self, other: Dim) -> Dim:
        """Return the floor of the quotient, reversed."""
        return _floordiv(other, self)

    def __str__(self) -> str:
        """Return the text form, ``C*4+1``; written once, since nested divisions repeat it at every level."""
        if not self._text:
            text = ""
            for monomial, coefficient in self.terms:
                text += _term(monomial, coefficient, first=not text)
            object.__setattr__(self, "_text", text)
        return self._text


def symbol(name: str) -> Expr:
    """Return the dimension that is the symbol ``name``."""
    return Expr((((name,), 1),))


def symbols_of(dim: Dim) -> frozenset[str]:
    """Return the names of all symbols in ``dim``."""
    if isinstance(dim, int):
        return frozenset()
    found: set[str] = set()
    for monomial, _ in dim.terms:
        for atom in monomial:
            if isinstance(atom, str):
                found.add(atom)
            else:
                found |= symbols_of(atom.numerator) | symbols_of(atom.denominator)
    return frozenset(found)


def substitute(dim: Dim, values: Mapping[str, Dim]) -> Dim:
    """Replace symbols by dimensions; symbols without a value stay. Raises ZeroDivisionError."""
    if isinstance(dim, int) or not values:
        return dim
    if dim.name is not None:
        return values.get(dim.name, dim)
    total: Dim = 0
    for monomial, coefficient in dim.terms:
        total = total + coefficient * product(_value(atom, values) for atom in monomial)
    return total


def product(dims: Iterable[Dim]) -> Dim:
    """Return the product of dimensions; 1 for none."""
    total: Dim = 1
    for dim in dims:
        total = dim if total == 1 else total * dim
    return total


def ceildiv(a: Dim, b: Dim) -> Dim:
    """Return the ceiling of ``a / b`` for a positive ``b``."""
    return (a + b - 1) // b


def evaluate(dim: Dim, default: int = 1) -> int:
    """Return the value of ``dim`` with every symbol set to ``default``."""
    values: dict[str, Dim] = {name: default for name in symbols_of(dim)}
    result = substitute(dim, values)
    assert isinstance(result, int)
    return result


def solve(pattern: Dim, value: Dim, known: Mapping[str, Dim]) -> tuple[str, Dim] | None:
    """Return ``(symbol, value)`` where ``pattern`` is linear in its one unknown symbol; None otherwise.

    ``C*4`` against 256 gives ``("C", 64)``; the caller checks the solution by substituting it.
    """
    if isinstance(pattern, int):
        return None
    if pattern.name is not None:
        return None if pattern.name in known else (pattern.name, value)
    unknown = symbols_of(pattern) - known.keys()
    if len(unknown) != 1:
        return None
    (name,) = unknown
    rest = substitute(pattern, {**known, name: 0})
    slope = substitute(pattern, {**known, name: 1}) - rest
    if slope == 0:
        return None
    return name, (value - rest) // slope


def _value(atom: Atom, values: Mapping[str, Dim]) -> Dim:
    if isinstance(atom, str):
        return values[atom] if atom in values else symbol(atom)
    return substitute(atom.numerator, values) // substitute(atom.denominator, values)


def _terms(dim: Dim) -> tuple[tuple[Monomial, int], ...]:
    return (((), dim),) if isinstance(dim, int) else dim.terms


def _normal(total: Mapping[Monomial, int]) -> Dim:
    terms = [(monomial, c) for monomial, c in total.items() if c]
    if not terms:
        return 0
    if len(terms) == 1 and not terms[0][0]:
        return terms[0][1]
    if len(terms) > 1:
        terms.sort(key=lambda term: (not term[0], -len(term[0]), [str(atom) for atom in term[0]]))
    return Expr(tuple(terms))


def _floordiv(a: Dim, b: Dim) -> Dim:
    if b == 0:
        raise ZeroDivisionError("division of a dimension by zero")
    if isinstance(b, int):
        return a // b if isinstance(a, int) else _divide_by_int(a, b)
    exact = _divide_exactly(a, b)
    return _normal({(FloorDiv(a, b),): 1}) if exact is None else exact


def _divide_by_int(a: Expr, b: int) -> Dim:
    if b < 0:
        return _divide_by_int_terms(-a, -b)
    return _divide_by_int_terms(a, b)


def _divide_by_int_terms(a: Dim, b: int) -> Dim:
    quotient: dict[Monomial, int] = {}
    rest: dict[Monomial, int] = {}
    for monomial, coefficient in _terms(a):
        whole, left = divmod(coefficient, b)
        if not monomial:
            quotient[()] = whole
            rest[()] = left
        elif left == 0:
            quotient[monomial] = whole
        else:
            rest[monomial] = coefficient
    remainder = _normal(rest)
    if isinstance(remainder, int):
        return _normal(quotient)
    return _normal(quotient) + _nested(remainder, b)


def _nested(a: Expr, b: int) -> Dim:
    """Return ``a // b``, with ``(x // m + c) // b`` as ``(x + c*m) // (m*b)``."""
    atoms = [(monomial, c) for monomial, c in a.terms if monomial]
    if len(atoms) == 1 and atoms[0][1] == 1 and len(atoms[0][0]) == 1:
        atom = atoms[0][0][0]
        if isinstance(atom, FloorDiv) and isinstance(atom.denominator, int) and atom.denominator > 0:
            constant = a - _normal({atoms[0][0]: 1})
            return _floordiv(atom.numerator + constant * atom.denominator, atom.denominator * b)
    return _normal({(FloorDiv(a, b),): 1})


def _divide_exactly(a: Dim, b: Expr) -> Dim | None:
    if a == b:
        return 1
    if a == 0:
        return 0
    if len(b.terms) != 1:
        ratio = _leading_ratio(a, b)
        return ratio if ratio is not None and ratio * b == a else None
    divisor, factor = b.terms[0]
    quotient: dict[Monomial, int] = {}
    for monomial, coefficient in _terms(a):
        left = list(monomial)
        for atom in divisor:
            if atom not in left:
                return None
            left.remove(atom)
        if coefficient % factor:
            return None
        quotient[tuple(left)] = coefficient // factor
    return _normal(quotient)


def _leading_ratio(a: Dim, b: Expr) -> Dim | None:
    """Return the quotient of the leading terms, the only candidate for a monomial ``a / b``."""
    lead, factor = b.terms[0]
    monomial, coefficient = _terms(a)[0]
    left = list(monomial)
    for atom in lead:
        if atom not in left:
            return None
        left.remove(atom)
    return None if coefficient % factor else _normal({tuple(left): coefficient // factor})


def _factor(dim: Dim) -> str:
    text = str(dim)
    return text if text.isidentifier() or text.isdigit() else f"({text})"


def _term(monomial: Monomial, coefficient: int, *, first: bool) -> str:
    sign = "-" if coefficient < 0 else "" if first else "+"
    size = abs(coefficient)
    factors = [str(atom) if isinstance(atom, str) else f"({atom})" for atom in monomial]
    if len(monomial) == 1 and size == 1 and isinstance(monomial[0], FloorDiv):
        factors = [str(monomial[0])]
        if sign == "-":
            factors = [f"({monomial[0]})"]
    if size != 1 or not factors:
        factors.append(str(size))
    return sign + "*".join(factors)


def numel(shape: Iterable[Dim]) -> Dim:
    """Return the number of elements of a tensor of this shape."""
    dims = list(shape)
    known = prod(dim for dim in dims if isinstance(dim, int))
    return product([known, *(dim for dim in dims if not isinstance(dim, int))])
