"""The node tests of onnx.backend.test: every operator's own examples, lowered, emitted as PyTorch and run.

    python -m benchmarks.onnx_nodes

A test is applicable where its operator can mean a network of tensors: those on strings, sequences, optional values,
quantised numbers and other domains are listed with the reason. Inputs that decide shapes (the sizes of a reshape) are
made initializers, as they are in models: nasc refuses architectures that depend on data.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import torch
from onnx import ModelProto, numpy_helper

from nasc.backends.instances import instantiate
from nasc.frontends import Lowered, lower_onnx
from nasc.ir import NascError

MAX_TRIES = 8


# Operators that are no part of a network of tensors, or whose result has a size that only the data tells.
OUTSIDE: Mapping[str, str] = {
    **dict.fromkeys(
        """SequenceInsert SequenceMap SequenceConstruct SplitToSequence OptionalGetElement OptionalHasElement
        """.split(),
        "works on sequences or optional values",
    ),
    **dict.fromkeys(
        "StringConcat StringNormalizer StringSplit RegexFullMatch TfIdfVectorizer LabelEncoder".split(), "works on text"
    ),
    **dict.fromkeys("Adagrad Adam Momentum".split(), "is a step of training"),
    **dict.fromkeys("ArrayFeatureExtractor Binarizer TreeEnsemble".split(), "belongs to ai.onnx.ml"),
    **dict.fromkeys("NonZero NonMaxSuppression Unique Compress".split(), "makes a size that depends on data"),
    **dict.fromkeys("Bernoulli RandomUniformLike".split(), "draws random numbers"),
    **dict.fromkeys("BitCast BitShift BitwiseAnd BitwiseOr BitwiseXor BitwiseNot".split(), "works on bits of integers"),
    **dict.fromkeys("ConvInteger MatMulInteger QLinearConv QLinearMatMul".split(), "multiplies quantised integers"),
    "ImageDecoder": "reads image files",
}
REASONS: Sequence[tuple[str, str]] = (
    (
        "has elements of type",
        "element types that nasc has not (below 8 bits, 8-bit floats, unsigned from 16 bits, text)",
    ),
    ("is not a tensor", "sequences and optional values"),
    ("changed since then", "operators that have changed since an opset before 13"),
    ("does not say which opset", "domains other than the standard one"),
    ("training mode", "training mode"),
    ("SequenceConstruct", "sequences and optional values"),
)


@dataclass(frozen=True)
class Outcome:
    """What became of one test: ``passed``, ``failed`` or ``refused``, and why."""

    status: str
    reason: str = ""


@dataclass(frozen=True)
class Row:
    """The tests of one operator that are of one outcome."""

    op: str
    reason: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Tally:
    """All tests: those passed, those that are not applicable by reason, and the rest."""

    passed: int
    outside: Mapping[str, int]
    rest: Sequence[Row]

    @property
    def applicable(self) -> int:
        """How many tests nasc ought to pass."""
        return self.passed + sum(len(row.names) for row in self.rest)


def subject(case: Any) -> str:
    """Return the operator that a test is about: its only one, or the one whose function it writes out."""
    ops: set[str] = {node.op_type for node in case.model.graph.node}
    if len(ops) == 1:
        return ops.pop()
    words: str = case.name.removeprefix("test_").partition("_expanded")[0]
    return f"{words.split('_')[0]} as a function"


def outside(case: Any, result: Outcome) -> str:
    """Return why a test that did not pass is not applicable; "" where it is."""
    for op in {node.op_type for node in case.model.graph.node}:
        if op in OUTSIDE:
            return f"an operator that {OUTSIDE[op]}"
    return next((reason for text, reason in REASONS if text in result.reason), "")


def tally(cases: Iterable[Any]) -> Tally:
    """Run tests and count them."""
    passed, away = 0, dict[str, int]()
    rest: dict[tuple[str, str], list[str]] = defaultdict(list)
    for case in cases:
        result = outcome(case)
        if result.status == "passed":
            passed += 1
            continue
        reason = outside(case, result)
        if reason:
            away[reason] = away.get(reason, 0) + 1
        else:
            rest[subject(case), result.reason.partition("\n")[0][:140]].append(case.name)
    rows = [Row(op, reason, tuple(names)) for (op, reason), names in sorted(rest.items())]
    return Tally(passed, away, rows)


def node_cases() -> list[Any]:
    """Return the node tests of the installed onnx; making their data takes half a minute."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(load_model_tests(kind="node"))


