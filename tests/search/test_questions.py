"""What an LLM is shown: relevance, the edits, the form of the answer, and no more than it can take."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from nasc.grammar import parse
from nasc.ir import Loc, Module, checked
from nasc.search import parse_script
from nasc.search.focus import Place, places, potential, run_counts
from nasc.search.llm import Message
from nasc.search.prompts import examples, filled
from nasc.search.questions import LARGE, RANDOM, SMALL, Question, feedback, smaller, style_of
from nasc.search.view import show_place

Networks = Callable[[str], Module]


def noted(module: Module, **relevance: float) -> Module:
    """The module with relevance at nodes of its entry, or `block__node` for those of blocks."""
    for key, value in relevance.items():
        block, _, name = key.rpartition("__")
        graph = module.graph(block or module.entry)
        nodes = [node.annotate(relevance=value) if node.name == name else node for node in graph.nodes]
        module = module.with_graph(graph.with_nodes(nodes))
    return module


def question(module: Module, **changes: object) -> Question:
    plain = Question(module, places(module)[0], 0.5, 0.6, False, "")
    return replace(plain, **changes)  # type: ignore[arg-type]


def text_of(messages: tuple[Message, ...]) -> str:
    return "\n".join(message.content for message in messages)


def test_the_block_that_hurts_most_comes_first(network: Networks) -> None:
    module = network("blocks")
    hurt = noted(module, basic__conv1=-0.2, stem=-0.5)
    assert run_counts(hurt) == {"main": 1, "basic": 3}
    assert potential(hurt.graph("basic"), 3) == pytest.approx(0.6)
    assert [place.graph for place in places(hurt)] == ["basic", "main"]
    assert [place.graph for place in places(noted(module, stem=-0.5))] == ["main", "basic"]


def test_the_question_shows_relevance_and_nothing_of_files(network: Networks) -> None:
    module = noted(network("plain"), bn1=-0.123456)
    located = module.main.with_nodes(replace(node, loc=Loc("secret.py", 3)) for node in module.main.nodes)
    asked = question(module.with_graph(located), limits="Keep it to at most 5M parameters.", tried=("x (-0.1)",))
    for style in (SMALL, LARGE):
        last = asked.prompt(style, asked.grammar(style), 0).messages[-1].content
        assert "@{relevance=-0.12}" in last
        assert "The score is 0.5000; reach 0.6000. Keep it to at most 5M parameters." in last
        assert "Tried: x (-0.1)" in last
        assert last.endswith("Edit @main.")
        assert "secret.py" not in last
        assert "#" not in last


def test_blocks_are_shown_with_what_calls_them(network: Networks) -> None:
    module = noted(network("blocks"), basic__conv1=-0.2)
    small = text_of(question(module).prompt(SMALL, "", 0).messages[-1:])
    large = text_of(question(module).prompt(LARGE, "", 0).messages[-1:])
    assert "@basic is used 3 times in @main." in small
    assert "graph @main" not in small
    assert "graph @main" in large
    assert large.index("graph @main") < large.index("graph @basic")


def test_kept_kinds_are_asked_for_in_the_words_of_the_thesis(network: Networks) -> None:
    asked = question(network("plain"), keep_ops=True).prompt(LARGE, "", 0)
    assert "while keeping to the same kinds of operations" in asked.messages[-1].content


def test_the_small_question_stays_small() -> None:
    lines = ["graph @main(%x: f32[N,8,32,32]) -> f32[N,8,32,32] {"]
    for i in range(200):
        operand = f"c{i - 1}" if i else "x"
        lines.append(
            f"  %c{i} = conv2d %{operand} {{out_channels=8, kernel_size=3, padding=1}} @{{relevance=-{i / 200}}}"
        )
    module = checked(parse("nasc 1\n\n" + "\n".join([*lines, "  return %c199", "}", ""])))
    place = places(module)[0]
    text = show_place(module, place, SMALL.place, types=False)
    assert len(text) <= SMALL.place
    assert "%c199 = " in text
    assert "more nodes" in text
    prompt = question(module).prompt(SMALL, "", 0)
    assert len(text_of(prompt.messages)) < 6_000
    assert len(show_place(module, place, smaller(SMALL).place)) <= SMALL.place // 2


def test_examples_are_answers_that_parse() -> None:
    talk = examples()
    assert [message.role for message in talk] == ["user", "assistant"] * 4
    for asked, answer in zip(talk[::2], talk[1::2], strict=True):
        text = asked.content.partition("Edit @")[0].replace("call @block", "relu").replace(" {C=16}", "")
        graph = parse(f"nasc 1\n\n{text}").graphs[0]
        script = parse_script(answer.content)
        assert script.why
        assert {edit.node for edit in script.edits} <= set(graph.value_names())


def test_random_edits_are_drawn_without_reading() -> None:
    assert (style_of("random"), style_of("local:x@1"), style_of("openai:gpt")) == (RANDOM, SMALL, LARGE)


def test_feedback_hands_back_the_answer_and_the_error() -> None:
    back, told = feedback("", "error: x", Place("main", ()))
    assert (back.role, back.content, told.role) == ("assistant", "(nothing)", "user")
    assert "error: x" in told.content
    assert "@main" in told.content


def test_empty_placeholders_leave_no_line() -> None:
    text = filled("request", context="", text="t", state="", tried="", ask="a")
    assert text == "t\na"
