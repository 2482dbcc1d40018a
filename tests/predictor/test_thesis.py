"""The recipe of the thesis: soft labels as they are meant, losses that fall, experts that learn."""

from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch

from nasc.predictor.batch import collate
from nasc.predictor.datasets import Dataset, load
from nasc.predictor.evaluation import ranking
from nasc.predictor.features import ROW, Arrays, features
from nasc.predictor.statistics import NAMES
from nasc.predictor.thesis.encoder import Encoder, Shape, along
from nasc.predictor.thesis.pretraining import Pretraining, contrastive_loss, soft_labels, spread
from nasc.predictor.thesis.recipe import Recipe
from nasc.tests.predictor.networks import residual, transformer

DIAMOND = np.array([[0, 0, 1, 2], [1, 2, 3, 3]], np.int32)


def test_near_graphs_weigh_most_and_a_graph_does_not_label_itself() -> None:
    labels = soft_labels(spread([features(m) for m in (residual(2, 2), residual(2, 2, 64), transformer(1))]))
    torch.testing.assert_close(labels.sum(1), torch.ones(3))
    assert (labels.diag() == 0).all()
    assert labels[0, 1] > labels[0, 2]


def test_the_loss_is_least_where_views_are_alike_as_the_labels_say() -> None:
    labels = torch.tensor([[0.0, 0.9, 0.1], [0.9, 0.0, 0.1], [0.5, 0.5, 0.0]])
    good = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
    bad = good[[0, 2, 1]]
    assert contrastive_loss(good, good, labels, 0.1) < contrastive_loss(bad, bad, labels, 0.1)


@pytest.fixture(scope="module")
def family(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Eighty networks of nb101."""
    return load("nb101", tables, 80, cache=tmp_path_factory.mktemp("cache")).distinct()


def test_it_learns_a_small_family(family: Dataset) -> None:
    data = family
    score = Recipe(Shape(16, 2), Pretraining(passes=1, batch=16), graphs=64, components=2)(
        [data.take(np.arange(60))], 0
    )
    assert ranking(score(data), data.accuracy).spearman > 0.5


@pytest.mark.parametrize("seed", [0, 1])
def test_a_seed_gives_the_same_ranker(family: Dataset, seed: int) -> None:
    data = family.take(np.arange(20))
    one, other = (
        Recipe(Shape(8, 1), Pretraining(passes=1), graphs=8, regressions=5)([data], seed)(data) for _ in range(2)
    )
    np.testing.assert_array_equal(one, other)


def test_nodes_attend_along_paths_alone_where_they_shall() -> None:
    batch = collate([features(residual(1, 1)), features(transformer(1))])
    found = along(batch)
    assert (found == found.transpose(1, 2)).all()
    for graph, count in enumerate(batch.counts.tolist()):
        own = batch.graph[batch.source] == graph
        ends = (batch.place[some[own]].tolist() for some in (batch.source, batch.target))
        known = nx.DiGraph(zip(*ends, strict=True))
        for node in range(count):
            wanted = {node, *nx.ancestors(known, node), *nx.descendants(known, node)}
            assert set(torch.nonzero(found[graph, node]).flatten().tolist()) == wanted


def test_what_is_no_ancestor_and_no_descendant_changes_nothing_under_flow() -> None:
    torch.manual_seed(0)
    graph = Arrays(np.full(4, 1, np.int32), np.zeros((4, len(ROW)), np.float32), DIAMOND, np.zeros(len(NAMES)))
    other = replace(graph, rows=np.array([[0.0], [0.0], [1.0], [0.0]], np.float32) + graph.rows)
    for flow in (True, False):
        encoder = Encoder(Shape(8, layers=0, heads=2, flow=flow)).eval()
        first, second = (encoder.states(batch, encoder.nodes(batch)) for batch in (collate([graph]), collate([other])))
        assert torch.equal(first[1], second[1]) is flow


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(Shape(8, layers=0), graphs=16),
        Recipe(Shape(8, 1, heads=0, attributes="together"), graphs=16),
        Recipe(Shape(8, 0, heads=0, attributes="kinds"), graphs=16),
        Recipe(Shape(8, 1, flow=True), Pretraining(soft=False), graphs=16, components=1),
        Recipe(Shape(8, 1), Pretraining(passes=0), graphs=16, statistics=True, tuned=1, loss="pairs", members=2),
    ],
)
def test_choices_can_be_left_out_and_make_other_rankers(recipe: Recipe, family: Dataset) -> None:
    data = family.take(np.arange(20))
    found = replace(recipe, regressions=5)([data], 0)(data)
    plain = Recipe(Shape(8, 1), graphs=16, regressions=5)([data], 0)(data)
    assert found.shape == plain.shape
    assert np.isfinite(found).all()
    assert not np.allclose(found, plain)


def test_unlabelled_families_are_pretrained_on_too(family: Dataset) -> None:
    data, other = family.take(np.arange(8)), family.take(np.arange(8, 24))
    recipe = Recipe(Shape(8, 1), Pretraining(passes=1), graphs=8, regressions=5)
    assert not np.allclose(recipe([data], 0)(data), replace(recipe, unlabelled=(other,))([data], 0)(data))
