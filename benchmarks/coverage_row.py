"""One model of the coverage benchmark: what nasc makes of it, and what its peers make of it."""

from __future__ import annotations

import contextlib
import importlib
import io
import tempfile
import time
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nasc.backends import instantiate
from nasc.frontends.pytorch.capture import capture
from nasc.frontends.pytorch.lowering import lower_program, scopes_of
from nasc.grammar import parse, print_module
from nasc.ir import Module, NascError, verify
from nasc.passes import Canonicalize, Outline

from .coverage_models import Subject, batch, build, difference, leaves

BATCH = 2
Row = dict[str, Any]


def ours(subject: Subject) -> Row:
    """Return the figures of nasc: each stage that works leaves its columns, the first that fails ``problem``."""
    row: Row = {}
    try:
        model, inputs = build(subject)
        with tempfile.TemporaryDirectory() as folder:
            _stages(row, model, inputs, Path(folder))
    except NascError as error:
        row["problem"] = "; ".join(d.message for d in error.diagnostics[:4])
    except Exception as error:
        row["problem"] = f"{type(error).__name__}: {error}"[:300]
    return row


def _stages(row: Row, model: nn.Module, inputs: tuple[Tensor, ...], folder: Path) -> None:
    row["params"] = sum(p.numel() for p in model.parameters())
    start = time.perf_counter()
    captured = capture(model, inputs, True)
    middle = time.perf_counter()
    lowered = lower_program(captured.program, captured.symbols, scopes_of(model), "", model.state_dict(keep_vars=True))
    row |= {"export_s": middle - start, "ours_s": time.perf_counter() - middle}
    module = lowered.module
    row |= {"nodes": len(module.main.nodes), "lowered": verify(module) == (), "batch": bool(captured.symbols)}
    weights = {**model.state_dict(), **lowered.weights}
    del captured, lowered
    row["round_trip"] = parse(print_module(module)) == module
    row["lines"] = outlined_lines(module)
    fresh = batch(inputs, BATCH) if row["batch"] else inputs
    with torch.no_grad():
        expected = leaves(model(*(x.clone() for x in fresh)))
    row["emitted"] = _emitted(row, module, model, fresh, expected)
    row["onnx"] = onnx_error(module, weights, fresh, expected, folder)


def outlined_lines(module: Module) -> int:
    """Return how many lines the graphs of the outlined text have: no tables of places and classes, no dropout."""
    text = print_module(Outline()(Canonicalize()(module)))
    return sum(line.startswith(("graph", "  ", "}")) for line in text.splitlines())


def _emitted(row: Row, module: Module, model: nn.Module, inputs: Sequence[Tensor], expected: Sequence[Tensor]) -> bool:
    """Write the model as code, load the original's state dict strictly, and note how far the outputs are apart."""
    with _without_initialisation():
        emitted = instantiate(module)
    emitted.load_state_dict(model.state_dict(), strict=True)
    with torch.no_grad():
        row["error"] = difference(expected, leaves(emitted(*(x.clone() for x in inputs))))
    return True


@contextlib.contextmanager
def _without_initialisation() -> Generator[None]:
    """Leave new layers as they are: all their weights are loaded afterwards."""
    names = [name for name in vars(nn.init) if name.endswith("_") and not name.startswith("_")]
    kept = {name: getattr(nn.init, name) for name in names}
    try:
        for name in names:
            setattr(nn.init, name, lambda tensor, *_args, **_kwargs: tensor)
        yield
    finally:
        for name, function in kept.items():
            setattr(nn.init, name, function)


def onnx_error(
    module: Module, weights: Mapping[str, Tensor], inputs: Sequence[Tensor], expected: Sequence[Tensor], folder: Path
) -> float | str | None:
    """Return how far onnxruntime is from the original, why it fails, or None where nasc has no ONNX backend."""
    try:
        from nasc.backends.onnx import write_onnx
    except ImportError:
        return None
    path = folder / "model.onnx"
    try:
        write_onnx(path, module, weights)
        return difference(expected, run_onnx(path, inputs))
    except NascError as error:
        return "; ".join(d.message for d in error.diagnostics[:3])[:200]
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]


def run_onnx(path: Path, inputs: Sequence[Tensor]) -> list[Tensor]:
    """Return what onnxruntime makes of the inputs, in the order of the model's own."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    feed = {value.name: x.numpy() for value, x in zip(session.get_inputs(), inputs, strict=True)}
    return [torch.from_numpy(made) for made in session.run(None, feed)]


def traced(subject: Subject) -> Row:
    """Return whether torch.fx traces a model, and how far the traced one is from it."""
    from torch import fx

    return _peer(subject, lambda model, _, __: fx.symbolic_trace(model))


def _export_onnx(model: nn.Module, inputs: tuple[Tensor, ...], path: Path) -> None:
    """Export a model in opset 13, which onnx2torch knows best, or in 17 where that lacks something."""
    try:
        torch.onnx.export(model, inputs, str(path), opset_version=13, dynamo=False)
    except torch.onnx.errors.UnsupportedOperatorError:
        torch.onnx.export(model, inputs, str(path), opset_version=17, dynamo=False)


def through_onnx(subject: Subject) -> Row:
    """Return whether torch.onnx.export and onnx2torch bring a model back, and how far it is then off."""

    def convert(model: nn.Module, inputs: tuple[Tensor, ...], folder: Path) -> nn.Module:
        onnx2torch = importlib.import_module("onnx2torch")  # a peer, not a dependency
        path = folder / "peer.onnx"
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            _export_onnx(model, inputs, path)
            made: nn.Module = onnx2torch.convert(str(path))
            return made.eval()

    return _peer(subject, convert)


def _peer(subject: Subject, convert: Callable[[nn.Module, tuple[Tensor, ...], Path], nn.Module]) -> Row:
    row: Row = {}
    model, inputs = build(subject)
    try:
        with warnings.catch_warnings(), torch.no_grad(), tempfile.TemporaryDirectory() as folder:
            warnings.simplefilter("ignore")
            made = convert(model, inputs, Path(folder))
            row["made"] = True
            fresh = batch(inputs, 1)
            row["error"] = difference(leaves(model(*fresh)), leaves(made(*fresh)))
    except Exception as error:
        row["problem"] = f"{type(error).__name__}: {error}"[:200]
    return row


TASKS: Mapping[str, Callable[[Subject], Row]] = {"ours": ours, "fx": traced, "onnx2torch": through_onnx}
