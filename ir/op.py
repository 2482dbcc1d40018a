"""The root of all ops: declared attributes checked when an op is made, and methods that are its rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass
from operator import is_
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar, cast, dataclass_transform

from . import attributes as at
from .attributes import Attribute, Declared
from .diagnostics import Diagnostic, NascError, did_you_mean
from .dims import Dim, Expr, substitute, symbols_of
from .types import TensorType

Types = tuple[TensorType, ...]
T = TypeVar("T", bound=type)


@dataclass(frozen=True, slots=True)
class Slot:
    """One tensor of an op's state: ``weight`` or ``running_mean``; a buffer is not trained."""

    name: str
    type: TensorType
    buffer: bool = False


@dataclass(frozen=True, slots=True)
class Layer:
    """PyTorch spelling as a ``torch.nn`` module: its class and the arguments given by position."""

    cls: str
    positional: tuple[str, ...] = ()
    keyword: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """PyTorch spelling as a function of the operands: ``F.relu``; ``positional`` attributes follow them."""

    function: str
    positional: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Method:
    """PyTorch spelling as a method of the first operand: ``x.flatten(1)``."""

    name: str
    positional: tuple[str, ...] = ()
    starred: bool = False


@dataclass(frozen=True, slots=True)
class Infix:
    """PyTorch spelling as an operator between two operands: ``x + y``."""

    symbol: str


@dataclass(frozen=True, slots=True)
class OnnxNode:
    """ONNX spelling: one node over the same operands in the same order; pairs of its attribute's name and ours."""

    type: str
    attributes: tuple[tuple[str, str], ...] = ()


# None: the backend has a function that writes the op.
Spelling = Layer | Call | Method | Infix | None


class Op:
    """An operation and its attributes: an immutable value, made with keywords.

    Class facts: ``name`` in the text form; ``operands`` names the tensors it takes, ``?`` marks one that may be
    left out and ``*`` one that repeats; ``torch`` is its PyTorch spelling (None: the backend has a function);
    ``onnx`` is its ONNX spelling (None: the frontend and the backend have functions); ``aten`` are the ATen
    overloads that mean exactly this op, with arguments of the same names; ``commutative`` ops ignore the order of
    their operands; the first operand of ``floating`` ops must not hold integers or truth values. Operands after
    those named are the op's state given as values.
    """

    name: ClassVar[str] = ""
    operands: ClassVar[tuple[str, ...]] = ("x",)
    torch: ClassVar[Spelling] = None
    onnx: ClassVar[OnnxNode | None] = None
    aten: ClassVar[tuple[str, ...]] = ()
    commutative: ClassVar[bool] = False
    floating: ClassVar[bool] = False

    _declared: ClassVar[Mapping[str, Declared]] = MappingProxyType({})
    known: ClassVar[Mapping[str, Attribute]] = MappingProxyType({})
    defaults: ClassVar[Mapping[str, object]] = MappingProxyType({})

    def __init__(self, **values: Any) -> None:
        """Check every attribute and store it in its normal form. Raises NascError with every problem."""
        problems = _misnamed(type(self), values)
        stored = self.__dict__
        for name, declared in self._declared.items():
            if name not in values:
                stored[name] = self.defaults.get(name)
                continue
            try:
                stored[name] = declared.attribute.check(name, values[name])
            except NascError as error:
                problems += error.diagnostics
        if problems:
            raise NascError(*problems)

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"{self.name} is immutable; use replace({name}=...)")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"{self.name} is immutable")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.__dict__.items())})"

    def infer(self, operands: Types) -> Types:
        """Return the result types for operand types. Raises NascError where they do not fit."""
        raise at.diagnostic(f"{self.name} has no type rule")

    def state(self, operands: Types) -> tuple[Slot, ...]:
        """Return the tensors that this op owns, in PyTorch's order."""
        return ()

    def macs(self, operands: Types, results: Types) -> Dim:
        """Return the multiply-accumulates of one application; 0 for element-wise work."""
        return 0

    def layer_arguments(self, operands: Types) -> Mapping[str, object]:
        """Return the constructor arguments of the PyTorch layer that are not attributes: in_channels."""
        return {}

    def attributes(self) -> dict[str, object]:
        """Return all attributes in declaration order."""
        return {name: getattr(self, name) for name in self._declared}

    def stated(self) -> dict[str, object]:
        """Return the attributes that differ from their defaults, in declaration order."""
        defaults = defaults_of(type(self))
        return {name: value for name, value in self.attributes().items() if value != defaults.get(name, at.REQUIRED)}

    def replace(self, **changes: object) -> Op:
        """Return this op with some attributes changed; all are checked. Raises NascError on unknown names."""
        return build(type(self), {**self.attributes(), **changes})

    def substitute(self, values: Mapping[str, Dim]) -> Op:
        """Return this op with symbols in its attributes replaced; itself where there are none."""
        changes: dict[str, object] = {}
        for name, value in self.__dict__.items():
            if type(value) in (Expr, tuple):
                new = _substitute(value, values)
                if new is not value:
                    changes[name] = new
        return self.replace(**changes) if changes else self

    def symbols(self) -> frozenset[str]:
        """Return the names of the symbols in the attributes."""
        found: frozenset[str] = frozenset()
        for value in self.attributes().values():
            for item in cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,):
                if isinstance(item, Expr):
                    found |= symbols_of(item)
        return found


