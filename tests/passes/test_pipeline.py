"""Pipelines: as text, as values, and what watches them."""

from typing import ClassVar

import pytest

from nasc.ir import Builder as NetworkBuilder
from nasc.ir import Module, NascError, f32
from nasc.passes import (
    PASSES,
    Canonicalize,
    Check,
    Inline,
    Outline,
    Pipeline,
    PrintAfter,
    Relevance,
    Timing,
    parse_pipeline,
    verify_after,
)

ERRORS = {
    "": "1:1: error: the pipeline ends too early",
    "canonicalise": "did you mean 'canonicalize'?",
    "outline{min_node=3}": "did you mean 'min_nodes'?",
    "outline{min_nodes=many}": "1:19: error: option min_nodes cannot be 'many'",
    "outline{min_nodes=3": "expected , or }",
    "check{max_params=lots}": "expected a number with k, M, G or T, such as 10M or 1.5G",
    "inline outline": "expected a comma between passes",
    "inline{x=1}": "inline has no options",
    "relevance": "pass relevance needs score, which is not available here",
    "canonicalize{train=1}": "expected true or false",
}


def network() -> Module:
    b = NetworkBuilder()
    return b.module(b("relu", b("identity", b.input("x", f32(1, 3)))))


def test_text_and_values_are_the_same() -> None:
    text = 'canonicalize{train=true}, outline{min-nodes=4, large=none}, inline, check{max_params="10M", max_macs=1.5G}'
    wanted = (Canonicalize(train=True), Outline(min_nodes=4), Inline(), Check(10_000_000, 1_500_000_000))
    assert parse_pipeline(text) == Pipeline(wanted)


def test_what_text_cannot_say_is_provided() -> None:
    def score(module: Module, masks: object) -> list[float]:
        return []

    assert parse_pipeline("relevance{top=5}", score=score).passes == (Relevance(score, top=5),)


@pytest.mark.parametrize("text", ERRORS)
def test_errors_say_what_would_be_right(text: str) -> None:
    with pytest.raises(NascError) as caught:
        parse_pipeline(text)
    assert ERRORS[text] in str(caught.value)


def test_names_are_unique_and_what_the_table_says() -> None:
    assert {name: one.name for name, one in PASSES.items()} == {name: name for name in PASSES}


def test_instruments_see_each_step() -> None:
    timing = Timing()
    written: list[str] = []
    pipeline = parse_pipeline("canonicalize,inline").watched(timing, PrintAfter(written.append), verify_after)
    after = pipeline(network())
    assert [(step.name, step.changed) for step in timing.steps] == [("canonicalize", True), ("inline", False)]
    assert len(timing.report().splitlines()) == 2
    assert len(written) == 1
    assert written[0].startswith("// ---- after 1: canonicalize\nnasc 1")
    assert len(after.main.nodes) == 1


def test_verify_after_names_the_pass_at_fault() -> None:
    class Breaks:
        name: ClassVar[str] = "breaks"

        def __call__(self, module: Module) -> Module:
            return module.with_graph(module.main.with_nodes(()))

    with pytest.raises(NascError, match=r"after pass 1 \(breaks\): %relu is not defined"):
        Pipeline((Breaks(),), (verify_after,))(network())
