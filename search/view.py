"""How a module is shown to an LLM: text with relevance, without places and layer paths, of bounded length."""

from __future__ import annotations

from dataclasses import replace

from ..grammar import print_graph, print_node
from ..ir import CallBlock, Graph, Module, Node
from ..ir.graph import Notes
from .focus import Place, relevance_of, run_counts

_LONGEST = 16


def show_place(module: Module, place: Place, limit: int, types: bool = True) -> str:
    """Return the text of the graph to edit, within about ``limit`` characters.

    Where it is longer, result types go first (``types`` false leaves them out at once), then nodes that
    cannot be edited, then those of least relevance; what is left out is counted in the text.
    """
    graph = shown(module.graph(place.graph))
    for typed in (True, False) if types else (False,):
        text = print_graph(graph, types=typed, locations=False, longest=_LONGEST)
        if len(text) <= limit:
            return text
    return _shortened(graph, set(place.nodes), limit)


def show_context(module: Module, place: Place, limit: int) -> str:
    """Return the texts of other graphs, as many as fit into ``limit`` characters, callers first."""
    texts: list[str] = []
    others = [graph for graph in module.graphs if graph.name != place.graph]
    others.sort(key=lambda graph: not _calls(graph, place.graph))
    for graph in others:
        text = print_graph(shown(graph), types=False, locations=False, longest=_LONGEST)
        if len(text) <= limit:
            texts.append(text)
            limit -= len(text)
    return "\n\n".join(texts)


def show_runs(module: Module, place: Place) -> str:
    """Return how often a block is used, in words; empty for the entry."""
    if place.graph == module.entry:
        return ""
    runs = run_counts(module)[place.graph]
    return f"@{place.graph} is used {'once' if runs == 1 else f'{runs} times'} in @{module.entry}."


def shown(graph: Graph) -> Graph:
    """Return a graph with nothing but what matters to who edits it."""
    nodes = [replace(node, path="", loc=None, notes=_notes(node)) for node in graph.nodes]
    return replace(graph.with_nodes(nodes), scopes={})


def _notes(node: Node) -> Notes:
    return {"relevance": round(relevance_of(node), 2)} if "relevance" in node.notes else {}


def _calls(graph: Graph, name: str) -> bool:
    return any(isinstance(node.op, CallBlock) and node.op.callee == name for node in graph.nodes)


def _shortened(graph: Graph, focus: set[str], limit: int) -> str:
    """Return the header, as many lines of nodes as fit, and how many are missing between them."""
    head, _, _ = print_graph(graph.with_nodes(()), locations=False).partition("\n")
    lines = [f"  {print_node(node, types=False, longest=_LONGEST)}" for node in graph.nodes]
    order = sorted(
        range(len(lines)),
        key=lambda i: (graph.nodes[i].name not in focus, -abs(relevance_of(graph.nodes[i])), i),
    )
    kept: set[int] = set()
    left = limit - len(head) - limit // 8 - 40
    for i in order:
        left -= len(lines[i]) + 1
        if left < 0:
            break
        kept.add(i)
    text, hidden = [head], 0
    for i, line in enumerate(lines):
        if i not in kept:
            hidden += 1
            continue
        text += [*_gap(hidden), line]
        hidden = 0
    return "\n".join([*text, *_gap(hidden), f"  return {', '.join(f'%{name}' for name in graph.outputs)}", "}"])


def _gap(hidden: int) -> list[str]:
    return [f"  // {hidden} more node{'s' if hidden > 1 else ''}"] if hidden else []
