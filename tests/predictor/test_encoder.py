"""The encoder: its laws, and its layer against PyTorch Geometric's."""

from dataclasses import replace

import torch
from torch_geometric.nn import GINConv

from nasc.frontends.cells import nb101
from nasc.predictor.batch import batches, collate
from nasc.predictor.encoder import Encoder, GinLayer, Shape
from nasc.predictor.features import features
from nasc.predictor.kernels.relation import Step
from nasc.tests.predictor.networks import residual, transformer

GRAPHS = [features(module) for module in (residual(), transformer(), nb101("101", "0"), residual(blocks=3))]


def encoder() -> Encoder:
    torch.manual_seed(0)
    return Encoder(Shape(width=16, layers=2)).eval()


def test_a_layer_without_the_way_back_is_gin() -> None:
    torch.manual_seed(0)
    layer = GinLayer(8)
    with torch.no_grad():
        layer.eps.fill_(0.3)
        layer.ways.weight.copy_(torch.cat([torch.eye(8), torch.zeros(8, 8)]))
        h = torch.randn(5, 8)
        edges = torch.tensor([[0, 0, 1, 2, 3], [1, 2, 3, 3, 4]])
        oracle = GINConv(layer.mlp, eps=0.3)
        expected = h + oracle(layer.norm(h), edges)
        torch.testing.assert_close(layer(h, Step.of(edges[0], edges[1], 5)), expected)


def test_a_graph_scores_the_same_alone_and_in_a_batch() -> None:
    model = encoder()
    with torch.no_grad():
        alone = torch.cat([model(collate([graph])) for graph in GRAPHS])
        torch.testing.assert_close(model(collate(GRAPHS)), alone, atol=1e-5, rtol=0)
        split = torch.cat([model(batch) for batch in batches(GRAPHS, nodes=40)])
        torch.testing.assert_close(split, alone, atol=1e-5, rtol=0)


def test_what_the_graph_adds_is_bounded() -> None:
    model, batch = encoder(), collate(GRAPHS)
    model.standardise(batch.statistics, batch.rows)
    with torch.no_grad():
        extra = model(batch)
    assert (extra.abs() <= model.shape.bound).all()
    assert extra.abs().max() > 0


def test_what_the_graph_adds_fades_far_from_the_training_family() -> None:
    model, batch = encoder(), collate(GRAPHS)
    model.standardise(batch.statistics, batch.rows)
    far = batch.statistics + 10 * model.scale
    with torch.no_grad():
        embedding = model.embed(batch)
        assert (model.score(embedding, far).abs() < 1e-6).all()


def test_numbers_that_never_varied_in_training_do_not_count() -> None:
    model, batch = encoder(), collate(GRAPHS)
    model.standardise(batch.statistics, batch.rows[:1].expand(5, -1))
    with torch.no_grad():
        near, other = (model.embed(replace(batch, rows=rows)) for rows in (batch.rows, batch.rows + 1))
    torch.testing.assert_close(near, other)


def test_embeddings_tell_graphs_apart() -> None:
    model, b = encoder(), collate(GRAPHS)
    with torch.no_grad():
        embedding = model.embed(b)
    assert embedding.shape == (len(GRAPHS), 32)
    assert (torch.cdist(embedding, embedding) + torch.eye(len(GRAPHS)) > 1e-3).all()
