"""Asking an LLM: errors are handed back, what is known is asked for again, intentions are checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nasc.grammar import parse
from nasc.ir import digest
from nasc.passes import cost
from nasc.search.llm import Answer, BadAnswer, ContextTooLong, Message, Prompt, TimedOut
from nasc.search.spaces.model import ModelSpace
from nasc.search.strategies.asking import SEEN, Asking, reason
from nasc.search.strategies.drawing import Drawing
from nasc.search.strategies.nader import Nader
from nasc.search.strategies.narrowing import about, holds

Study = Callable[..., Any]


@dataclass
class Script:
    """An LLM that says what it was told to, one answer a prompt; errors are raised."""

    answers: Sequence[str | Exception]
    name: str = "a-server"
    prompts: list[Prompt] = field(default_factory=list)

    def complete(self, prompt: Prompt) -> Answer:
        self.prompts.append(prompt)
        answer = self.answers[len(self.prompts) - 1]
        if isinstance(answer, Exception):
            raise answer
        return Answer(answer, 1, 1, 0.0, "scripted")


def asked(study: Study, answers: Sequence[str | Exception], tries: int = 3, **options: Any) -> Any:
    view = study(llm=Script(answers), **options.pop("view", {}))
    (module,) = view.space.starts()
    view.trials.append(view.judged_start(module))
    if known := options.pop("known", ""):
        view.trials.append(view.judged_start(view.space.apply(module, known).module))
    reply = Asking(Drawing(view)).edit(module, None, lambda n: (Message("user", f"{n}"),), tries, **options)
    return view, reply


def test_an_answer_that_works_is_a_network_with_its_reason(study: Study) -> None:
    view, reply = asked(study, ["why: smoother\nreplace %relu1 with gelu"])
    assert (reply.change, reply.why, reply.error, reply.problems) == (
        "replace %relu1 with gelu\n",
        "smoother",
        "",
        (),
    )
    assert digest(view.admit(reply.module)) == digest(reply.module)
    assert reply.notes["model"] == "scripted"


BLOCKS = """nasc 1

graph @main(%x: f32[N,3,16,16]) -> f32[N,10] {
  %stem = conv2d %x {out_channels=8, kernel_size=3, padding=1} #stem
  %one = call @block %stem #one
  %two = call @block %one #two
  %three = call @block %two #three
  %four = call @block %three #four
  %down = conv2d %four {out_channels=16, kernel_size=3, stride=2, padding=1} #down
  %pool = adaptive_avg_pool2d %down {output_size=1}
  %flat = flatten %pool {start_dim=1}
  %fc = linear %flat {out_features=10} #fc
  return %fc
}

