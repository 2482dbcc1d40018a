"""Message passing on a GPU: the compiled Triton programs against float64, and whole encoders against the CPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nasc.predictor.batch import collate
from nasc.predictor.encoder import Encoder, Shape
from nasc.predictor.features import features
from nasc.predictor.kernels.message import Weights, gin, has_triton
from nasc.predictor.kernels.relation import Step
from nasc.predictor.kernels.variants import Variants
from nasc.tests.kernels.graphs import largest_error, reference, relative_error, step, weights, with_gradients
from nasc.tests.kernels.interpreted import bipartite
from nasc.tests.predictor.networks import residual, transformer

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"),
    pytest.mark.skipif(not has_triton(), reason="Triton is not installed (the extra `triton`)"),
]
GPU = torch.device("cuda")
LIMITS = {torch.float32: 1e-5, torch.bfloat16: 0.1}


@pytest.mark.parametrize("dtype", LIMITS)
@pytest.mark.parametrize(
    ("graph", "width", "hidden"),
    [
        (step(60, 90), 32, 64),
        (step(35, 40), 20, 45),
        (step(5, 0), 16, 32),
        (step(0, 0), 16, 32),
        (step(1000, 5000), 64, 128),
        (step(3000, 9000), 256, 512),
        (step(50, 90), 300, 45),
        (step(0, 0), 256, 512),
        (bipartite()[0], 16, 32),
        (bipartite()[0], 128, 32),
    ],
    ids=[
        "small",
        "odd",
        "no edges",
        "no nodes",
        "64",
        "256",
        "odd and wide",
        "wide, no nodes",
        "fewer rows",
        "wide, fewer",
    ],
)
def test_programs_agree_with_float64(graph: Step, width: int, hidden: int, dtype: torch.dtype) -> None:
    r = torch.Generator().manual_seed(1)
    x, above = (torch.randn(n, width, generator=r, dtype=torch.float64) for n in (graph.columns, graph.rows))
    given = [t.to(dtype) for t in (x, *weights(width, hidden), above)]
    here = [t.to(GPU) for t in given]
    found = with_gradients(gin, here[0], graph.to(GPU), Weights(*here[1:-1]), here[-1])
    wide = [t.double() for t in given]
    expected = with_gradients(reference, wide[0], graph, Weights(*wide[1:-1]), wide[-1])
    if graph.rows:
        error = largest_error if dtype == torch.float32 else relative_error
        assert error([t.cpu() for t in found], expected) < LIMITS[dtype]
    assert [t.shape for t in found] == [t.shape for t in expected]


def encoder(layers: int, width: int = 32) -> Encoder:
    torch.manual_seed(0)
    made = Encoder(Shape(width=width, layers=layers)).eval()
    torch.nn.init.normal_(made.kind.weight)
    return made


@pytest.mark.parametrize("width", [32, 64, 128])
def test_embeddings_are_those_of_the_cpu(width: int) -> None:
    model, batch = encoder(4, width), collate([features(residual()), features(transformer())])
    with torch.no_grad():
        expected = model.embed(batch)
        found = model.to(GPU).embed(batch.to(GPU))
    torch.testing.assert_close(found.cpu(), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("width", [32, 128])
def test_embeddings_of_variants_are_those_of_the_cpu(width: int) -> None:
    model, graph = encoder(3, width), features(residual())
    keep = np.random.default_rng(0).random((6, 3, len(graph.kinds))) >= 0.1
    variants = Variants.of(graph.edges, ~np.logical_and.reduce(keep, axis=1), 3)
    kinds, rows = torch.from_numpy(graph.kinds.astype(np.int64)), torch.from_numpy(graph.rows)
    kept = torch.from_numpy(keep)
    with torch.no_grad():
        expected = model.embed_variants(kinds, rows, kept, variants)
        found = model.to(GPU).embed_variants(kinds.to(GPU), rows.to(GPU), kept.to(GPU), variants.to(GPU))
    torch.testing.assert_close(found.cpu(), expected, atol=1e-4, rtol=1e-4)
