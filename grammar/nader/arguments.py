"""The arguments of an operation, checked against what it takes; everything wrong is reported at its column."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...ir import Diagnostic, Dim, Loc, did_you_mean
from ..syntax import Fault
from .lines import Argument, NodeLine, Several, Size
from .operations import VARIABLES, Attribute, Operation

Arguments = Mapping[str, object]
_LAYER_VARIABLES = ("C", "dim")
_EXPECTED = {
    "size": "an expression over C and dim",
    "window": "a number, or two in parentheses",
    "axis": "the number of an axis",
    "axes": "the number of an axis, or several in parentheses",
    "sizes": "sizes over B, C, dim, H and W",
}
_LOW = {"size": 1, "window": 1, "sizes": -1}


class ArgumentReader:
    """Reads the arguments of one line and collects what is wrong with them."""

    def __init__(self, line: NodeLine, operation: Operation, filename: str) -> None:
        """Start on a line."""
        self.line = line
        self.operation = operation
        self.filename = filename
        self.found: list[Diagnostic] = []

    def read(self) -> dict[str, object]:
        """Return the value of every attribute, defaults filled in; what is wrong is in ``found``."""
        given = self._starred() if self.operation.starred else self._named()
        values: dict[str, object] = {}
        for attribute in self.operation.attributes:
            if attribute.name in given:
                values[attribute.name] = self._value(attribute, given[attribute.name])
            elif attribute.default is not None:
                values[attribute.name] = _default(attribute)
            else:
                hint = f"expected {self.operation.usage()}"
                self.report(f"{self.operation.name} needs {attribute.name}", hint, self.line.operation_column)
        return values

    def report(self, message: str, hint: str, column: int, code: str = "attribute-value") -> None:
        """Keep a finding at a column of the line."""
        self.found.append(Diagnostic(message, hint, code, Loc(self.filename, self.line.line, column)))

    def _starred(self) -> dict[str, Several]:
        """Return all arguments as one list; ``permute(dims=(0,1))`` and ``permute((0,1))`` mean the same."""
        (attribute,) = self.operation.attributes
        items: list[Size] = []
        for argument in self.line.arguments:
            if argument.name not in ("", attribute.name):
                hint = f"expected {self.operation.usage()}"
                self.report(
                    f"{self.operation.name} has no attribute {argument.name!r}",
                    hint,
                    argument.column,
                    "unknown-attribute",
                )
                continue
            items += argument.value.items if isinstance(argument.value, Several) else (argument.value,)
        return {attribute.name: Several(tuple(items), self.line.operation_column)} if items else {}

    def _named(self) -> dict[str, Size | Several]:
        known = [attribute.name for attribute in self.operation.attributes]
        given: dict[str, Size | Several] = {}
        for position, argument in enumerate(self.line.arguments):
            name = argument.name or (known[position] if position < len(known) else "")
            if self._misplaced(position, argument, name, known):
                continue
            if name in given:
                self.report(f"{name} is given twice", "remove one of them", argument.column)
            given[name] = argument.value
        return given

    def _misplaced(self, position: int, argument: Argument, name: str, known: list[str]) -> bool:
        what = self.operation.name
        if not name:
            takes = f"expected {self.operation.usage()}" if known else f"write {what} alone"
            self.report(f"{what} takes {_count(len(known))}, not {position + 1}", takes, argument.column)
        elif name not in known:
            hint = did_you_mean(name, known) or f"write {what} alone"
            self.report(f"{what} has no attribute {name!r}", hint, argument.column, "unknown-attribute")
        elif not argument.name and any(other.name for other in self.line.arguments[:position]):
            hint = f"name it: {name}=..."
            self.report("an argument by position follows one by name", hint, argument.column)
        else:
            return False
        return True

    def _value(self, attribute: Attribute, written: Size | Several) -> object:
        items = written.items if isinstance(written, Several) else (written,)
        several = isinstance(written, Several)
        fits: Callable[[int, bool], bool] = {
            "size": lambda count, several: not several,
            "window": lambda count, several: not several or count == 2,
            "axis": lambda count, several: not several,
            "axes": lambda count, several: count > 0,
            "sizes": lambda count, several: count > 0,
        }[attribute.kind]
        if not fits(len(items), several):
            self.report(
                f"{attribute.name} cannot be {len(items)} values",
                f"expected {_EXPECTED[attribute.kind]}",
                written.column,
            )
            return None
        values = tuple(self._item(attribute, item) for item in items)
        if any(value is None for value in values):
            return None
        if attribute.kind == "window":
            return values * 2 if len(values) == 1 else values
        return values[0] if attribute.kind in ("size", "axis") else values

    def _item(self, attribute: Attribute, item: Size) -> Dim | None:
        if isinstance(item.value, Fault):
            self.report(item.value.message, item.value.hint, item.column)
            return None
        if not self._variables(attribute, item):
            return None
        expected = f"expected {_EXPECTED[attribute.kind]}"
        if attribute.kind in ("window", "axis", "axes") and not isinstance(item.value, int):
            self.report(f"{attribute.name} cannot be {item.value}", expected, item.column)
            return None
        low = _LOW.get(attribute.kind)
        too_small = isinstance(item.value, int) and low is not None and (item.value < low or item.value == 0)
        if too_small:
            self.report(f"{attribute.name} cannot be {item.value}", f"{expected}, from 1", item.column)
            return None
        return item.value

    def _variables(self, attribute: Attribute, item: Size) -> bool:
        """Report variables that there are not, and those that a layer cannot depend on."""
        before = len(self.found)
        for name, column in item.names:
            if name not in VARIABLES:
                hint = did_you_mean(name, VARIABLES)
                self.report(f"there is no variable {name!r}", hint, column, "unknown-symbol")
            elif attribute.kind != "sizes" and name not in _LAYER_VARIABLES:
                hint = "layers are made before there is an input: expected C and dim at most"
                self.report(f"{attribute.name} of {self.operation.name} depends on {name}", hint, column)
        return len(self.found) == before


def _default(attribute: Attribute) -> object:
    return (attribute.default, attribute.default) if attribute.kind == "window" else attribute.default


def _count(number: int) -> str:
    return f"{number or 'no'} argument{'s' * (number != 1)}"