graph @block(%x: f32[N,8,16,16]) -> f32[N,8,16,16] {
  %conv = conv2d %x {out_channels=8, kernel_size=3, padding=1} #conv
  %bn = batch_norm %conv #bn
  %relu = relu %bn
  %conv2 = conv2d %relu {out_channels=8, kernel_size=3, padding=1} #conv2
  %bn2 = batch_norm %conv2 #bn2
  %sum = add %x, %bn2
  return %sum
}
"""


def test_nader_changes_the_block_then_fits_stem_and_downsampling_each_with_feedback(
    study: Study, tmp_path: Path
) -> None:
    ideas = tmp_path / "ideas.jsonl"
    ideas.write_text('{"text": "make it smoother"}', encoding="utf-8")
    answers = ["replace %relu with gelu", "set %stem nothing=1", "set %stem kernel_size=5", "set %down kernel_size=5"]
    view = study(llm=(llm := Script(answers)), wanted=1)
    view.space = ModelSpace([parse(BLOCKS)])
    (trial,) = view.play(Nader(embedder="hashed", ideas=str(ideas)), 2)[1:]
    assert len(llm.prompts) == 4
    assert "conv2d has no attribute 'nothing'" in llm.prompts[2].messages[-1].content
    edits = ("in @one:", answers[0], "in @main:", answers[2], "in @main:", answers[3])
    assert trial.change.split("\n") == [*edits, ""]
    assert len(trial.notes["problems"]) == 1


def test_a_proposal_names_the_prompts_that_made_it_and_no_others(study: Study) -> None:
    view = study(llm=Script(["set %relu1 nothing=1", "replace %relu1 with gelu", "replace %relu2 with gelu"]))
    (module,) = view.space.starts()
    asking = Asking(Drawing(view))
    made = [
        asking.proposal(asking.edit(module, None, lambda n: (Message("user", f"{n}"),), 2), "edit") for _ in range(2)
    ]
    digests = [prompt.digest("a-server")[:12] for prompt in view.llm.prompts]
    assert [proposal.notes["calls"] for proposal in made] == [digests[:2], digests[2:]]


def test_errors_are_handed_back_as_text(study: Study) -> None:
    view, reply = asked(study, ["replace %relu9 with gelu", "replace %relu1 with gelu"])
    turns = view.llm.prompts[1].messages
    assert [message.role for message in turns] == ["user", "assistant", "user"]
    assert turns[1].content == "replace %relu9 with gelu"
    assert turns[2].content == (
        "That cannot be used:\n"
        "error: `replace %relu9 with gelu`: @main has no node %relu9\n"
        "  help: did you mean 'relu2'?\n"
        "Answer again, with another change."
    )
    assert len(reply.problems) == 1
    assert reply.module is not None


def test_after_all_tries_the_last_error_is_what_there_is(study: Study) -> None:
    _, reply = asked(study, ["nonsense", BadAnswer.at("server", "said nothing", "ask again")], tries=2)
    proposal = reply.proposal("edit", (0,))
    assert proposal.module is None
    assert proposal.error == (
        "error: the script holds no edit\n  help: expected a line such as `set %node attribute=value`"
    )
    assert len(proposal.notes["problems"]) == 2


def test_a_network_that_is_known_is_asked_for_again_hotter_and_then_mutated_by_chance(study: Study) -> None:
    view, reply = asked(study, ["replace %relu1 with gelu"] * 2, tries=2, known="replace %relu1 with gelu")
    assert reply.code == SEEN
    assert reply.problems == ("this network was tried before",) * 2
    heats = [prompt.temperature for prompt in view.llm.prompts]
    assert heats[1] > heats[0]
    by_chance = Asking(Drawing(view)).by_chance(reply)
    assert view.known(by_chance.module) is None
    assert by_chance.notes["chance"] is True
    assert by_chance.change.startswith("replace %relu1 with gelu\nin @main:\n")


def test_networks_over_the_limits_are_scaled_down_apart_from_the_tries(study: Study) -> None:
    answers = ["set %conv1 out_channels=64", "set %conv1 out_channels=32", "set %conv1 out_channels=12"]
    view, reply = asked(study, answers, tries=1, shrinks=4, view={"most_params": 1500})
    assert cost(reply.module).params <= 1500
    assert "too large" in view.llm.prompts[1].messages[2].content
    _, failed = asked(study, answers, tries=1, shrinks=1, view={"most_params": 1000})
    assert failed.error == "error: the network is too large\n  help: at most 1000 are allowed"
    assert failed.proposal("edit").over


def test_a_change_without_the_words_or_the_intention_is_handed_back(study: Study) -> None:
    def larger(module: Any) -> str:
        return "" if cost(module).params > 1100 else "the network has to become larger"

    answers = ["replace %relu1 with silu", "set %conv1 out_channels=4", "set %conv1 out_channels=12"]
    _, reply = asked(study, answers, words=("out_channels=",), intent=larger)
    assert reply.change == "set %conv1 out_channels=12\n"
    assert [problem.splitlines()[1] for problem in reply.problems] == [
        "  help: it has to use out_channels=",
        "  help: the network has to become larger",
    ]


def test_where_no_answer_does_what_was_intended_a_mutation_by_chance_does(study: Study) -> None:
    def larger(module: Any) -> str:
        return "" if cost(module).params > 1100 else "the network has to become larger"

    view, reply = asked(study, ["set %conv1 out_channels=4"] * 2, tries=2, intent=larger)
    assert reply.module is None
    (start,) = view.space.starts()
    by_chance = Asking(Drawing(view)).by_chance(reply, start, larger)
    assert by_chance.module is not None
    assert cost(by_chance.module).params > 1100
    assert (by_chance.error, by_chance.notes["chance"]) == ("", True)
    assert len(by_chance.problems) == 2
    anything = Asking(Drawing(view)).by_chance(reply, start, lambda _: "nothing will do")
    assert anything.module is not None
    assert view.known(anything.module) is None


def test_a_prompt_that_is_too_long_is_shortened(study: Study) -> None:
    long = ContextTooLong.at("server", "too long", "shorten it")
    view, reply = asked(study, [long, long, "replace %relu1 with gelu"])
    lengths = [int(prompt.messages[0].content) for prompt in view.llm.prompts]
    assert lengths[0] > lengths[1] > lengths[2]
    assert reply.module is not None


def test_errors_of_the_llm_itself_end_the_search(study: Study) -> None:
    with pytest.raises(TimedOut):
        asked(study, [TimedOut.at("server", "took too long", "wait")])


def test_reasons_are_first_lines() -> None:
    assert reason("why: it is small\nset %a b=1") == "it is small"
    assert reason("set %a b=1") == ""


def test_a_grammar_about_words_has_no_other_answers(study: Study) -> None:
    view = study()
    (module,) = view.space.starts()
    grammar = about(view.space.grammar(module, None, 1, 40), ("gelu", "kernel_size=7"))
    answers = {view.llm.complete(Prompt((Message("user", "?"),), grammar, seed=seed)).text for seed in range(12)}
    assert len(answers) > 8
    for answer in answers:
        edits = answer.partition("\n")[2]
        assert holds(edits, ("gelu", "kernel_size="))
        assert view.space.apply(module, answer).module != module
    assert about(view.space.grammar(module), ("no such word",)) == ""
