"""Strategies of papers: what and where they change follows from their algorithms, whoever fills in how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from nasc.frontends.cells import nb201
from nasc.ir import digest
from nasc.passes import cost
from nasc.search.engine import Status, Trial
from nasc.search.ideas import default_ideas
from nasc.search.strategies import open_strategy
from nasc.search.strategies.attribute_tree import AttributeTree
from nasc.search.strategies.evoprompting import fitness, target_of
from nasc.search.strategies.experience import kind_of
from nasc.search.strategies.fairnad import _no_nearer
from nasc.search.strategies.modification_tree import ModificationTree
from nasc.search.strategies.ranking import Accuracy

Study = Callable[..., Any]
METHODS = (
    "nas-assistant{relevance=false}",
    "evoprompting{p=2,m=1,n=2}",
    "nader{embedder=hashed,tries=2}",
    "fairnad{fair=2,pareto=2,iterative=1,begin=2,refinements=1}",
)


def told(trials: list[Trial]) -> list[tuple[object, ...]]:
    return [(trial.status, trial.operator, trial.parents, trial.change, dict(trial.notes)) for trial in trials]


@pytest.mark.parametrize("method", METHODS)
def test_answers_at_random_become_new_networks_and_follow_from_the_view(study: Study, method: str) -> None:
    trials = study(wanted=2).play(open_strategy(method), 3)
    made = [trial for trial in trials if trial.operator not in ("start", "sample")]
    assert len(made) >= 4
    assert all(trial.notes["model"] == "random" for trial in made)
    assert sum(trial.status == "done" for trial in trials) >= 0.8 * len(trials)
    assert told(study(wanted=2).play(open_strategy(method), 3)) == told(trials)


def trial(number: int, score: float | None, parents: tuple[int, ...] = (), **more: Any) -> Trial:
    metrics = {} if score is None else {"score": score, "params": more.pop("params", 1000.0)}
    module = more.pop("module", None)
    status: Status = "done" if score is not None else "invalid"
    return Trial(number, number, status, module, str(number), parents, metrics=metrics, **more)


def test_nas_assistant_edits_the_best_place_by_place(study: Study) -> None:
    view = study(wanted=1)
    trials = view.play(open_strategy("nas-assistant{relevance=false}"), 6)
    for one in trials[1:]:
        best = max(trials[: one.number], key=lambda other: (other.score, -other.number))
        failures = sum(other.parents == (best.number,) for other in trials[: one.number])
        spots = [spot.name for spot in view.space.spots(best.module)]
        assert one.parents == (best.number,)
        assert one.notes["place"] == [*spots, "the network"][failures % (len(spots) + 1)]


def test_nas_assistant_stops_at_the_threshold(study: Study) -> None:
    view = study(wanted=1)
    view.play(open_strategy("nas-assistant{relevance=false,threshold=-10}"), 1)
    assert list(open_strategy("nas-assistant{relevance=false,threshold=-10}").ask(view)) == []


def test_evoprompting_asks_for_less_size_and_more_accuracy() -> None:
    parents = [trial(0, 0.912, params=5210.0), trial(1, 0.88, params=2345.0)]
    assert target_of(parents, Accuracy.among(parents)) == "parameters: 2100, accuracy: 93.0%"
    percent = [trial(0, 99.5), trial(1, 0.5)]
    assert target_of(percent, Accuracy.among(percent)) == "parameters: 900, accuracy: 100.0%"
    assert fitness(parents[0], Accuracy.among(parents)) == pytest.approx(-5210 * 0.088)


@pytest.mark.parametrize("scores", [(-0.5, 0.3, 0.9, 1.5), (2.0, 40.0, 800.0, 1700.0), (-3.0, -3.0, -3.0, -3.0)])
def test_scores_that_are_no_accuracies_keep_their_order(scores: tuple[float, ...]) -> None:
    trials = [trial(number, score) for number, score in enumerate(scores)]
    found = list(map(Accuracy.among(trials), trials))
    assert all(0 < value < 1 for value in found)
    assert found == sorted(found)
    assert len(set(found)) == len(set(scores))


def test_evoprompting_takes_nobody_as_a_parent_in_two_rounds(study: Study) -> None:
    view = study()
    view.play(open_strategy("evoprompting{p=2,m=1,n=3,alpha=0}"), 3)
    rounds = [set(document["parents"]) for _, document in view.memory.all("evoprompting")]
    assert len(rounds) == 2
    assert not rounds[0] & rounds[1]
    for one in view.trials:
        if one.operator == "crossmut":
            assert set(one.parents) <= rounds[one.round - 1]


def test_evoprompting_begins_with_all_starts_whatever_they_reach(study: Study) -> None:
    view = study(left=3)
    view.trials += [
        trial(n, score, operator="start", module=view.space.starts()[0]) for n, score in enumerate((0.1, 0.2))
    ]
    open_strategy("evoprompting{alpha=0.5}").ask(view)
    assert [document["parents"] for _, document in view.memory.all("evoprompting")] == [[1, 0]]
    view.round = 1
    view.trials += [trial(n, score, (0, 1), module=view.trials[0].module) for n, score in ((2, 0.3), (3, 0.9))]
    open_strategy("evoprompting{alpha=0.5}").ask(view)
    assert view.memory.get("evoprompting", "000001") == {"parents": [3]}


def test_evoprompting_ends_after_its_rounds(study: Study) -> None:
    view = study()
    method = open_strategy("evoprompting{p=2,m=1,n=1,rounds=1}")
    view.play(method, 2)
    assert list(method.ask(view)) == []


def test_the_modification_tree_is_searched_deep_and_wide(study: Study) -> None:
    (start,) = study().space.starts()
    scores = [(0.5, ()), (0.6, (0,)), (0.7, (0,)), (0.65, (2,)), (0.9, (1,)), (None, (2,))]
    tree = ModificationTree([trial(n, s, p, module=start if s else None) for n, (s, p) in enumerate(scores)])
    rng = study().rng
    assert tree.deepest(rng).number == 2
    assert tree.widest(3).number == 4
    assert tree.widest(1).number == 4
    assert [child.number for child in tree.children(tree.trials[2])] == [3, 5]
    latest = {number: tree.latest(tree.trials[number]) for number in (0, 2, 4)}
    assert {number: one.number if one else None for number, one in latest.items()} == {0: 2, 2: 5, 4: 4}
    kinds = [kind_of(tree, one) for one in tree.trials[1:]]
    assert kinds == ["success", "success", "failure", "success", "failure"]


def test_nader_learns_from_what_became_of_modifications(study: Study) -> None:
    view = study(wanted=2)
    view.play(open_strategy("nader{embedder=hashed}"), 3)
    known = dict(view.memory.all("experience"))
    assert list(known) == ["000001", "000002"]
    first = view.trials[1]
    assert known["000001"]["idea"] == first.notes["idea"]
    assert f"{first.score - view.trials[0].score:+.4f}" in known["000001"]["outcome"]
    assert known["000001"]["kind"] == ("success" if first.score > view.trials[0].score else "failure")


def test_ideas_are_tried_once_at_a_place(study: Study) -> None:
    view = study(wanted=4)
    view.play(open_strategy("nader{embedder=hashed,depth=0,breadth=99}"), 2)
    pairs = Counter((one.parents, one.notes["idea"]) for one in view.trials if one.parents)
    assert set(pairs.values()) == {1}


def test_fair_sampling_uses_what_was_used_least(study: Study) -> None:
    tree = AttributeTree(default_ideas())
    rng = study().rng
    paths = [tree.fairest(default_ideas(), rng)[0] for _ in range(24)]
    levels = Counter(path[0] for path in paths)
    assert set(levels.values()) == {8}
    categories = Counter(path[:2] for path in paths if path[0] == "network")
    assert set(categories.values()) == {2}
    assert len(set(paths)) == 24
    notes = [trial(n, 0.1, notes={"path": list(path)}) for n, path in enumerate(paths)]
    assert AttributeTree.of(default_ideas(), notes).used == tree.used


def test_fairnad_does_what_it_says(study: Study) -> None:
    view = study()
    view.play(open_strategy("fairnad{fair=1,pareto=4,iterative=1,begin=2,refinements=1}"), 2)
    made = {one.operator: one for one in view.trials[2:]}
    assert list(made) == ["fair", "scale-up", "hyperparameter", "similar"]
    parent = view.trials[made["scale-up"].parents[0]]
    assert cost(made["scale-up"].module).params > cost(parent.module).params
    assert "set %" in made["hyperparameter"].change
    assert len(made["similar"].change.split("\n")) >= 2
    assert digest(made["similar"].module) != view.trials[made["similar"].parents[0]].digest


def test_what_is_opposite_to_the_best_may_not_come_nearer_to_it() -> None:
    best, before, nearer, farther = (
        nb201(f"|{first}~0|+|skip_connect~0|nor_conv_3x3~1|+|skip_connect~0|{last}~1|nor_conv_3x3~2|")
        for first, last in (
            ("nor_conv_3x3", "nor_conv_3x3"),
            ("avg_pool_3x3", "nor_conv_3x3"),
            ("nor_conv_3x3", "nor_conv_1x1"),
            ("avg_pool_3x3", "avg_pool_3x3"),
        )
    )
    missing = _no_nearer(best, before)
    assert (missing(before), missing(farther)) == ("", "")
    assert _no_nearer(best, farther)(nearer) == "the network has become more like the best one"
