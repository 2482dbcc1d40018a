"""What the user writes after --evaluator."""

from dataclasses import dataclass

import pytest

from nasc.ir import NascError
from nasc.search.evaluators import open_evaluator, parse_cascade, passing
from nasc.search.evaluators.specification import parse_specification, shown


@dataclass(frozen=True)
class Settings:
    steps: int = 3
    rate: float = 0.5
    gate: bool = True
    file: str = ""


def test_stages_are_read_and_written() -> None:
    text = "predictor/4,proxy:az/2,train:dir/own.py:f"
    cascade = parse_cascade(text)
    assert [(stage.spec, stage.divisor) for stage in cascade.filters] == [("predictor", 4), ("proxy:az", 2)]
    assert cascade.last == "train:dir/own.py:f"
    assert str(cascade) == text
    assert parse_cascade("train:mnist1d{steps=9,lr=0.1}").last == "train:mnist1d{steps=9,lr=0.1}"


def test_the_best_pass() -> None:
    assert passing([3.0, 1.0, 3.0, 2.0, 5.0], 2) == [0, 2, 4]
    assert passing([1.0, 1.0, 1.0, 1.0], 4) == [0]
    assert passing([1.0], 4) == [0]


def test_options_have_the_types_of_their_defaults() -> None:
    spec = parse_specification("train:x{steps=7, rate=1e-3,gate=false,file=a b}")
    assert spec.fill(Settings()) == Settings(7, 0.001, False, "a b")
    assert shown("train", "x", {"b": True, "a": 0.5}) == "train:x{a=0.5,b=true}"


WRONG = {
    "predictor,train:digits": "predictor in 'predictor,train:digits' does not say how many pass\n"
    "  help: write predictor/4 to pass the best quarter",
    "predictor/1,train:digits": "predictor in 'predictor/1,train:digits' does not say how many pass\n"
    "  help: write predictor/4 to pass the best quarter",
    "predictor/4": "'predictor/4' filters by predictor for nothing\n"
    "  help: leave out /4, or name the evaluator that the others go on to",
    "predictor/4,": "'predictor/4,' has an empty stage\n  help: expected EVALUATOR/4,EVALUATOR",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_cascade_says_what_would_be_right(text: str) -> None:
    with pytest.raises(NascError) as caught:
        parse_cascade(text)
    assert str(caught.value) == f"error: {WRONG[text]}"


FAULTY = {
    "t:x{steps=many}": "option steps of 't:x{steps=many}' is 'many'\n  help: expected a whole number",
    "t:x{rate=high}": "option rate of 't:x{rate=high}' is 'high'\n  help: expected a number",
    "t:x{rate=-1}": "option rate of 't:x{rate=-1}' is -1\n  help: expected at least 0",
    "t:x{gate=1}": "option gate of 't:x{gate=1}' is '1'\n  help: expected true or false",
    "t:x{step=1}": "'t:x{step=1}' has no option 'step'\n  help: did you mean 'steps'?",
    "t:x{steps}": "'steps' in 't:x{steps}' is no option\n  help: expected option=value",
    "t{": "'t{' names no evaluator\n  help: expected KIND, KIND:WHAT or KIND:WHAT{option=value,...}",
}


@pytest.mark.parametrize("text", FAULTY)
def test_a_wrong_option_says_what_would_be_right(text: str) -> None:
    with pytest.raises(NascError) as caught:
        parse_specification(text).fill(Settings())
    assert str(caught.value) == f"error: {FAULTY[text]}"


UNKNOWN = {
    "tabel:nb201": "there is no evaluator 'tabel'\n  help: did you mean 'table'?",
    "table:nb202:cifar10": "there is no table of 'nb202'\n  help: expected table:nb201:TASK",
    "table:nb201:cifar": "table:nb201 has no task 'cifar'\n  help: did you mean 'cifar10'?",
    "predictor:x": "predictor takes nothing after a colon, not 'x'\n"
    "  help: expected predictor or predictor{option=value}",
}


@pytest.mark.parametrize("text", UNKNOWN)
def test_an_evaluator_that_does_not_exist_is_an_error(text: str) -> None:
    with pytest.raises(NascError) as caught:
        open_evaluator(text)
    assert str(caught.value) == f"error: {UNKNOWN[text]}"
