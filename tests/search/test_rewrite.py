"""The rewriting loop: what it asks, what it takes, what it refuses, how it ends and what it keeps."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nasc.grammar import print_module
from nasc.ir import Module, NascError, checked, digest
from nasc.search import RewriteOptions, header, rewrite
from nasc.search.llm import Answer, BadAnswer, Client, ContextTooLong, LLMError, Prompt, Unreachable
from nasc.search.llm.cache import Cached

Networks = Callable[[str], Module]
WIDER = "why: wider kernels see more\nset %conv1 kernel_size=5\n"
LIGHTER = "why: fewer weights\ndelete %layer1.0.conv1\n"


class Scripted:
    """A client that answers what it was given to answer, and keeps what it was asked."""

    name = "scripted"

    def __init__(self, *answers: str | BaseException) -> None:
        self.answers = list(answers)
        self.prompts: list[Prompt] = []

    def complete(self, prompt: Prompt) -> Answer:
        self.prompts.append(prompt)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return Answer(answer, 1, 1, 0.0, "m1")


def run(module: Module, scorer: Any, client: Client | None, **options: Any) -> Any:
    options = {"threshold": 9.0, "max_iterations": 1, **options}
    return rewrite(module, scorer, client, RewriteOptions(**options))


def test_a_better_network_is_taken(network: Networks, scorer: Any) -> None:
    result = run(network("plain"), scorer, Scripted(WIDER))
    (step,) = result.steps
    assert step.accepted
    assert result.score == step.score > result.baseline == step.before
    assert step.explanation == "wider kernels see more"
    assert step.description == "kernel_size of conv1 3 -> 5"
    assert step.params == result.after.params > result.before.params
    assert result.stopped == "iterations"
    node = checked(result.best).main.node("conv1")
    assert node.notes["edit"] == "set %conv1 kernel_size=5"
    assert node.notes["model"] == "m1"
    assert len(str(node.notes["prompt"])) == 12


def test_a_worse_network_is_not_taken_and_the_next_round_is_told(network: Networks, scorer: Any) -> None:
    client = Scripted(LIGHTER, WIDER)
    result = run(network("plain"), scorer, client, max_iterations=2)
    assert [step.accepted for step in result.steps] == [False, True]
    assert "Tried: layer1.0.conv1 (conv2d) removed (-0." in client.prompts[1].messages[-1].content
    assert result.best.main.node("layer1.0.conv1")


BAD = {
    "I would use a transformer.": "is no edit",
    "": "no edit",
    "set %conv9 kernel_size=5": "has no node %conv9",
    "set %conv1 groups=7": "once repaired, the network is what it was",
    "graph @main(%x: f32[N,3,32,32]) -> f32[N,10] {\n  %y = relo %x\n  return %y\n}": "relo",
    "delete %relu1\n" * 500: "expected at most 400",
}


@pytest.mark.parametrize("bad", BAD)
def test_what_cannot_be_used_is_handed_back(network: Networks, scorer: Any, bad: str) -> None:
    client = Scripted(bad, WIDER)
    result = run(network("plain"), scorer, client)
    first, second = result.steps
    assert (first.attempt, second.attempt) == (1, 2)
    assert BAD[bad] in first.error
    assert first.score is None
    assert second.accepted
    talk = [message.content for message in client.prompts[1].messages[-2:]]
    assert talk[0] == (bad[:1000] or "(nothing)")
    assert first.error[:100] in talk[1]


def test_tries_end(network: Networks, scorer: Any) -> None:
    client = Scripted(*["nonsense"] * 6)
    result = run(network("plain"), scorer, client, max_iterations=2)
    assert [(step.iteration, step.attempt) for step in result.steps] == [(i, a) for i in (1, 2) for a in (1, 2, 3)]
    assert not result.improved
    assert result.stopped == "iterations"
    assert result.score == result.baseline


def test_no_answer_is_a_try_like_others(network: Networks, scorer: Any) -> None:
    client = Scripted(BadAnswer.at("server", "it answered with nothing", "ask again"), WIDER)
    result = run(network("plain"), scorer, client)
    assert [step.accepted for step in result.steps] == [False, True]


def test_a_lost_server_ends_the_search_and_keeps_the_best(network: Networks, scorer: Any) -> None:
    client = Scripted(WIDER, Unreachable.at("http://x", "connection refused", "start the server"))
    result = run(network("plain"), scorer, client, max_iterations=5)
    assert result.stopped == "llm"
    assert isinstance(result.error, LLMError)
    assert result.improved
    assert len(result.steps) == 1


def test_ctrl_c_keeps_the_best(network: Networks, scorer: Any) -> None:
    result = run(network("plain"), scorer, Scripted(WIDER, KeyboardInterrupt()), max_iterations=5)
    assert result.stopped == "interrupted"
    assert result.improved
    assert digest(result.best) != digest(result.start)


def test_ctrl_c_before_the_first_score_gives_the_model_back(network: Networks, scorer: Any) -> None:
    class Interrupted(type(scorer)):  # type: ignore[misc]
        def predict(self, modules: Sequence[Module]) -> Any:
            raise KeyboardInterrupt

    module = network("plain")
    result = run(module, Interrupted(), Scripted())
    assert result.stopped == "interrupted"
    assert digest(result.best) == digest(module)
    assert "unknown" in " ".join(header(result))


def test_too_long_a_question_is_asked_again_shorter(network: Networks, scorer: Any) -> None:
    client = Scripted(ContextTooLong.at("m", "too long", "shorten"), WIDER)
    result = run(network("blocks"), scorer, client)
    long, short = (sum(len(m.content) for m in prompt.messages) for prompt in client.prompts)
    assert short <= long
    assert result.steps[0].text == WIDER


def test_a_question_that_never_fits_ends_the_search(network: Networks, scorer: Any) -> None:
    errors = [ContextTooLong.at("m", "too long", "shorten") for _ in range(9)]
    result = run(network("plain"), scorer, Scripted(*errors))
    assert result.stopped == "llm"
    assert result.best is result.start or digest(result.best) == digest(result.start)


@pytest.mark.parametrize(("option", "what"), [("max_params", "parameters"), ("max_macs", "multiply-accumulates")])
def test_limits_are_checked_before_the_score(network: Networks, scorer: Any, option: str, what: str) -> None:
    client = Scripted(WIDER, "repeat %layer1.0.conv1", LIGHTER)
    result = run(network("plain"), scorer, client, **{option: "1.1x"})
    assert [bool(step.error) for step in result.steps] == [True, True, False]
    assert what in result.steps[0].error
    assert what in client.prompts[0].messages[-1].content


def test_impossible_limits_are_an_error(network: Networks, scorer: Any) -> None:
    with pytest.raises(NascError, match=r"has 2\.97k already"):
        run(network("plain"), scorer, Scripted(), max_params="0.5x")


def test_kept_ops_are_kept(network: Networks, scorer: Any) -> None:
    client = Scripted("replace %relu1 with gelu", WIDER)
    result = run(network("plain"), scorer, client, keep_ops=True)
    assert "gelu is no operation of this model" in result.steps[0].error
    assert "gelu" not in str(client.prompts[0].grammar)


def test_the_same_network_is_not_judged_twice(network: Networks, scorer: Any) -> None:
    client = Scripted(LIGHTER, LIGHTER, WIDER)
    result = run(network("plain"), scorer, client, max_iterations=2)
    assert "tried before" in result.steps[1].error


def test_the_threshold_ends_the_search(network: Networks, scorer: Any) -> None:
    result = rewrite(network("plain"), scorer, Scripted("repeat %layer1.0.conv1"), RewriteOptions(threshold=None))
    assert result.threshold == result.baseline + 0.02
    assert result.stopped == "threshold"
    assert result.score >= result.threshold
    done = rewrite(network("plain"), scorer, Scripted(), RewriteOptions(threshold=0.0))
    assert (done.stopped, done.steps) == ("threshold", ())


def test_random_edits_repeat_for_a_seed(network: Networks, scorer: Any) -> None:
    first, second, other = (run(network("blocks"), scorer, None, max_iterations=4, seed=seed) for seed in (1, 1, 2))
    assert first.steps == second.steps
    assert print_module(first.best) == print_module(second.best)
    assert [step.text for step in first.steps] != [step.text for step in other.steps]
    assert all(step.explanation == "" and step.model == "random" for step in first.steps)


@pytest.mark.parametrize("name", ["plain", "blocks", "tokens"])
def test_random_edits_give_legal_networks(network: Networks, scorer: Any, name: str) -> None:
    result = run(network(name), scorer, None, max_iterations=6)
    used = [step for step in result.steps if step.score is not None]
    assert len(used) >= 5
    assert result.score >= result.baseline
    best = checked(result.best)
    assert best.main.output_types == result.start.main.output_types


def test_events_are_told(network: Networks, scorer: Any) -> None:
    told: list[str] = []
    rewrite(
        network("plain"),
        scorer,
        Scripted(WIDER),
        RewriteOptions(threshold=9.0, max_iterations=1),
        told.append,
    )
    assert told[0].startswith("predicted score 0.3")
    assert told[1].startswith("round 1/1: kernel_size of conv1 3 -> 5: 0.3")


def test_cached_answers_replay(network: Networks, scorer: Any, tmp_path: Path) -> None:
    first = run(network("plain"), scorer, Cached(Scripted(LIGHTER, WIDER), tmp_path), max_iterations=2)
    second = run(network("plain"), scorer, Cached(Scripted(), tmp_path), max_iterations=2)
    assert second.steps == first.steps
    assert print_module(second.best) == print_module(first.best)


def test_blocks_are_asked_about_in_turn(network: Networks, scorer: Any) -> None:
    client = Scripted(*["nonsense"] * 6)
    result = run(network("blocks"), scorer, client, max_iterations=2)
    assert len({step.graph for step in result.steps}) == 2


def test_header_tells_source_scores_edits_and_reasons(network: Networks, scorer: Any) -> None:
    result = run(network("plain"), scorer, Scripted('why: import os"""\rx\nset %conv1 kernel_size=5'))
    lines = header(result, "examples/model.py")
    assert lines[0] == "Rewritten by nasc from examples/model.py"
    assert lines[1].startswith("predicted score 0.3")
    assert any("@main: set %conv1 kernel_size=5" in line for line in lines)
    assert any('its reason: import os"""' in line for line in lines)
    assert all(line.isprintable() for line in lines)


def test_a_gain_too_small_to_be_shown_is_none(network: Networks, scorer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    predict = scorer.predict
    monkeypatch.setattr(scorer, "predict", lambda ms: [replace(p, score=1 + 1e-5 * p.score) for p in predict(ms)])
    result = run(network("plain"), scorer, Scripted("set %conv1 kernel_size=5"), max_iterations=1, threshold=5.0)
    assert [step.accepted for step in result.steps] == [False]


def test_nothing_to_edit_ends_the_search(scorer: Any) -> None:
    from nasc.grammar import parse

    text = "nasc 1\n\ngraph @main(%x: f32[N,8]) -> f32[8,N] {\n  %y = permute %x {dims=[1, 0]}\n  return %y\n}\n"
    assert run(parse(text), scorer, Scripted()).stopped == "nothing to edit"
