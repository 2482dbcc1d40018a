"""Expressions: how each op is written as PyTorch code, given its operands as code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ...ir import Call, Dim, DType, Expr, Infix, Method, Node, Types, defaults_of
from ...ir.ops.shape import Pad
from .construction import attribute
from .layout import Doc, Group, Item, call, flat
from .quoting import literal, string
from .recurrence import function, layer_operands
from .sizes import tight

ATOM, PRODUCT, SUM, COMPARISON = 3, 2, 1, 0
_LEVELS = {"*": PRODUCT, "/": PRODUCT, "//": PRODUCT, "%": PRODUCT, "@": PRODUCT, "+": SUM, "-": SUM}
METHODS = ("mean", "sum", "prod", "amax", "amin", "var", "std")
# Attributes that PyTorch wants stated although they have a default here.
_STATED = {"grid_sample": ("align_corners",), "softmax": ("dim",), "log_softmax": ("dim",), "split": ("dim",)}


@dataclass(frozen=True)
class Code:
    """An expression and how tightly it binds; ``parts`` counts the calls nested in it."""

    doc: Doc
    level: int = ATOM
    parts: int = 1

    @property
    def text(self) -> str:
        """The expression on one line."""
        return flat(self.doc)

    def at(self, level: int) -> str:
        """Return the expression for a place that needs this level."""
        return self.text if self.level >= level else f"({self.text})"


Size = Callable[[Dim], str]


@dataclass(frozen=True)
class Site:
    """Where an op is written: its node, its operands as code and as types, and how to write sizes there.

    ``device`` is the text of a tensor's device, for ops without operands; ``layer`` is the expression of the
    layer or block, where the node is one.
    """

    node: Node
    operands: tuple[Code, ...]
    types: Types
    size: Size
    device: str = ""
    layer: str = ""

    def keywords(self, *leave: str) -> dict[str, Doc]:
        """Return the stated attributes as keyword arguments."""
        stated = dict(self.node.op.stated())
        for name in _STATED.get(self.node.op.name, ()):
            stated[name] = getattr(self.node.op, name)
        return {name: self.attribute(name, value) for name, value in stated.items() if name not in leave}

    def attribute(self, name: str, value: object) -> str:
        """Return an attribute as text."""
        return attribute(self.node, name, value, self.size)

    def get(self, name: str) -> str:
        """Return the named attribute as text."""
        return self.attribute(name, getattr(self.node.op, name))


def express(site: Site) -> Code:
    """Return the code of a node."""
    op = site.node.op
    parts = 1 + max((operand.parts for operand in site.operands), default=0)
    if site.layer:
        return Code(call(site.layer, *layer_operands(site.node, [x.doc for x in site.operands])), parts=parts)
    if op.name in FUNCTIONS:
        code = FUNCTIONS[op.name](site)
    elif op.name in METHODS:
        code = _reduction(site)
    elif isinstance(op.torch, Infix):
        code = _infix(site, op.torch.symbol)
    elif isinstance(op.torch, Method):
        code = _spelled_method(site, op.torch)
    else:
        assert isinstance(op.torch, Call), f"no way to write {op.name}"
        code = _spelled_call(site, op.torch)
    return Code(code.doc, code.level, parts)


def _spelled_call(site: Site, spelling: Call) -> Code:
    positional = [site.get(name) for name in spelling.positional]
    return Code(
        call(
            spelling.function,
            *(operand.doc for operand in site.operands),
            *positional,
            **site.keywords(*spelling.positional),
        )
    )


def _spelled_method(site: Site, spelling: Method) -> Code:
    first, *rest = site.operands
    if spelling.starred:
        (name,) = spelling.positional
        values = getattr(site.node.op, name)
        return Code(_method(first, spelling.name, {}, *(sizes(site, values) or ("()",))))
    stated = site.node.op.stated()
    names = list(spelling.positional)
    while names and names[-1] not in stated and names[-1] in defaults_of(type(site.node.op)):
        names.pop()
    positional = [site.get(name) for name in names]
    return Code(_method(first, spelling.name, {}, *(operand.doc for operand in rest), *positional))


def _method(base: Code, name: str, keywords: Mapping[str, Doc], *arguments: Doc) -> Group:
    return call(f"{base.at(ATOM)}.{name}", *arguments, **keywords)


def _reduction(site: Site) -> Code:
    keywords = site.keywords()
    if "keepdim" in keywords and "dim" not in keywords:
        rank = site.types[0].rank
        if site.node.op.name == "prod":
            return Code(f"{site.operands[0].at(ATOM)}.prod().reshape({literal((1,) * rank)})")
        keywords = {"dim": literal(tuple(range(rank))), **keywords}
    return Code(_method(site.operands[0], site.node.op.name, keywords))


def _pad(site: Site) -> Code:
    """Write a pad; PyTorch mirrors and repeats only all axes after batch and channels at once."""
    op = site.node.op
    assert isinstance(op, Pad)
    missing = 0 if op.mode == "constant" else 2 * (site.types[0].rank - 2) - len(op.pad)
    pad = site.attribute("pad", (*op.pad, *(0,) * missing))
    return Code(call("F.pad", site.operands[0].doc, pad, **site.keywords("pad")))


def _infix(site: Site, symbol: str, *, swap: bool = False) -> Code:
    level = _LEVELS.get(symbol, COMPARISON)
    codes = list(site.operands)
    other = getattr(site.node.op, "other", None)
    if len(codes) == 1:
        number = site.size(other) if isinstance(other, Expr) else literal(other)
        codes.append(Code(tight(number) if isinstance(other, Expr) else number))
    if swap:
        codes.reverse()
    left, right = codes[0].at(level + (level == COMPARISON)), codes[1].at(level + 1)
    return Code(Group("(", (Item(left), Item(right, f"{symbol} ")), ")", commas=False), level)


def sizes(site: Site, values: tuple[Dim, ...]) -> list[Doc]:
    """Return the sizes of a reshape; one that is only known at run time is left open as -1."""
    unknown = [i for i, value in enumerate(values) if isinstance(value, Expr)]
    if len(unknown) == 1 and -1 not in values and site.node.op.name == "reshape":
        return ["-1" if i in unknown else literal(value) for i, value in enumerate(values)]
    return [site.size(value) for value in values]


def _rsub(site: Site) -> Code:
    return _infix(site, "-", swap=True)


def _matmul(site: Site) -> Code:
    return _infix(site, "@")


def _logical(site: Site) -> Code:
    other = getattr(site.node.op, "other", None)
    operands = [operand.doc for operand in site.operands]
    if other is not None:
        operands.append(call("torch.tensor", literal(other)))
    return Code(call(f"torch.{site.node.op.name}", *operands))


def _pow(site: Site) -> Code:
    base, *exponent = site.operands
    return Code(_method(base, "pow", {}, exponent[0].doc if exponent else site.get("other")))


def _list(site: Site) -> Doc:
    return Group("[", tuple(Item(operand.doc) for operand in site.operands), "]", display=True)


def _join(site: Site) -> Code:
    return Code(call(f"torch.{site.node.op.name}", _list(site), **site.keywords()))


def _split(site: Site) -> Code:
    parts: tuple[Dim, ...] = getattr(site.node.op, "sizes")  # noqa: B009
    keywords = {"dim": site.get("dim")}
    if len(set(parts)) == 1:
        return Code(_method(site.operands[0], "chunk", keywords, str(len(parts))))
    text = f"[{', '.join(site.size(part) for part in parts)}]"
    return Code(_method(site.operands[0], "split", keywords, text))


def _axis(site: Site, inside: str) -> Code:
    """Return ``x[:, inside]``, the index standing at the op's axis."""
    rank = site.types[0].rank
    axis = int(getattr(site.node.op, "dim")) % max(rank, 1)  # noqa: B009
    lead = "..., " if axis == rank - 1 and rank > 2 else ":, " * axis
    return Code(f"{site.operands[0].at(ATOM)}[{lead}{inside}]")


