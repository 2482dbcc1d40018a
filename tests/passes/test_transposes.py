"""CancelTransposes: same numbers, never more permutations, none left in a network written channels-last."""

from collections.abc import Callable

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nasc.ir import Builder, Graph, Module, f32, symbol, verify
from nasc.passes import CancelTransposes
from nasc.tests.frontends.interpreter import run
from nasc.tests.passes.weights import random_weights

N = symbol("N")
LAST, FIRST = (0, 2, 3, 1), (0, 3, 1, 2)


def conv(b: Builder, x: str, channels: int, path: str) -> str:
    """A convolution between the permutations of a channels-last network."""
    y = b("conv2d", b("permute", x, dims=FIRST), out_channels=channels, kernel_size=3, padding=1, path=path)
    return b("permute", y, dims=LAST)


def permutations(graph: Graph) -> list[str]:
    return [node.name for node in graph.nodes if node.op.name in ("permute", "transpose")]


def channels_last() -> Module:
    b = Builder()
    x = b.input("x", f32(N, 8, 8, 3))
    y = b("mul", conv(b, x, 4, "stem"), b("parameter", key="scale", shape=(4,)))
    z = b("relu", conv(b, y, 4, "block"))
    gate = b("sigmoid", b("linear", b("mean", z, dim=(1, 2)), out_features=4, path="gate"))
    z = b("add", y, b("mul", z, b("reshape", gate, shape=(N, 1, 1, 4))))
    z = conv(b, b("pad", b("cat", z, y, dim=-1), pad=(0, 0, 1, 0, 0, 1)), 6, "last")
    return b.module(b("reshape", b("mean", z, dim=(1, 2), keepdim=True), shape=(N, 6)))


def test_a_channels_last_network_keeps_the_permutation_of_its_input_alone() -> None:
    module = channels_last()
    after = CancelTransposes()(module)
    assert [node.operands for node in after.main.nodes if node.op.name == "permute"] == [("x",)]
    weights, data = random_weights(module), torch.randn(2, 8, 8, 3)
    torch.testing.assert_close(run(after, weights, data), run(module, weights, data), rtol=1e-5, atol=1e-6)
    assert CancelTransposes()(after) is after


def test_a_permutation_that_meets_no_other_stays_where_it_is() -> None:
    b = Builder()
    x = b.input("x", f32(N, 3, 4, 5))
    y = b("relu", b("permute", x, dims=LAST))
    module = b.module(b("layer_norm", y, normalized_shape=3, path="norm"))
    assert CancelTransposes()(module) is module


STEPS: dict[str, Callable[[Builder, str, str], str]] = {
    "relu": lambda b, x, _: b("relu", x),
    "swap": lambda b, x, _: b("transpose", x, dim0=1, dim1=-1),
    "turn": lambda b, x, _: b("permute", x, dims=(0, *range(2, b.types[x].rank), 1)),
    "back": lambda b, x, _: b("permute", x, dims=(0, b.types[x].rank - 1, *range(1, b.types[x].rank - 1))),
    "sum": lambda b, x, y: b("add", x, y) if b.types[x] == b.types[y] else x,
    "bias": lambda b, x, _: b("add", x, b("full", shape=(b.types[x].shape[-1],), value=2.0)),
    "softmax": lambda b, x, _: b("softmax", x, dim=1),
    "cat": lambda b, x, _: b("cat", x, x, dim=-1),
    "part": lambda b, x, _: b("slice", x, dim=1, end=2),
    "split": lambda b, x, _: b.add(_halves(b, x), (x,))[1],
    "pad": lambda b, x, _: b("pad", x, pad=(1, 0, 0, 2), value=3.0),
    "mean": lambda b, x, _: b("mean", x, dim=(-1,), keepdim=True),
    "sum_axis": lambda b, x, _: b("sum", x, dim=(1,)) if b.types[x].rank > 3 else x,
    "select": lambda b, x, _: b("select", x, dim=2, index=-1) if b.types[x].rank > 3 else x,
    "unsqueeze": lambda b, x, _: b("unsqueeze", x, dim=1) if b.types[x].rank < 4 else x,
    "squeeze": lambda b, x, _: b("squeeze", x, dim=1) if b.types[x].rank > 3 else x,
    "repeat": lambda b, x, _: b("repeat", x, repeats=(1, 2, *[1] * (b.types[x].rank - 2))),
    "cumsum": lambda b, x, _: b("cumsum", x, dim=2),
    "flip": lambda b, x, _: b("flip", x, dims=(1,)),
}


def _halves(b: Builder, x: str):
    from nasc.ir.ops.selection import Split

    size = b.types[x].shape[-1]
    assert isinstance(size, int)
    return Split(sizes=(size // 2, size - size // 2), dim=-1)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(sorted(STEPS)), min_size=3, max_size=12))
def test_random_chains_keep_their_numbers(steps: list[str]) -> None:
    b = Builder()
    x = b.input("x", f32(2, 3, 4, 5))
    earlier = x
    for step in steps:
        x, earlier = STEPS[step](b, x, earlier), x if step in ("relu", "turn") else earlier
    module = b.module(x)
    after = CancelTransposes()(module)
    assert not verify(after)
    data = torch.linspace(-2, 2, 120).reshape(2, 3, 4, 5)
    torch.testing.assert_close(run(after, {}, data), run(module, {}, data), rtol=1e-5, atol=1e-5)
    assert len(permutations(after.main)) <= len(permutations(module.main))
    assert after.main.output_types == module.main.output_types
