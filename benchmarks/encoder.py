"""Graphs encoded a second: message passing of nasc against a stack of PyTorch Geometric's GINConv with equal outputs.

    python -m benchmarks.encoder
    python -m benchmarks.encoder --graphs 512 --repeats 9 --device cuda

The graphs are random networks of nb201. Both sides get tensors of a batch; what nasc prepares of a batch counts. Each
side is run with all graphs in one batch and with few graphs a batch, and keeps its better time. nasc computes nodes
that look alike once; "each node" is nasc without that. "apart" is the largest difference of the outputs.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Sequence
from dataclasses import fields
from functools import partial
from random import Random

import torch
import torch_geometric
from torch import Tensor, nn
from torch_geometric.nn import GINConv, global_add_pool

from nasc.benchmarks.timing import Seconds, in_turn
from nasc.cli.arguments import positive
from nasc.frontends.cells import nb201
from nasc.predictor.batch import batches
from nasc.predictor.encoder import Batch, Encoder, GinLayer, Shape
from nasc.predictor.features import Features, features
from nasc.predictor.kernels.classes import Classes
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


class EachNode(Batch):
    """A batch whose nodes are all computed, also those that look alike."""

    def classes(self, layers: int) -> Classes:
        """Return a class for each node."""
        every = torch.arange(len(self.kinds))
        return Classes(every, (self.step.joined,) * layers, every)


def encode(encoder: Encoder | Geometric, made: Sequence[Batch], kind: type[Batch] = Batch) -> None:
    """Embed batches; each is a new object, so that what is prepared of a batch is prepared again."""
    for batch in made:
        encoder.embed(kind(**{field.name: getattr(batch, field.name) for field in fields(batch)}))
    if made[0].kinds.is_cuda:
        torch.cuda.synchronize()


def measure(graphs: Sequence[Features], shape: tuple[int, int], repeats: int, device: str) -> str:
    """Return a line of the table: one shape of encoder, all sides, the better batch of each."""
    torch.manual_seed(0)
    encoder = Encoder(Shape(width=shape[0], layers=shape[1])).eval().to(device)
    nn.init.normal_(encoder.kind.weight)
    other = Geometric(encoder).eval().to(device)
    best, apart = [Seconds(float("inf"), float("inf"))] * 3, 0.0
    for nodes in (1500, 5000, 10**9):
        made = [batch.to(torch.device(device)) for batch in batches(graphs, nodes)]
        runs = [partial(encode, other, made), partial(encode, encoder, made), partial(encode, encoder, made, EachNode)]
        best = [min(pair) for pair in zip(best, in_turn(runs, repeats), strict=True)]
        apart = max(apart, *(float((encoder.embed(b) - other.embed(b)).abs().max()) for b in made))
    times = [seconds.processor if device == "cpu" else seconds.wall for seconds in best]
    theirs, ours, each = (f"{len(graphs) / t:,.0f} | " for t in times)
    ratios = f"{times[0] / times[1]:.1f} | {times[0] / times[2]:.1f}"
    return f"| {device} | {len(graphs):,} | {shape[0]} | {shape[1]} | {theirs}{ours}{each}{ratios} | {apart:.0e} |"


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--graphs", type=positive, nargs="+", default=[256, 1000], help="networks in a batch; default: 256 and 1000"
    )
    parser.add_argument("--repeats", type=positive, default=5, help="runs of each; the median counts")
    parser.add_argument("--threads", type=positive, default=1, help="threads of torch")
    there = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
    parser.add_argument("--device", nargs="+", choices=there, default=there, help="default: all that there are")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    graphs = networks(max(arguments.graphs))
    print(
        f"Python {platform.python_version()}, torch {torch.__version__}, torch_geometric {torch_geometric.__version__}"
    )
    print(
        f"{sum(len(graph.kinds) for graph in graphs) / len(graphs):.0f} nodes a graph, {arguments.threads} thread(s)\n"
    )
    print(
        "| device | graphs | width | layers | GINConv, graphs/s | nasc | nasc, each node | ratio | each node | apart |"
    )
    print("|---" * 10 + "|")
    with torch.inference_mode():
        for device in arguments.device:
            for shape in SHAPES:
                for count in arguments.graphs:
                    print(measure(graphs[:count], shape, arguments.repeats, device), flush=True)


if __name__ == "__main__":
    main()
