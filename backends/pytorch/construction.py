"""Construction: the statements of a class's constructor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby

from ...ir import CallBlock, Dim, DType, Expr, Layer, Node, TensorType, attributes_of, symbols_of
from .chains import arguments, module_of
from .layout import Doc, Group, Item, call, flat, has_comments, render
from .members import Block, Entry, Member, Plan, access, slots, state_keys, tensor_access, tied
from .quoting import literal, plain, string
from .sizes import size
from .tables import Tables

MIN_RUN = 3
MAX_LOOP = 70
Comments = Callable[[Node, int], list[str]]
Names = Callable[[str], str]


@dataclass
class Constructor:
    """Writes the body of ``__init__``; ``symbols`` collects the symbols that it needs as arguments."""

    plan: Plan
    blocks: Mapping[str, Block]
    tables: Tables
    comments: Comments
    names: Names

    def __post_init__(self) -> None:
        """Start empty."""
        self.lines: list[str] = []
        self.symbols: dict[str, Node] = {}
        self._after: list[Callable[[], None]] = []
        self._tied: list[Callable[[], None]] = []

    def write(self) -> list[str]:
        """Return the lines, indented by 8."""
        if self.plan.own is not None:
            self._own(self.plan.own)
        for leaf, node in self.plan.root.tensors.items():
            self._tensor(self.plan.root, leaf, node)
        for member in self.plan.root.children.values():
            self._member(self.plan.root, member)
        for tie in self._tied:
            tie()
        return self.lines

    def _member(self, parent: Member, member: Member) -> None:
        """Write ``self.name = ...`` and what has to be hung onto it afterwards."""
        if member.is_reference:
            return
        after: list[Callable[[], None]] = []
        self._after, outer = after, self._after
        doc = self._doc(member)
        if member.node is not None:
            self.lines += [" " * 8 + line for line in self.comments(member.node, 8)]
        self._assign(access(self.plan.root, parent.path), member.path.rpartition(".")[2], doc)
        for write in after:
            write()
        self._after = outer

    def _assign(self, base: str, name: str, doc: Doc) -> None:
        if plain(name):
            self.lines += render(f"{base}.{name} = ", doc, 8)
        else:
            self.lines += render("", call("setattr", base, string(name), doc), 8)

    def _doc(self, member: Member) -> Doc:
        """Return the expression that makes a member; what it cannot say is noted for afterwards."""
        style = member.style
        if style == "layer":
            assert member.node is not None
            self._later(member)
            return self.layer(member.node)
        if style == "sequential":
            return self._sequential(member.chain)
        if style == "bare":
            self._later(member)
            self._tensors_later(member)
            return "nn.Module()"
        if style == "parameters":
            return self._parameters(member)
        self._tensors_later(member)
        return self._list(member) if style == "list" else self._dict(member)

    def _later(self, member: Member) -> None:
        for child in member.children.values():
            self._after.append(lambda child=child: self._member(member, child))  # type: ignore[misc]

    def _tensors_later(self, member: Member) -> None:
        for leaf, node in member.tensors.items():
            self._after.append(lambda leaf=leaf, node=node: self._tensor(member, leaf, node))  # type: ignore[misc]

    def _list(self, member: Member) -> Doc:
        last = max(map(int, member.children))
        children = [member.children.get(str(i)) for i in range(last + 1)]
        items = tuple(self._item(child) if child else Item("nn.Identity()") for child in children)
        return Group("nn.ModuleList(", (Item(Group("[", repeated(list(items)), "]", display=True)),), ")")

    def _dict(self, member: Member) -> Doc:
        items = tuple(self._item(child, f"{string(name)}: ") for name, child in member.children.items())
        return Group("nn.ModuleDict(", (Item(Group("{", items, "}", display=True)),), ")")

    def _parameters(self, member: Member) -> Doc:
        items = tuple(
            Item(parameter(node.type, leaf, self.dim_of(node)), f"{string(leaf)}: ")
            for leaf, node in member.tensors.items()
        )
        return Group("nn.ParameterDict(", (Item(Group("{", items, "}", display=True)),), ")")

    def _item(self, member: Member, prefix: str = "") -> Item:
        notes = self.comments(member.node, 16) if member.node is not None else []
        return Item(self._doc(member), prefix, tuple(notes))

    def _sequential(self, chain: tuple[Entry, ...]) -> Doc:
        numbered = all(entry.name.isdecimal() for entry in chain)
        items: list[Item] = []
        for entry in chain:
            notes = self.comments(entry.node, 16) if entry.node is not None else []
            items.append(Item(self._entry(entry), "" if numbered else f"{entry.name}=", tuple(notes)))
        if numbered:
            return Group("nn.Sequential(", repeated(items), ")", display=True)
        return call("nn.Sequential", Group("OrderedDict(", tuple(items), ")", display=True))

    def _entry(self, entry: Entry) -> Doc:
        if entry.chain:
            return self._sequential(entry.chain)
        return self.layer(entry.node) if entry.node is not None else "nn.Identity()"

    def _own(self, node: Node) -> None:
        """Take over the tensors of a layer that is the whole model: its state dict has no prefix."""
        self.lines += render("layer = ", self.layer(node), 8)
        for slot in slots(node.op, self.plan.operands(node)):
            value = f"layer.{slot.name}"
            if slot.buffer:
                self.lines += render("", call("self.register_buffer", string(slot.name), value), 8)
            else:
                self._assign("self", slot.name, value)

    def _tensor(self, member: Member, leaf: str, node: Node) -> None:
        base = access(self.plan.root, member.path)
        if tied(node) and tied(node) in state_keys(self.plan, self.blocks):
            self._tied.append(lambda: self._tie(base, leaf, node))
            return
        self.lines += [" " * 8 + line for line in self.comments(node, 8)]
        if node.op.name == "parameter":
            value = parameter(node.type, leaf, self.dim_of(node))
            if plain(leaf):
                self.lines += render(f"{base}.{leaf} = ", value, 8)
            else:
                self.lines += render("", call(f"{base}.register_parameter", string(leaf), value), 8)
            return
        value = self.tables.value(node.op, self.dim_of(node))
        register = call(f"{base}.register_buffer", string(leaf), value)
        if node.op.attributes().get("persistent") is False and node.op.attributes().get("data"):
            register = call(f"{base}.register_buffer", string(leaf), value, persistent="False")
        self.lines += render("", register, 8)

    def _tie(self, base: str, leaf: str, node: Node) -> None:
        """Give a tensor that is there already another name."""
        path, _, name = tied(node).rpartition(".")
        target = tensor_access(self.plan.root, Member(path), name)
        if node.op.name == "parameter" and plain(leaf):
            self.lines += render(f"{base}.{leaf} = ", target, 8)
            return
        kind = "parameter" if node.op.name == "parameter" else "buffer"
        self.lines += render("", call(f"{base}.register_{kind}", string(leaf), target), 8)

    def dim_of(self, node: Node) -> Callable[[Dim], str]:
        """Return the function that writes a size in the constructor and notes the symbols it needs."""

        def write(dim: Dim) -> str:
            for name in sorted(symbols_of(dim)):
                self.symbols.setdefault(name, node)
            return size(dim, self.names)

        return write

    def layer(self, node: Node) -> Doc:
        """Return the constructor call of a layer."""
        write = self.dim_of(node)
        if isinstance(node.op, CallBlock):
            block = self.blocks[node.op.callee]
            given = self.plan.arguments[node.name]
            return call(block.name, **{self.names(name): write(dim) for name, dim in given.items()})
        operands = self.plan.operands(node)
        spelling = by_rank(node.op.name, operands[0]) or module_of(node.op)
        assert spelling is not None, f"no layer for {node.op.name}"
        positional, keywords = arguments(node.op, spelling, dict(node.op.layer_arguments(operands)))
        if node.op.name == "flatten" and keywords.get("end_dim") == -1:
            del keywords["end_dim"]
        values = [attribute(node, name, value, write) for name, value in positional.items()]
        named = {name: attribute(node, name, value, write) for name, value in keywords.items()}
        own = slots(node.op, operands)
        if own and "dtype" not in keywords and own[0].type.dtype is not DType.F32:
            named["dtype"] = literal(own[0].type.dtype)
        return call(spelling.cls, *values, **named)


def repeated(items: list[Item]) -> tuple[Item, ...]:
    """Return the items with runs of equal ones, which people write as a loop, as ``*[Block() for _ in range(4)]``."""
    made: list[Item] = []
    for item, group in groupby(items):
        run = list(group)
        text = f"*[{flat(item.value)} for _ in range({len(run)})]"
        loop = len(run) >= MIN_RUN and not has_comments(item.value) and not item.comments and not item.prefix
        made += [Item(text)] if loop and len(text) <= MAX_LOOP else run
    return tuple(made)


def by_rank(name: str, x: TensorType) -> Layer | None:
    """Return the nn class of an op for which it goes by the rank of the input."""
    if name == "batch_norm":
        return Layer(f"nn.BatchNorm{max(x.rank - 2, 1)}d", ("num_features",))
    return Layer(f"nn.Dropout{max(x.rank - 2, 1)}d") if name == "feature_dropout" else None


def attribute(node: Node, name: str, value: object, write: Callable[[Dim], str]) -> str:
    """Return an attribute as Python text; a fixed-length list of equal numbers is written as one number."""
    declared = attributes_of(type(node.op)).get(name)
    if isinstance(value, tuple):
        uniform = len(value) == 1 or (declared is not None and declared.length and len(set(value)) == 1)
        if uniform and (node.op.name, name) not in _TUPLES:
            return attribute(node, name, value[0], write)
        return f"({', '.join(_scalar(item, write) for item in value)}{',' if len(value) == 1 else ''})"
    return _scalar(value, write)


# Sequences that PyTorch takes as such even with one entry.
_TUPLES = (("flip", "dims"), ("unflatten", "sizes"), ("permute", "dims"))


def _scalar(value: object, write: Callable[[Dim], str]) -> str:
    return write(value) if isinstance(value, Expr) else literal(value)


def parameter(type: TensorType, leaf: str, write: Callable[[Dim], str]) -> Doc:
    """Return a new nn.Parameter, initialised by what its name and rank say: noise, zeros or ones."""
    shape = [write(dim) for dim in type.shape] or ["()"]
    dtype = {} if type.dtype is DType.F32 else {"dtype": literal(type.dtype)}
    if not (type.dtype.is_floating or type.dtype is DType.C64):
        return call("nn.Parameter", call("torch.zeros", *shape, **dtype), requires_grad="False")
    if type.rank > 1:
        noise = call("torch.randn", *shape, **dtype)
        return Group("nn.Parameter(", (Item(scaled(noise, "0.02")),), ")")
    zero = any(word in leaf for word in ("bias", "beta", "shift", "token", "pos"))
    return call("nn.Parameter", call("torch.zeros" if zero else "torch.ones", *shape, **dtype))


def scaled(doc: Group, factor: str) -> Group:
    """Return ``doc * factor``."""
    return Group(doc.head, doc.items, f"{doc.tail} * {factor}")
