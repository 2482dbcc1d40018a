"""Spectra of the normalised Laplacian of networks of nb201, against networkx one graph at a time.

    python -m benchmarks.spectra

networkx gets its graphs ready made, nasc the edges of each. nasc solves equal graphs once; what
remains of the ratio where no graph is equal to another stands below it.
"""

from __future__ import annotations

import argparse
import platform
from functools import partial
from typing import Any

import networkx as nx
import numpy as np
import torch

from nasc.benchmarks.encoder import networks
from nasc.benchmarks.timing import in_turn
from nasc.cli.arguments import positive
from nasc.predictor.skeletons import Skeleton, Skeletons
from nasc.predictor.spectra import COUNT, Floats, spectra


def as_networkx(skeleton: Skeleton) -> Any:
    """Return a graph for networkx."""
    made: Any = nx.Graph()
    made.add_nodes_from(range(skeleton.nodes))
    made.add_edges_from(skeleton.edges.T.tolist())
    return made


def one_at_a_time(graphs: list[Any]) -> list[Floats]:
    """Return the spectra by networkx, rising."""
    return [np.sort(nx.normalized_laplacian_spectrum(graph)) for graph in graphs]


def unlike(skeletons: list[Skeleton]) -> list[Skeleton]:
    """Return one of all graphs that are equal up to the order of their nodes."""
    ordered = Skeletons.of(skeletons).ordered().apart()
    return list({(one.nodes, one.edges.tobytes()): one for one in ordered}.values())


def chain(nodes: int) -> Skeleton:
    """Return a chain with a skip over every third node."""
    pairs = [(i, i + 1) for i in range(nodes - 1)] + [(i, i + 2) for i in range(0, nodes - 2, 3)]
    return Skeleton(nodes, np.array(pairs).T)


def table(title: str, skeletons: list[Skeleton], repeats: int) -> None:
    """Print both sides for some graphs."""
    graphs = [as_networkx(one) for one in skeletons]
    pairs = zip(spectra(skeletons), one_at_a_time(graphs), strict=True)
    apart = max(float(np.abs(a - b).max()) for a, b in pairs)
    slow, fast = in_turn([lambda: one_at_a_time(graphs), lambda: spectra(skeletons)], repeats)
    ratio, wall = slow.processor / fast.processor, slow.wall / fast.wall
    print(
        f"| {title} | {slow.processor:.3f} | {fast.processor:.3f} | {ratio:.1f} | {wall:.1f} | {apart:.0e} |",
        flush=True,
    )


def main() -> None:
    """Measure and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graphs", type=positive, default=1000, help="networks of nb201; default: 1000")
    parser.add_argument("--repeats", type=positive, default=5, help="runs of each; the median counts")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"Python {platform.python_version()}, torch {torch.__version__}, networkx {nx.__version__}, one thread")
    skeletons = [Skeleton(len(one.kinds), one.edges) for one in networks(arguments.graphs)]
    different, sizes = unlike(skeletons), [one.nodes for one in skeletons]
    print(f"{len(skeletons)} networks of {min(sizes)} to {max(sizes)} nodes, {len(different)} shapes\n")
    print("| eigenvalues of all graphs | networkx, s | nasc, s | ratio | ratio on the wall | largest difference |")
    print("|---" * 6 + "|")
    table(f"{len(skeletons)} networks", skeletons, arguments.repeats)
    table(f"{len(different)} networks, none equal to another", different, arguments.repeats)
    print(f"\n| {COUNT} smallest of one graph, nodes | whole, s | Lanczos, s | largest difference |\n|---|---|---|---|")
    for nodes in (1001, 2000):
        large = [chain(nodes)]
        apart = np.abs(spectra(large)[0][:COUNT] - spectra(large, COUNT)[0]).max()
        whole, few = in_turn([partial(spectra, large), partial(spectra, large, COUNT)], 1)
        print(f"| {nodes:,} | {whole.processor:.2f} | {few.processor:.3f} | {apart:.0e} |", flush=True)


if __name__ == "__main__":
    main()
