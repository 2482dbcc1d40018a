"""Taking over a block that was written anew: same name, same interface, weights of layers that stayed."""

from __future__ import annotations

from dataclasses import replace

from ..ir import Graph, NascError, Node, counted
from ..ir.graph import Notes
from .naming import fresh_path, owns_state

_EDIT = "rewrite the block"


def replace_block(old: Graph, new: Graph, notes: Notes) -> Graph:
    """Return the new body of a block.

    Nodes that keep their name and op keep their layer path and place in the source, others get paths of their
    own; what is new or changed carries the note ``edit`` and ``notes``. Raises NascError where the interface
    differs.
    """
    _check_interface(old, new)
    known = old.producers()
    graph = replace(old, nodes=(), outputs=new.outputs, inputs=new.inputs)
    nodes: list[Node] = []
    for node in new.nodes:
        before = known.get(node.name)
        kept = before is not None and type(before.op) is type(node.op)
        node = replace(node, path=before.path if before and kept else "", types=(), loc=before.loc if before else None)
        if before is not None and kept and before.op == node.op and before.operands == node.operands:
            node = before
        else:
            taken = replace(graph, nodes=(*old.nodes, *nodes))
            node = _named(taken, node, kept).annotate(edit=_EDIT, **notes)
        nodes.append(node)
    return replace(graph, nodes=tuple(replace(node, types=()) for node in nodes))


def _named(graph: Graph, node: Node, kept: bool) -> Node:
    return node if kept or not owns_state(node) else replace(node, path=fresh_path(graph, "", node.op.name))


def _check_interface(old: Graph, new: Graph) -> None:
    wanted, given = [i.type for i in old.inputs], [i.type for i in new.inputs]
    if wanted != given:
        raise _differs(old, f"inputs {_list(given)}", _list(wanted))
    if set(old.symbols) != set(new.symbols):
        raise _differs(old, f"symbols {_list(new.symbols)}", _list(old.symbols))
    if len(old.outputs) != len(new.outputs):
        raise _differs(old, counted(len(new.outputs), "output"), str(len(old.outputs)))
    if new.output_types and old.output_types and new.output_types != old.output_types:
        raise _differs(old, f"outputs {_list(new.output_types)}", _list(old.output_types))


def _differs(old: Graph, given: str, wanted: str) -> NascError:
    return NascError.of(f"the new @{old.name} has {given}", f"expected {wanted}: the interface stays", "edit-interface")


def _list(items: object) -> str:
    return ", ".join(map(str, items)) if isinstance(items, (list, tuple)) and items else "none"
