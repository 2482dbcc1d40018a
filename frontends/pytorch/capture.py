"""Capturing a model as a program: torch.export in evaluation mode, with a symbolic batch where that is possible."""

from __future__ import annotations

import contextlib
import inspect
import io
import logging
import sys
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn
from torch.export import Dim, ExportedProgram
from torch.fx.experimental.symbolic_shapes import (
    ConstraintViolationError,
    GuardOnDataDependentSymNode,
)
from torch.utils import _pytree as pytree

from ...ir import Diagnostic, Loc, NascError, counted
from .places import error_place, full_stacks, guard_places
from .recurrences import one_step
from .shortcuts import no_shortcuts
from .sizes import dtype_of

BATCH = "N"
Inputs = tuple[Any, ...]


@dataclass(frozen=True)
class Capture:
    """An exported program, its symbolic sizes by name, and warnings."""

    program: ExportedProgram
    symbols: Mapping[str, str]
    diagnostics: tuple[Diagnostic, ...] = ()


def capture(model: nn.Module, inputs: Inputs, dynamic_batch: bool) -> Capture:
    """Export a model in evaluation mode. Raises NascError, naming the line, where it cannot be captured.

    With ``dynamic_batch`` axis 0 of every input of the same size becomes the symbol N; where the model does not
    allow that, the batch stays as the example has it and a warning says why.
    """
    bound = _bound(model, inputs)
    with evaluation(model), quiet(), full_stacks(), guard_places() as places:
        warned: tuple[Diagnostic, ...] = ()
        if dynamic_batch and _batched(inputs):
            try:
                program = _export(model, _enlarged(inputs), _dynamic(bound, _batch(inputs)))
                return Capture(program, symbols_of(program))
            except Exception as error:
                warned = (_specialised(error, places),)
                if _data_dependent(error):
                    raise _failure(error, model, inputs) from error
        try:
            return Capture(_export(model, inputs, None), {}, warned)
        except Exception as error:
            raise _failure(error, model, inputs) from error


def _export(model: nn.Module, inputs: Inputs, dynamic: Any) -> ExportedProgram:
    """Run torch.export; the half-made program that it prints on an error is left out of stderr."""
    written, shown = io.StringIO(), ""
    try:
        with torch.no_grad(), one_step(), no_shortcuts(), contextlib.redirect_stderr(written):
            return torch.export.export(model, inputs, dynamic_shapes=dynamic, strict=False)
    except Exception as error:
        shown = f"{getattr(error, 'partial_fx_graph', '')}\n"
        raise
    finally:
        text = written.getvalue()
        sys.stderr.write(text.replace(shown, "") if shown.strip() else text)


def _batch(inputs: Inputs) -> int:
    """Return the batch of the example: axis 0 of the first tensor with axes; 0 where there is none."""
    sizes = [leaf.shape[0] for leaf in pytree.tree_leaves(inputs) if isinstance(leaf, torch.Tensor) and leaf.ndim]
    return sizes[0] if sizes else 0


def _batched(inputs: Inputs) -> bool:
    return _batch(inputs) > 0


def _has_batch(leaf: object, batch: int) -> bool:
    return isinstance(leaf, torch.Tensor) and leaf.ndim > 0 and leaf.shape[0] == batch


def _bound(model: nn.Module, inputs: Inputs) -> dict[str, Any]:
    """Return the inputs by the names of forward's arguments. Raises NascError where they do not fit."""
    signature = inspect.signature(model.forward)
    try:
        return dict(signature.bind(*inputs).arguments)
    except TypeError as error:
        raise NascError.of(
            f"forward{signature} cannot take {counted(len(inputs), 'example input')}: {error}",
            "give --input once for each tensor that forward takes",
            "inputs",
        ) from None


def _dynamic(bound: Mapping[str, Any], batch: int) -> Any:
    """Return the dynamic shapes of bound arguments: N along axis 0 of all that have the batch there."""
    symbol = Dim(BATCH)
    return pytree.tree_map(lambda leaf: {0: symbol} if _has_batch(leaf, batch) else None, dict(bound))


