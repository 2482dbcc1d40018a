"""Cost: known networks, shared weights, what counts and what does not."""

import pytest

from nasc.grammar import parse
from nasc.passes import Outline, cost, parse_limit, show_count
from nasc.tests.passes.networks import bottleneck_resnet, resnet, vit


def test_resnet18_as_published() -> None:
    total = cost(resnet())
    assert total.params == 11_689_512
    assert total.macs == 1_814_073_344
    assert total.buffers == 9_600 + 20


def test_resnet50_as_published() -> None:
    total = cost(Outline()(bottleneck_resnet()))
    assert total.params == 25_557_032
    assert total.macs == 4_089_184_256


def test_attention_counts_both_products() -> None:
    total = cost(vit(depth=1, width=48, heads=3, size=32, patch=8))
    (attention,) = [node for node in total.nodes if node.op == "scaled_dot_product_attention"]
    assert attention.macs == 2 * 17 * 17 * 48
    assert attention.activation_bytes == 17 * 48 * 4


def test_shared_weights_count_once() -> None:
    module = parse(
        """nasc 1
graph @main(%x: f32[N,4]) {
  %a = linear %x {out_features=4} #fc
  %b = linear %a {out_features=4} #fc
  %w = parameter {key="w", shape=[4]}
  %v = parameter {key="w", shape=[4]}
  %c = add %b, %w
  %d = add %c, %v
  %e = batch_norm %d #bn
  return %e
}
"""
    )
    total = cost(module)
    assert [node.params for node in total.nodes] == [20, 0, 4, 0, 0, 0, 8]
    assert total.buffers == 9
    assert [node.activation_bytes for node in total.nodes] == [16, 16, 0, 0, 16, 16, 16]


def test_nodes_add_up_and_are_remembered() -> None:
    module = resnet((1, 1), 8, 32, 10)
    total = cost(module)
    assert total.macs == sum(node.macs for node in total.nodes)
    assert total.activation_bytes == sum(node.activation_bytes for node in total.nodes)
    assert cost(module) is total


@pytest.mark.parametrize(
    ("text", "number"),
    [("10M", 10_000_000), ("1.5G", 1_500_000_000), ("300k", 300_000), ("1_000", 1000), ("7", 7), (12, 12)],
)
def test_limits(text: str | int, number: int) -> None:
    assert parse_limit(text) == number


def test_counts_are_shown_short() -> None:
    assert [show_count(n) for n in (7, 1_500, 11_689_512, 1_814_073_344)] == ["7", "1.5k", "11.69M", "1.814G"]
