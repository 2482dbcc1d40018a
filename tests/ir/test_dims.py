"""Symbolic sizes: the normal form means the same integers as the expression that it was made of."""

from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nasc.ir import Dim, ceildiv, evaluate, numel, product, solve, substitute, symbol, symbols_of
from nasc.tests.ir.strategies import dims

VALUES = st.fixed_dictionaries({name: st.integers(1, 40) for name in ("N", "C", "H")})
Expression = tuple[Dim, Callable[[dict[str, int]], int]]


def _leaf(value: int | str) -> Expression:
    if isinstance(value, int):
        return value, lambda _: value
    return symbol(value), lambda values: values[value]


def _binary(op: str, a: Expression, b: Expression) -> Expression:
    if op == "+":
        return a[0] + b[0], lambda v: a[1](v) + b[1](v)
    if op == "-":
        return a[0] - b[0], lambda v: a[1](v) - b[1](v)
    return a[0] * b[0], lambda v: a[1](v) * b[1](v)


def _quotient(a: Expression, b: int) -> Expression:
    return a[0] // b, lambda v: a[1](v) // b


EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(
    st.one_of(st.integers(-9, 64), st.sampled_from(["N", "C", "H"])).map(_leaf),
    lambda inner: st.one_of(
        st.builds(_binary, st.sampled_from("+-*"), inner, inner),
        st.builds(_quotient, inner, st.sampled_from([-3, -1, 1, 2, 3, 4, 8])),
    ),
    max_leaves=8,
)


@given(EXPRESSIONS, VALUES)
def test_the_normal_form_has_the_expressions_value(expression: Expression, values: dict[str, int]) -> None:
    dim, meaning = expression
    assert substitute(dim, dict(values)) == meaning(values)


@given(dims(), dims(), dims())
def test_ring_laws(a: Dim, b: Dim, c: Dim) -> None:
    assert a + b == b + a
    assert a * b == b * a
    assert (a + b) + c == a + (b + c)
    assert (a * b) * c == a * (b * c)
    assert a * (b + c) == a * b + a * c
    assert a - a == 0
    assert hash(a * b) == hash(b * a)


@given(dims(), dims(), VALUES)
def test_division_by_a_symbolic_size(a: Dim, b: Dim, values: dict[str, int]) -> None:
    divisor = substitute(b, dict(values))
    assume(divisor != 0 and b != 0)
    assert substitute(a // b, dict(values)) == substitute(a, dict(values)) // divisor


@given(dims(), st.integers(1, 9))
def test_multiples_divide_exactly(a: Dim, factor: int) -> None:
    assert (a * factor) // factor == a


@given(dims(), VALUES)
def test_substitution_in_two_steps(a: Dim, values: dict[str, int]) -> None:
    first = substitute(a, {"N": values["N"]})
    assert symbols_of(first) <= symbols_of(a) - {"N"}
    assert substitute(first, dict(values)) == substitute(a, dict(values))


@pytest.mark.parametrize(
    ("pattern", "value", "found"),
    [
        (symbol("C"), 64, ("C", 64)),
        (symbol("C") * 4, 256, ("C", 64)),
        (symbol("C") * 2 + 1, 7, ("C", 3)),
        (symbol("C"), symbol("N") * 2, ("C", symbol("N") * 2)),
        (symbol("C") * symbol("N"), 8, None),
        (8, 8, None),
    ],
)
def test_solving_for_the_one_unknown(pattern: Dim, value: Dim, found: object) -> None:
    assert solve(pattern, value, {}) == found


@pytest.mark.parametrize(
    ("dim", "text"),
    [
        (symbol("C") * 4 + 1, "C*4+1"),
        (symbol("N") * symbol("C") * 2, "C*N*2"),
        ((symbol("H") - 1) // 2 + 1, "(H+1)//2"),
        (((symbol("H") - 1) // 2 + 1) // 2, "(H+1)//4"),
        (symbol("H") // symbol("P"), "H//P"),
        (-(symbol("H") // 2), "-(H//2)"),
        ((symbol("C") // 2) * 3, "(C//2)*3"),
        (8 - symbol("C"), "-C+8"),
    ],
)
def test_the_text_of_a_size(dim: Dim, text: str) -> None:
    assert str(dim) == text


def test_small_functions() -> None:
    n = symbol("N")
    assert ceildiv(7, 2) == 4
    assert product([]) == 1
    assert numel([2, n, 3]) == n * 6
    assert evaluate(n * 4 + 1) == 5
    assert evaluate(n * 4 + 1, default=3) == 13
    with pytest.raises(ZeroDivisionError):
        substitute(n // symbol("C"), {"C": 0})
