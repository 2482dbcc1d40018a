"""Training candidates: what fits, what is stopped, and that test accuracy is the report's alone."""

import pytest
import torch

from nasc.grammar import parse
from nasc.ir import Module, NascError, checked
from nasc.search.evaluators import Outcome, open_evaluator
from nasc.search.evaluators.datasets import digits_parts, load_task
from nasc.search.evaluators.training import TrainingEvaluator, TrainingOptions
from nasc.search.held_out import trained_test

HEAD = "  %fc = linear %h {out_features=10} #fc\n  return %fc\n}\n"


def network(*lines: str, x: str = "N,64", head: str = HEAD) -> Module:
    body = "".join(f"  {line}\n" for line in lines)
    return checked(parse(f"nasc 1\n\ngraph @main(%x: f32[{x}]) -> f32[N,10] {{\n{body}{head}"))


MLP = network("%a = linear %x {out_features=24} #a", "%h = relu %a")


def evaluate(module: Module, gate: bool = True) -> Outcome:
    return TrainingEvaluator(load_task("digits"), TrainingOptions(steps=55, gate=gate)).evaluate(module)


def test_a_network_learns_and_the_report_finds_its_test_accuracy_again() -> None:
    spec = "train:digits{steps=60}"
    evaluator = open_evaluator(spec)
    assert evaluator.name == "train:digits{batch=128,decay=0.01,gate=true,lr=0.01,steps=60}"
    outcome = evaluator.evaluate(MLP, 3)
    assert outcome.status == "done"
    assert outcome.metrics["score"] > 0.8
    assert not [name for name in outcome.metrics if "test" in name]
    assert evaluator.evaluate(MLP, 3) == outcome
    joined = trained_test(spec, MLP, 3)
    assert joined["validation"] == outcome.metrics["score"]
    assert joined["test"] > 0.8


def test_the_gate_does_not_change_what_is_trained() -> None:
    images = network(
        "%c = conv2d %x {out_channels=4, kernel_size=3, bias=false} #c",
        "%b = batch_norm %c #b",
        "%p = adaptive_avg_pool2d %b {output_size=2} #p",
        "%d = dropout %p {p=0.3} #d",
        "%h = flatten %d {start_dim=1}",
        x="N,1,8,8",
    )
    assert evaluate(images, gate=True) == evaluate(images, gate=False)


@pytest.mark.parametrize(
    ("lines", "status", "error"),
    [
        (["%h = mul %x {other=0.0}"], "gated", "the output at initialisation is the same for all inputs"),
        (
            ["%h = mul %x {other=1e-5}"],
            "gated",
            "50 steps did not lower the loss",
        ),
        (["%h = mul %x {other=1e20}"], "gated", "the output explodes at initialisation: it reaches"),
        (["%a = mul %x {other=1e30}", "%h = mul %a {other=1e30}"], "gated", "the output at initialisation is not"),
    ],
)
def test_dead_networks_are_named(lines: list[str], status: str, error: str) -> None:
    outcome = evaluate(network(*lines))
    assert (outcome.status, outcome.error[: len(error)]) == (status, error)
    assert "score" not in outcome.metrics


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (["%y = slice %x {dim=1, start=0, end=10}"], "no layer with weights lies between input and output"),
        (
            [
                "%a = slice %x {dim=1, start=0, end=10}",
                "%z = mul %a {other=0.0}",
                "%k = linear %z {out_features=10} #k",
            ],
            "the output at initialisation is the same for all inputs",
        ),
    ],
)
def test_a_network_that_nothing_can_train_is_gated(lines: list[str], error: str) -> None:
    last = lines[-1].split()[0]
    outcome = evaluate(network(*lines, head=f"  return {last}\n}}\n"))
    assert (outcome.status, outcome.error) == ("gated", error)


def test_a_training_that_diverges_ends() -> None:
    outcome = evaluate(network("%a = mul %x {other=3e37}", "%h = mul %a {other=1.0}"), gate=False)
    assert outcome.status == "failed"
    assert outcome.error.startswith("the loss is ")
    assert outcome.error.endswith("the training diverges")


def test_samples_take_the_shape_of_the_network() -> None:
    task = load_task("digits")
    flat, image = (
        task.adapted(MLP),
        task.adapted(
            network("%p = adaptive_avg_pool2d %x {output_size=1} #p", "%h = flatten %p {start_dim=1}", x="N,3,16,16")
        ),
    )
    assert flat.train.x.shape == (1000, 64)
    assert image.validation.x.shape == (300, 3, 16, 16)
    assert torch.equal(image.train.x[:, 2, ::2, 1::2].reshape(1000, 64), flat.train.x)


def test_a_network_that_does_not_fit_is_refused() -> None:
    task = load_task("digits")
    with pytest.raises(NascError) as caught:
        task.adapted(network("%h = relu %x", x="N,40"))
    assert str(caught.value) == (
        "error: the network takes f32[N,40], and digits has other samples\n"
        "  help: expected f32[N,64], f32[N,1,8,8], f32[N,8,8] or images f32[N,3,8k,8k]"
    )
    wide = checked(parse("nasc 1\n\ngraph @main(%x: f32[N,64]) -> f32[N,64] {\n  %y = relu %x\n  return %y\n}\n"))
    with pytest.raises(NascError) as caught:
        task.adapted(wide)
    assert str(caught.value) == (
        "error: the network gives f32[N,64], and digits has 10 classes\n  help: expected one output f32[N,10]"
    )


def test_an_unknown_data_set_is_an_error() -> None:
    with pytest.raises(NascError) as caught:
        open_evaluator("train:mnist2d")
    assert str(caught.value) == (
        "error: there is nothing to train on called 'mnist2d'\n"
        "  help: did you mean 'mnist1d'?; train:FILE.py:function calls your own"
    )
    with pytest.raises(NascError) as caught:
        open_evaluator("train:digits{batch=1}")
    assert str(caught.value) == (
        "error: 'train:digits{batch=1}' trains on nothing\n  help: expected steps >= 1 and batch >= 2"
    )
    with pytest.raises(NascError) as caught:
        trained_test("predictor", MLP)
    assert str(caught.value) == ("error: predictor has no test part\n  help: expected train:mnist1d or train:digits")


def test_the_parts_of_the_data_have_nothing_in_common() -> None:
    train, validation, test = digits_parts()
    assert [len(y) for _, y in (train, validation, test)] == [1000, 300, 497]
    seen = {tuple(row.flatten().tolist()) for row in train[0]}
    assert not [row for row in validation[0] if tuple(row.flatten().tolist()) in seen]


def test_mnist1d_is_split_as_in_the_papers() -> None:
    task = load_task("mnist1d")
    assert (task.train.x.shape, task.validation.x.shape) == ((3500, 40), (500, 40))
    assert len(task.train.y.unique()) == len(task.validation.y.unique()) == 10
