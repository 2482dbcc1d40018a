"""Parts of a tensor that an exporter takes one by one: all of an axis are an unbind."""

from __future__ import annotations

from collections import defaultdict

from ...ir import Graph, Node, TensorType
from ...ir.ops.selection import Select, Slice, Split, Unbind
from ...ir.ops.shape import Permute
from ..canonical.sweep import Rewrite, Rule, View

REGROUPING = ("reshape", "squeeze", "flatten")


def single_part(node: Node, view: View) -> Rewrite:
    """A slice of one entry, or a part of a split of size 1, whose axis then goes is a select."""
    made = view.producers.get(node.operands[0])
    if made is None or not isinstance(made.op, Slice | Split):
        return None
    x, part = view.type(made.operands[0]), view.type(node.operands[0])
    axis = made.op.dim % x.rank
    if part.shape[axis] != 1 or node.types[0].shape != (*part.shape[:axis], *part.shape[axis + 1 :]):
        return None
    index = _start(made, node.operands[0], x, axis)
    return None if index is None else view.become(node, Select(dim=axis, index=index), made.operands[0])


def _start(made: Node, part: str, x: TensorType, axis: int) -> int | None:
    """Return where a part begins, where that is known."""
    size = x.shape[axis]
    if isinstance(made.op, Split):
        before = made.op.sizes[: made.results.index(part)]
        known = [number for number in before if isinstance(number, int)]
        return sum(known) if len(known) == len(before) else None
    assert isinstance(made.op, Slice)
    start = made.op.start
    if not isinstance(start, int):
        return None
    if start < 0:
        return start + size if isinstance(size, int) and start + size >= 0 else None
    return start if not isinstance(size, int) or start < size else None


def batched_transpose(node: Node, view: View) -> Rewrite:
    """A transposition of matrices around which the axes in front are joined and split again needs neither."""
    turned = view.operand(node, "permute")
    joined = None if turned is None else view.producers.get(turned.operands[0])
    if turned is None or joined is None or joined.op.name not in REGROUPING or len(joined.operands) != 1:
        return None
    assert isinstance(turned.op, Permute)
    x, flat = view.type(joined.operands[0]), joined.types[0]
    front = x.rank - 2
    if flat.rank != 3 or [axis % 3 for axis in turned.op.dims] != [0, 2, 1] or front < 2:
        return None
    if x.shape[front:] != flat.shape[1:] or node.types[0].shape != (*x.shape[:front], x.shape[-1], x.shape[-2]):
        return None
    return view.become(node, Permute(dims=(*range(front), front + 1, front)), joined.operands[0])


def unbound(graph: Graph) -> Graph:
    """Return a graph in which selects of every entry of an axis are one unbind."""
    types = graph.value_types()
    taken: dict[tuple[str, int], dict[int, list[Node]]] = defaultdict(lambda: defaultdict(list))
    for node in graph.nodes:
        if isinstance(node.op, Select):
            x = types[node.operands[0]]
            axis = node.op.dim % x.rank
            size = x.shape[axis]
            if isinstance(size, int) and size > 1:
                taken[node.operands[0], axis][node.op.index % size].append(node)
    whole: dict[str, Node] = {}
    for (value, axis), parts in taken.items():
        size = types[value].shape[axis]
        if set(parts) != set(range(size if isinstance(size, int) else 0)) or any(len(p) > 1 for p in parts.values()):
            continue
        nodes = [parts[i][0] for i in range(len(parts))]
        first = min(nodes, key=graph.nodes.index)
        made = Node(
            Unbind(dim=axis),
            (value,),
            tuple(n.name for n in nodes),
            tuple(n.types[0] for n in nodes),
            first.path,
            first.loc,
            first.notes,
        )
        whole.update((n.name, made) for n in nodes)
    return graph if not whole else graph.with_nodes(_replaced(graph, whole))


def _replaced(graph: Graph, whole: dict[str, Node]) -> list[Node]:
    nodes: list[Node] = []
    done: set[str] = set()
    for node in graph.nodes:
        made = whole.get(node.name)
        if made is None:
            nodes.append(node)
        elif made.name not in done:
            done.add(made.name)
            nodes.append(made)
    return nodes


RULES: dict[str, tuple[Rule, ...]] = {
    "reshape": (single_part, batched_transpose),
    "squeeze": (single_part,),
    "flatten": (single_part,),
    "unflatten": (batched_transpose,),
}
