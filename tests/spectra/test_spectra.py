"""Spectra against networkx, and the distance that they give."""

import networkx as nx
import numpy as np
import pytest

from nasc.predictor.skeletons import Skeleton, Skeletons
from nasc.predictor.spectra import COUNT, DENSE, LARGEST, distances, spectra
from nasc.tests.predictor.networks import residual, transformer


def random_skeletons(count: int) -> list[Skeleton]:
    r = np.random.default_rng(0)
    sizes = r.integers(1, 40, count)
    return [Skeleton(int(n), r.integers(0, n, (2, int(r.integers(0, 2 * n))))) for n in sizes]


def expected(skeleton: Skeleton) -> np.ndarray:
    graph = nx.Graph()
    graph.add_nodes_from(range(skeleton.nodes))
    graph.add_edges_from((a, b) for a, b in skeleton.edges.T.tolist() if a != b)
    return np.sort(nx.normalized_laplacian_spectrum(graph))


def test_spectra_are_those_of_networkx() -> None:
    skeletons = [*random_skeletons(40), Skeleton.of(residual()), Skeleton.of(transformer())]
    for skeleton, found in zip(skeletons, spectra(skeletons), strict=True):
        np.testing.assert_allclose(found, expected(skeleton), atol=1e-9)


def test_the_smallest_come_first() -> None:
    (found,), (whole,) = spectra([Skeleton.of(residual())], 5), spectra([Skeleton.of(residual())])
    np.testing.assert_array_equal(found, whole[:5])


def test_the_order_of_nodes_and_edges_does_not_count() -> None:
    one = Skeleton.of(residual())
    place = np.random.default_rng(1).permutation(one.nodes)
    other = Skeleton(one.nodes, place[one.edges][::-1, ::-1])
    found, expected = spectra([one, other])
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_large_graphs_have_the_eigenvalues_of_the_dense_solver() -> None:
    n = DENSE + 1
    pairs = [(i, i + 1) for i in range(n - 2)] + [(i, i + 5) for i in range(0, n - 6, 7)]  # the last node is alone
    large = Skeleton(n, np.array(pairs).T)
    np.testing.assert_allclose(spectra([large], COUNT)[0], spectra([large])[0][:COUNT], atol=1e-8)


def test_distance() -> None:
    one, other = np.arange(30) / 20, np.arange(30) / 20 + 0.1
    np.testing.assert_allclose(distances(one, [one, other]), [0, 0.1 * COUNT**0.5])


def test_eigenvalues_that_a_small_graph_lacks_are_the_largest() -> None:
    assert distances(np.zeros(3), [np.zeros(1)], 3).tolist() == pytest.approx([LARGEST * 2**0.5])
    assert distances(np.zeros(2), []).tolist() == []


def shapes(*skeletons: Skeleton) -> list[list[list[int]]]:
    return [one.edges.tolist() for one in Skeletons.of(skeletons).ordered().apart()]


def test_graphs_that_are_equal_but_for_the_order_of_nodes_come_out_equal() -> None:
    one = Skeleton.of(residual())
    places = np.random.default_rng(0).permutation(one.nodes)
    first, again = shapes(one, Skeleton(one.nodes, places[one.edges[::-1, ::-1]]))
    assert first == again


def test_graphs_that_look_alike_from_every_node_stay_apart() -> None:
    circle, triangles = (
        [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0)],
        [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)],
    )
    graphs = [Skeleton(6, np.array(pairs).T) for pairs in (circle, triangles)]
    one, other = shapes(*graphs)
    assert one != other
    np.testing.assert_allclose(spectra(graphs), [expected(graph) for graph in graphs], atol=1e-9)


def test_narrow_graphs_are_solved_in_a_band_like_the_others() -> None:
    chain, ladder = [(i, i + 1) for i in range(99)], [(i, i + 3) for i in range(0, 97, 4)]
    places = np.random.default_rng(0).permutation(120)  # twenty nodes are alone
    star, lone = [(0, i) for i in range(1, 30)], np.zeros((0, 2), int)
    graphs = [Skeleton(120, places[np.array(pairs).T]) for pairs in (chain, chain + ladder, star)]
    graphs = [*graphs, Skeleton(30, np.array(lone).T)]
    narrow = Skeletons.of(graphs).narrowed().apart()
    assert [int((one.edges[1] - one.edges[0]).max(initial=0)) for one in narrow[:2]] == [1, 4]
    np.testing.assert_allclose(spectra(graphs[:3]), [expected(graph) for graph in graphs[:3]], atol=1e-9)
    assert spectra(graphs)[3].tolist() == [0.0] * 30
    assert spectra([]) == []
