"""How long onnxruntime takes for a network, on one thread of this machine's CPU."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import torch

from ...backends import emit_onnx
from ...equivalence.sessions import Session
from ...ir import DType, Module, NascError, TensorType, infer, substitute
from .evaluator import Outcome
from .specification import shown


@dataclass(frozen=True, slots=True)
class LatencyOptions:
    """Samples in the batch, and runs that are timed after a fifth as many that are not."""

    batch: int = 1
    runs: int = 50


@dataclass(frozen=True)
class LatencyEvaluator:
    """The median time of a run, in milliseconds; it depends on the machine and on what else runs there."""

    options: LatencyOptions = LatencyOptions()

    @property
    def name(self) -> str:
        """``latency{batch=1,runs=50}``."""
        return shown("latency", "", asdict(self.options))

    def evaluate(self, module: Module, seed: int = 0) -> Outcome:
        """Return ``latency`` in milliseconds, and less it as the ``score``. Raises NascError where the network cannot
        be written as ONNX or takes other than numbers.
        """  # noqa: D205
        torch.set_num_threads(1)
        typed = infer(module).module
        session = Session(emit_onnx(typed))
        inputs = [_drawn(value.type, self.options.batch, seed) for value in typed.main.inputs]
        times = []
        for turn in range(self.options.runs + self.options.runs // 5):
            start = time.perf_counter()
            session.run(inputs)
            if turn >= self.options.runs // 5:
                times.append(time.perf_counter() - start)
        taken = median(times) * 1000
        return Outcome("done", {"score": -taken, "latency": taken})


def _drawn(type: TensorType, size: int, seed: int) -> torch.Tensor:
    symbols: dict[str, Any] = {"N": size}
    shape = [substitute(dim, symbols) for dim in type.shape]
    if not all(isinstance(dim, int) for dim in shape):
        raise NascError.of(f"the network takes {type}", "latency needs sizes that are known but for N", "evaluator")
    sizes = [dim for dim in shape if isinstance(dim, int)]
    generator = torch.Generator().manual_seed(seed)
    if type.dtype is DType.F32:
        return torch.randn(sizes, generator=generator)
    if type.dtype in (DType.I64, DType.I32):
        return torch.zeros(sizes, dtype=torch.int64 if type.dtype is DType.I64 else torch.int32)
    raise NascError.of(f"the network takes {type}", "latency needs inputs f32, i32 or i64", "evaluator")
