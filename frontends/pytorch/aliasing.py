"""In-place operations on views: where one changes what another name still reads, the program is made functional."""

from __future__ import annotations

from torch import fx
from torch._ops import OpOverload
from torch.export import ExportedProgram


def functional(program: ExportedProgram) -> ExportedProgram:
    """Return the program itself where its in-place calls can be read as new values, else functionalised.

    ``y = relu_(x)`` is read as ``y = relu(x)`` with later uses of ``x`` meaning ``y``. That is wrong only where a
    view of the same memory is read afterwards; torch.export then rewrites the program without in-place calls.
    """
    return program.run_decompositions({}) if _hazard(program.graph) else program


def _hazard(graph: fx.Graph) -> bool:
    order = {node: i for i, node in enumerate(graph.nodes)}
    roots: dict[fx.Node, fx.Node] = {}
    members: dict[fx.Node, list[fx.Node]] = {}
    writes: list[fx.Node] = []
    for node in graph.nodes:
        root = roots.get(_viewed(node), node) if _viewed(node) is not None else node  # type: ignore[arg-type]
        roots[node] = root
        members.setdefault(root, []).append(node)
        if _writes(node):
            writes.append(node)
    return any(_read_later(node, roots, members, order) for node in writes)


def _read_later(
    write: fx.Node,
    roots: dict[fx.Node, fx.Node],
    members: dict[fx.Node, list[fx.Node]],
    order: dict[fx.Node, int],
) -> bool:
    """Return whether an alias of what is written, other than itself and what is made of it, is read afterwards."""
    target = write.args[0]
    if not isinstance(target, fx.Node):
        return True
    if target.op == "placeholder":
        return True
    others = [n for n in members[roots[target]] if n is not target and order[n] < order[write]]
    return any(order[user] > order[write] for other in others for user in other.users)


def _viewed(node: fx.Node) -> fx.Node | None:
    """Return the tensor whose memory the node's result shares; None for a fresh one."""
    if node.op != "call_function" or not node.args or not isinstance(node.args[0], fx.Node):
        return None
    if not isinstance(node.target, OpOverload):
        return node.args[0] if getattr(node.target, "__name__", "") == "getitem" else None
    shares = any(returned.alias_info is not None for returned in node.target._schema.returns)
    return node.args[0] if shares else None


def _writes(node: fx.Node) -> bool:
    return (
        isinstance(node.target, OpOverload) and node.target._schema.is_mutable and node.op == "call_function"
    )
