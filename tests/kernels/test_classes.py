"""Nodes in one class have one state, and computing it once changes no embedding."""

import numpy as np
import pytest
import torch

from nasc.predictor.batch import collate
from nasc.predictor.encoder import Encoder, Shape
from nasc.predictor.features import features
from nasc.predictor.kernels.classes import Classes, unique
from nasc.predictor.kernels.relation import Step
from nasc.tests.predictor.networks import residual, transformer


def test_embeddings_are_those_of_all_nodes() -> None:
    torch.manual_seed(0)
    model = Encoder(Shape(width=16, layers=4)).eval()
    torch.nn.init.normal_(model.kind.weight)
    graphs = [features(module) for module in (residual(3, 6), transformer(8), residual(2, 1), residual(3, 6))]
    with torch.enable_grad():
        expected = model.embed(collate(graphs)).detach()
    with torch.no_grad():
        batch = collate(graphs)
        torch.testing.assert_close(model.embed(batch), expected, atol=1e-4, rtol=1e-4)
    assert batch.classes(4).steps[-1].rows < len(batch.kinds) * 2 / 3


def test_classes_of_a_chain_grow_from_its_ends() -> None:
    step = Step.of(torch.arange(9), torch.arange(1, 10), 10)
    classes = Classes.of(torch.ones(10, dtype=torch.int64), torch.zeros(10, 2), step.joined, 3)
    assert [step.rows for step in classes.steps] == [3, 5, 7]
    assert classes.last.unique().tolist() == list(range(7))
    assert len(np.unique(classes.last[3:7])) == 1


@pytest.mark.parametrize("low", [0, 40])
@pytest.mark.parametrize("count", [1, 2, 300, 20_000])
def test_equal_codes_are_one_class_and_unlike_ones_are_not(count: int, low: int) -> None:
    rng = np.random.default_rng(count)
    codes = rng.choice(rng.integers(0, 2**64, max(count // 3, 1), dtype=np.uint64) >> np.uint64(low), count)
    which, chosen = unique(codes)
    assert len(chosen) == len(np.unique(codes))
    assert (np.diff(chosen) > 0).all()
    np.testing.assert_array_equal(codes[chosen][which], codes)
