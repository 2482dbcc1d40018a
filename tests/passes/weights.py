"""The state of a module: its keys and types, and random tensors for them."""

from __future__ import annotations

import torch
from torch import Tensor

from nasc.ir import DType, Module, TensorType, arity, evaluate
from nasc.passes import inline


def state_of(module: Module) -> dict[str, TensorType]:
    """Return every key of the state dict with its type."""
    graph = inline(module).main
    types = graph.value_types()
    found: dict[str, TensorType] = {}
    for node in graph.nodes:
        operands = tuple(types[name] for name in node.operands)
        most = arity(type(node.op))[1]
        if most is not None and len(operands) > most:
            continue
        prefix = f"{node.path}." if node.operands else ""
        found.update({f"{prefix}{slot.name}": slot.type for slot in node.op.state(operands)})
    return found


def random_weights(module: Module, seed: int = 0) -> dict[str, Tensor]:
    """Return positive weights near one tenth, which keep variances valid and numbers small."""
    generator = torch.Generator().manual_seed(seed)
    weights: dict[str, Tensor] = {}
    for key, type in state_of(module).items():
        shape = [evaluate(dim) for dim in type.shape]
        if type.dtype is DType.I64:
            weights[key] = torch.zeros(shape, dtype=torch.int64)
        elif key.endswith("running_var"):
            weights[key] = torch.rand(shape, generator=generator) + 0.5
        else:
            weights[key] = torch.randn(shape, generator=generator) * 0.1
    return weights
