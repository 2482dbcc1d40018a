"""Graphs encoded a second: message passing of nasc against a stack of PyTorch Geometric's GINConv with equal outputs.

    python -m benchmarks.encoder
    python -m benchmarks.encoder --graphs 512 --repeats 9

The graphs are random networks of nb201. Both sides get tensors of a batch; what nasc prepares of a batch counts.
Each side is run with all graphs in one batch and with few graphs a batch, and keeps its better time.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import partial
from random import Random

import torch
import torch_geometric
from torch import Tensor, nn
from torch_geometric.nn import GINConv, global_add_pool

from nasc.frontends.cells import nb201
from nasc.predictor.batch import batches
from nasc.predictor.encoder import Batch, Encoder, GinLayer, Shape
from nasc.predictor.features import Features, features
from nasc.predictor.kinds import Kind

OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
SHAPES = ((32, 4), (64, 4), (256, 6))


class GeometricLayer(nn.Module):
    """The layer of the encoder made of two GINConv, one for each direction of the edges; same weights."""

    def __init__(self, layer: GinLayer) -> None:
        super().__init__()
        self.layer = layer
        weights = layer.ways.weight.detach().chunk(2)
        ways = [nn.Linear(weight.shape[1], weight.shape[0], bias=False) for weight in weights]
        self.ahead = GINConv(ways[0], eps=-1.0)
        self.back = GINConv(ways[1], eps=-1.0, flow="target_to_source")
        for way, weight in zip(ways, weights, strict=True):  # after GINConv, which initialises what it is given
            way.weight.data.copy_(weight)

    def forward(self, h: Tensor, edges: Tensor) -> Tensor:
        """Return new states of h [n, width]."""
        x = self.layer.norm(h)
        total = (1 + self.layer.eps) * x + self.ahead(x, edges) + self.back(x, edges)
        result: Tensor = h + self.layer.mlp(total)
        return result


class Geometric(nn.Module):
    """An encoder with the message passing and pooling of PyTorch Geometric."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.layers = nn.ModuleList(GeometricLayer(layer) for layer in encoder.gin if isinstance(layer, GinLayer))

    def embed(self, batch: Batch) -> Tensor:
        """Return embeddings [graphs, 2 * width]."""
        count, edges = len(batch.statistics), torch.stack([batch.source, batch.target])
        h = self.encoder.states(batch.kinds, batch.rows)
        for layer in self.layers:
            h = layer(h, edges)
        kept = (batch.kinds != Kind.MASKED).float().unsqueeze(1)
        h = self.encoder.norm(h) * kept
        counts = global_add_pool(kept, batch.graph, count).clamp(min=1)
        mean, square = (global_add_pool(v, batch.graph, count) / counts for v in (h, h * h))
        return torch.cat([mean, torch.sqrt((square - mean * mean).clamp(min=0) + 1e-4)], dim=1)


def networks(count: int) -> list[Features]:
    """Return random networks of nb201."""
    r = Random(0)
    found: list[Features] = []
    while len(found) < count:
        ops = [f"{r.choice(OPS)}~{j}" for i in range(1, 4) for j in range(i)]
        cell = "+".join(f"|{'|'.join(part)}|" for part in (ops[:1], ops[1:3], ops[3:]))
        found.append(features(nb201(cell)))
    return found


def seconds(run: Callable[[], object], repeats: int, device: str) -> float:
    """Return the median time of a function: of the processor on a CPU, where other work goes on, else of the wall."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    times: list[float] = []
    for _ in range(repeats + 1):
        start = clock()
        run()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(clock() - start)
    return statistics.median(times[1:])


def moved(batch: Batch, device: str) -> Batch:
    """Return the batch on a device."""
    return Batch(**{field.name: getattr(batch, field.name).to(device) for field in fields(batch)})


def encode(encoder: Encoder | Geometric, made: Sequence[Batch]) -> None:
    """Embed batches; each is a new object, so that what is prepared of a batch is prepared again."""
    for batch in made:
        encoder.embed(replace(batch))


def measure(graphs: Sequence[Features], shape: tuple[int, int], repeats: int, device: str) -> str:
    """Return a line of the table: one shape of encoder, both sides, the better batch of each."""
    torch.manual_seed(0)
    encoder = Encoder(Shape(width=shape[0], layers=shape[1])).eval().to(device)
    nn.init.normal_(encoder.kind.weight)
    other = Geometric(encoder).eval().to(device)
    best, apart = [float("inf"), float("inf")], 0.0
    for nodes in (1500, 5000, 10**9):
        made = [moved(batch, device) for batch in batches(graphs, nodes)]
        times = [
            seconds(partial(encode, encoder, made), repeats, device),
            seconds(partial(encode, other, made), repeats, device),
        ]
        best = [min(pair) for pair in zip(best, times, strict=True)]
        apart = max(apart, *(float((encoder.embed(b) - other.embed(b)).abs().max()) for b in made))
    ours, theirs = (len(graphs) / t for t in best)
    return f"| {device} | {shape[0]} | {shape[1]} | {theirs:,.0f} | {ours:,.0f} | {ours / theirs:.1f} | {apart:.0e} |"


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graphs", type=int, default=256, help="networks in a batch; default: 256")
    parser.add_argument("--repeats", type=int, default=7, help="runs of each; the median counts")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    graphs = networks(arguments.graphs)
    nodes = sum(len(graph.kinds) for graph in graphs)
    print(
        f"Python {platform.python_version()}, torch {torch.__version__}, torch_geometric {torch_geometric.__version__}"
    )
    print(f"{len(graphs)} graphs, {nodes} nodes, {arguments.threads} thread(s)\n")
    print("| device | width | layers | GINConv, graphs/s | nasc, graphs/s | ratio | largest difference |")
    print("|---" * 7 + "|")
    with torch.inference_mode():
        for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
            for shape in SHAPES:
                print(measure(graphs, shape, arguments.repeats, device), flush=True)


if __name__ == "__main__":
    main()
