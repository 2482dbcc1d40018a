"""Trials: both models run on the same inputs, and everything that they give compared."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterable, Sequence, Set
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn

from ..ir import counted
from .certificate import Check, Options
from .subjects import Subject
from .tolerance import error, limit
from .transfer import Transfer

SMALL = 1e-3
"""Gradients are compared to the largest of their tensor, or to this share of the largest of all tensors."""


class NotRunError(Exception):
    """A model could not run."""


def run(subject: Subject, inputs: Sequence[Tensor], train: bool, seed: int) -> list[Tensor]:
    """Return the outputs of a model in one mode. Raises NotRunError with what it said."""
    with _mode(subject, train), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            return subject.run([tensor.clone() for tensor in inputs])
        except Exception as failure:
            said = str(failure).strip().splitlines() or [""]
            raise NotRunError(f"{type(failure).__name__}: {said[0]}") from failure


@contextmanager
def _mode(subject: Subject, train: bool) -> Generator[None]:
    if subject.live is not None:
        subject.live.train(train)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class Trial:
    """All comparisons of one pair of models for one batch and one seed."""

    def __init__(self, a: Subject, b: Subject, shared: Transfer, options: Options, batch: int, seed: int) -> None:
        self.a, self.b = a, b
        self.shared = shared
        self.options = options
        self.batch, self.seed = batch, seed

    def outputs(self, inputs: Sequence[Tensor]) -> list[Check]:
        """Compare the outputs in evaluation mode."""
        with torch.no_grad():
            one = run(self.a, inputs, False, self.seed)
            return self._compared("eval", one, inputs)

    def _compared(self, mode: str, one: Sequence[Tensor], inputs: Sequence[Tensor]) -> list[Check]:
        try:
            other = run(self.b, inputs, mode == "train", self.seed)
        except NotRunError as failure:
            return [self._check(mode, "output", "B", "none", float("inf"), 0.0, f"B does not run: {failure}")]
        return self._all(mode, one, other)

    def _all(self, mode: str, one: Sequence[Tensor], other: Sequence[Tensor]) -> list[Check]:
        if len(one) != len(other):
            note = f"A has {counted(len(one), 'output')} and B {len(other)}"
            return [self._check(mode, "output", "outputs", "none", float("inf"), 0.0, note)]
        return [
            self._pair(mode, "output", f"output {i}", a, b) for i, (a, b) in enumerate(zip(one, other, strict=True))
        ]

    def _pair(self, mode: str, kind: str, name: str, a: Tensor, b: Tensor, scale: float = 0.0) -> Check:
        note = ""
        if a.shape != b.shape:
            note = f"{name} is {list(a.shape)} in A and {list(b.shape)} in B"
        elif a.dtype != b.dtype:
            note = f"{name} is {_name(a.dtype)} in A and {_name(b.dtype)} in B"
        allowed = limit(a.dtype, kind == "gradient", self.options.tolerance)
        apart = float("inf") if note else error(a.detach(), b.detach(), scale)
        return self._check(mode, kind, name, _name(a.dtype), apart, allowed, note)

    def _check(
        self, mode: str, kind: str, name: str, dtype: str, apart: float, allowed: float, note: str = ""
    ) -> Check:
        return Check(mode, kind, name, self.batch, self.seed, dtype, apart, allowed, note)

    def gradients(self, inputs: Sequence[Tensor], train: bool) -> list[Check]:
        """Compare outputs, gradients of all shared parameters, and in training mode what it did to the buffers.

        The loss is the sum of the outputs, each number weighted by a normal one. Raises NotRunError where A does
        not run.
        """
        mode = "train" if train else "eval"
        one = run(self.a, inputs, train, self.seed)
        try:
            other = run(self.b, inputs, train, self.seed)
        except NotRunError as failure:
            return [self._check(mode, "output", "B", "none", float("inf"), 0.0, f"B does not run: {failure}")]
        checks = self._all(mode, one, other)
        if not all(check.passed for check in checks):
            return checks
        found = self._of_parameters(mode, one, other)
        buffers = self._of_buffers() if train else []
        return checks + self._without_rounding(found, inputs, train) + buffers

    def _without_rounding(self, checks: list[Check], inputs: Sequence[Tensor], train: bool) -> list[Check]:
        """Return checks of gradients, those that failed judged by gradients in double precision.

        A gradient is a sum over batch and pixels. Where its terms cancel, as those of a bias in front of a norm do,
        it is as large as the rounding of the terms, which no scale taken from the gradients themselves bounds: it
        grows with the pixels and the depth. In double precision rounding is 1e-9 of that, and a true difference stays
        as large as it is, so the limits stay those of the model's own dtype. Where a model does not run in double
        precision, the checks stand.
        """
        assert self.a.live is not None
        assert self.b.live is not None
        mode, wide = "train" if train else "eval", [_wide(tensor) for tensor in inputs]
        if all(check.passed or check.dtype == "float64" for check in checks):
            return checks
        try:
            with in_double(self.a.live), in_double(self.b.live):
                one, other = run(self.a, wide, train, self.seed), run(self.b, wide, train, self.seed)
                exact = {check.name: check for check in self._of_parameters(mode, one, other)}
        except (NotRunError, RuntimeError):
            return checks
        return [c if c.passed else replace(c, error=exact[c.name].error, note=exact[c.name].note) for c in checks]

    def _of_parameters(self, mode: str, one: Sequence[Tensor], other: Sequence[Tensor]) -> list[Check]:
        assert self.a.live is not None
        assert self.b.live is not None
        mine, theirs = dict(self.a.live.named_parameters()), dict(self.b.live.named_parameters())
        pairs = [(x, y) for x, y in self._keys() if x in mine and y in theirs]
        left = _gradients(one, [mine[x] for x, _ in pairs])
        right = _gradients(other, [theirs[y] for _, y in pairs])
        largest = max((float(g.abs().max()) for g in left if g.numel()), default=0.0) * SMALL
        return [self._pair(mode, "gradient", x, g, h, largest) for (x, _), g, h in zip(pairs, left, right, strict=True)]

    def _of_buffers(self) -> list[Check]:
        assert self.a.live is not None
        assert self.b.live is not None
        mine, theirs = dict(self.a.live.named_buffers()), dict(self.b.live.named_buffers())
        pairs = [(x, y) for x, y in self._keys() if x in mine and y in theirs]
        return [self._pair("train", "buffer", x, mine[x], theirs[y]) for x, y in pairs]

    def _keys(self) -> Iterable[tuple[str, str]]:
        """Return the keys of the same tensor in A and in B."""
        if self.shared.target is self.a:
            return [(key, origin) for key, origin in self.shared.pairs.items()]
        return [(origin, key) for key, origin in self.shared.pairs.items()]


def _gradients(outputs: Sequence[Tensor], parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return the gradient of a fixed weighted sum of the outputs for each parameter; zeros where there is none."""
    generator = torch.Generator().manual_seed(0)
    terms = [
        (output.double() * torch.randn(output.shape, generator=generator, dtype=torch.float64)).sum()
        for output in outputs
        if output.is_floating_point()
    ]
    loss = torch.stack(terms).sum() if terms else torch.zeros(())
    wanted = [parameter for parameter in parameters if parameter.requires_grad]
    if not wanted or not loss.requires_grad:
        return [torch.zeros_like(parameter) for parameter in parameters]
    found = iter(torch.autograd.grad(loss, wanted, allow_unused=True))
    made = [next(found) if parameter.requires_grad else None for parameter in parameters]
    return [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, made, strict=True)]


