"""Members: which nodes of a graph become submodules, parameters and buffers of its class, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ...ir import CallBlock, Dim, Graph, Layer, NascError, Node, Op, Slot, TensorType, Types, arity, bind
from .quoting import IN_MODULE, ON_CONTAINER, ON_MODULE, plain, string

MAX_DEPTH = 50
Style = Literal["layer", "sequential", "list", "dict", "parameters", "bare"]


class CollisionError(Exception):
    """Two blocks claim one name, so the calls must be expanded."""


@dataclass(frozen=True)
class Block:
    """What callers need to know of an emitted class: its name, constructor arguments and state-dict keys."""

    graph: Graph
    name: str
    arguments: tuple[str, ...]
    keys: frozenset[str]


@dataclass(frozen=True)
class Entry:
    """One step of an nn.Sequential: its name, and a layer, a nested nn.Sequential or nothing."""

    name: str
    node: Node | None = None
    chain: tuple[Entry, ...] = ()


@dataclass
class Member:
    """A submodule at a dotted path: a layer or call, or a group of further members and tensors."""

    path: str
    children: dict[str, Member] = field(default_factory=lambda: dict[str, Member]())
    tensors: dict[str, Node] = field(default_factory=lambda: dict[str, Node]())
    node: Node | None = None
    nodes: list[Node] = field(default_factory=lambda: list[Node]())
    chain: tuple[Entry, ...] = ()
    _style: tuple[tuple[object, ...], Style] | None = None

    @property
    def is_reference(self) -> bool:
        """Whether the member only stands for a tensor that a block owns."""
        below = all(child.is_reference for child in self.children.values())
        return self.node is None and not self.tensors and below

    @property
    def style(self) -> Style:
        """How the member is written; found again where it has grown, for every use of every child asks."""
        size = self.node is None, len(self.chain), len(self.children), len(self.tensors)
        if self._style is None or self._style[0] != size:
            self._style = size, self._styled()
        return self._style[1]

    def _styled(self) -> Style:
        if self.node is not None:
            return "layer"
        if self.chain:
            return "sequential"
        names = [*self.children, *self.tensors]
        if any(name in ON_CONTAINER or name in ON_MODULE or name.startswith("__") for name in names):
            return "bare"
        if any(tied(node) for node in self.tensors.values()):
            return "bare"
        if not self.children:
            trained = all(node.op.name == "parameter" for node in self.tensors.values())
            return "parameters" if trained and self.tensors else "bare"
        numbers = [int(name) for name in self.children if name.isdecimal() and str(int(name)) == name]
        dense = len(numbers) == len(self.children) and max(numbers) < 2 * len(numbers) + 4
        return "list" if dense else "dict"


@dataclass(frozen=True)
class Plan:
    """The members of one class.

    ``layers`` is the member of each node that is called as one, ``tensors`` the member and the name of each
    parameter and buffer, ``arguments`` the values of each call's constructor arguments, ``own`` the layer
    that is the whole model, so that its tensors have no prefix.
    """

    graph: Graph
    types: Mapping[str, TensorType]
    root: Member
    layers: Mapping[str, Member]
    tensors: Mapping[str, tuple[Member, str]]
    arguments: Mapping[str, Mapping[str, Dim]]
    own: Node | None = None

    def operands(self, node: Node) -> Types:
        """Return the operand types of a node."""
        return tuple(self.types[name] for name in node.operands)


def given(node: Node) -> bool:
    """Return whether a node takes its weights as operands."""
    most = arity(type(node.op))[1]
    return most is not None and len(node.operands) > most


def tied(node: Node) -> str:
    """Return the key of the tensor that a parameter or constant is another name of; "" where it is none."""
    return str(node.op.attributes().get("tied") or "")


def slots(op: Op, operands: Types) -> tuple[Slot, ...]:
    """Return the tensors that a layer owns; none for parameters and constants, which are values."""
    return () if op.name in ("parameter", "constant") else op.state(operands)


def plan(graph: Graph, blocks: Mapping[str, Block]) -> Plan:
    """Decide the members of a graph's class. Raises CollisionError where calls share a name."""
    return _Planner(graph, blocks).plan()


