"""Zero-cost proxies: numbers of an untrained network that go with its accuracy after training.

Definitions as in NAS-Bench-Suite-Zero (Krishnakumar et al. 2022), which published values for NAS-Bench-201: synflow
(Tanaka et al. 2020; Abdelfattah et al. 2021), snip (Lee et al. 2019), grad_norm (Abdelfattah et al. 2021), jacov and
nwot (Mellor et al. 2021, first and second version), zen (Lin et al. 2021).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from ...backends import instantiate
from ...ir import Module
from .layouts import channels_last_input, channels_last_model
from .probing import last_map, with_outputs, without_norms

_RECTIFIERS = frozenset(
    {"relu", "relu_", "relu6", "leaky_relu", "gelu", "silu", "hardswish", "mish", "elu", "prelu", "selu", "celu"}
)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_JACOV_FLOOR = 1e-5
_MIXED = 0.01
"""The share of a second input that zen adds to the first."""


def synflow(module: Module, x: Tensor, y: Tensor, seed: int) -> float:
    r"""Return :math:`\log\sum_w |w\,\partial R/\partial w|` over weights of layers, R the sum of the outputs.

    All parameters are made positive, the input is one sample of ones, normalisations pass on what they get; in double
    precision. -inf where nothing flows.
    """
    model = instantiate(without_norms(module), seed=seed).double().train()
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.abs_()
    model(torch.ones_like(x[:1], dtype=torch.float64)).sum().backward()
    flow = sum(float((w.detach() * w.grad).abs().sum()) for w in _weights(model) if w.grad is not None)
    return math.log(flow) if flow > 0 else -math.inf


def grad_norm(module: Module, x: Tensor, y: Tensor, seed: int) -> float:
    """Return the sum over layers of the Euclidean norm of the gradient of the cross-entropy by their weights."""
    model = _with_gradients(module, x, y, seed)
    return sum(float(w.grad.norm()) for w in _weights(model) if w.grad is not None)


def snip(module: Module, x: Tensor, y: Tensor, seed: int) -> float:
    r"""Return :math:`\sum_w |w\,\partial L/\partial w|` over the weights of layers, L the cross-entropy."""
    model = _with_gradients(module, x, y, seed)
    return sum(float((w.detach() * w.grad).abs().sum()) for w in _weights(model) if w.grad is not None)


def jacov(module: Module, x: Tensor, y: Tensor, seed: int) -> float:
    r"""Return :math:`-\sum_i \log(v_i + k) + 1/(v_i + k)`, v the eigenvalues of the correlations between samples of
    the gradient of the summed outputs by the input, k = 1e-5: highest where samples are told apart.
    """  # noqa: D205
    model = _built(module, x, seed)
    inputs = channels_last_input(x).clone().requires_grad_(True)
    model(inputs).sum().backward()
    assert inputs.grad is not None
    slopes = inputs.grad.contiguous().reshape(len(x), -1).double()
    slopes = slopes - slopes.mean(1, keepdim=True)
    length = slopes.norm(dim=1, keepdim=True)
    if not bool((length > 0).all()):
        return -math.inf
    values = torch.linalg.eigvalsh((slopes / length) @ (slopes / length).T).clamp(min=0) + _JACOV_FLOOR
    return -float((values.log() + 1 / values).sum())


def nwot(module: Module, x: Tensor, y: Tensor, seed: int) -> float:
    """Return the log-determinant of how many rectifiers are in the same state for each two samples of the batch."""
    model = _built(module, x, seed)
    with torch.no_grad(), _States(len(x)) as states:
        model(channels_last_input(x))
    sign, value = torch.linalg.slogdet(states.alike)
    return float(value) if float(sign) > 0 else -math.inf


def zen(module: Module, x: Tensor, y: Tensor, seed: int) -> float:
    r"""Return :math:`\log E\|f(a) - f(a + 0.01\,b)\|_1 + \sum \log\sqrt{\overline{\sigma^2}}` for normal a, b.

    f is the network up to its last pooling with standard normal weights; the sum is over the running variances of
    batch normalisations after both passes.
    """
    model = _built(with_outputs(module, [last_map(module)]), x, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if tensor.dim() > 1:
                tensor.normal_(generator=generator)
            elif name.endswith("bias"):
                tensor.zero_()
        first, second = (channels_last_input(torch.randn(x.shape, generator=generator)) for _ in range(2))
        apart = (model(first) - model(first + _MIXED * second)).abs().flatten(1).sum(1).mean()
        norms = [m for m in model.modules() if isinstance(m, _NORMS)]
        scales = [norm.running_var.mean().sqrt().log() for norm in norms if norm.running_var is not None]
        return float(apart.log() + sum(scales))


PROXIES: Mapping[str, Callable[[Module, Tensor, Tensor, int], float]] = {
    "synflow": synflow,
    "nwot": nwot,
    "jacov": jacov,
    "snip": snip,
    "grad_norm": grad_norm,
    "zen": zen,
}
"""Each takes a network, a batch of inputs and classes, and the seed of the weights; a dead one has -inf or NaN."""


def _weights(model: nn.Module) -> Iterator[Tensor]:
    """Yield the weights of layers: what is trained and has at least two dimensions."""
    return (tensor for tensor in model.parameters() if tensor.dim() > 1)


def _built(module: Module, x: Tensor, seed: int) -> nn.Module:
    """Return a fresh model in training mode, laid out for its inputs."""
    return channels_last_model(instantiate(module, seed=seed).train(), x)


def _with_gradients(module: Module, x: Tensor, y: Tensor, seed: int) -> nn.Module:
    model = _built(module, x, seed)
    functional.cross_entropy(model(channels_last_input(x)), y).backward()
    return model


class _States(TorchFunctionMode):
    """Counts, for each two samples, the units of rectifiers that are both open or both shut."""

    def __init__(self, samples: int) -> None:
        super().__init__()
        self.alike = torch.zeros(samples, samples, dtype=torch.float64)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if getattr(func, "__name__", "") in _RECTIFIERS:
            state = args[0].reshape(len(args[0]), -1) > 0
            if len(state) == len(self.alike):
                is_open, shut = state.float(), (~state).float()
                self.alike += is_open @ is_open.T + shut @ shut.T
        return func(*args, **(kwargs or {}))
