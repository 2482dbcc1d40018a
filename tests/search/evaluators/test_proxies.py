"""Proxies against what can be worked out by hand, and what they say of dead networks."""

import math

import numpy as np
import pytest
import torch

from nasc.backends import instantiate
from nasc.frontends.cells import nb201
from nasc.grammar import parse
from nasc.ir import Module, NascError, checked
from nasc.search.evaluators import Outcome, az, open_evaluator
from nasc.search.evaluators.images import natural, photographs
from nasc.search.evaluators.probing import features, last_map, without_norms
from nasc.search.evaluators.proxies import PROXIES
from nasc.search.evaluators.scoring import AzEvaluator, ProxyOptions, batch

Batch = tuple[torch.Tensor, torch.Tensor]
CELL = "|nor_conv_1x1~0|+|skip_connect~0|avg_pool_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"


def network(*lines: str, x: str = "N,6", y: str = "N,3") -> Module:
    body = "".join(f"  {line}\n" for line in lines)
    last = lines[-1].split()[0]
    return checked(parse(f"nasc 1\n\ngraph @main(%x: f32[{x}]) -> f32[{y}] {{\n{body}  return {last}\n}}\n"))


MLP = network("%a = linear %x {out_features=5} #a", "%r = relu %a", "%c = linear %r {out_features=3} #c")
IMAGES = network(
    "%a = conv2d %x {out_channels=4, kernel_size=3, padding=1, bias=false} #a",
    "%n = batch_norm %a #n",
    "%r = relu %n",
    "%b = conv2d %r {out_channels=6, kernel_size=3, stride=2, padding=1, bias=false} #b",
    "%m = batch_norm %b #m",
    "%s = relu %m",
    "%p = adaptive_avg_pool2d %s {output_size=1} #p",
    "%f = flatten %p {start_dim=1}",
    "%l = linear %f {out_features=3} #l",
    x="N,2,4,4",
)
LINEAR = network("%c = linear %x {out_features=3} #c")


@pytest.fixture(scope="module")
def drawn() -> Batch:
    return batch(MLP, ProxyOptions(8), 0)


def weights(module: Module, seed: int = 4) -> dict[str, np.ndarray]:
    return {key: value.double().numpy() for key, value in instantiate(module, seed=seed).state_dict().items()}


def test_synflow_is_the_flow_of_ones_through_positive_weights(drawn: Batch) -> None:
    w = {key: np.abs(value) for key, value in weights(MLP).items()}
    hidden = w["a.weight"].sum(1) + w["a.bias"]
    through = w["c.weight"].sum(0)
    flow = through @ hidden + through @ w["a.weight"].sum(1)
    assert PROXIES["synflow"](MLP, *drawn, 4) == pytest.approx(math.log(flow))


def test_gradients_of_a_linear_network(drawn: Batch) -> None:
    x, y = (tensor.double().numpy() for tensor in drawn)
    w = weights(LINEAR)
    logits = x @ w["c.weight"].T + w["c.bias"]
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    gradient = (chances - np.eye(3)[y.astype(int)]).T @ x / len(x)
    assert PROXIES["grad_norm"](LINEAR, *drawn, 4) == pytest.approx(np.linalg.norm(gradient), rel=1e-5)
    assert PROXIES["snip"](LINEAR, *drawn, 4) == pytest.approx(np.abs(gradient * w["c.weight"]).sum(), rel=1e-5)


def test_samples_that_a_network_cannot_tell_apart_have_the_worst_jacov(drawn: Batch) -> None:
    # the gradient by the input is the same everywhere: one eigenvalue is 8, the others are 0
    values = np.array([8.0] + [0.0] * 7) + 1e-5
    assert PROXIES["jacov"](LINEAR, *drawn, 4) == pytest.approx(-(np.log(values) + 1 / values).sum(), rel=1e-6)
    assert PROXIES["jacov"](MLP, *drawn, 4) > PROXIES["jacov"](LINEAR, *drawn, 4)


