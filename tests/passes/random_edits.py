"""Random networks of any size, and copies of them with a known number of edits, renamed and in another order.

All ops keep the shape, so that any edit fits; the networks branch and join as real ones do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from random import Random

from nasc.ir import OPS, Graph, Input, Module, Node, build, checked, f32, rename_values, symbol

UNARY: tuple[tuple[str, Mapping[str, object]], ...] = (
    ("conv2d", {"out_channels": 8, "kernel_size": 3, "padding": 1}),
    ("conv2d", {"out_channels": 8, "kernel_size": 1}),
    ("conv2d", {"out_channels": 8, "kernel_size": 5, "padding": 2, "groups": 8}),
    ("batch_norm", {}),
    ("gelu", {}),
    ("silu", {}),
    ("sigmoid", {}),
    ("max_pool2d", {"kernel_size": 3, "stride": 1, "padding": 1}),
    ("avg_pool2d", {"kernel_size": 3, "stride": 1, "padding": 1}),
    ("leaky_relu", {"negative_slope": 0.1}),
)
BINARY: tuple[tuple[str, Mapping[str, object]], ...] = (("add", {}), ("mul", {}), ("sub", {}), ("maximum", {}))
WINDOWS = (1, 3, 5, 7)
CHANGES: Mapping[str, tuple[object, ...]] = {
    "kernel_size": WINDOWS,
    "bias": (True, False),
    "groups": (1, 2, 4, 8),
    "eps": (1e-5, 1e-3, 1e-6),
    "momentum": (0.1, 0.01, 0.03),
    "negative_slope": (0.1, 0.2, 0.01),
    "approximate": ("none", "tanh"),
    "count_include_pad": (True, False),
}
X = Input("x", f32(symbol("N"), 8, 8, 8))


def network(size: int, r: Random) -> Module:
    """Return a random network of about this many nodes, all of which reach the output."""
    nodes: list[Node] = []
    unused: list[str] = []
    values = [X.name]
    while len(nodes) + len(unused) < size:
        name, attributes = r.choice(UNARY if r.random() < 0.75 or len(values) < 3 else BINARY)
        count = 2 if OPS[name].operands[-1].startswith("y") else 1
        operands = [_pick(values, r) for _ in range(count)]
        _put(nodes, values, unused, Node(build(OPS[name], attributes), tuple(operands), (f"v{len(nodes)}",)))
    while len(unused) > 1:
        pair = (unused[0], unused[1])
        _put(nodes, values, unused, Node(build(OPS["add"], {}), pair, (f"v{len(nodes)}",)))
    return checked(Module((Graph("main", (X,), tuple(nodes), (unused[0],)),)))


def _pick(values: list[str], r: Random) -> str:
    """Return mostly the newest value, sometimes one of the last dozen."""
    return values[-1] if r.random() < 0.7 else r.choice(values[-12:])


def _put(nodes: list[Node], values: list[str], unused: list[str], node: Node) -> None:
    nodes.append(node)
    values += node.results
    unused[:] = [name for name in unused if name not in node.operands] + [node.name]


def edited(module: Module, count: int, r: Random) -> Module:
    """Return the network after this many random edits, its nodes renamed and in another order."""
    graph = module.main
    done = 0
    while done < count:
        new = r.choice((change, insert, delete, rewire))(graph, r, done)
        if new is not None and _all_live(new):
            graph, done = new, done + 1
    return checked(Module((shuffled(graph, r),)))


def change(graph: Graph, r: Random, _: int) -> Graph | None:
    """Change one attribute (a kernel with its padding) of a random node."""
    node = r.choice(graph.nodes)
    names = [name for name in node.op.attributes() if name in CHANGES]
    if not names:
        return None
    name = r.choice(names)
    changes: dict[str, object] = {name: r.choice(CHANGES[name])}
    if isinstance(changes[name], int) and name == "kernel_size":
        changes["padding"] = WINDOWS.index(int(str(changes[name])))
    op = node.op.replace(**changes)
    if op == node.op:
        return None
    return graph.with_nodes([replace(n, op=op, types=()) if n is node else replace(n, types=()) for n in graph.nodes])


def insert(graph: Graph, r: Random, number: int) -> Graph | None:
    """Insert a node behind a random one; what read that one reads the new one."""
    place = r.randrange(len(graph.nodes))
    source = graph.nodes[place].name
    name, attributes = r.choice(UNARY if r.random() < 0.7 else BINARY)
    others = (r.choice([X.name, *(n.name for n in graph.nodes[:place])]),) if (name, attributes) in BINARY else ()
    new = Node(build(OPS[name], attributes), (source, *others), (f"new{number}",))
    later = rename_reads(graph.nodes[place + 1 :], source, new.name)
    outputs = [new.name if value == source else value for value in graph.outputs]
    return graph.with_nodes([*graph.nodes[: place + 1], new, *later], outputs)


def delete(graph: Graph, r: Random, _: int) -> Graph | None:
    """Delete a node; what read it reads its first operand."""
    node = r.choice(graph.nodes)
    rest = rename_reads((n for n in graph.nodes if n is not node), node.name, node.operands[0])
    outputs = [node.operands[0] if value == node.name else value for value in graph.outputs]
    return graph.with_nodes(rest, outputs)


def rewire(graph: Graph, r: Random, _: int) -> Graph | None:
    """Let one operand of a random node be another value."""
    place = r.randrange(1, len(graph.nodes))
    node = graph.nodes[place]
    which = r.randrange(len(node.operands))
    new = r.choice([X.name, *(n.name for n in graph.nodes[:place])])
    if new in node.operands:
        return None
    operands = tuple(new if i == which else old for i, old in enumerate(node.operands))
    return graph.with_nodes([replace(n, operands=operands) if n is node else n for n in graph.nodes])


def rename_reads(nodes: Iterable[Node], old: str, new: str) -> list[Node]:
    """Return nodes that read another value."""
    return [replace(n, operands=tuple(new if o == old else o for o in n.operands), types=()) for n in nodes]


def _all_live(graph: Graph) -> bool:
    wanted = set(graph.outputs)
    for node in reversed(graph.nodes):
        if node.name not in wanted:
            return False
        wanted.update(node.operands)
    return bool(graph.nodes) and X.name in wanted


def shuffled(graph: Graph, r: Random) -> Graph:
    """Return a graph with other names and in another topological order."""
    waiting = list(graph.nodes)
    names = {X.name: "input"}
    labels = r.sample(range(10 * len(waiting)), len(waiting))
    made: list[Node] = []
    while waiting:
        ready = [i for i, node in enumerate(waiting[:64]) if all(o in names for o in node.operands)]
        node = waiting.pop(r.choice(ready))
        names[node.name] = f"w{labels[len(made)]}"
        made.append(node)
    inputs = (Input("input", X.type),)
    return replace(
        graph, inputs=inputs, nodes=rename_values(made, names), outputs=tuple(names[o] for o in graph.outputs)
    )
