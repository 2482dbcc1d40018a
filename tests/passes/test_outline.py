"""Outline and inline: there and back, the same network, the same weights, few lines."""

from collections.abc import Callable

import pytest

from nasc.grammar import print_module
from nasc.ir import Builder, Module, callees, digest, f32, symbol, verify
from nasc.passes import Canonicalize, Outline, cost, inline
from nasc.passes.outlining import snake_case
from nasc.tests.passes.networks import SMALL, bottleneck_resnet, densenet, resnet, vit
from nasc.tests.passes.weights import state_of

NETWORKS: dict[str, Callable[[], Module]] = {
    **SMALL,
    "resnet18": resnet,
    "resnet50": bottleneck_resnet,
    "vit_base": lambda: vit(12, 768, 12, 224, 16),
}


def lines(module: Module) -> int:
    return len(print_module(module, locations=False).splitlines())


@pytest.mark.parametrize("name", NETWORKS)
def test_inline_undoes_outline(name: str) -> None:
    flat = Canonicalize()(NETWORKS[name]())
    outlined = Outline()(flat)
    assert len(outlined.graphs) > 1
    assert verify(outlined) == ()
    back = inline(outlined)
    assert digest(back) == digest(flat)
    assert state_of(back) == state_of(flat)
    assert cost(outlined).params == cost(flat).params
    assert cost(outlined).macs == cost(flat).macs
    assert dict(back.main.scopes) == dict(flat.main.scopes)
    assert sorted(node.path for node in back.main.nodes) == sorted(node.path for node in flat.main.nodes)


@pytest.mark.parametrize("name", NETWORKS)
def test_outlining_twice_is_outlining_once(name: str) -> None:
    outlined = Outline()(Canonicalize()(NETWORKS[name]()))
    again = Outline()(outlined)
    assert print_module(again, locations=False) == print_module(outlined, locations=False)


@pytest.mark.parametrize(("name", "most"), [("resnet50", 80), ("vit_base", 50), ("resnet18", 50)])
def test_networks_are_short(name: str, most: int) -> None:
    assert lines(Outline()(Canonicalize()(NETWORKS[name]()))) <= most


def test_blocks_are_named_for_what_they_have() -> None:
    names = [graph.name for graph in Outline()(resnet()).graphs]
    assert names == ["main", "basic_block", "basic_block_down"]
    names = [graph.name for graph in Outline()(Canonicalize()(SMALL["mobilenet"]())).graphs]
    assert names == ["main", "inverted_residual", "inverted_residual_skip", "squeeze_excite"]


def test_blocks_nest() -> None:
    outlined = Outline()(Canonicalize()(SMALL["mobilenet"]()))
    assert callees(outlined.graph("inverted_residual")) == ["squeeze_excite"]


def test_joins_of_different_numbers_of_values_stay_outside() -> None:
    outlined = Outline()(densenet())
    assert len(outlined.graph("dense_layer").inputs) == 1
    assert all(node.op.name != "cat" for node in outlined.graph("dense_layer").nodes)


def test_the_bottleneck_is_polymorphic_in_channels_and_size() -> None:
    block = Outline()(bottleneck_resnet()).graph("bottleneck")
    assert str(block.inputs[0].type) == "f32[N,C,H,H]"
    assert block.symbols == ()


def test_a_block_is_not_shared_by_sizes_at_which_it_has_other_types() -> None:
    """A squeeze keeps an axis of open size, so it would not remove the axis of size 1."""
    b = Builder()
    outputs: list[str] = []
    for i, channels in enumerate((1, 3, 1, 3)):
        x = b.input("x", f32(symbol("N"), channels, 4))
        for j in range(4):
            x = b("relu", x, path=f"l.{i}.{j}")
        outputs.append(b("flatten", b("squeeze", x, path=f"l.{i}.s"), start_dim=1, path=f"l.{i}.f"))
    module = Module((b.finish(*outputs, scopes={f"l.{i}": "Block" for i in range(4)}),))
    outlined = Outline()(module)
    assert [str(graph.inputs[0].type) for graph in outlined.graphs[1:]] == ["f32[N,1,4]", "f32[N,3,4]"]
    assert verify(inline(outlined)) == ()


def test_min_nodes_and_large() -> None:
    module = Canonicalize()(vit(1))
    assert Outline()(module) is module
    assert [graph.name for graph in Outline(large=10)(module).graphs] == ["main", "block"]
    assert Outline(min_nodes=100)(Canonicalize()(vit(4))) == Canonicalize()(vit(4))


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("BasicBlock", "basic_block"),
        ("SEModule", "se_module"),
        ("ConvNeXtBlock", "conv_next_block"),
        ("LayerNorm2d", "layer_norm2d"),
        ("Conv2dNormActivation", "conv2d_norm_activation"),
        ("_DenseLayer", "dense_layer"),
        ("Mlp", "mlp"),
        ("_", "block"),
    ],
)
def test_class_names_in_snake_case(name: str, snake: str) -> None:
    assert snake_case(name) == snake