def state_keys(made: Plan, blocks: Mapping[str, Block]) -> frozenset[str]:
    """Return the state-dict keys of a class."""
    keys: set[str] = set()
    if made.own is not None:
        keys.update(slot.name for slot in slots(made.own.op, made.operands(made.own)))
    for node in made.graph.nodes:
        member = made.layers.get(node.name)
        if node.name in made.tensors:
            owner, leaf = made.tensors[node.name]
            keys.add(f"{owner.path}.{leaf}".lstrip("."))
        elif member is not None and isinstance(node.op, CallBlock):
            keys.update(f"{member.path}.{key}" for key in blocks[node.op.callee].keys)
        elif member is not None:
            keys.update(f"{member.path}.{slot.name}" for slot in slots(node.op, made.operands(node)))
    return frozenset(keys)


class _Planner:
    def __init__(self, graph: Graph, blocks: Mapping[str, Block]) -> None:
        self.graph = graph
        self.blocks = blocks
        self.types = graph.value_types()
        self.root = Member("")
        self.layers: dict[str, Member] = {}
        self.tensors: dict[str, tuple[Member, str]] = {}
        self.arguments: dict[str, Mapping[str, Dim]] = {}
        self.own: Node | None = None
        self._paths: dict[str, tuple[object, Node]] = {}

    def plan(self) -> Plan:
        stateful = [node for node in self.graph.nodes if self._is_layer(node)]
        if len(stateful) == 1 and not stateful[0].path and not isinstance(stateful[0].op, CallBlock):
            self.own = stateful[0]
            stateful = []
        paths = {node.name: self._path(node) for node in stateful}
        for node in self.graph.nodes:
            if node.name in paths:
                member = self._member(paths[node.name])
                member.node = member.node or node
                self.layers[node.name] = member
        for node in self.graph.nodes:
            if node.op.name in ("parameter", "constant"):
                self._tensor(node)
        self._check_calls()
        self._weightless()
        self._collect()
        return Plan(self.graph, self.types, self.root, self.layers, self.tensors, self.arguments, self.own)

    def _operands(self, node: Node) -> Types:
        return tuple(self.types[name] for name in node.operands)

    def _is_layer(self, node: Node) -> bool:
        if isinstance(node.op, CallBlock):
            block = self.blocks[node.op.callee]
            bound = bind(block.graph, node.op, self._operands(node))
            self.arguments[node.name] = {name: bound[name] for name in block.arguments}
            return True
        return not given(node) and bool(slots(node.op, self._operands(node)))

    def _path(self, node: Node) -> str:
        """Return the path of a layer; the same for two uses of one layer, and never one for two layers."""
        path = node.path or node.name.replace(".", "_")
        if isinstance(node.op, CallBlock):
            if not node.path and self.blocks[node.op.callee].keys:
                raise CollisionError
            signature: object = (node.op.callee, tuple(self.arguments[node.name].items()))
        else:
            signature = (node.op, slots(node.op, self._operands(node)))
        path = legal(path)
        stem, count = path, 1
        while path in self._paths and self._paths[path][0] != signature:
            if isinstance(node.op, CallBlock) or isinstance(self._paths[path][1].op, CallBlock):
                raise CollisionError
            count += 1
            path = f"{stem}_{count}"
        self._paths.setdefault(path, (signature, node))
        return path

    def _member(self, path: str) -> Member:
        member = self.root
        for name in path.split(".") if path else []:
            if name not in member.children:
                member.children[name] = Member(f"{member.path}.{name}".lstrip("."))
            member = member.children[name]
        return member

    def _tensor(self, node: Node) -> None:
        key: str = getattr(node.op, "key", "") or node.name.replace(".", "_")
        path, _, leaf = key.rpartition(".")
        path = legal(path) if path else ""
        if (path in self._paths or not path) and self._owned(path, leaf):
            self.tensors[node.name] = (self._member(path), leaf)
            return
        if self._inside_call(path, leaf):
            self.tensors[node.name] = (self._member(path), leaf)
            return
        member = self._member(path)
        leaf = legal_tensor(leaf)
        while leaf in member.children or (leaf in member.tensors and member.tensors[leaf].op != node.op):
            leaf += "_"
        member.tensors.setdefault(leaf, node)
        self.tensors[node.name] = (member, leaf)

    def _owned(self, path: str, leaf: str) -> bool:
        """Return whether a layer at ``path`` has this tensor as a slot: tied weights."""
        layer = self._paths[path][1] if path in self._paths else self.own if not path else None
        if layer is None or isinstance(layer.op, CallBlock):
            return False
        return any(slot.name == leaf for slot in slots(layer.op, self._operands(layer)))

    def _inside_call(self, path: str, leaf: str) -> bool:
        parts = path.split(".")
        for end in range(len(parts), 0, -1):
            found = self._paths.get(".".join(parts[:end]))
            if found is not None and isinstance(found[1].op, CallBlock):
                if ".".join((*parts[end:], leaf)) in self.blocks[found[1].op.callee].keys:
                    return True
                raise CollisionError
        return False

    def _check_calls(self) -> None:
        """Raise CollisionError where something else lives below a call."""
        for node in self.graph.nodes:
            member = self.layers.get(node.name)
            if member is not None and isinstance(node.op, CallBlock) and member.children:
                inside = {name.split(".")[0] for name in self.blocks[node.op.callee].keys}
                if any(not child.is_reference or n not in inside for n, child in member.children.items()):
                    raise CollisionError

    def _weightless(self) -> None:
        """Give pools and the like of the class itself a member, as people do; deeper ones are functions."""
        users: dict[str, list[Node]] = {}
        for node in self.graph.nodes:
            users.setdefault(node.path, []).append(node)
        parents = {path[:i] for path in users for i, c in enumerate(path) if c == "."}
        for path, nodes in users.items():
            first = nodes[0]
            fits = plain(path) and path not in ON_MODULE and path not in IN_MODULE
            free = path not in self.root.children and path not in self.root.tensors
            alone = all(isinstance(node.op.torch, Layer) and node.op == first.op and not given(node) for node in nodes)
            runtime = first.op.symbols() - frozenset(self.graph.symbols)
            if fits and free and alone and not runtime and path not in parents and first is not self.own:
                self.root.children[path] = Member(path, node=first)
                self.layers.update({node.name: self.root.children[path] for node in nodes})

    def _collect(self) -> None:
        """Note for each group the nodes at or below its path, in order, and order the class by first use."""
        first = {node.name: i for i, node in enumerate(self.graph.nodes)}
        for node in self.graph.nodes:
            member = self.root
            path = self.layers[node.name].path if node.name in self.layers else node.path
            if node.op.name in ("parameter", "constant"):
                continue
            for name in path.split("."):
                if name not in member.children:
                    break
                member = member.children[name]
                member.nodes.append(node)
        items = sorted(
            self.root.children.items(), key=lambda item: first[item[1].nodes[0].name] if item[1].nodes else -1
        )
        self.root.children = dict(items)


