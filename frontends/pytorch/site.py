"""One ATen call that is being lowered: its arguments by name, and the means to add nodes in its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import fx
from torch._ops import OpOverload

from ...ir import OPS, Diagnostic, Dim, Loc, NascError, TensorType, build
from .overloads import Overload, overload

if TYPE_CHECKING:
    from .translation import Translation

Values = str | tuple[str, ...]


@dataclass(frozen=True)
class Site:
    """An ATen call: ``args`` holds every argument by its schema name, sizes as dimensions, tensors as fx nodes."""

    translation: Translation
    node: fx.Node
    args: Mapping[str, Any]
    path: str
    loc: Loc | None

    def value(self, name: str) -> str:
        """Return the value of a tensor argument."""
        return self.translation.value(self.args[name])

    @property
    def overload(self) -> Overload:
        """The ATen overload that is called."""
        assert isinstance(self.node.target, OpOverload)
        return overload(self.node.target)

    @property
    def subject(self) -> str:
        """The value of the first argument, whatever its name."""
        return self.value(self.overload.arguments[0].name)

    def values(self, name: str) -> tuple[str, ...]:
        """Return the values of an argument that is a list of tensors."""
        return tuple(self.translation.value(item) for item in self.args[name])

    def given(self, name: str) -> bool:
        """Return whether an argument is there and not None."""
        return self.args.get(name) is not None

    def is_tensor(self, name: str) -> bool:
        """Return whether an argument is a tensor, not a number."""
        return isinstance(self.args[name], fx.Node)

    def type(self, value: str) -> TensorType:
        """Return the type of a value."""
        return self.translation.builder.types[value]

    @property
    def result(self) -> TensorType:
        """The type of the call's only result, as torch.export states it."""
        return self.translation.sizes.type(self.node.meta["val"])

    @property
    def results(self) -> tuple[TensorType, ...]:
        """The types of the call's results, where it has several."""
        return tuple(self.translation.sizes.type(item) for item in self.node.meta["val"])

    def emit(self, op: str, *operands: str, path: str | None = None, **attributes: object) -> str:
        """Add a node with one result and return its value."""
        (only,) = self.emit_many(op, operands, path=path, **attributes)
        return only

    def emit_many(
        self, op: str, operands: Iterable[str], *, path: str | None = None, **attributes: object
    ) -> tuple[str, ...]:
        """Add a node and return its values."""
        operation = build(OPS[op], attributes)
        where = self.path if path is None else path
        return self.translation.builder.add(operation, operands, path=where, loc=self.loc)

    def layer(
        self,
        op: str,
        operand: str,
        slots: Mapping[str, fx.Node | None],
        extra: tuple[str, ...] = (),
        **attributes: object,
    ) -> str:
        """Add an op that owns weights: by its path where they are ``path.slot``, else with them as operands.

        ``slots`` are the tensors of the op's state in order, None where it has none of that name; ``extra`` names
        the state that the ATen call does not mention.
        """
        operation = build(OPS[op], attributes)
        present = {name: node for name, node in slots.items() if node is not None}
        path = self.translation.layer_path(operation, self.path, present, extra)
        operands = [operand]
        if path is None:
            operands += [self.translation.value(node) for node in present.values()]
            operands += [self.emit("full", shape=(), value=0, dtype="i64") for _ in extra]
        (only,) = self.translation.builder.add(
            operation, operands, path=self.path if path is None else path, loc=self.loc
        )
        return only

    def dims(self, name: str) -> tuple[Dim, ...]:
        """Return an argument that is a list of sizes."""
        return tuple(self.args[name])

    def unsupported(self, why: str, hint: str = "") -> NascError:
        """Return the error that this call cannot be expressed."""
        message = f"{self.node.target} cannot be lowered: {why}"
        return NascError(Diagnostic(message, hint, "unsupported", where=self.loc, path=self.path))