def test_nwot_counts_the_states_of_rectifiers(drawn: Batch) -> None:
    w = weights(MLP)
    x = drawn[0][:3]
    state = (x.double().numpy() @ w["a.weight"].T + w["a.bias"] > 0).astype(float)
    alike = state @ state.T + (1 - state) @ (1 - state).T
    sign, value = np.linalg.slogdet(alike)
    assert sign > 0
    assert PROXIES["nwot"](MLP, x, drawn[1][:3], 4) == pytest.approx(value)


def test_zen_of_a_linear_network_is_the_size_of_its_answer() -> None:
    images = network(
        "%c = conv2d %x {out_channels=4, kernel_size=1, bias=false} #c",
        "%p = adaptive_avg_pool2d %c {output_size=1} #p",
        "%f = flatten %p {start_dim=1}",
        "%l = linear %f {out_features=3} #l",
        x="N,2,4,4",
    )
    assert last_map(images) == "c"
    x, y = batch(images, ProxyOptions(512), 0)
    # 16 places, 4 channels, each |0.01 (w1 b1 + w2 b2)|, a normal of that size on average
    generator = torch.Generator().manual_seed(3)
    w = torch.empty(4, 2).normal_(generator=generator)
    expected = math.log(16 * 0.01 * float(w.norm(dim=1).sum()) * math.sqrt(2 / math.pi))
    assert PROXIES["zen"](images, x, y, 3) == pytest.approx(expected, abs=0.02)


def test_proxies_follow_from_the_network_and_the_seed_and_know_the_dead() -> None:
    for name in PROXIES:
        evaluator = open_evaluator(f"proxy:{name}{{batch=4}}")
        first = evaluator.evaluate(IMAGES, 1)
        assert first.status == "done"
        assert evaluator.evaluate(IMAGES, 1) == first
        assert evaluator.name == f"proxy:{name}{{batch=4,draws=1,inputs=photographs}}"
    dead = network("%z = mul %x {other=0.0}", "%r = relu %z", "%c = linear %r {out_features=3} #c")
    for name in ("jacov", "nwot"):
        assert open_evaluator(f"proxy:{name}{{batch=4}}").evaluate(dead, 0) == Outcome(
            "gated", {}, f"{name} is -inf: nothing gets through the network, or too much"
        )


@pytest.mark.parametrize("draw", [natural, photographs])
def test_images_are_smooth_and_grey(draw) -> None:
    images = draw(32, (3, 16, 16), torch.Generator().manual_seed(0))
    near = 1e-5 if draw is natural else 0.25
    assert float(images.mean()) == pytest.approx(0, abs=near)
    assert float(images.std()) == pytest.approx(1, abs=near)
    beside = torch.corrcoef(torch.stack([images[..., 1:].flatten(), images[..., :-1].flatten()]))[0, 1]
    colours = torch.corrcoef(images.transpose(0, 1).flatten(1))[0, 1]
    assert beside > 0.7
    assert colours > 0.8


