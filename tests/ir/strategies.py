"""Hypothesis strategies: random sizes, names and well-typed modules over the whole op table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from hypothesis import strategies as st

from nasc.ir import (
    OPS,
    Builder,
    CallBlock,
    Dim,
    DType,
    Graph,
    Loc,
    Module,
    NascError,
    Node,
    TensorType,
    arity,
    attributes_of,
    build,
    checked,
    defaults_of,
    symbol,
)

Draw = Callable[[st.SearchStrategy[Any]], Any]
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.]{0,8}", fullmatch=True)
WORDS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
TEXTS = st.text(max_size=12)
FLOATS = st.floats(allow_nan=False)
NOTES = st.dictionaries(
    st.one_of(WORDS, TEXTS), st.one_of(FLOATS, TEXTS, st.booleans(), st.integers(-(2**63) + 1, 2**63 - 1)), max_size=3
)
LOCS = st.builds(Loc, TEXTS, st.integers(0, 999), st.integers(0, 99))
SHAPES = ((symbol("N"), 8, 12, 12), (symbol("N"), 12, 16), (2, 8, 6, 5), (symbol("N"), 16), (2, 4, 6, 6, 6))


def dims(names: Sequence[str] = ("N", "C", "H")) -> st.SearchStrategy[Dim]:
    """Integer expressions over symbols, of the four operations."""
    leaves = st.one_of(st.integers(-4, 64), st.sampled_from(names).map(symbol))
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(lambda a, b: a + b, inner, inner),
            st.builds(lambda a, b: a - b, inner, inner),
            st.builds(lambda a, b: a * b, inner, inner),
            st.builds(lambda a, b: a // b, inner, st.integers(1, 8)),
        ),
        max_leaves=6,
    )


def types(dtypes: Sequence[DType] = (DType.F32, DType.I64, DType.BOOL)) -> st.SearchStrategy[TensorType]:
    """Types of rank 0 to 5 with small sizes, the first perhaps symbolic."""
    sizes = st.lists(st.sampled_from([1, 2, 3, 4, 6, 8, 12]), max_size=5)
    first = st.sampled_from([symbol("N"), 2])
    shapes = st.builds(lambda a, rest: (a, *rest) if rest else (), first, sizes)
    return st.builds(TensorType, st.sampled_from(list(dtypes)), shapes)


def _sizes(draw: Draw, x: TensorType) -> dict[str, object]:
    """Attributes that must fit the operand's shape, by name; what is not here is drawn from its kind."""
    rank = x.rank
    axis = draw(st.integers(-rank, rank - 1)) if rank else 0
    size = x.shape[axis] if rank else 1
    whole = size if isinstance(size, int) else 2
    part = draw(st.integers(0, whole))
    keep = draw(st.integers(0, max(rank - 1, 0)))
    axes = draw(st.permutations(range(rank)))
    return {
        "dim": axis,
        "axes": axes[: draw(st.integers(0, rank))],
        "dims": axes,
        "normalized_shape": x.shape[keep:] or (1,),
        "shape": (*x.shape[:keep], -1) if rank else (2, 3),
        "sizes": (part, whole - part),
        "repeats": [draw(st.integers(1, 2)) for _ in range(rank)],
        "shifts": [draw(st.integers(-3, 3)) for _ in range(rank)],
        "pad": [draw(st.integers(0, 1)) for _ in range(2 * draw(st.integers(0, rank)))],
        "num_parameters": 1,
        "data": "",
        "num_groups": draw(st.sampled_from([1, 2])),
        "num_embeddings": 16,
        "index": 0,
        "start_dim": 0,
        "end_dim": -1,
    }


def _attribute(draw: Draw, name: str, cls: type, fitting: Mapping[str, object]) -> object:
    kind = attributes_of(cls)[name]
    fits = "axes" if name == "dim" and kind.kind == "ints" else name
    if fits in fitting:
        return fitting[fits]
    low = int(kind.low or 0)
    small = st.integers(max(low, 0), max(low, 0) + 3)
    if kind.kind in ("dims", "ints"):
        return draw(st.lists(small, min_size=kind.length or 1, max_size=kind.length or 3))
    strategies: dict[str, st.SearchStrategy[Any]] = {
        "dim": st.sampled_from([n for n in (1, 2, 4, 8, 12) if n >= low]),
        "int": small,
        "flag": st.booleans(),
        "real": st.floats(0.25 if kind.low is None else max(kind.low, 0.001), 1.0),
        "word": st.sampled_from(kind.choices),
        "dtype": st.sampled_from([DType.F32, DType.I64]),
        "scalar": st.one_of(st.integers(1, 3), st.sampled_from([0.5, 2.0])),
        "text": TEXTS,
    }
    return draw(strategies[kind.kind])