def legal(path: str) -> str:
    """Return a path that PyTorch can hold. Raises NascError where it is nested too deeply for Python."""
    parts = [f"{part}_" if part in IN_MODULE or not part else part for part in path.split(".")]
    if len(parts) > MAX_DEPTH:
        raise NascError.of(
            f"the layer path {path[:60]}... is {len(parts)} levels deep",
            f"expected at most {MAX_DEPTH}",
            "emit-depth",
        )
    return ".".join(parts)


def legal_tensor(leaf: str) -> str:
    """Return a name that PyTorch accepts for a parameter or buffer."""
    leaf = leaf if not leaf.startswith("__") else leaf.strip("_")
    return f"{leaf}_" if leaf in ON_MODULE or leaf in IN_MODULE or not leaf else leaf


def access(root: Member, path: str) -> str:
    """Return the expression for the member at a path: ``self.layer1[0].conv1``."""
    text, member = "self", root
    for name in path.split(".") if path else []:
        text = _child(text, member, name, is_root=member is root)
        member = member.children.get(name) or Member("")
    return text


def _child(base: str, member: Member, name: str, is_root: bool) -> str:
    style = "bare" if is_root else member.style
    numbered = style == "sequential" and all(entry.name.isdecimal() for entry in member.chain)
    if style == "list" or numbered:
        return f"{base}[{int(name)}]"
    if name in ON_MODULE or name.startswith("__"):
        return f"{base}._modules[{string(name)}]"
    if plain(name):
        return f"{base}.{name}"
    return f"{base}[{string(name)}]" if style == "dict" else f"getattr({base}, {string(name)})"


def tensor_access(root: Member, member: Member, leaf: str) -> str:
    """Return the expression for a parameter or buffer: ``self.attn.in_proj_weight``."""
    base = access(root, member.path)
    return f"{base}.{leaf}" if plain(leaf) else f"getattr({base}, {string(leaf)})"
