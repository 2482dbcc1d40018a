"""A rehearsal: forward run without values, to notice what it does in training that a captured program does not show."""

from __future__ import annotations

import contextlib
import inspect
import io
import sys
from collections.abc import Callable, Container, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from ...ir import Loc
from .calls import Calls
from .capture import Inputs, evaluation, quiet
from .modes import layer_of_torch, mode_read_as
from .places import innermost, shown_path

_DROPOUTS = frozenset(
    {F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, F.feature_alpha_dropout, torch.dropout}
)
_SWITCHED = _DROPOUTS | {F.batch_norm, F.rrelu}
"""Functions that are told whether they train, and whose ops are switched by the mode of the emitted model."""

_CUTS = (Tensor.detach, Tensor.detach_, cast("Any", Tensor.data).__get__)
_FRESH = ("_like", "__get__", "__set__", "dim", "size", "item", "tolist", "numpy")


@dataclass
class Rehearsal:
    """What one run showed, each by the lines where it happened, the first first.

    ``calls`` are the functions called, with their arguments but for the mode; ``asked`` where the mode was asked for;
    ``cut`` where gradients end; ``own`` the functions with a backward of their own; ``dropping`` dropout that was on,
    ``frozen`` batch norms that took running statistics because they were told so.
    """

    calls: Calls
    asked: dict[Loc | None, str] = field(default_factory=lambda: dict[Loc | None, str]())
    cut: dict[Loc | None, str] = field(default_factory=lambda: dict[Loc | None, str]())
    own: dict[Loc | None, str] = field(default_factory=lambda: dict[Loc | None, str]())
    dropping: dict[Loc | None, str] = field(default_factory=lambda: dict[Loc | None, str]())
    frozen: dict[Loc | None, str] = field(default_factory=lambda: dict[Loc | None, str]())


def rehearse(model: nn.Module, inputs: Inputs, trains: Container[Loc | None] = ()) -> Rehearsal | None:
    """Return what ``forward`` does when its own code is told that it trains, if it asks in a line of ``trains``.

    None where it cannot be run so. No number is computed, and the model is left as it was.
    """
    found = Rehearsal(Calls(model))

    def training() -> bool:
        place = _place()
        found.asked.setdefault(place, "")
        return place in trains

    try:
        unheard, fake = contextlib.redirect_stdout(io.StringIO()), FakeTensorMode(allow_non_fake_inputs=True)
        with evaluation(model), quiet(), unheard, _untouched(model), fake as mode:
            given = pytree.tree_map(lambda leaf: mode.from_tensor(leaf) if isinstance(leaf, Tensor) else leaf, inputs)
            with torch.enable_grad(), mode_read_as(training), _Watch(found) as watch, _own_backwards(watch):
                found.calls.finish(model, model(*given))
    except Exception:
        return None
    return found


class _Watch(TorchFunctionMode):
    """Sees every function of PyTorch that is called."""

    def __init__(self, found: Rehearsal) -> None:
        super().__init__()
        self.found = found
        self.inside = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call a function and note what it shows."""
        given = dict(kwargs or {})
        made = func(*args, **given)
        name = str(getattr(func, "__name__", func))
        if func in _DROPOUTS and made is args[0]:
            made = made.view_as(made)  # in evaluation it gives what it takes, in training a tensor of its own
        if func in _SWITCHED:
            self._switched(func, name, args, given)
        if func is F.scaled_dot_product_attention and given.get("dropout_p", args[4] if len(args) > 4 else 0.0):
            self.found.dropping.setdefault(_place(), name)
        if not self.inside and _cuts(func, name) and _learns(args, given) and _could_learn(made):
            self.found.cut.setdefault(_place(), name)
        self.found.calls.add(name, (args, given), made)
        return made

    def _switched(self, func: Callable[..., Any], name: str, args: tuple[Any, ...], given: dict[str, Any]) -> None:
        """Note a mode that was not that of the model, and take it out of the arguments."""
        training = given.pop(
            "training", given.pop("train", args[2] if func is torch.dropout and len(args) > 2 else None)
        )
        if layer_of_torch(_caller()):
            return
        if func in _DROPOUTS and training:
            self.found.dropping.setdefault(_place(), name)
        if func is F.batch_norm and not training:
            self.found.frozen.setdefault(_place(), name)


def _cuts(func: object, name: str) -> bool:
    """Return whether a function ends the gradients of what it takes."""
    return func in _CUTS or not (torch.is_grad_enabled() or name.endswith(_FRESH) or name.startswith("new_"))


def _learns(*given: object) -> bool:
    return any(isinstance(leaf, Tensor) and leaf.requires_grad for leaf in pytree.tree_leaves(given))


def _could_learn(made: object) -> bool:
    return any(isinstance(leaf, Tensor) and leaf.is_floating_point() for leaf in pytree.tree_leaves(made))


def _frames() -> Iterator[FrameType]:
    """Return the frames of the model that runs, innermost first: those between two of this file."""
    frame: FrameType | None = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    while frame is not None and frame.f_code.co_filename != __file__:
        yield frame
        frame = frame.f_back


def _place() -> Loc | None:
    """Return the line of the model that runs."""
    chosen = innermost([(frame.f_code.co_filename, frame.f_lineno) for frame in _frames()][::-1])
    return Loc(shown_path(chosen[0]), chosen[1]) if chosen is not None else None


def _caller() -> FrameType | None:
    """Return the frame that called a function of PyTorch."""
    inside = (F.__file__, sys.modules["torch.overrides"].__file__, sys.modules["torch._jit_internal"].__file__)
    return next((frame for frame in _frames() if frame.f_code.co_filename not in inside), None)


@contextlib.contextmanager
def _own_backwards(watch: _Watch) -> Generator[None]:
    """Note every torch.autograd.Function of somebody else that is applied, for the block."""
    owner = cast("Any", torch.autograd.Function)
    plain = owner.__dict__["apply"]

    def apply(cls: Any, *arguments: Any, **options: Any) -> Any:
        if not cls.__module__.startswith("torch."):
            watch.found.own.setdefault(_place(), cls.__name__)
        watch.inside += 1
        try:
            return plain.__get__(None, cls)(*arguments, **options)
        finally:
            watch.inside -= 1

    owner.apply = classmethod(apply)
    try:
        yield
    finally:
        owner.apply = plain


@contextlib.contextmanager
def _untouched(model: nn.Module) -> Generator[None]:
    """Give every module its attributes back after the block: forward may keep tensors, which have no values here."""
    names = ("_parameters", "_buffers", "_modules")
    held = [(module.__dict__, *map(module.__dict__.__getitem__, names)) for module in model.modules()]
    kept = [(state, dict(state)) for states in held for state in states]
    try:
        yield
    finally:
        for state, before in kept:
            state.clear()
            state.update(before)