def _substitute(value: object, values: Mapping[str, Dim]) -> object:
    if isinstance(value, Expr):
        return substitute(value, values) if symbols_of(value) & values.keys() else value
    if isinstance(value, tuple):
        items = cast("tuple[object, ...]", value)
        new = tuple(_substitute(item, values) for item in items)
        return items if all(map(is_, new, items)) else new
    return value


@dataclass_transform(
    frozen_default=True,
    kw_only_default=True,
    field_specifiers=(
        at.dim,
        at.dims,
        at.integer,
        at.integers,
        at.flag,
        at.real,
        at.word,
        at.dtype,
        at.scalar,
        at.text,
    ),
)
def declare(cls: T) -> T:
    """Make a class body an op: its ``at.*`` fields become checked keyword attributes.

    It does what ``dataclass(frozen=True, kw_only=True)`` would, without compiling five methods for each of a
    hundred classes: that alone took longer than the rest of the start of ``nasc``.
    """
    body = {name: value for name, value in vars(cls).items() if isinstance(value, Declared)}
    declared = {**getattr(cls, "_declared", {}), **body}
    for name in body:
        delattr(cls, name)
    defaults = {
        name: d.attribute.check(name, d.default) for name, d in declared.items() if d.default is not at.REQUIRED
    }
    type.__setattr__(cls, "_declared", MappingProxyType(declared))
    type.__setattr__(cls, "known", MappingProxyType({n: d.attribute for n, d in declared.items()}))
    type.__setattr__(cls, "defaults", MappingProxyType(defaults))
    return cls


def attributes_of(cls: type[Op]) -> Mapping[str, Attribute]:
    """Return the declared attributes of an op class, in order."""
    return cls.known


def defaults_of(cls: type[Op]) -> Mapping[str, object]:
    """Return the default of every attribute that has one, in stored form."""
    return cls.defaults


def build(cls: type[Op], values: Mapping[str, object]) -> Op:
    """Return ``cls(**values)``. Raises NascError for unknown, missing or bad attributes."""
    return cls(**values)


def _misnamed(cls: type[Op], values: Mapping[str, object]) -> list[Diagnostic]:
    known = attributes_of(cls)
    problems = [
        Diagnostic(
            f"{cls.name} has no attribute {name!r}",
            did_you_mean(name, known) or "it has none",
            "unknown-attribute",
        )
        for name in values
        if name not in known
    ]
    missing = [name for name in known if name not in values and name not in cls.defaults]
    return problems + [
        Diagnostic(
            f"{cls.name} needs attribute {name!r}",
            f"add {name}=..., {known[name].describe()}",
            "missing-attribute",
        )
        for name in missing
    ]


def arity(cls: type[Op]) -> tuple[int, int | None]:
    """Return the least and the most number of operands (None: any), state given as operands not counted."""
    least = sum(not name.endswith(("?", "*")) for name in cls.operands)
    variadic = any(name.endswith("*") for name in cls.operands)
    return (least + variadic, None) if variadic else (least, len(cls.operands))