def table(cases: Sequence[Any] | None = None) -> str:
    """Return the result as Markdown: passed of applicable, what is not covered, and what does not apply."""
    found = node_cases() if cases is None else cases
    counted = tally(found)
    lines = [
        f"onnx {onnx.__version__}, {len(found)} node tests, {counted.applicable} applicable, "
        f"**{counted.passed} passed** ({counted.passed / max(counted.applicable, 1):.1%}).",
        "",
        "| Not covered | tests | reason |",
        "|---|---|---|",
        *(f"| {row.op} | {len(row.names)} | {_cell(row.reason)} |" for row in counted.rest),
        "",
        "| Not applicable: tests of | tests |",
        "|---|---|",
        *(f"| {reason} | {count} |" for reason, count in sorted(counted.outside.items())),
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def outcome(case: Any) -> Outcome:
    """Lower, emit and run a test on its own data."""
    inputs, expected = case.data_sets[0]
    try:
        lowered, left = lowered_with_constants(case.model, inputs)
    except NascError as error:
        return Outcome("refused", error.diagnostics[0].message)
    except Exception as error:
        return Outcome("failed", f"lowering: {type(error).__name__}: {error}")
    try:
        made = run(lowered, left)
    except NascError as error:
        return Outcome("failed", f"emission: {error.diagnostics[0].message}")
    except Exception as error:
        return Outcome("failed", f"running: {type(error).__name__}: {error}")
    return compared(made, expected, case.rtol, case.atol)


def lowered_with_constants(model: ModelProto, inputs: list[Any]) -> tuple[Lowered, list[Any]]:
    """Return a test's model with the inputs that decide shapes as initializers, and the inputs that are left."""
    proto = ModelProto()
    proto.CopyFrom(model)
    given = {value.name: data for value, data in zip(proto.graph.input, inputs, strict=False)}
    for _ in range(MAX_TRIES):
        try:
            return lower_onnx(proto), [_tensor(given[v.name]) for v in proto.graph.input if v.name in given]
        except NascError as error:
            names = [name for d in error.diagnostics if d.code == "needs-constant" for name in [_named(d.message)]]
            fresh = [name for name in names if name in given]
            if not fresh and not (names and given):
                raise
            for name in fresh or list(given)[:1]:
                _freeze(proto, name, given.pop(name))
    raise AssertionError("unreachable: every turn freezes an input or ends")


def _named(message: str) -> str:
    return message.partition("'")[2].partition("'")[0]


def _freeze(model: ModelProto, name: str, data: Any) -> None:
    """Make an input an initializer."""
    kept = [value for value in model.graph.input if value.name != name]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    model.graph.initializer.append(numpy_helper.from_array(_array(data), name))


def _tensor(data: Any) -> torch.Tensor:
    from nasc.frontends.onnx.tensors import to_torch

    return to_torch(_array(data))


def _array(data: Any) -> Any:
    """Return the numbers of a test's value, which is an array or, for types that numpy has not, a tensor."""
    return numpy_helper.to_array(data) if isinstance(data, onnx.TensorProto) else np.asarray(data)


def run(lowered: Lowered, inputs: list[Any]) -> list[Any]:
    """Return the outputs of the emitted model."""
    model = instantiate(lowered.module, lowered.weights)
    with torch.no_grad():
        made = model(*inputs)
    return list(made) if isinstance(made, tuple | list) else [made]


def compared(made: list[Any], expected: list[Any], rtol: float, atol: float) -> Outcome:
    """Return whether outputs are those that a test expects, within its tolerance and two units of the last place."""
    if len(made) != len(expected):
        return Outcome("failed", f"{len(made)} outputs, not {len(expected)}")
    for ours, theirs in zip(made, expected, strict=True):
        wanted = _tensor(theirs)
        if ours.shape != wanted.shape or ours.dtype != wanted.dtype:
            return Outcome("failed", f"{ours.dtype}{list(ours.shape)}, not {wanted.dtype}{list(wanted.shape)}")
        exact = not (wanted.is_floating_point() or wanted.is_complex())
        step = 0.0 if exact else 2 * torch.finfo(wanted.dtype).eps
        slack, ratio = (0.0, 0.0) if exact else (max(atol, 1e-5, step), max(rtol, step))
        if not torch.allclose(ours, wanted, rtol=ratio, atol=slack, equal_nan=not exact):
            return Outcome("failed", "other numbers")
    return Outcome("passed")


if __name__ == "__main__":
    print(table())
