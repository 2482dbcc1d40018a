"""Numbers in a network: what a value is multiplied with, and values that are polynomials of another."""

from __future__ import annotations

from ...ir import Node
from ..canonical.arithmetic_rules import number
from ..canonical.sweep import View

DEPTH = 8
DEGREE = 4
Polynomial = dict[int, float]


def constant(value: str, view: View) -> float | None:
    """Return the number that a value holds everywhere; None where it holds no one number."""
    made = view.producers.get(value)
    if made is None or made.op.name != "full":
        return None
    return number(made.op, "value")


def scaled(value: str, view: View) -> tuple[float, str]:
    """Return a factor and a value whose product this is, all factors that are numbers taken off."""
    factor = 1.0
    for _ in range(DEPTH):
        made = view.producers.get(value)
        step = None if made is None else _step(made, view)
        if step is None:
            break
        factor, value = factor * step[0], step[1]
    return factor, value


def _step(made: Node, view: View) -> tuple[float, str] | None:
    if made.op.name not in ("mul", "div") or len(made.results) != 1:
        return None
    other = number(made.op, "other")
    if other is None and len(made.operands) == 2:
        other = constant(made.operands[1], view)
        if other is None and made.op.name == "mul":
            first = constant(made.operands[0], view)
            same = view.type(made.operands[1]) == made.types[0]
            return None if first is None or not same else (first, made.operands[1])
    if other is None or view.type(made.operands[0]) != made.types[0]:
        return None
    if made.op.name == "mul":
        return other, made.operands[0]
    return (1 / other, made.operands[0]) if other else None


def factors(value: str, view: View) -> tuple[float, list[str]]:
    """Return a number and the values whose product this is, products of products taken apart."""
    total, found, waiting = 1.0, list[str](), [(value, 0)]
    while waiting:
        name, depth = waiting.pop()
        factor, name = scaled(name, view)
        total *= factor
        made = view.producers.get(name)
        if made is not None and made.op.name == "mul" and len(made.operands) == 2 and depth < 3:
            waiting += [(operand, depth + 1) for operand in made.operands]
        else:
            found.append(name)
    return total, found


def product(node: Node, view: View) -> tuple[float, list[str]]:
    """Return a number and the values whose product a node makes that is not in the view yet."""
    step = _step(node, view)
    if step is not None:
        factor, parts = factors(step[1], view)
        return step[0] * factor, parts
    if node.op.name != "mul" or len(node.operands) != 2:
        return 1.0, []
    first, left = factors(node.operands[0], view)
    second, right = factors(node.operands[1], view)
    return first * second, left + right


def polynomial(value: str, x: str, view: View, depth: int = 0) -> Polynomial | None:
    """Return the coefficients by degree of a value as a polynomial of ``x``; None where it is none."""
    if value == x:
        return {1: 1.0}
    held = constant(value, view)
    if held is not None:
        return {0: held}
    made = view.producers.get(value)
    if made is None or depth > DEPTH:
        return None
    if made.op.name == "pow":
        return _power(made, x, view, depth)
    if made.op.name not in ("add", "mul", "div", "sub"):
        return None
    left = polynomial(made.operands[0], x, view, depth + 1)
    other = number(made.op, "other")
    right = {0: float(other)} if other is not None else None
    if right is None and len(made.operands) == 2:
        right = polynomial(made.operands[1], x, view, depth + 1)
    return None if left is None or right is None else _combined(made.op.name, left, right)


def _power(made: Node, x: str, view: View, depth: int) -> Polynomial | None:
    exponent = number(made.op, "other")
    if exponent is None and len(made.operands) == 2:
        exponent = constant(made.operands[1], view)
    base = polynomial(made.operands[0], x, view, depth + 1)
    if base is None or exponent not in (1, 2, 3):
        return None
    total: Polynomial | None = {0: 1.0}
    for _ in range(int(exponent)):
        total = None if total is None else _combined("mul", total, base)
    return total


def _combined(op: str, a: Polynomial, b: Polynomial) -> Polynomial | None:
    if op in ("add", "sub"):
        sign = 1 if op == "add" else -1
        return {degree: a.get(degree, 0.0) + sign * b.get(degree, 0.0) for degree in a.keys() | b.keys()}
    if op == "div":
        return {d: c / b[0] for d, c in a.items()} if b.keys() == {0} and b[0] else None
    total: Polynomial = {}
    for left, c in a.items():
        for right, d in b.items():
            total[left + right] = total.get(left + right, 0.0) + c * d
    return total if max(total) <= DEGREE else None


def near(found: Polynomial | None, wanted: Polynomial) -> bool:
    """Return whether two polynomials agree as far as single precision can tell."""
    if found is None:
        return False
    degrees = found.keys() | wanted.keys()
    return all(
        abs(found.get(d, 0.0) - wanted.get(d, 0.0)) <= 2e-4 * max(abs(wanted.get(d, 0.0)), 0.01) for d in degrees
    )
