"""Networks made narrower: by how much, with which interface, and how wide they may stay."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nasc.grammar import parse
from nasc.ir import Module, NascError, checked
from nasc.passes import cost
from nasc.search.engine.scaling import narrowed, scaled

GROUPS = """nasc 1

graph @main(%x: f32[N,3,16,16]) -> f32[N,10] {
  %stem = conv2d %x {out_channels=36, kernel_size=3, padding=1} #stem
  %group = conv2d %stem {out_channels=36, kernel_size=3, padding=1, groups=12} #group
  %norm = group_norm %group {num_groups=4} #norm
  %deep = conv2d %norm {out_channels=72, kernel_size=3, padding=1, groups=36} #deep
  %pool = adaptive_avg_pool2d %deep {output_size=1}
  %flat = flatten %pool {start_dim=1}
  %fc = linear %flat {out_features=10} #fc
  return %fc
}
"""

HEADS = """nasc 1

graph @main(%x: f32[N,9,48]) -> f32[N,9,10] {
  %token = linear %x {out_features=96} #token
  %qkv = linear %token {out_features=288, bias=false} #qkv
  %split = unflatten %qkv {dim=2, sizes=[3, 6, 16]}
  %all = permute %split {dims=[2, 0, 3, 1, 4]}
  %q, %k, %v = unbind %all {dim=0}
  %attention = scaled_dot_product_attention %q, %k, %v
  %back = permute %attention {dims=[0, 2, 1, 3]}
  %merged = reshape %back {shape=[N, 9, 96]}
  %out = linear %merged {out_features=96} #out
  %sum = add %out, %token
  %fc = linear %sum {out_features=10} #fc
  return %fc
}
"""


@pytest.mark.parametrize("name", ["plain", "blocks", "tokens"])
def test_half_the_width_is_about_a_quarter_of_the_network(name: str, network: Callable[[str], Module]) -> None:
    module = network(name)
    half = scaled(module, 0.5)
    assert half.main.inputs == module.main.inputs
    assert half.main.output_types == module.main.output_types
    assert len(half.graphs) == len(module.graphs)
    assert 0.2 < cost(half).params / cost(module).params < 0.6


def test_groups_stay() -> None:
    half = scaled(checked(parse(GROUPS)), 0.5)
    node = half.main.node
    assert node("group").op.attributes()["out_channels"] == 24
    assert node("group").op.attributes()["groups"] == 12
    assert node("deep").op.attributes()["groups"] == 24
    assert node("deep").op.attributes()["out_channels"] == 48
    assert not any("repair" in node.notes for node in half.main.nodes)


def test_heads_stay() -> None:
    half = scaled(checked(parse(HEADS)), 0.5)
    assert half.main.node("split").op.attributes()["sizes"] == (3, 6, 8)
    assert half.main.node("merged").type.shape[1:] == (9, 48)
    assert not any("repair" in node.notes for node in half.main.nodes)


def test_the_widest_that_fits_is_found(network: Callable[[str], Module]) -> None:
    module = network("plain")
    limit = cost(module).params // 3
    found = narrowed(module, lambda tried: tried if cost(tried).params <= limit else None)
    assert found is not None
    widths = {cost(scaled(module, step / 64)).params for step in range(1, 64)}
    assert cost(found).params == max(width for width in widths if width <= limit)


def test_a_space_that_refuses_is_not_asked_again(network: Callable[[str], Module]) -> None:
    asked: list[Module] = []

    def refuse(module: Module) -> Module:
        asked.append(module)
        raise NascError.of("not of this space")

    assert narrowed(network("plain"), refuse) is None
    assert len(asked) == 2