def _attributes(draw: Draw, name: str, x: TensorType) -> dict[str, object]:
    """Draw the attributes that must be given, and some of the others."""
    cls = OPS[name]
    fitting = _sizes(draw, x)
    return {
        attribute: _attribute(draw, attribute, cls, fitting)
        for attribute in attributes_of(cls)
        if attribute not in defaults_of(cls) or draw(st.integers(0, 3)) == 0
    }


def _step(draw: Draw, builder: Builder, names: Sequence[str]) -> bool:
    """Add a node if what was drawn fits; return whether it did."""
    name = names[int(draw(st.integers(0, 2**16))) % len(names)]
    cls = OPS[name]
    least, most = arity(cls)
    count = draw(st.integers(least, max(least, 2) if most is None else most))
    values = list(builder.types)
    operands = [values[-1 - draw(st.integers(0, len(values) - 1))] for _ in range(count)]
    x = builder.types[operands[0]] if operands else TensorType(DType.F32, ())
    if count > 1 and draw(st.booleans()):
        operands = [operands[0]] * count
    try:
        op = build(cls, _attributes(draw, name, x))
        builder.add(op, operands, path=draw(st.one_of(st.just(""), NAMES)), name=draw(NAMES))
    except NascError:
        return False
    return True


def _decorated(draw: Draw, graph: Graph) -> Graph:
    """Give some nodes notes and source lines, and the graph scopes."""
    nodes = [
        replace(node, notes=MappingProxyType(draw(NOTES)), loc=draw(st.one_of(st.none(), LOCS)))
        if draw(st.booleans())
        else node
        for node in graph.nodes
    ]
    scopes = draw(st.dictionaries(st.one_of(NAMES, TEXTS), st.one_of(NAMES, TEXTS), max_size=2))
    return replace(graph, nodes=tuple(nodes), scopes=MappingProxyType(scopes))


@st.composite
def graphs(draw: Draw, name: str = "main", steps: int = 8, ops: Sequence[str] = ()) -> Graph:
    """Well-typed graphs of up to ``steps`` nodes."""
    builder = Builder(name)
    builder.input("x", draw(st.sampled_from(SHAPES).map(lambda shape: TensorType(DType.F32, shape))))
    for _ in range(draw(st.integers(0, 2))):
        builder.input("y", draw(types()))
    names = ops or sorted(set(OPS) - {"call"})
    for _ in range(draw(st.integers(1, steps))):
        any(_step(draw, builder, names) for _ in range(3))
    outputs = draw(st.lists(st.sampled_from(list(builder.types)), min_size=1, max_size=3))
    return builder.finish(*outputs)


@st.composite
def modules(draw: Draw, steps: int = 8, *, decorated: bool = True, ops: Sequence[str] = ()) -> Module:
    """Well-typed modules; perhaps with a block that the entry calls, notes, source lines and scopes."""
    main = draw(graphs(steps=steps, ops=ops))
    blocks: tuple[Graph, ...] = ()
    if draw(st.booleans()):
        block = draw(graphs("block", steps=3, ops=ops))
        main = _calling(main, block)
        blocks = (block,)
    everything = (main, *blocks)
    if decorated:
        everything = tuple(_decorated(draw, graph) for graph in everything)
    notes = draw(NOTES) if decorated else {}
    return checked(Module(everything, "main", MappingProxyType(notes)))


def _calling(main: Graph, block: Graph) -> Graph:
    """Return a graph that has the block's inputs too and calls it."""
    inputs = tuple(replace(value, name=f"for_{value.name}") for value in block.inputs)
    results = tuple(f"from_{i}" for i in range(len(block.outputs)))
    call = Node(CallBlock(callee=block.name), tuple(value.name for value in inputs), results, block.output_types)
    return replace(
        main,
        inputs=(*main.inputs, *inputs),
        nodes=(*main.nodes, call),
        outputs=(*main.outputs, results[0]),
        output_types=(*main.output_types, block.output_types[0]),
    )
