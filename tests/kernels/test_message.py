"""Message passing on the CPU, against PyTorch Geometric and against dense matrices in float64."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch_geometric.nn import GINConv

from nasc.predictor.kernels import blocks
from nasc.predictor.kernels.message import Norm, Weights, gin, layers
from nasc.predictor.kernels.relation import Relation, Step
from nasc.tests.kernels.graphs import largest_error, reference, step, weights, with_gradients


def states(rows: int, width: int) -> torch.Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def test_with_one_way_it_is_gin() -> None:
    edges = torch.randint(0, 30, (2, 50), generator=torch.Generator().manual_seed(3))
    w = weights(8, 12)
    identity = torch.eye(8, dtype=torch.float64)
    w = w._replace(ways=torch.cat([identity, 0 * identity]))
    mlp = nn.Sequential(nn.Linear(8, 12), nn.ReLU(), nn.Linear(12, 8)).double()
    oracle = GINConv(mlp, eps=float(w.eps))
    for parameter, value in zip(mlp.parameters(), w[2:], strict=True):  # GINConv has initialised them anew
        parameter.data.copy_(value)
    x = states(30, 8)
    torch.testing.assert_close(gin(x, Step.of(edges[0], edges[1], 30), w), oracle(x, edges))


@pytest.mark.parametrize(("dtype", "limit"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize(("nodes", "edges"), [(40, 70), (6, 0), (1, 0)])
def test_outputs_and_gradients_agree_with_dense_matrices(
    nodes: int, edges: int, dtype: torch.dtype, limit: float
) -> None:
    s, w, x, above = step(nodes, edges), weights(8, 12), states(nodes, 8), states(nodes, 8) + 1
    narrow = Weights(*(t.to(dtype) for t in w))
    found = with_gradients(gin, x.to(dtype), s, narrow, above.to(dtype))
    assert largest_error(found, with_gradients(reference, x, s, w, above)) < limit


def test_rows_may_be_other_than_columns() -> None:
    s = Step(
        Relation(torch.tensor([0, 2, 2, 3]), torch.tensor([4, 1, 0]), 5),
        Relation(torch.tensor([0, 0, 1, 3]), torch.tensor([3, 2, 2]), 5),
        torch.tensor([4, 0, 0]),
    )
    w, x, above = weights(4, 8), states(5, 4), states(3, 4)
    assert largest_error(with_gradients(gin, x, s, w, above), with_gradients(reference, x, s, w, above)) < 1e-12


def test_transposing_twice_gives_the_same_entries() -> None:
    relation = step(20, 40).sources
    again = relation.transposed.transposed
    pairs = [sorted(zip(r.entry_rows.tolist(), r.index.tolist(), strict=True)) for r in (relation, again)]
    assert pairs[0] == pairs[1]


@pytest.mark.parametrize(("dtype", "limit"), [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 0.05)])
@pytest.mark.parametrize("rows", [3, 1000])
def test_layers_in_blocks_are_those_with_a_gradient(
    rows: int, dtype: torch.dtype, limit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "ROWS", rows)
    s, w, h = step(40, 70), weights(8, 12), states(40, 8)
    norm = Norm(states(1, 8)[0], states(1, 8)[0] + 1, 1e-5)
    narrow = Norm(norm.weight.to(dtype), norm.bias.to(dtype), norm.eps), Weights(*(t.to(dtype) for t in w))
    with torch.no_grad():
        found = layers(h.to(dtype), [s, s], [narrow] * 2)
    expected = h
    for _ in range(2):
        expected = expected + reference(F.layer_norm(expected, (8,), *norm), s, w)
    torch.testing.assert_close(layers(h, [s, s], [(norm, w)] * 2), expected)
    assert largest_error([found], [expected]) < limit
