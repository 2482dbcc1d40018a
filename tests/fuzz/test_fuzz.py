"""Mutated inputs end in a module or a NascError: the readers of text, JSON and ONNX; longer runs are by hand."""

import pytest

from nasc.benchmarks.fuzz import TARGETS, one


@pytest.mark.parametrize(("target", "count"), [("text", 300), ("json", 500), ("onnx", 500)])
def test_spoilt_inputs_are_answered_cleanly(target: str, count: int) -> None:
    corpus = TARGETS[target].corpus()
    found = [finding for seed in range(count) if (finding := one(target, corpus, seed)) is not None]
    assert [(finding.seed, finding.error) for finding in found] == []


def test_the_sound_inputs_are_sound() -> None:
    for name in ("json", "onnx"):
        for data in TARGETS[name].corpus():
            TARGETS[name].attack(data)
