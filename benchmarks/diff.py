"""How short the scripts of `nasc diff` are and how long it takes, against networkx, as Markdown tables.

    python -m benchmarks.diff
    python -m benchmarks.diff --cases 40 --seconds 1 --sizes 100 1000

Cases are random networks with k random edits (change, insertion, deletion, rewiring), renamed and in another order.
networkx's optimize_graph_edit_distance gives better and better upper bounds of the distance until its time is up; both
matchings are held to the same cost: 1 a node inserted, deleted or changed, 1 an edge inserted or deleted.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import statistics
import time
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import networkx as nx

from nasc.cli.arguments import positive, seconds
from nasc.ir import Graph, Module
from nasc.passes.diffing import Difference, diff, flat
from nasc.passes.diffing.dag import without_key
from nasc.passes.diffing.difference import match
from nasc.tests.passes.random_edits import edited, network

Edges = dict[tuple[str, str], int]


@dataclass(frozen=True)
class Case:
    """One pair of networks: edits made, entries found, both costs (None: not asked) and both times in seconds."""

    edits: int
    entries: int
    cost: int
    seconds: float
    bound: float | None = None
    bound_seconds: float = 0.0


def edges(graph: Graph) -> Edges:
    """Return the edges between the nodes of a graph, with how many operands each stands for."""
    found: Edges = {}
    for node in graph.nodes:
        for operand in node.operands:
            found[operand, node.name] = found.get((operand, node.name), 0) + 1
    return found


def as_networkx(graph: Graph) -> Any:
    """Return a graph for networkx, nodes labelled with op and attributes, edges with their number."""
    made: Any = nx.DiGraph()
    made.add_node(graph.inputs[0].name, label="input")
    made.add_nodes_from((node.name, {"label": repr(without_key(node.op))}) for node in graph.nodes)
    made.add_edges_from((a, b, {"count": count}) for (a, b), count in edges(graph).items())
    return made


def matching_cost(found: Difference) -> int:
    """Return what our matching costs under the model of networkx, operands unordered as there."""
    before, after = found.before.main, found.after.main
    pairs = {**dict(found.pairs), before.inputs[0].name: after.inputs[0].name}
    ops = {node.name: without_key(node.op) for node in after.nodes}
    cost = len(before.nodes) + len(after.nodes) - 2 * len(found.pairs)
    cost += sum(node.name in pairs and without_key(node.op) != ops[pairs[node.name]] for node in before.nodes)
    old = {(pairs.get(a, ""), pairs.get(b, "")): count for (a, b), count in edges(before).items()}
    new = edges(after)
    kept = [edge for edge in old if edge in new]
    lost = sum(not (pairs.get(a) and pairs.get(b) and (pairs[a], pairs[b]) in new) for a, b in edges(before))
    return cost + lost + len(new) - len(kept) + sum(old[edge] != new[edge] for edge in kept)


def bound(before: Graph, after: Graph, limit: float) -> tuple[float, float]:
    """Return the best bound that networkx finds in time, and the seconds it took; an alarm ends it."""
    one, other = as_networkx(before), as_networkx(after)
    start, best = time.perf_counter(), float(len(one) + len(other) + one.size() + other.size())
    distances = nx.optimize_graph_edit_distance(
        one,
        other,
        node_match=lambda a, b: a["label"] == b["label"],
        edge_match=lambda a, b: a["count"] == b["count"],
    )
    signal.signal(signal.SIGALRM, _alarm)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        for found in distances:
            best = float(found)
    except TimeoutError:
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return best, time.perf_counter() - start


def _alarm(*_: object) -> None:
    raise TimeoutError


def measure(seed: int, sizes: tuple[int, int], limit: float) -> Case:
    """Make one case and take it through both; a limit of 0 leaves networkx out."""
    r = Random(seed)
    edits = 1 + seed % 5
    before = network(r.randint(*sizes), r)
    after = edited(before, edits, r)
    start = time.perf_counter()
    found = diff(before, after)
    seconds = time.perf_counter() - start
    case = Case(edits, len(found.entries), matching_cost(found), seconds)
    if not limit:
        return case
    best, took = bound(found.before.main, found.after.main, limit)
    return replace(case, bound=best, bound_seconds=took)


def minimality(cases: int, sizes: tuple[int, int], limit: float) -> None:
    """Print how often the script is no longer than the edits, by their number, and what networkx does."""
    rows = [measure(seed, sizes, limit) for seed in range(cases)]
    print(f"\n{cases} networks of {sizes[0]} to {sizes[1]} nodes" + f"; networkx has {limit:g} s a case" * bool(limit))
    head = "| edits | cases | at most k entries | mean entries | median ms |"
    print("\n" + head + " cheaper than networkx | equal | dearer | networkx median ms |" * bool(limit))
    print("|---" * (9 if limit else 5) + "|")
    for edits in (*range(1, 6), None):
        some = [row for row in rows if edits is None or row.edits == edits]
        good = sum(row.entries <= row.edits for row in some)
        entries = statistics.mean(row.entries for row in some)
        line = f"| {edits or 'all'} | {len(some)} | {good} ({good / len(some):.1%}) | {entries:.2f} "
        print(line + f"| {1000 * statistics.median(row.seconds for row in some):.1f} |" + _against(some))


def _against(rows: list[Case]) -> str:
    asked = [row for row in rows if row.bound is not None]
    if not asked:
        return ""
    signs = [(row.cost > (row.bound or 0)) - (row.cost < (row.bound or 0)) for row in asked]
    middle = 1000 * statistics.median(row.bound_seconds for row in asked)
    return f" {signs.count(-1)} | {signs.count(0)} | {signs.count(1)} | {middle:.0f} |"


def scaling(sizes: list[int], rounds: int) -> None:
    """Print the processor time at growing sizes, of the alignment alone and of everything."""
    print("\n| nodes | entries for 5 edits | alignment, s | canonical form, costs and alignment, s | us a node |")
    print("|---" * 5 + "|")
    for size in sizes:
        r = Random(size)
        before = network(size, r)
        after = edited(before, 5, r)
        alone: list[float] = []
        whole: list[float] = []
        entries = 0
        for _ in range(rounds):
            one, other = Module(before.graphs), Module(after.graphs)
            start = time.process_time()
            entries = len(diff(one, other).entries)
            whole.append(time.process_time() - start)
            flats = flat(one).main, flat(other).main
            start = time.process_time()
            match(*flats)
            alone.append(time.process_time() - start)
        total = min(whole)
        print(f"| {size:,} | {entries} | {min(alone):.3f} | {total:.3f} | {1e6 * total / size:.0f} |")


def main() -> None:
    """Run everything."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cases", type=positive, default=200, help="networks a table; default: 200")
    options.add_argument("--seconds", type=seconds, default=2.0, help="time-out of networkx; default: 2")
    options.add_argument(
        "--sizes", type=positive, nargs="+", default=[100, 1000, 10000], help="sizes of the last table"
    )
    options.add_argument("--rounds", type=positive, default=3, help="runs of which the fastest counts; default: 3")
    chosen = options.parse_args()
    load = f"{os.getloadavg()[0]:.1f}"
    print(f"Python {platform.python_version()}, networkx {nx.__version__}, {os.cpu_count()} cores, load {load}")
    minimality(chosen.cases, (8, 16), chosen.seconds)
    minimality(chosen.cases, (10, 60), 0)
    minimality(chosen.cases, (100, 100), 0)
    scaling(chosen.sizes, chosen.rounds)


if __name__ == "__main__":
    main()