def _select(site: Site) -> Code:
    return _axis(site, site.get("index"))


def _slice(site: Site) -> Code:
    stated = site.node.op.stated()
    bounds = [site.get(name) if name in stated else "" for name in ("start", "end")]
    if stated.get("start") == 0:
        bounds[0] = ""
    simple = all(bound.lstrip("-").isalnum() or not bound for bound in bounds)
    text = ":".join(bounds) if simple else " : ".join(bounds).strip()
    return _axis(site, f"{text}:{site.get('step')}" if "step" in stated else text)


def _index(site: Site) -> Code:
    axis = int(getattr(site.node.op, "dim")) % max(site.types[0].rank, 1)  # noqa: B009
    return Code(f"{site.operands[0].at(ATOM)}[{':, ' * axis}{site.operands[1].text}]")


def _gather(site: Site) -> Code:
    index = site.operands[1].doc
    return Code(_method(site.operands[0], "gather", {}, site.get("dim"), index))


_REDUCTIONS = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


def _scatter(site: Site) -> Code:
    x, index, source = site.operands
    reduce = _REDUCTIONS.get(str(getattr(site.node.op, "reduce")))  # noqa: B009
    if reduce is None:
        return Code(_method(x, "scatter", {}, site.get("dim"), index.doc, source.doc))
    return Code(_method(x, "scatter_reduce", {}, site.get("dim"), index.doc, source.doc, string(reduce)))


