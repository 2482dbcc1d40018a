"""Canonicalize: same numbers, same weights, a fixed point."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nasc.ir import Builder, Module, digest, f32, verify
from nasc.passes import Canonicalize
from nasc.tests.frontends.interpreter import run
from nasc.tests.passes.networks import SMALL, N
from nasc.tests.passes.weights import random_weights, state_of

STEPS: dict[str, Callable[[Builder, str], str]] = {
    "identity": lambda b, x: b("identity", x),
    "dropout": lambda b, x: b("dropout", x, path="drop"),
    "add0": lambda b, x: b("add", x, other=0.0),
    "mul1": lambda b, x: b("mul", x, other=1),
    "add3": lambda b, x: b("add", x, other=3.0),
    "div6": lambda b, x: b("div", x, other=6),
    "relu6": lambda b, x: b("hardtanh", x, min_val=0.0, max_val=6.0),
    "clamp": lambda b, x: b("clamp", x, min=0, max=6),
    "swish": lambda b, x: b("mul", x, b("sigmoid", x)),
    "hardswish": lambda b, x: b("mul", b("div", b("relu6", b("add", x, other=3)), other=6), x),
    "mish": lambda b, x: b("mul", x, b("tanh", b("softplus", x))),
    "transpose": lambda b, x: b("transpose", x, dim0=1, dim1=-1),
    "permute": lambda b, x: b("permute", x, dims=(0, *range(b.types[x].rank - 1, 0, -1))),
    "flatten": lambda b, x: b("flatten", x, start_dim=1),
    "unsqueeze": lambda b, x: b("unsqueeze", x, dim=-1),
    "squeeze": lambda b, x: b("squeeze", x, dim=-1),
    "split_axis": lambda b, x: b("unflatten", x, dim=-1, sizes=(-1, 1)),
    "slice": lambda b, x: b("slice", x, dim=-1, end=10**9),
    "mean": lambda b, x: b("mean", x, dim=(-1, -2), keepdim=True) if b.types[x].rank > 3 else x,
    "pool": lambda b, x: b("mean", x, dim=(2, 3)) if b.types[x].rank == 4 else x,
    "cat": lambda b, x: b("cat", x, dim=-1),
    "double": lambda b, x: b("cat", x, x, dim=1),
    "pad": lambda b, x: b("pad", x, pad=(0, 0)),
}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=8))
def test_random_chains_keep_their_numbers(steps: list[str]) -> None:
    b = Builder()
    x = b.input("x", f32(N, 2, 4, 4))
    for step in steps:
        if b.types[x].rank > 1:
            x = STEPS[step](b, x)
    module = b.module(b("abs", x))
    after = Canonicalize()(module)
    data = torch.linspace(-4, 8, 96).reshape(3, 2, 4, 4)
    (wanted,), (got,) = run(module, {}, data), run(after, {}, data)
    torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-6)
    assert after.main.output_types == module.main.output_types
    assert Canonicalize()(after) is after


@pytest.mark.parametrize("name", SMALL)
def test_networks_keep_their_numbers_and_weights(name: str) -> None:
    module = SMALL[name]()
    after = Canonicalize()(module)
    assert state_of(after) == state_of(module)
    weights = random_weights(module)
    shape = [dim if isinstance(dim, int) else 2 for dim in module.main.inputs[0].type.shape]
    data = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(run(after, weights, data), run(module, weights, data), rtol=1e-4, atol=1e-5)
    assert verify(after) == ()


def test_spellings_of_one_network_have_one_digest() -> None:
    def network(spelling: int) -> Module:
        b = Builder()
        x = b("conv2d", b.input("x", f32(N, 3, 8, 8)), out_channels=8, kernel_size=3, path="conv")
        if spelling:
            x = b("flatten", b("adaptive_avg_pool2d", b("silu", x), output_size=1), start_dim=1)
        else:
            x = b("reshape", b("mean", b("mul", b("sigmoid", x), x), dim=(-2, -1), keepdim=True), shape=(-1, 8))
        return b.module(b("linear", x, out_features=2, path="fc"))

    assert digest(network(0)) != digest(network(1))
    assert digest(Canonicalize()(network(0))) == digest(Canonicalize()(network(1)))


def test_a_chain_of_ten_thousand_nodes() -> None:
    b = Builder()
    x = b.input("x", f32(N, 3, 8, 8))
    for _ in range(2500):
        x = b("transpose", b("identity", b("transpose", b("identity", x), dim0=2, dim1=3)), dim0=2, dim1=3)
    after = Canonicalize()(b.module(b("relu", x)))
    assert [node.op.name for node in after.main.nodes] == ["relu"]
