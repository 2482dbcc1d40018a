"""Passes of onnx_ir: cost, relevance, checks and blocks of nasc on any ONNX model.

    model = onnx_ir.load("model.onnx")
    result = onnx_ir.passes.Sequential(CheckPass(max_params="10M"), CostPass(), OutlinePass())(model)

Each pass lowers the model and brings what it finds back to the nodes: ``node.metadata_props["nasc.params"]``,
``["nasc.macs"]``, ``["nasc.activation_bytes"]``, ``["nasc.relevance"]``. Where several nodes are one op of nasc (MatMul
and Add, the parts of a GELU) one of them has the note. A model that nasc cannot lower, or that a check refuses, raises
NascError; its findings name the node.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import onnx
import onnx_ir
from onnx_ir.passes import FunctionalPass, InPlacePass, PassResult

from ..backends import emit_onnx
from ..frontends import Lowered, lower_onnx
from ..ir import Module
from ..passes import Check, Outline, cost, normalised
from ..passes.relevance import DIGITS, Score

PARAMS, MACS, ACTIVATIONS, RELEVANCE = "nasc.params", "nasc.macs", "nasc.activation_bytes", "nasc.relevance"
_LOC, _MARK = "nasc.loc", "node"
_FIGURES = {PARAMS: "params", MACS: "macs", ACTIVATIONS: "activation_bytes"}


class CostPass(InPlacePass):
    """Note at each node what it costs for one sample, and at the model the total."""

    def call(self, model: onnx_ir.Model) -> PassResult:
        """Return the model with notes. Raises NascError where it cannot be lowered."""
        module = _marked(model).module
        total = cost(module)
        owners = _owners(module)
        found: dict[int, dict[str, int]] = {}
        for row in total.nodes:
            if row.name in owners:
                figures = found.setdefault(owners[row.name], dict.fromkeys(_FIGURES, 0))
                for key, name in _FIGURES.items():
                    figures[key] += getattr(row, name)
        model.metadata_props.update({key: str(getattr(total, name)) for key, name in _FIGURES.items()})
        return _noted(model, {index: {k: str(v) for k, v in notes.items()} for index, notes in found.items()})


class RelevancePass(InPlacePass):
    """Note how much each node contributes to the predicted score: from -1 to 1, positive where it helps.

    ``score`` is a function of a flat module and sets of masked nodes, such as ``Predictor.load().score_masked``.
    """

    def __init__(self, score: Score) -> None:
        """Keep the scoring function."""
        super().__init__()
        self.score = score

    def call(self, model: onnx_ir.Model) -> PassResult:
        """Return the model with notes. Raises NascError where it cannot be lowered."""
        module = _marked(model).module
        parts: dict[int, set[str]] = {}
        for name, index in _owners(module).items():
            parts.setdefault(index, set()).add(name)
        scores = self.score(module, [frozenset[str](), *map(frozenset, parts.values())])
        values = normalised([scores[0] - score for score in scores[1:]])
        notes = {i: {RELEVANCE: f"{round(v, DIGITS):+}"} for i, v in zip(parts, values, strict=True)}
        return _noted(model, notes)


class CheckPass(InPlacePass):
    """Hold the model to what nasc checks: it lowers, its types fit, its size is within limits such as ``10M``."""

    def __init__(self, max_params: str | int | None = None, max_macs: str | int | None = None) -> None:
        """Keep the limits. Raises NascError where one is no number."""
        super().__init__()
        self.check = Check(max_params=max_params, max_macs=max_macs)

    def call(self, model: onnx_ir.Model) -> PassResult:
        """Return the model as it is. Raises NascError with every finding."""
        self.check(lower_onnx(onnx_ir.to_proto(model)).module)
        return PassResult(model, modified=False)


class OutlinePass(FunctionalPass):
    """Write the model anew with repeated submodules as local functions, and layers spelled as nasc spells them."""

    def __init__(self, outline: Outline | None = None, *, opset: int = 20) -> None:
        """Keep the options; ``opset`` is the version of the operators of the new model."""
        super().__init__()
        self.outline = outline or Outline()
        self.opset = opset

    def call(self, model: onnx_ir.Model) -> PassResult:
        """Return a new model. Raises NascError where the model cannot be lowered, or not be written."""
        lowered = lower_onnx(onnx_ir.to_proto(model))
        made = emit_onnx(self.outline(lowered.module), lowered.weights, opset=self.opset, functions=True)
        return PassResult(onnx_ir.from_proto(made), modified=True)


def _nodes(model: onnx_ir.Model) -> Iterator[onnx_ir.Node]:
    """Yield the nodes of the graph and of the functions, in the order in which they are written."""
    yield from model.graph
    for function in model.functions.values():
        yield from function


def _marked(model: onnx_ir.Model) -> Lowered:
    """Return the model lowered, the source line of each node being its index."""
    proto = onnx_ir.to_proto(model)
    written = [*proto.graph.node, *(node for function in proto.functions for node in function.node)]
    for index, node in enumerate(written, 1):
        kept = [entry for entry in node.metadata_props if entry.key != _LOC]
        del node.metadata_props[:]
        mark = onnx.StringStringEntryProto(key=_LOC, value=f"{_MARK}:{index}")
        node.metadata_props.extend([*kept, mark])
    return lower_onnx(proto)


def _owners(module: Module) -> dict[str, int]:
    """Return the index of the model's node that each value of the IR comes from."""
    places = ((node.name, node.loc) for node in module.main.nodes)
    return {name: loc.line for name, loc in places if loc is not None and loc.file == _MARK}


def _noted(model: onnx_ir.Model, notes: Mapping[int, Mapping[str, str]]) -> PassResult:
    """Return the model with notes at its nodes; older notes of the kinds go."""
    keys = {key for note in notes.values() for key in note}
    changed = False
    for index, node in enumerate(_nodes(model), 1):
        before = {key: node.metadata_props.pop(key) for key in keys if key in node.metadata_props}
        node.metadata_props.update(notes.get(index, {}))
        changed |= before != dict(notes.get(index, {}))
    return PassResult(model, modified=changed)