def _recurrent(site: Site) -> Code:
    return Code(function(site.node, [operand.doc for operand in site.operands], site.types, site.size))


def _full(site: Site) -> Code:
    op = site.node.op
    shape = [site.size(size) for size in getattr(op, "shape")] or ["()"]  # noqa: B009
    value = getattr(op, "value")  # noqa: B009
    dtype = {} if op.attributes()["dtype"] is DType.F32 else {"dtype": site.get("dtype")}
    if type(value) is not bool and value in (0, 1):
        return Code(call("torch.zeros" if value == 0 else "torch.ones", *shape, **dtype, **_device(site)))
    size = shape[0] if shape == ["()"] else f"({', '.join(shape)}{',' if len(shape) == 1 else ''})"
    number = site.size(value) if isinstance(value, Expr) else literal(value)
    return Code(call("torch.full", size, number, dtype=site.get("dtype"), **_device(site)))


def _device(site: Site) -> dict[str, Doc]:
    return {"device": site.device} if site.device else {}


def _arange(site: Site) -> Code:
    stated = site.node.op.stated()
    names = ["end"] if not {"start", "step"} & stated.keys() else ["start", "end"]
    bounds = [site.get(name) for name in names] + ([site.get("step")] if "step" in stated else [])
    dtype = {"dtype": site.get("dtype")} if "dtype" in stated else {}
    return Code(call("torch.arange", *bounds, **dtype, **_device(site)))


def _dropout(site: Site) -> Code:
    return Code(call("F.dropout", site.operands[0].doc, site.get("p"), "self.training"))


def _feature_dropout(site: Site) -> Code:
    rank = site.types[0].rank
    function = f"F.dropout{rank - 2}d" if rank in (3, 4, 5) else "torch.feature_dropout"
    return Code(call(function, site.operands[0].doc, site.get("p"), "self.training"))


def _identity(site: Site) -> Code:
    return site.operands[0]


def _pool(site: Site) -> Code:
    first = "output_size" if "adaptive" in site.node.op.name else "kernel_size"
    return Code(call(f"F.{site.node.op.name}", site.operands[0].doc, site.get(first), **site.keywords(first)))


