"""Relevance of ResNet-50 and of a 1,000-node graph: all masks by what they change, against one prediction a mask.

    python -m benchmarks.relevance

One prediction a mask makes the statistics of that mask and passes messages over its graph with PyTorch Geometric, for
every member of the ensemble; that is timed on some of the masks and counted for all. In the second row the features
of the module are made for each mask too, as by a loop that calls a predictor on modules. nasc makes the features once,
and that counts.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from nasc.benchmarks.encoder import Geometric
from nasc.benchmarks.timing import in_turn
from nasc.cli.arguments import positive
from nasc.frontends import lower_source
from nasc.ir import Builder, Module, f32, symbol
from nasc.passes import inline
from nasc.predictor import Predictor
from nasc.predictor.batch import collate
from nasc.predictor.encoder import masked
from nasc.predictor.ensemble import asked
from nasc.predictor.features import Features, features, mask_places
from nasc.predictor.kernels.variants import Changed
from nasc.predictor.statistics import Columns
from nasc.predictor.statistics import statistics as numbers
from nasc.predictor.tasks import guessed


def network(nodes: int) -> Module:
    """Return a residual network of exactly this many nodes: conv-bn-relu chains with sums."""
    b = Builder()
    x = b.input("x", f32(symbol("N"), 3, 32, 32))
    x = b("conv2d", x, out_channels=32, kernel_size=3, padding=1, bias=False, path="stem")
    for block in range((nodes - 6) // 7):
        y = x
        for half in "ab":
            path = f"blocks.{block}.{half}"
            y = b("relu", y, path=f"{path}.relu")
            y = b("conv2d", y, out_channels=32, kernel_size=3, padding=1, bias=False, path=f"{path}.conv")
            y = b("batch_norm", y, path=f"{path}.bn")
        x = b("add", x, y, path=f"blocks.{block}.sum")
    while len(b.nodes) < nodes - 3:
        x = b("relu", x, path=f"tail.{len(b.nodes)}")
    x = b("flatten", b("adaptive_avg_pool2d", x, output_size=1, path="pool"), start_dim=1, path="flat")
    return b.module(b("linear", x, out_features=10, path="fc"))


class OneAtATime:
    """An ensemble that passes messages with PyTorch Geometric, one masked graph a time."""

    def __init__(self, predictor: Predictor) -> None:
        """Take over the weights of a predictor."""
        self.members = [Geometric(member).eval() for member in predictor.ensemble.members]
        self.trunk = predictor.ensemble.trunk

    @torch.inference_mode()
    def score(self, graph: Features, keep: NDArray[np.bool_]) -> float:
        """Return the score of the variant that keeps [1, 3, n] of a graph."""
        every = torch.arange(len(graph.kinds))
        whole = collate([replace(graph, statistics=numbers(Columns.of(graph.layout), keep)[0])])
        kinds, rows = masked(whole.kinds, whole.rows, torch.from_numpy(keep), Changed(torch.zeros_like(every), every))
        batch = replace(whole, kinds=kinds[len(every) :], rows=rows[len(every) :])
        scores = [member.encoder.score(member.embed(batch), batch.statistics) for member in self.members]
        whole_network = self.trunk(batch.statistics.double().numpy(), asked(guessed(graph.layout), 1))
        return float(torch.stack(scores).mean()) + float(whole_network[0])


def measure(name: str, module: Module, predictor: Predictor, repeats: int, sample: int) -> None:
    """Print the lines of one network."""
    masks = [frozenset({node.name}) for node in module.main.nodes]
    graph, apart, loop = features(module), 0.0, OneAtATime(predictor)
    scores = predictor.score_masked(module, masks)
    chosen = list(range(0, len(masks), max(1, len(masks) // sample)))
    keeps = [mask_places(graph, [masks[i]]) for i in chosen]
    apart = max(abs(loop.score(graph, keep) - scores[i]) for i, keep in zip(chosen, keeps, strict=True))
    # A copy of the module is new to the memory of features, so that making them counts for nasc too.
    runs = (
        lambda: [loop.score(graph, keep) for keep in keeps],
        lambda: features(Module(module.graphs, module.entry)),
        lambda: predictor.score_masked(Module(module.graphs, module.entry), masks),
    )
    one, made, fast = (seconds.processor for seconds in in_turn(runs, repeats))
    one, made = one / len(keeps) * len(masks), made * len(masks)
    lead = f"| {name}, {len(masks)} masks |"
    print(f"{lead} one at a time, PyG | {one:.2f} s | {one / one:.1f} | |")
    print(f"{lead} and features for each | {one + made:.2f} s | {one / (one + made):.2f} | |")
    print(
        f"{lead} nasc | {fast:.3f} s | {one / fast:.0f} (features for each: {(one + made) / fast:.0f}) | {apart:.0e} |"
    )


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=positive, default=3, help="runs of each; the median counts")
    parser.add_argument("--sample", type=positive, default=20, help="masks timed one at a time; default: 20")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    predictor = Predictor.load()
    print("| network | way | time | ratio | largest difference |\n|---|---|---|---|---|")
    for name, module in (("ResNet-50", inline(lower_source("timm:resnet50").module)), ("1,000 nodes", network(1000))):
        measure(name, module, predictor, arguments.repeats, arguments.sample)


if __name__ == "__main__":
    main()
