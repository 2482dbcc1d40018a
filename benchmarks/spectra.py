"""Spectra of the normalised Laplacian of networks of nb201, against networkx one graph at a time.

python -m benchmarks.spectra
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import networkx as nx
import numpy as np
import torch

from nasc.benchmarks.encoder import networks
from nasc.predictor.spectra import Skeleton, spectra


def as_networkx(skeleton: Skeleton) -> Any:
    """Return a graph for networkx."""
    made: Any = nx.Graph()
    made.add_nodes_from(range(skeleton.nodes))
    made.add_edges_from(skeleton.edges.T.tolist())
    return made


def seconds(run: Callable[[], object], repeats: int) -> float:
    """Return the median processor time of a function."""
    times: list[float] = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return statistics.median(times)


def chain(nodes: int) -> Skeleton:
    """Return a chain with a skip over every third node."""
    pairs = [(i, i + 1) for i in range(nodes - 1)] + [(i, i + 2) for i in range(0, nodes - 2, 3)]
    return Skeleton(nodes, np.array(pairs).T)


def main() -> None:
    """Measure and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graphs", type=int, default=1000, help="networks of nb201; default: 1000")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each; the median counts")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    skeletons = [Skeleton(len(one.kinds), one.edges) for one in networks(arguments.graphs)]
    graphs = [as_networkx(one) for one in skeletons]
    print(f"Python {platform.python_version()}, torch {torch.__version__}, networkx {nx.__version__}, one thread")
    kinds = len({(one.nodes, one.edges.tobytes()) for one in skeletons})
    sizes = [one.nodes for one in skeletons]
    print(f"{len(skeletons)} networks, {min(sizes)} to {max(sizes)} nodes, {kinds} different graphs\n")
    expected = [np.sort(nx.normalized_laplacian_spectrum(graph)) for graph in graphs]
    apart = max(float(np.abs(a - b).max()) for a, b in zip(spectra(skeletons), expected, strict=True))
    slow = seconds(lambda: [nx.normalized_laplacian_spectrum(graph) for graph in graphs], arguments.repeats)
    unlike = list({(one.nodes, one.edges.tobytes()): one for one in skeletons}.values())
    fast, each = (seconds(partial(spectra, some), arguments.repeats) for some in (skeletons, unlike))
    print("| eigenvalues of all graphs | s | ratio | largest difference |\n|---|---|---|---|")
    print(f"| networkx | {slow:.2f} | 1.0 | |\n| nasc | {fast:.3f} | {slow / fast:.1f} | {apart:.0e} |")
    share = each / len(unlike) * len(skeletons)
    print(f"| nasc, were all graphs different | {share:.3f} | {slow / share:.1f} | |\n")
    print("| 21 smallest of one graph, nodes | dense, s | Lanczos, s | largest difference |\n|---|---|---|---|")
    for nodes in (1001, 2000):
        large = chain(nodes)
        all_of_them, few = spectra([large])[0][:21], spectra([large], 21)[0]
        dense, lanczos = (seconds(partial(spectra, [large], c), 1) for c in (None, 21))
        print(f"| {nodes:,} | {dense:.2f} | {lanczos:.3f} | {np.abs(all_of_them - few).max():.0e} |", flush=True)


if __name__ == "__main__":
    main()
