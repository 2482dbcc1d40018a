"""Graphs that lie on a device: what is gathered there is what would be joined, and a GPU trains as a CPU does."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from nasc.predictor.batch import batches, collate
from nasc.predictor.encoder import Batch
from nasc.predictor.features import Arrays, features
from nasc.predictor.kernels.relation import Relation
from nasc.predictor.thesis.encoder import Encoder, Shape
from nasc.predictor.thesis.experts import Experts
from nasc.predictor.thesis.graphs import Graphs
from nasc.predictor.thesis.pretraining import Pretraining, soft_labels, spread, views
from nasc.predictor.thesis.recipe import Recipe
from nasc.tests.predictor.networks import residual, transformer

CPU = torch.device("cpu")
CHOSEN = np.array([2, 0, 3, 2])


@pytest.fixture(scope="module")
def arrays() -> list[Arrays]:
    """Four graphs, one of a single node without edges."""
    some: list[Arrays] = [features(module) for module in (residual(2, 2), transformer(1), residual(1, 1, 64))]
    one = some[0]
    return [*some, replace(one, kinds=one.kinds[:1], rows=one.rows[:1], edges=one.edges[:, :0])]


def ends(batch: Batch) -> list[tuple[int, int]]:
    return sorted(zip(batch.source.tolist(), batch.target.tolist(), strict=True))


def read(relation: Relation) -> list[list[int]]:
    """Return what each row reads, rising."""
    return [sorted(some.tolist()) for some in relation.index.tensor_split(relation.start[1:-1])]


def test_a_gathered_batch_is_the_one_that_would_be_joined(arrays: list[Arrays]) -> None:
    found, wanted = Graphs.of(arrays, CPU).batch(CHOSEN), collate([arrays[i] for i in CHOSEN])
    assert ends(found) == ends(wanted)
    for name in {field.name for field in fields(Batch)} - {"source", "target"}:
        assert torch.equal(getattr(found, name), getattr(wanted, name)), name
    for name in ("start", "index"):
        assert torch.equal(getattr(found.step.sources, name), getattr(wanted.step.sources, name))
        assert torch.equal(getattr(found.step.readers, name), getattr(wanted.step.readers, name))
    assert torch.equal(found.counts, wanted.counts)
    assert torch.equal(found.place, wanted.place)
    assert found.most == wanted.most


def test_what_a_gpu_takes_for_the_relations_the_other_way_round_is_that(arrays: list[Arrays]) -> None:
    step = Graphs.of(arrays, CPU).batch(CHOSEN).step
    assert read(step.sources.transposed) == read(step.readers)
    assert read(step.readers.transposed) == read(step.sources)
    assert read(step.ownership.transposed) == read(step.ownership)


def test_batches_hold_the_same_graphs_as_those_of_a_list(arrays: list[Arrays]) -> None:
    many = arrays * 200
    found, wanted = list(Graphs.of(many, CPU).batches()), list(batches(many, 4000))
    assert len(found) == len(wanted) > 1
    assert [b.kinds.tolist() for b in found] == [b.kinds.tolist() for b in wanted]
    assert [len(b.counts) for b in Graphs.of(many, CPU).batches(3)] == [3]


def test_two_views_at_once_are_two_views_one_after_the_other(arrays: list[Arrays]) -> None:
    torch.manual_seed(0)
    graphs, encoder = Graphs.of(arrays, CPU), Encoder(Shape(16, 2)).eval()  # no dropout, so that views are alike
    (one, other), nodes, states = views(encoder, graphs, CHOSEN, at_once=False)
    (one_, other_), nodes_, states_ = views(encoder, graphs, CHOSEN, at_once=True)
    for found, wanted in ((one_, one), (other_, other), (nodes_, nodes), (states_, states)):
        torch.testing.assert_close(found, wanted)


def trained(arrays: list[Arrays], device: torch.device, shape: Shape) -> tuple[list[Tensor], Tensor]:
    """Return the gradients of a step of pretraining without dropout, and what experts say at last."""
    torch.manual_seed(0)
    graphs, encoder = Graphs.of(arrays, device), Encoder(shape).to(device).eval()
    labels = soft_labels(spread([arrays[i] for i in CHOSEN]).to(device))
    Pretraining().loss(encoder, graphs, CHOSEN, labels, 0.35).backward()
    gradients = [parameter.grad for parameter in encoder.parameters() if parameter.grad is not None]
    experts = Experts(encoder.embed(graphs), 2).to(device)
    return gradients, experts(encoder.embed(graphs))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("shape", [Shape(32, 3), Shape(256, 6), Shape(32, 2, flow=True)], ids=["small", "full", "flow"])
def test_a_step_on_a_gpu_is_near_the_same_on_a_cpu(arrays: list[Arrays], shape: Shape) -> None:
    (found, said), (wanted, known) = (trained(arrays, torch.device(name), shape) for name in ("cuda", "cpu"))
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one.cpu(), other, rtol=1e-2, atol=1e-3 * max(other.abs().max().item(), 1e-2))
    torch.testing.assert_close(said.cpu(), known, rtol=1e-2, atol=1e-2)


def test_it_trains_where_it_is_told_to() -> None:
    assert Recipe().place == CPU
    assert Recipe(device="cuda").place == torch.device("cuda")