def _enlarged(inputs: Inputs) -> Inputs:
    """Return the inputs with a batch of two where it is one: torch.export takes a size of one for a constant."""
    if _batch(inputs) != 1:
        return inputs
    return cast(
        "Inputs",
        pytree.tree_map(lambda leaf: torch.cat([leaf, leaf]) if _has_batch(leaf, 1) else leaf, inputs),
    )


def symbols_of(program: ExportedProgram) -> dict[str, str]:
    """Return the IR's name of each of the program's symbols: the first of the inputs stands for the batch.

    Sizes that depend on data (``u0``) come last.
    """
    names = sorted((str(name) for name in program.range_constraints), key=lambda name: name.startswith("u"))
    return {name: BATCH if i == 0 else f"{BATCH}{i}" for i, name in enumerate(names)}


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def _data_dependent(error: BaseException) -> bool:
    return any(isinstance(e, GuardOnDataDependentSymNode) for e in _chain(error))


def _specialised(error: BaseException, places: Sequence[Loc]) -> Diagnostic:
    """Return the warning that the batch is fixed, with the line that fixes it."""
    violation = next((e for e in _chain(error) if isinstance(e, ConstraintViolationError)), None)
    place = places[0] if violation is not None and places else error_place(error)
    reason = "the model fixes its batch size" if violation is not None else f"torch.export: {_first_line(error)}"
    return Diagnostic(
        f"{reason}, so it is lowered for the batch of the example input only",
        "write sizes that depend on the batch with x.shape[0] or -1, and do not branch or loop over it",
        "static-batch",
        where=place,
        severity="warning",
    )


def _failure(error: Exception, model: nn.Module, inputs: Inputs) -> NascError:
    """Return the error that says which line of the user's model cannot be captured, or does not run at all."""
    if isinstance(error, NascError):
        return error
    place = error_place(error)
    if _data_dependent(error):
        return NascError(
            Diagnostic(
                "the forward pass branches on the values of a tensor, so it has no fixed graph",
                "choose with torch.where, or move the choice out of forward into an argument of the constructor",
                "data-dependent",
                where=place,
            )
        )
    try:
        with torch.no_grad():
            model(*inputs)
    except Exception as own:
        what, hint = f"forward fails on the example input: {_told(own)}", _fitting(model, inputs)
        inside = own.with_traceback(own.__traceback__.tb_next if own.__traceback__ else None)
        return NascError(Diagnostic(what, hint, "export", where=error_place(inside) or place))
    return NascError(
        Diagnostic(
            f"forward runs, but torch.export cannot follow it: {_told(error)}",
            "write this with operations on tensors whose sizes do not depend on their values: no packed sequences, "
            "nothing quantised",
            "export",
            where=place,
        )
    )


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {_first_line(error)}"


def _fitting(model: nn.Module, inputs: Inputs) -> str:
    """Return what would be right where a model does not run: the dtype of its weights, if that is another."""
    kinds = {p.dtype for p in model.parameters() if p.is_floating_point()}
    given = [leaf for leaf in pytree.tree_leaves(inputs) if isinstance(leaf, torch.Tensor) and leaf.is_floating_point()]
    if len(kinds) == 1 and any(leaf.dtype not in kinds for leaf in given):
        dtype = dtype_of(kinds.pop()).value
        shapes = (f"'{dtype}[{','.join(map(str, leaf.shape))}]'" for leaf in given)
        return f"its weights are {dtype}: give {' '.join(f'--input {shape}' for shape in shapes)}"
    return "the model must run on the example input; try it in Python with the same shapes"


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__


@contextlib.contextmanager
def evaluation(model: nn.Module) -> Generator[None]:
    """Put the model into evaluation mode and give every module its own mode back."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


@contextlib.contextmanager
def quiet() -> Generator[None]:
    """Send what the model prints to stderr, and keep torch.export's own remarks to itself."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
