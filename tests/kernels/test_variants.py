"""Masked variants by their changes are what each variant is as a graph of its own."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nasc.predictor.batch import collate
from nasc.predictor.encoder import Encoder, Shape
from nasc.predictor.features import ACTIVATION_FLAG, NORM_FLAG, features
from nasc.predictor.kernels.variants import Variants
from nasc.predictor.kinds import Kind
from nasc.tests.predictor.networks import residual, transformer


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("layers", [1, 3])
def test_variants_are_embedded_as_graphs_of_their_own(share: float, layers: int) -> None:
    torch.manual_seed(0)
    model = Encoder(Shape(width=16, layers=layers)).eval()
    torch.nn.init.normal_(model.kind.weight)
    for graph in (features(residual()), features(transformer())):
        keep = np.random.default_rng(0).random((6, 3, len(graph.kinds))) >= share
        variants = Variants.of(graph.edges, ~np.logical_and.reduce(keep, axis=1), layers)
        kinds, rows = torch.from_numpy(graph.kinds.astype(np.int64)), torch.from_numpy(graph.rows)
        whole = collate([graph])
        with torch.no_grad():
            found = model.embed_variants(kinds, rows, torch.from_numpy(keep), variants)
            for one, kept in zip(found, keep, strict=True):
                changed = rows.clone()
                changed[:, NORM_FLAG] *= torch.from_numpy(kept[1])
                changed[:, ACTIVATION_FLAG] *= torch.from_numpy(kept[2])
                masked = torch.where(torch.from_numpy(kept[0]), kinds, int(Kind.MASKED))
                alone = model.embed(replace(whole, kinds=masked, rows=changed))[0]
                torch.testing.assert_close(one, alone, atol=1e-3, rtol=1e-4)


def test_only_the_neighbourhood_of_a_change_is_computed() -> None:
    chain = np.array([range(99), range(1, 100)])
    changed = np.zeros((2, 100), dtype=bool)
    changed[1, 50] = True
    variants = Variants.of(chain, changed, 3)
    assert [step.rows - 100 for step in variants.steps] == [3, 5, 7]
    assert variants.last.node.tolist() == list(range(47, 54))
    assert set(variants.last.variant.tolist()) == {1}