@contextmanager
def in_double(model: nn.Module) -> Generator[None]:
    """Hold the weights of a model in double precision for the block, and give it its own back after it."""
    parameters = [(parameter, parameter.data) for parameter in model.parameters()]
    buffers = [(module, dict(module.named_buffers(recurse=False))) for module in model.modules()]
    model.double()
    try:
        yield
    finally:
        for parameter, data in parameters:
            parameter.data = data
        for module, own in buffers:
            for name, buffer in own.items():
                setattr(module, name, buffer)


def _wide(tensor: Tensor) -> Tensor:
    return tensor.double() if tensor.is_floating_point() else tensor


def perturb(model: nn.Module, keys: Set[str], seed: int) -> None:
    """Add noise to weights in place, so that zeros and ones that training would move hide nothing.

    A parameter gets noise of a tenth of its standard deviation, one of equal numbers of 0.05; running means too, and
    running variances are multiplied by up to 1.5.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for key, tensor in (*model.named_parameters(), *model.named_buffers()):
            if key not in keys or not tensor.is_floating_point():
                continue
            noise = torch.randn(tensor.shape, generator=generator).to(tensor.dtype)
            if key.endswith("running_var"):
                tensor.mul_(1 + noise.abs().clamp(max=2) / 4)
            elif isinstance(tensor, nn.Parameter) or key.endswith("running_mean"):
                spread = float(tensor.float().std()) if tensor.numel() > 1 else 0.0
                tensor.add_(noise * (spread / 10 or 0.05))


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