def _attention(site: Site) -> Code:
    inputs = [operand.doc for operand in site.operands[:3]]
    keywords = site.keywords()
    if len(site.operands) > 3:
        keywords = {"attn_mask": site.operands[3].doc, **keywords}
    if "dropout_p" in keywords:
        keywords["dropout_p"] = f"{flat(keywords['dropout_p'])} if self.training else 0.0"
    return Code(call("F.scaled_dot_product_attention", *inputs, **keywords))


def _einsum(site: Site) -> Code:
    equation = string(str(getattr(site.node.op, "equation")))  # noqa: B009
    return Code(call("torch.einsum", equation, *(operand.doc for operand in site.operands)))


def _weights(site: Site, count: int) -> list[Doc]:
    return [operand.doc for operand in site.operands[1 : 1 + count]]


def _linear(site: Site) -> Code:
    return Code(call("F.linear", *(operand.doc for operand in site.operands)))


def _convolution(site: Site) -> Code:
    keywords = site.keywords("out_channels", "kernel_size", "bias")
    return Code(call(f"F.{site.node.op.name}", *(operand.doc for operand in site.operands), **keywords))


def _norm(site: Site) -> Code:
    """Write layer_norm, rms_norm or group_norm with weights as operands."""
    op = site.node.op
    first = site.get("num_groups" if op.name == "group_norm" else "normalized_shape")
    if op.name != "group_norm" and not first.startswith("("):
        first = f"({first},)"
    keywords = {"eps": site.get("eps")} if "eps" in op.stated() else {}
    return Code(call(f"F.{op.name}", site.operands[0].doc, first, *_weights(site, 2), **keywords))


def _batch_norm(site: Site) -> Code:
    op = site.node.op
    weights = [operand.doc for operand in site.operands[1:]]
    affine = weights[:2] if getattr(op, "affine") else ["None", "None"]  # noqa: B009
    tracked = bool(getattr(op, "track_running_stats"))  # noqa: B009
    running = weights[len(weights) - 3 : len(weights) - 1] if tracked else ["None", "None"]
    keywords: dict[str, Doc] = {"training": "self.training" if tracked else "True"}
    cumulative = getattr(op, "momentum") is None or not tracked  # noqa: B009
    keywords.update(site.keywords("affine", "track_running_stats", *(["momentum"] if cumulative else [])))
    return Code(call("F.batch_norm", site.operands[0].doc, *running, *affine, **keywords))


def _embedding(site: Site) -> Code:
    keywords = site.keywords("num_embeddings", "embedding_dim", "dtype")
    return Code(call("F.embedding", *(operand.doc for operand in site.operands), **keywords))


def _prelu(site: Site) -> Code:
    return Code(call("F.prelu", *(operand.doc for operand in site.operands)))


FUNCTIONS: Mapping[str, Callable[[Site], Code]] = MappingProxyType(
    {
        "adaptive_avg_pool2d": _pool,
        "adaptive_max_pool2d": _pool,
        "arange": _arange,
        "avg_pool2d": _pool,
        "batch_norm": _batch_norm,
        "cat": _join,
        "conv1d": _convolution,
        "conv2d": _convolution,
        "conv3d": _convolution,
        "conv_transpose1d": _convolution,
        "conv_transpose2d": _convolution,
        "conv_transpose3d": _convolution,
        "dropout": _dropout,
        "einsum": _einsum,
        "embedding": _embedding,
        "feature_dropout": _feature_dropout,
        "full": _full,
        "gather": _gather,
        "group_norm": _norm,
        "gru": _recurrent,
        "identity": _identity,
        "index": _index,
        "layer_norm": _norm,
        "linear": _linear,
        "logical_and": _logical,
        "logical_or": _logical,
        "lstm": _recurrent,
        "matmul": _matmul,
        "max_pool2d": _pool,
        "pad": _pad,
        "pow": _pow,
        "prelu": _prelu,
        "rms_norm": _norm,
        "rnn": _recurrent,
        "rsub": _rsub,
        "scaled_dot_product_attention": _attention,
        "scatter": _scatter,
        "select": _select,
        "slice": _slice,
        "split": _split,
        "stack": _join,
    }
)
