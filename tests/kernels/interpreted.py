"""Runs the Triton programs in Triton's interpreter and prints their errors; TRITON_INTERPRET=1 must be set."""

import json
import os
import sys

import torch

from nasc.predictor.kernels.fused import fused_layers
from nasc.predictor.kernels.message import Norm, Weights, gin, layers
from nasc.predictor.kernels.relation import Relation, Step
from nasc.predictor.kernels.split import split_gin
from nasc.tests.kernels.graphs import largest_error, reference, step, weights, with_gradients

CASES = {
    "fp32": (step(60, 90), 32, 64, torch.float32),
    "fp32, odd sizes": (step(35, 40), 20, 45, torch.float32),
    "bf16": (step(60, 90), 32, 64, torch.bfloat16),
    "no edges": (step(5, 0), 16, 32, torch.float32),
}


def triton(x, step, weights):
    return gin(x, step, weights, path="triton")


def error(step: Step, width: int, hidden: int, dtype: torch.dtype, ours=triton) -> float:
    r = torch.Generator().manual_seed(1)
    x, above = (torch.randn(n, width, generator=r, dtype=torch.float64) for n in (step.columns, step.rows))
    exact = [t.to(dtype) for t in (x, *weights(width, hidden), above)]
    wide = [t.double() for t in exact]

    def run(function, tensors):
        return with_gradients(function, tensors[0], step, Weights(*tensors[1:-1]), tensors[-1])

    return largest_error(run(ours, exact), run(reference, wide))


@torch.no_grad()
def stacked() -> float:
    """The error of three layers without a gradient, the last of which makes fewer states."""
    r = torch.Generator().manual_seed(2)
    h = torch.randn(40, 20, generator=r)
    norms = [Norm(torch.rand(20, generator=r), torch.rand(20, generator=r), 1e-5) for _ in range(3)]
    stack = [(norm, Weights(*(w.float() for w in weights(20, 45, seed)))) for seed, norm in enumerate(norms)]
    steps = (step(40, 60), step(40, 60), bipartite()[0])
    return largest_error([fused_layers(h, steps, stack)], [layers(h, steps, stack, "portable")])


def bipartite() -> tuple[Step, int, int, torch.dtype]:
    whole = step(40, 60)
    own = torch.arange(0, 40, 2)
    sources, readers = (
        Relation(r.start[:21].clone(), r.index[: int(r.start[20])].clone(), 40) for r in (whole.sources, whole.readers)
    )
    return Step(sources, readers, own), 16, 32, torch.float32


if __name__ == "__main__":
    assert os.environ["TRITON_INTERPRET"] == "1"
    found = {name: error(*case) for name, case in {**CASES, "fewer rows": bipartite()}.items()}
    found |= {f"split, {name}": error(*CASES[name], split_gin) for name in ("fp32, odd sizes", "bf16", "no edges")}
    sys.stdout.write(json.dumps({**found, "split, fewer rows": error(*bipartite(), split_gin), "stacked": stacked()}))
