"""Networks in the text form, and a scorer that needs no training: more parameters, more score."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from nasc.grammar import parse
from nasc.ir import Module, checked
from nasc.passes import cost

PLAIN = """nasc 1

graph @main(%x: f32[N,3,32,32]) -> f32[N,10] {
  %conv1 = conv2d %x {out_channels=16, kernel_size=3, padding=1, bias=false} #conv1
  %bn1 = batch_norm %conv1 #bn1
  %relu1 = relu %bn1 #relu1
  %layer1.0.conv1 = conv2d %relu1 {out_channels=16, kernel_size=3, padding=1, bias=false} #layer1.0.conv1
  %layer1.0.bn1 = batch_norm %layer1.0.conv1 #layer1.0.bn1
  %layer1.0.add = add %layer1.0.bn1, %relu1 #layer1.0
  %layer1.0.relu = relu %layer1.0.add #layer1.0
  %pool = adaptive_avg_pool2d %layer1.0.relu {output_size=1} #pool
  %flatten = flatten %pool {start_dim=1}
  %fc = linear %flatten {out_features=10} #fc
  return %fc
}
"""

BLOCKS = """nasc 1

graph @main(%x: f32[N,3,32,32]) -> f32[N,10] {
  %stem = conv2d %x {out_channels=16, kernel_size=3, padding=1, bias=false} #stem
  %layer.0 = call @basic %stem #layer.0
  %layer.1 = call @basic %layer.0 #layer.1
  %down = conv2d %layer.1 {out_channels=32, kernel_size=3, stride=2, padding=1} #down
  %layer.2 = call @basic %down #layer.2
  %pool = adaptive_avg_pool2d %layer.2 {output_size=1} #pool
  %flatten = flatten %pool {start_dim=1}
  %fc = linear %flatten {out_features=10} #fc
  return %fc
}

graph @basic(%x: f32[N,C,H,W]) -> f32[N,C,H,W] {
  %conv1 = conv2d %x {out_channels=C, kernel_size=3, padding=1, bias=false} #conv1
  %bn1 = batch_norm %conv1 #bn1
  %relu1 = relu %bn1 #relu1
  %sum = add %relu1, %x
  return %sum
}
"""

TOKENS = """nasc 1

graph @main(%x: f32[N,16,64]) -> f32[N,10] {
  %norm = layer_norm %x {normalized_shape=[64]} #norm
  %fc1 = linear %norm {out_features=128} #mlp.fc1
  %act = gelu %fc1 #mlp
  %drop = dropout %act {p=0.1} #mlp.drop
  %fc2 = linear %drop {out_features=64} #mlp.fc2
  %sum = add %fc2, %x
  %mean = mean %sum {dim=[1]}
  %head = linear %mean {out_features=10} #head
  return %head
}
"""


@dataclass(frozen=True)
class Score:
    score: float


class Heavier:
    """Scores a network by the logarithm of its parameters."""

    def predict(self, modules: Sequence[Module]) -> list[Score]:
        return [Score(math.log10(1 + cost(module).params) / 10) for module in modules]

    def score_masked(self, module: Module, masks: Sequence[frozenset[str]]) -> list[float]:
        nodes = cost(module).nodes
        return [math.log10(1 + sum(node.params for node in nodes if node.name not in mask)) / 10 for mask in masks]

    def threshold(self, baseline: float) -> float:
        return baseline + 0.02


@pytest.fixture
def scorer() -> Heavier:
    return Heavier()


@pytest.fixture
def network() -> Callable[[str], Module]:
    texts = {"plain": PLAIN, "blocks": BLOCKS, "tokens": TOKENS}
    return lambda name: checked(parse(texts[name]))
