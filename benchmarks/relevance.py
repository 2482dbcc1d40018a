"""Relevance of a 175-node graph: all masked variants in batches against one at a time through the same encoder.

Run it with `python -m benchmarks.relevance`. One at a time is what a loop over layers
does that knows nothing of batches: features of the module, then one forward pass, for every mask.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from nasc.ir import Builder, Module, f32, symbol
from nasc.predictor import Predictor
from nasc.predictor.ensemble import Ensemble
from nasc.predictor.features import features, mask_places

NODES = 175


def network(nodes: int = NODES) -> Module:
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


def one_at_a_time(ensemble: Ensemble, module: Module, masks: list[frozenset[str]]) -> list[float]:
    """Return the scores of the masks, each by its own features and forward pass."""
    scores: list[float] = []
    for mask in masks:
        graph = features(module)
        scores += ensemble.masked_scores(graph, mask_places(graph, [mask])).tolist()
    return scores


def median_seconds(run: Callable[[], object], repeats: int) -> float:
    """Return the median wall time of a function."""
    times: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="runs of each; the median counts")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    predictor, module = Predictor.load(), network()
    masks = [frozenset({node.name}) for node in module.main.nodes]
    together = predictor.score_masked(module, masks)
    alone = one_at_a_time(predictor.ensemble, module, masks)
    apart = max(abs(a - b) for a, b in zip(together, alone, strict=True))
    slow = median_seconds(lambda: one_at_a_time(predictor.ensemble, module, masks), arguments.repeats)
    # A copy of the module is new to the memory of features, so that making them counts here too.
    fast = median_seconds(lambda: predictor.score_masked(Module(module.graphs, module.entry), masks), arguments.repeats)
    print(f"{len(module.main.nodes)} nodes, {len(masks)} masks, {arguments.threads} thread(s),", end=" ")
    print(f"largest difference {apart:.1e}\n")
    print("| masks encoded | median | ratio |")
    print("|---|---|---|")
    print(f"| one at a time | {slow * 1e3:.0f} ms | 1.0 |")
    print(f"| in batches | {fast * 1e3:.0f} ms | {slow / fast:.1f} |")


if __name__ == "__main__":
    main()
