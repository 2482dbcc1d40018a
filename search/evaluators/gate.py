"""The gate: what is dead before it is trained, told from one batch at initialisation and the first steps of training.

A network passes where its output follows from its input through layers with weights, no activation or gradient
explodes or vanishes, and the first steps lower the loss. After Schoenholz et al., "Deep information propagation"
(2017): what does not tell inputs apart, or gets no gradient, cannot be trained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, log

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...ir import Module, Node, TensorType, arity
from ...passes import inline

STEPS = 50
"""Steps of training after which the loss must have fallen."""
SMALLEST, LARGEST = 1e-6, 1e6
"""What the spread of the output over the inputs, and gradients, must lie between."""
FALL = 0.01
"""The part of the loss of guessing that must have been gained."""


def broken_path(module: Module) -> str:
    """Return why no trained layer lies between the input and the output of a network; empty where one does."""
    graph = inline(module).main
    types = graph.value_types()
    after = {value.name for value in graph.inputs}
    trained: set[str] = set()
    free = {node.name for node in graph.nodes if node.op.name == "parameter"}
    for node in graph.nodes:
        if after.isdisjoint(node.operands):
            continue
        after.update(node.results)
        if not trained.isdisjoint(node.operands) or not free.isdisjoint(node.operands) or _has_weights(node, types):
            trained.update(node.results)
    if after.isdisjoint(graph.outputs):
        return "the output does not depend on the input"
    return "" if not trained.isdisjoint(graph.outputs) else "no layer with weights lies between input and output"


def _has_weights(node: Node, types: Mapping[str, TensorType]) -> bool:
    most = arity(type(node.op))[1]
    operands = tuple(types[name] for name in node.operands)
    return (most is None or len(operands) <= most) and any(not slot.buffer for slot in node.op.state(operands))


def broken_signal(model: nn.Module, x: Tensor, y: Tensor) -> str:
    """Return why a fresh model cannot be trained on a batch, by one pass there and back; empty where it can.

    Activations and gradients must be finite and below ``LARGEST``; the output must differ between inputs, and
    some gradient must come. The model's gradients are cleared, its statistics updated by the batch.
    """
    model.zero_grad(set_to_none=True)
    logits = model(x)
    if not bool(torch.isfinite(logits).all()):
        return "the output at initialisation is not finite"
    largest, spread = float(logits.detach().abs().max()), float(logits.detach().std(0).max())
    if largest > LARGEST:
        return f"the output explodes at initialisation: it reaches {largest:.1e}"
    if spread < SMALLEST * max(largest, 1.0):
        return "the output at initialisation is the same for all inputs"
    functional.cross_entropy(logits, y).backward()
    found = _broken_gradients(model)
    model.zero_grad(set_to_none=True)
    return found


def _broken_gradients(model: nn.Module) -> str:
    norms = {name: float(p.grad.norm()) for name, p in model.named_parameters() if p.grad is not None}
    for name, norm in norms.items():
        if not isfinite(norm) or norm > LARGEST:
            return f"the gradient of {name} explodes at initialisation: {norm:.1e}"
    if max(norms.values(), default=0.0) < SMALLEST:
        return "no gradient reaches any weight at initialisation"
    return ""


def broken_start(losses: Sequence[float], classes: int) -> str:
    """Return why the losses of the first steps tell that a network does not learn; empty where they fall.

    The mean of the last fifth must lie below the loss of guessing, or clearly below that of the first fifth.
    """
    part = max(len(losses) // 5, 1)
    first, last = sum(losses[:part]) / part, sum(losses[-part:]) / part
    guess = log(classes)
    if last < guess * (1 - FALL) or last < first - guess * FALL:
        return ""
    return f"{len(losses)} steps did not lower the loss: {first:.3g}, then {last:.3g}; guessing has {guess:.3g}"
