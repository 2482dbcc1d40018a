"""The gate: each way in which a network is dead before it is trained has its words."""

import pytest
import torch

from nasc.backends import instantiate
from nasc.grammar import parse
from nasc.ir import Module, NascError, checked
from nasc.search.evaluators.datasets import load_task
from nasc.search.evaluators.gate import broken_path, broken_signal, broken_start
from nasc.search.held_out import trained_test


def network(*lines: str) -> Module:
    body = "".join(f"  {line}\n" for line in lines)
    last = lines[-1].split()[0]
    return checked(parse(f"nasc 1\n\ngraph @main(%x: f32[4,12]) -> f32[4,10] {{\n{body}  return {last}\n}}\n"))


FREE = '%w = parameter {key="w", shape=[4,10], dtype=f32}'
PATHS = {
    "the output does not depend on the input": (FREE,),
    "no layer with weights lies between input and output": ("%y = slice %x {dim=1, start=0, end=10}",),
    "": ("%y = linear %x {out_features=10} #y",),
}


@pytest.mark.parametrize("reason", PATHS)
def test_the_graph_must_lead_from_the_input_through_weights(reason: str) -> None:
    assert broken_path(network(*PATHS[reason])) == reason


def test_weights_that_are_values_count() -> None:
    assert broken_path(network(FREE, "%a = slice %x {dim=1, start=0, end=10}", "%y = add %a, %w")) == ""


LAYER = "%a = linear %x {out_features=10} #a"
SIGNALS = {
    "": (LAYER,),
    "the output at initialisation is not finite": (LAYER, "%b = mul %a {other=1e30}", "%y = mul %b {other=1e30}"),
    "the output explodes at initialisation: it reaches ": (LAYER, "%y = mul %a {other=1e12}"),
    "the output at initialisation is the same for all inputs": ("%b = mul %x {other=1e-9}", LAYER.replace("%x", "%b")),
    "the gradient of a.weight explodes at initialisation: ": (LAYER, "%b = mul %a {other=1e9}", "%y = sin %b"),
    "no gradient reaches any weight at initialisation": (LAYER, "%b = mul %a {other=100.0}", "%y = round %b"),
}


@pytest.mark.parametrize("reason", SIGNALS)
def test_one_batch_tells_what_cannot_be_trained(reason: str) -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(4, 12, generator=generator), torch.tensor([0, 3, 5, 9])
    found = broken_signal(instantiate(network(*SIGNALS[reason])).train(), x, y)
    assert found[: len(reason)] == reason
    assert bool(found) == bool(reason)


def test_the_loss_must_fall() -> None:
    assert broken_start([2.3] * 20 + [2.2] * 5, classes=10) == ""
    assert broken_start([9.0] * 20 + [8.0] * 5, classes=10) == "", "still far off, but on its way"
    assert broken_start([2.4] * 25, classes=10) == "25 steps did not lower the loss: 2.4, then 2.4; guessing has 2.3"


def test_a_report_does_not_join_what_no_search_finished() -> None:
    dead = checked(
        parse(
            "nasc 1\n\ngraph @main(%x: f32[N,64]) -> f32[N,10] {\n"
            "  %y = slice %x {dim=1, start=0, end=10}\n  return %y\n}\n"
        )
    )
    with pytest.raises(NascError) as caught:
        trained_test("train:digits", dead)
    assert str(caught.value) == (
        "error: the training ended early: no layer with weights lies between input and output\n"
        "  help: ask for networks that a search finished"
    )
    with pytest.raises(NascError) as caught:
        load_task("digit")
    assert str(caught.value) == "error: there is no data set 'digit'\n  help: did you mean 'digits'?"
