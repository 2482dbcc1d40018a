"""Pareto fronts and crowding against their definitions."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from nasc.search.engine import Status, Trial
from nasc.search.engine.pareto import crowding, dominates, front, nondominated

points = st.lists(st.tuples(*[st.integers(0, 4).map(float)] * 2), max_size=12)


def trial(number: int, score: float, params: float, status: Status = "done", **more: float) -> Trial:
    return Trial(number, 0, status, None, metrics={"score": score, "params": params, **more})


@given(points)
def test_the_front_is_that_of_the_definition(found: list[tuple[float, float]]) -> None:
    places = range(len(found))
    assert nondominated(found) == [i for i in places if not any(dominates(found[j], found[i]) for j in places)]


def test_crowding_is_the_way_between_the_neighbours() -> None:
    assert crowding([(0.0, 4.0), (1.0, 2.0), (4.0, 0.0)]) == [math.inf, 2.0, math.inf]
    assert crowding([(1.0, 1.0)]) == [math.inf]
    assert crowding([]) == []


def test_the_front_begins_where_it_is_least_crowded() -> None:
    trials = [
        trial(0, 0.9, 100),
        trial(1, 0.5, 10),
        trial(2, 0.89, 90),
        trial(3, 0.8, 40),
        trial(4, 0.7, 60),
        trial(5, 1.0, 1, "repeat"),
    ]
    assert [found.number for found in front(trials, ("score", "params"))] == [0, 1, 3, 2]


def test_objectives_are_smaller_where_that_is_better() -> None:
    trials = [trial(0, 0.5, 1, loss=2.0), trial(1, 0.4, 1, loss=1.0), trial(2, 0.3, 1)]
    assert [found.number for found in front(trials, ("score",))] == [0]
    assert [found.number for found in front(trials, ("min:loss",))] == [1]
    assert [found.number for found in front(trials, ("loss",))] == [0]
    assert front(trials[2:], ("loss",)) == ()
