"""Lengths of paths of masked variants, against all paths of small random graphs one by one."""

from math import log

import numpy as np
import pytest

from nasc.predictor.paths import Links, path_lengths

Sources = list[tuple[int, ...]]


def graph(seed: int) -> Sources:
    """A random graph in topological order, with chains, joins, ends beside the last, and one that reads twice."""
    r = np.random.default_rng(seed)
    sources: Sources = [()]
    for i in range(1, 14):
        known = [i - 1] if r.random() < 0.5 else r.integers(0, i, r.integers(0, 4)).tolist()
        sources.append(tuple(known))
    return sources


def paths(sources: Sources, end: int) -> list[list[int]]:
    return [[*path, end] for source in sources[end] for path in paths(sources, source)] or [[end]]


def mean(sources: Sources, weights: np.ndarray, end: int) -> np.ndarray:
    before = [mean(sources, weights, source) for source in sources[end]]
    total: np.ndarray = weights[end] + (sum(before) / len(before) if before else 0)
    return total


@pytest.mark.parametrize("seed", range(20))
def test_lengths_are_those_of_all_paths(seed: int) -> None:
    sources, r = graph(seed), np.random.default_rng(seed)
    weights = r.random((len(sources), 4))
    kept = (r.random((3, len(sources))) < 0.7).astype(float)
    ends = sorted(set(range(len(sources))) - {source for group in sources for source in group})
    every = [path for end in ends for path in paths(sources, end)]
    longest, middle, shortest, count = path_lengths(Links.of(sources), weights, kept)
    assert count == pytest.approx(log(len(every)))
    for variant, keep in enumerate(kept):
        held = weights * keep[:, None]
        lengths = np.array([held[path].sum(axis=0) for path in every])
        assert longest[:, variant] == pytest.approx(lengths[:, :3].max(axis=0))
        assert shortest[:, variant] == pytest.approx(lengths[:, 1:].min(axis=0))
        assert middle[:, variant] == pytest.approx(np.mean([mean(sources, held, end)[1:] for end in ends], axis=0))


def passed(sources: Sources, bounds: np.ndarray, joined: np.ndarray, end: int) -> float:
    before = [passed(sources, bounds, joined, source) for source in sources[end]]
    return min(float(bounds[end]), (sum(before) if joined[end] else max(before)) if before else np.inf)


@pytest.mark.parametrize("seed", range(20))
def test_what_passes_is_bounded_by_the_narrowest_carrier_of_the_widest_way(seed: int) -> None:
    sources, r = graph(seed), np.random.default_rng(seed)
    bounds, joined = r.random((len(sources), 3)), r.random(len(sources)) < 0.5
    joined &= np.array([len(group) > 1 for group in sources])
    ends = set(range(len(sources))) - {source for group in sources for source in group}
    for found, column in zip(Links.of(sources).widest(bounds, joined), bounds.T, strict=True):
        assert found == pytest.approx(max(passed(sources, column, joined, end) for end in ends))


def test_a_chain_is_one_link() -> None:
    links = Links.of([(), (0,), (1,), (2, 1), (3,)])
    assert [group.tolist() for group in np.split(links.order, links.start[1:])] == [[0, 1], [2], [3, 4]]
    assert links.sources == ((), (0,), (1, 0))
    assert links.ends == (2,)
