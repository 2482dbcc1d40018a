"""Zero-cost proxies as evaluators: one batch, no training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Generator, Tensor

from ...ir import DType, Module, NascError, did_you_mean, infer
from . import az
from .evaluator import Evaluator, Outcome
from .images import natural, photographs
from .proxies import PROXIES
from .specification import Specification, shown

AZ = "az"
INPUTS: Mapping[str, Callable[[int, Sequence[int], Generator], Tensor] | None] = {
    "photographs": photographs,
    "natural": natural,
    "normal": None,
}
"""What makes images for proxies."""


@dataclass(frozen=True, slots=True)
class ProxyOptions:
    """Samples in the batch, draws of weights and inputs whose mean counts, and what inputs are.

    Images are parts of two ``photographs``, or random ones with the spectrum of ``natural`` ones; other inputs, and all
    if so wished, are ``normal``. AZ-NAS looks at noise unless told otherwise, as its authors' program does.
    """

    batch: int = 64
    draws: int = 1
    inputs: str = "photographs"


@dataclass(frozen=True)
class ProxyEvaluator:
    """One of the proxies of :data:`PROXIES`; weights, inputs and classes are drawn by the seed."""

    proxy: str
    options: ProxyOptions = ProxyOptions()

    @property
    def name(self) -> str:
        """``proxy:synflow{...}`` with all options."""
        return shown("proxy", self.proxy, asdict(self.options))

    def evaluate(self, module: Module, seed: int = 0) -> Outcome:
        """Return the proxy as ``score``; ``gated`` where it is not finite, as it is for dead networks.

        Raises NascError where the network does not take one tensor of floating numbers and give a row a sample.
        """
        compute, total = PROXIES[self.proxy], 0.0
        for draw in range(self.options.draws):
            x, y = batch(module, self.options, seed + draw)
            total += compute(module, x, y, seed + draw) / self.options.draws
        if not torch.isfinite(torch.tensor(total)):
            return Outcome("gated", {}, f"{self.proxy} is {total}: nothing gets through the network, or too much")
        return Outcome("done", {"score": total})


@dataclass(frozen=True)
class AzEvaluator:
    """AZ-NAS: the parts as metrics; in a set, :meth:`rank` puts them together, alone they are held against
    NAS-Bench-201.
    """  # noqa: D205

    options: ProxyOptions = ProxyOptions(inputs="normal")

    @property
    def name(self) -> str:
        """``proxy:az{...}`` with all options."""
        return shown("proxy", AZ, asdict(self.options))

    def evaluate(self, module: Module, seed: int = 0) -> Outcome:
        """Return the four parts and the score of the network alone. Raises NascError as other proxies do."""
        draws = range(seed, seed + self.options.draws)
        found = [az.parts(module, batch(module, self.options, draw)[0], draw) for draw in draws]
        parts = {part: sum(each[part] for each in found) / len(found) for part in az.PARTS}
        if not all(torch.isfinite(torch.tensor(value)) for value in parts.values()):
            return Outcome("gated", {}, "az is not finite: nothing gets through the network, or too much")
        return Outcome("done", {"score": az.alone(parts), **parts})

    def rank(self, rows: Sequence[Mapping[str, float]]) -> list[float]:
        """Return the scores of a set of networks by their parts."""
        return az.ranked(rows)


def open_proxy(spec: Specification) -> Evaluator:
    """Return the evaluator of ``proxy:NAME{batch=64,draws=1}``. Raises NascError where there is none."""
    if spec.argument not in (*PROXIES, AZ):
        raise NascError.of(
            f"there is no proxy {spec.argument!r}", did_you_mean(spec.argument, [*PROXIES, AZ]), "evaluator"
        )
    options = spec.fill((AzEvaluator if spec.argument == AZ else ProxyEvaluator).options)
    if options.batch < 2 or options.draws < 1:
        raise NascError.of(f"{spec.text!r} draws nothing", "expected batch >= 2 and draws >= 1", "evaluator")
    if options.inputs not in INPUTS:
        raise NascError.of(
            f"{spec.text!r} has no inputs {options.inputs!r}", did_you_mean(options.inputs, INPUTS), "evaluator"
        )
    torch.set_num_threads(1)
    return AzEvaluator(options) if spec.argument == AZ else ProxyEvaluator(spec.argument, options)


def batch(module: Module, options: ProxyOptions, seed: int) -> tuple[Tensor, Tensor]:
    """Return inputs of a network's type and classes for its outputs, drawn by the seed. Raises NascError."""
    main = infer(module).module.main
    given, made = main.inputs, main.output_types
    shape = given[0].type.shape if given else ()
    sizes = [dim for dim in shape[1:] if isinstance(dim, int)]
    if len(given) != 1 or given[0].type.dtype is not DType.F32 or len(sizes) != len(shape) - 1 or len(shape) < 2:
        types = ", ".join(str(value.type) for value in given) or "nothing"
        raise NascError.of(f"the network takes {types}", "a proxy needs one input f32[N,...]", "evaluator")
    if len(made) != 1 or made[0].rank != 2 or not isinstance(made[0].shape[1], int):
        types = ", ".join(map(str, made)) or "nothing"
        raise NascError.of(f"the network gives {types}", "a proxy needs one output f32[N,CLASSES]", "evaluator")
    generator = torch.Generator().manual_seed(seed)
    draw = INPUTS[options.inputs]
    if draw is not None and len(sizes) == 3 and sizes[0] in (1, 3) and min(sizes[1:]) >= 8:
        x = draw(options.batch, sizes, generator)
    else:
        x = torch.randn(options.batch, *sizes, generator=generator)
    return x, torch.randint(0, made[0].shape[1], (options.batch,), generator=generator)
