"""Strategies without an LLM: they begin with the start, never repeat themselves and follow from the view alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nasc.grammar import parse
from nasc.ir import NascError
from nasc.search.engine import Trial
from nasc.search.spaces.model import ModelSpace
from nasc.search.strategies import STRATEGIES, open_strategy
from nasc.search.strategies.drawing import Drawing
from nasc.search.strategies.evolution import Evolution
from nasc.search.strategies.fairnad import FairNad
from nasc.search.strategies.nader import Nader

Study = Callable[..., Any]


def told(trials: list[Trial]) -> list[tuple[str, str, tuple[int, ...], str]]:
    return [(trial.status, trial.operator, trial.parents, trial.change) for trial in trials]


@pytest.mark.parametrize(
    "method", ["random", "evolution{population=4,sample=2}", "evolution{population=3,crossover=1}"]
)
def test_a_search_begins_with_the_start_and_finds_new_networks(study: Study, method: str) -> None:
    trials = study().play(open_strategy(method), 3)
    assert [trial.operator for trial in trials[:3]] == ["start", "sample", "sample"]
    assert {trial.status for trial in trials} == {"done"}
    assert len({trial.digest for trial in trials}) == len(trials) >= 7
    assert told(study().play(open_strategy(method), 3)) == told(trials)
    assert told(study(seed=1).play(open_strategy(method), 3)) != told(trials)


def test_evolution_breeds_from_the_population(study: Study) -> None:
    trials = study(wanted=1).play(open_strategy("evolution{population=3,sample=3}"), 8)
    for trial in trials[3:]:
        alive = trials[trial.number - 3 : trial.number]
        (parent,) = trial.parents
        assert trial.operator == "mutation"
        assert parent == max(alive, key=lambda one: (one.score, -one.number)).number


def test_where_all_neighbours_are_known_a_mutation_goes_further(study: Study) -> None:
    text = "nasc 1\n\ngraph @main(%x: f32[N,4]) -> f32[N,4] {\n  %a = relu %x\n  %b = exp %a\n  return %b\n}\n"
    found = study()
    found.space = ModelSpace([parse(text)])
    (start,) = found.play(open_strategy("evolution"), 1)[:1]
    drawing = Drawing(found)
    changes = [drawing.mutation(start).change for _ in range(24)]
    assert len(set(changes)) == 24
    assert len(changes[0].splitlines()) == 2 < max(len(change.splitlines()) for change in changes)


def test_an_evaluation_that_is_not_left_is_not_asked_for(study: Study) -> None:
    assert len(study(wanted=5, left=2).play(open_strategy("random"), 1)) == 2


def test_strategies_are_opened_by_name_and_options() -> None:
    assert open_strategy("evolution{population=50, guide=predictor}") == Evolution(50, guide="predictor")
    assert all(open_strategy(name).name == name for name in STRATEGIES)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "evolutoin",
            "<strategy>:1:1: error: there is no strategy 'evolutoin'\n  | evolutoin\n  | ^\n"
            "  help: did you mean 'evolution'?",
        ),
        (
            "evolution{size=3}",
            "<strategy>:1:11: error: evolution has no option 'size'\n  | evolution{size=3}\n  |           ^\n"
            "  help: expected one of: crossover, draws, guide, population, sample",
        ),
        (
            "random,random",
            "<strategy>:1:7: error: unexpected ','\n  | random,random\n  |       ^\n"
            "  help: expected the end of the strategy",
        ),
        (
            "evolution{",
            "<strategy>:1:11: error: the strategy ends too early\n  | evolution{\n  |           ^\n"
            "  help: expected an option or }",
        ),
        (
            "evolution{guide=oracle}",
            "<strategy>:1:1: error: option guide cannot be oracle\n  | evolution{guide=oracle}\n  | ^\n"
            "  help: expected one of: learned, none, predictor",
        ),
        (
            "evolution{population=0, sample=-1}",
            "<strategy>:1:1: error: option population cannot be 0\n  | evolution{population=0, sample=-1}\n  | ^\n"
            "  help: expected at least 1",
        ),
        (
            "nader{depth=7}",
            "<strategy>:1:1: error: option depth cannot be 7.0\n  | nader{depth=7}\n  | ^\n"
            "  help: expected a number from 0 to 1",
        ),
        (
            "fairnad{fair=0,pareto=0,iterative=0}",
            "<strategy>:1:1: error: no mutations a round\n  | fairnad{fair=0,pareto=0,iterative=0}\n  | ^\n"
            "  help: expected fair, pareto or iterative above 0",
        ),
    ],
)
def test_what_is_wrong_in_a_name_is_told_with_its_place(text: str, error: str) -> None:
    with pytest.raises(NascError) as found:
        open_strategy(text)
    assert str(found.value) == error


@pytest.mark.parametrize(
    ("strategy", "error"),
    [
        (
            Nader(ideas="none.jsonl"),
            "error: cannot read none.jsonl: No such file or directory\n  help: give a file of `nasc ideas read`",
        ),
        (FairNad(ideas="empty.jsonl"), "error: empty.jsonl holds no idea\n  help: give a file of `nasc ideas read`"),
        (
            Nader(embedder="clip"),
            "error: there is no embedder 'clip'\n"
            "  help: expected one of: auto, local, hashed, openai:MODEL, http://HOST:PORT/v1#MODEL",
        ),
    ],
)
def test_what_a_strategy_reads_is_looked_for_before_a_study_begins(
    strategy: Nader | FairNad, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.jsonl").touch()
    with pytest.raises(NascError) as found:
        strategy.prepare()
    assert str(found.value) == error