def test_photographs_come_in_any_size_and_follow_from_the_generator() -> None:
    first, again = (photographs(5, (1, 224, 200), torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, again)
    assert first.shape == (5, 1, 224, 200)


def test_photographs_are_moved_onto_black_by_an_eighth_at_most() -> None:
    images = photographs(64, (3, 32, 32), torch.Generator().manual_seed(2))
    black = images.amin((0, 2, 3))
    frames = [(images[:, :, :rows] == black[:, None, None]).all(1).all(2).all(1) for rows in (1, 4, 5)]
    assert 16 < int(frames[0].sum()) < 40
    assert 0 < int(frames[1].sum()) < 16
    assert not frames[2].any()


def test_blocks_hand_features_on() -> None:
    found = features(nb201(CELL))
    assert found[0] == "stem.bn"
    assert len(found) == 1 + 3 * 5 + 2
    assert not [node for graph in without_norms(nb201(CELL)).graphs for node in graph.nodes if "norm" in node.op.name]


def test_az_puts_four_parts_together_by_rank() -> None:
    evaluator = open_evaluator("proxy:az{batch=4}")
    best = evaluator.evaluate(IMAGES, 0)
    assert set(best.metrics) == {"score", *az.PARTS}
    low, middle, high = ({part: value for part in az.PARTS} for value in (1.0, 2.0, 3.0))
    assert isinstance(evaluator, AzEvaluator)
    assert evaluator.rank([low, high, middle]) == pytest.approx([4 * math.log(1 / 3), 0.0, 4 * math.log(2 / 3)])
    assert evaluator.rank([low, low]) == pytest.approx([4 * math.log(0.75)] * 2)
    assert az.alone({**best.metrics, "expressivity": 20.0}) > best.metrics["score"]


def test_a_block_that_computes_nothing_cannot_be_trained() -> None:
    skips = evaluator_parts(nb201("|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"))
    assert skips["trainability"] < -1e5
    assert evaluator_parts(IMAGES)["trainability"] > -10


def evaluator_parts(module: Module) -> dict[str, float]:
    return dict(open_evaluator("proxy:az{batch=4}").evaluate(module, 0).metrics)


def test_what_a_proxy_cannot_take_is_refused() -> None:
    words = checked(parse("nasc 1\n\ngraph @main(%x: i64[N,4]) -> i64[N,4] {\n  return %x\n}\n"))
    messages = {
        "proxy:snap": "there is no proxy 'snap'\n  help: did you mean 'snip'?",
        "proxy:snip{inputs=real}": "'proxy:snip{inputs=real}' has no inputs 'real'\n  help: did you mean 'normal'?",
        "proxy:snip{batch=1}": "'proxy:snip{batch=1}' draws nothing\n  help: expected batch >= 2 and draws >= 1",
    }
    for spec, message in messages.items():
        with pytest.raises(NascError) as caught:
            open_evaluator(spec)
        assert str(caught.value) == f"error: {message}"
    with pytest.raises(NascError) as caught:
        open_evaluator("proxy:snip").evaluate(words, 0)
    assert str(caught.value) == "error: the network takes i64[N,4]\n  help: a proxy needs one input f32[N,...]"
    with pytest.raises(NascError) as caught:
        open_evaluator("proxy:snip").evaluate(network("%r = relu %x", x="N,3,4", y="N,3,4"), 0)
    assert str(caught.value) == "error: the network gives f32[N,3,4]\n  help: a proxy needs one output f32[N,CLASSES]"
    with pytest.raises(NascError) as caught:
        open_evaluator("proxy:az").evaluate(LINEAR, 0)
    assert str(caught.value) == (
        "error: the network hands fewer than two features on from block to block\n"
        "  help: expected blocks one after the other, with places and channels"
    )


def test_latency_is_measured_by_onnxruntime() -> None:
    outcome = open_evaluator("latency{runs=5}").evaluate(MLP, 0)
    assert outcome.status == "done"
    assert outcome.metrics["latency"] == -outcome.metrics["score"] > 0
    fixed = checked(parse("nasc 1\n\ngraph @main(%x: f32[N,T]) -> f32[N,T] {\n  %y = relu %x\n  return %y\n}\n"))
    with pytest.raises(NascError) as caught:
        open_evaluator("latency").evaluate(fixed, 0)
    assert (
        str(caught.value) == "error: the network takes f32[N,T]\n  help: latency needs sizes that are known but for N"
    )
    truth = checked(parse("nasc 1\n\ngraph @main(%x: bool[N,2]) -> bool[N,2] {\n  return %x\n}\n"))
    with pytest.raises(NascError) as caught:
        open_evaluator("latency").evaluate(truth, 0)
    assert str(caught.value) == "error: the network takes bool[N,2]\n  help: latency needs inputs f32, i32 or i64"
