"""Subjects: the two models of a test, each as what really runs it and as the IR that describes it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn
from torch.utils import _pytree as pytree

from ..backends import instantiate
from ..backends.instances import load_weights, tensors_of
from ..frontends import Lowered, lower, lower_source, read_weights
from ..frontends.pytorch.sizes import dtype_of
from ..frontends.shapes import parse_shape
from ..frontends.source import parse_source
from ..ir import Module, NascError, TensorType, symbols_of
from .sessions import Session

if TYPE_CHECKING:
    import onnx


@dataclass
class Subject:
    """One model.

    ``live`` is the nn.Module that runs it, or ``session`` the onnxruntime session; ``examples`` are inputs that its
    ``forward`` takes, ``describe`` lowers it. ``own_weights`` were named by the user, so none are put in.
    """

    name: str
    how: str
    live: nn.Module | None = None
    session: Session | None = None
    examples: tuple[Any, ...] = ()
    describe: Callable[[], Lowered] | None = None
    own_weights: bool = False
    notes: list[str] = field(default_factory=lambda: list[str]())

    @cached_property
    def lowered(self) -> Lowered | NascError:
        """The model in the IR with its weights, or why it cannot be lowered."""
        if self.describe is None:
            return NascError.of("it was not lowered")
        try:
            return self.describe()
        except NascError as error:
            return error

    @property
    def module(self) -> Module | None:
        """The model in the IR; None where it cannot be lowered."""
        return self.lowered.module if isinstance(self.lowered, Lowered) else None

    @cached_property
    def inputs(self) -> tuple[tuple[str, TensorType], ...]:
        """The names and types of the inputs."""
        if self.session is not None:
            return self.session.inputs
        if self.module is not None:
            return tuple((value.name, value.type) for value in self.module.main.inputs)
        leaves = [leaf for leaf in pytree.tree_leaves(self.examples) if isinstance(leaf, Tensor)]
        return tuple((f"input {i}", _type_of(leaf)) for i, leaf in enumerate(leaves))

    def sample(self) -> tuple[TensorType, ...]:
        """Return the types of the inputs with sizes of 2 for symbols."""
        names = {name: 2 for _, type in self.inputs for dim in type.shape for name in symbols_of(dim)}
        return tuple(type.substitute(names) for _, type in self.inputs)

    def tensors(self) -> Mapping[str, Tensor]:
        """The weights by key: those of the module that runs, or those of the ONNX file.

        These are as its layers hold them, and, of tensors that lowering computed with, as the file does.
        """
        if self.live is not None:
            return tensors_of(self.live)
        raw = self.session.initializers if self.session is not None else {}
        return {**raw, **self.lowered.weights} if isinstance(self.lowered, Lowered) else raw

    def given(self, wanted: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return the weights by key for a model that wants tensors of these shapes.

        They have the shapes that the layers of the IR hold them in, or else that the ONNX file does.
        """
        held = self.session.initializers if self.session is not None else {}
        tensors = dict(self.tensors())
        for key, tensor in wanted.items():
            if key in held and held[key].shape == tensor.shape:
                tensors[key] = held[key]
        return tensors

    def run(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Return the outputs, nested ones in PyTorch's order."""
        if self.session is not None:
            return self.session.run(inputs)
        assert self.live is not None
        leaves, spec = pytree.tree_flatten(self.examples)
        given = iter(inputs)
        filled = [next(given) if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        arguments = pytree.tree_unflatten(filled, spec) if leaves else tuple(inputs)
        return [leaf for leaf in pytree.tree_leaves(self.live(*arguments)) if isinstance(leaf, Tensor)]


@contextmanager
def opened(
    model: Any,
    inputs: Sequence[Tensor],
    shapes: Sequence[str],
    data: str | None,
    weights: str | None,
    other: Subject | None = None,
) -> Generator[Subject]:
    """Make a subject of whatever names or is a model; what its file does not say of its inputs, the ``other`` takes.

    Raises NascError where it cannot be read or built.
    """
    if isinstance(model, str):
        with _opened_source(model, shapes, data, other.sample if other else tuple) as subject:
            _give(subject, weights)
            yield subject
        return
    subject = _of_object(model, tuple(inputs))
    with _kept(model) if isinstance(model, nn.Module) else nullcontext():
        _give(subject, weights)
        yield subject


@contextmanager
def _kept(model: nn.Module) -> Generator[None]:
    """Give a model its weights and mode back afterwards."""
    state, training = {key: value.clone() for key, value in tensors_of(model).items()}, model.training
    try:
        yield
    finally:
        load_weights(model, state)
        model.train(training)


def _of_object(model: Any, inputs: tuple[Tensor, ...]) -> Subject:
    if isinstance(model, nn.Module):
        describe = (lambda: lower(model, *inputs)) if inputs else None
        return Subject(type(model).__name__, "run as the nn.Module itself", model, examples=inputs, describe=describe)
    if isinstance(model, Module | Lowered):
        lowered = model if isinstance(model, Lowered) else Lowered(model)
        return _of_ir(f"@{lowered.module.entry}", lowered)
    return _of_onnx("onnx.ModelProto", model)


def _of_ir(name: str, lowered: Lowered, how: str = "run as the PyTorch that nasc emits") -> Subject:
    live = instantiate(lowered.module, lowered.weights or None)
    return Subject(name, how, live, describe=lambda: lowered)


def _of_onnx(name: str, model: onnx.ModelProto | Path) -> Subject:
    session = Session(model)
    return Subject(name, session.how, session=session, describe=lambda: _lowered_onnx(model), own_weights=True)


def _lowered_onnx(model: onnx.ModelProto | Path) -> Lowered:
    from ..frontends.onnx.lowering import lower_model

    return lower_model(model)


@contextmanager
def _opened_source(
    text: str, shapes: Sequence[str], data: str | None, otherwise: Callable[[], tuple[TensorType, ...]]
) -> Generator[Subject]:
    if Path(text).suffix == ".onnx":
        yield _of_onnx(text, Path(text))
        return
    source = parse_source(text)
    if source.kind in ("python", "timm", "torchvision"):
        from ..frontends.pytorch.live import live_model

        types = tuple(parse_shape(shape) for shape in shapes)
        with live_model(source, types, data, otherwise) as found:
            if found is not None:
                model, examples = found.model, found.inputs
                yield Subject(
                    text,
                    "run as the nn.Module itself",
                    model,
                    examples=examples,
                    describe=lambda: lower(model, *examples),
                )
                return
    own = source.kind in ("text", "json", "stdin", "cells", "nader")
    how = "run as the PyTorch that nasc emits" + ("" if own else ", not in its own framework")
    yield _of_ir(text, lower_source(text, shapes, data), how)


def _give(subject: Subject, weights: str | None) -> None:
    """Put the weights of a file into a subject. Raises NascError where they do not fit."""
    if weights is None:
        return
    if subject.live is None:
        raise NascError.of(f"{subject.name} holds its own weights", "leave its --weights option out", "weights")
    load_weights(subject.live, read_weights(weights))
    subject.own_weights = True


def _type_of(tensor: Tensor) -> TensorType:
    return TensorType(dtype_of(tensor.dtype), tuple(tensor.shape))
