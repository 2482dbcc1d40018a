"""The digest does not see names, notes, source lines or the order of nodes; it sees everything that computes."""

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasc.grammar import parse
from nasc.ir import Builder, Graph, Input, Module, NascError, Node, checked, digest, f32, rename_values, symbol
from nasc.ir import refinement as bounds
from nasc.ir.digest import WEIGHT_NAMES
from nasc.ir.refinement import canonical_hash
from nasc.tests.ir.samples import Sample, samples
from nasc.tests.ir.strategies import modules

nx: Any = pytest.importorskip("networkx", reason="networkx is not installed")

BLOCK = """\
nasc 1

graph @main(%x: f32[N,8,8,8], %y: f32[N,8,8,8]) {{
  %a = conv2d %x {{out_channels=8, kernel_size=3, padding=1}}
  %b = relu %a
  %c = {last}
  return %c
}}
"""
OPS = ("relu", "sigmoid", "conv2d", "add", "mul", "sub", "matmul")


def renamed(graph: Graph) -> Graph:
    names = {name: f"v{i}" for i, name in enumerate(graph.value_names())}
    return replace(
        graph,
        inputs=tuple(Input(names[value.name], value.type) for value in graph.inputs),
        nodes=rename_values(graph.nodes, names),
        outputs=tuple(names[name] for name in graph.outputs),
    )


def shuffled(graph: Graph, seed: int) -> Graph:
    """Return the graph with its nodes in another topological order, and operands too where they have none."""
    chance = random.Random(seed)
    known = {value.name for value in graph.inputs}
    waiting = list(graph.nodes)
    order: list[Node] = []
    while waiting:
        node = chance.choice([node for node in waiting if known.issuperset(node.operands)])
        waiting.remove(node)
        known.update(node.results)
        operands = tuple(chance.sample(node.operands, len(node.operands)))
        order.append(replace(node, operands=operands) if node.op.commutative else node)
    return graph.with_nodes(order)


def repathed(node: Node) -> Node:
    """Return a node without notes and lines, its layer called something else."""
    path = f"layer_{node.path}" if node.path else ""
    named = {name: value for name, value in node.op.attributes().items() if name in WEIGHT_NAMES and value}
    op = node.op.replace(**{name: f"layer_{value}" for name, value in named.items()})
    return replace(node, op=op, notes={}, loc=None, path=path)


@settings(max_examples=15, deadline=None)
@given(modules(), st.integers())
def test_names_notes_and_order_do_not_count(module: Module, seed: int) -> None:
    graphs = tuple(shuffled(renamed(graph), seed) for graph in module.graphs)
    bare = tuple(graph.with_nodes(map(repathed, graph.nodes)) for graph in graphs)
    assert digest(Module(bare, module.entry)) == digest(module)


def network(seed: int) -> Module:
    """A few ops of one type that read each other at random, some with the weights of others."""
    r = random.Random(seed)
    b = Builder()
    values = [b.input("x", f32(symbol("N"), 4, 4, 4))]
    for _ in range(r.randint(3, 7)):
        op = r.choice(OPS)
        operands = [r.choice(values[-4:]) for _ in range(1 if op in OPS[:3] else 2)]
        if op == "conv2d":
            layer = f"conv2d.{r.randint(0, 2)}"
            values.append(b(op, *operands, path=layer, out_channels=4, kernel_size=3, padding=1))
        else:
            values.append(b(op, *operands))
    return b.module(*r.sample(values[1:], r.randint(1, 2)))


def as_networkx(module: Module) -> Any:
    """The live part of a graph with operand positions on its edges, outputs and shared weights as vertices."""
    made, graph = nx.MultiDiGraph(), module.main
    made.add_nodes_from((value.name, {"label": f"input {i}"}) for i, value in enumerate(graph.inputs))
    owners: dict[str, list[str]] = {}
    for node in graph.nodes:
        made.add_node(node.name, label=repr(node.op))
        for place, operand in enumerate(node.operands):
            made.add_edge(operand, node.name, place=0 if node.op.commutative else place)
        if node.path:
            owners.setdefault(node.path, []).append(node.name)
    for place, name in enumerate(graph.outputs):
        made.add_node(f"output {place}", label=f"output {place}")
        made.add_edge(name, f"output {place}", place=0)
    live = set().union(*({f"output {i}"} | nx.ancestors(made, f"output {i}") for i in range(len(graph.outputs))))
    made.remove_nodes_from(set(made) - live - {graph.inputs[0].name})
    for path, names in owners.items():
        for one, other in combinations([name for name in names if name in live], 2):
            made.add_node(f"shared {path} {one} {other}", label="shared")
            made.add_edges_from((name, f"shared {path} {one} {other}", {"place": 0}) for name in (one, other))
    return made


def isomorphic(a: Module, b: Module) -> bool:
    def places(one: Any, other: Any) -> bool:
        return sorted(e["place"] for e in one.values()) == sorted(e["place"] for e in other.values())

    def labels(one: Any, other: Any) -> bool:
        return bool(one["label"] == other["label"])

    return bool(nx.is_isomorphic(as_networkx(a), as_networkx(b), node_match=labels, edge_match=places))


def rewired(module: Module, seed: int) -> Module:
    """Return a network with one operand, op or layer of a node exchanged."""
    r = random.Random(seed)
    nodes = list(module.main.nodes)
    place = r.randrange(len(nodes))
    node = nodes[place]
    known = [module.main.inputs[0].name, *(other.name for other in nodes[:place])]
    edits: list[Callable[[], Node]] = [
        lambda: replace(node, operands=node.operands[::-1]),
        lambda: replace(node, operands=(*node.operands[:-1], r.choice(known))),
        lambda: replace(node, path=f"conv2d.{r.randint(0, 2)}" if node.path else ""),
    ]
    nodes[place] = r.choice(edits)()
    return Module((module.main.with_nodes(nodes),))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_digests_are_equal_exactly_for_isomorphic_graphs(seed: int, other: int) -> None:
    before = network(seed)
    for after in (rewired(before, other), rewired(rewired(before, other), other + 1), network(other)):
        assert (digest(before) == digest(after)) == isomorphic(before, after)


@pytest.mark.parametrize("sample", samples(), ids=str)
def test_each_attribute_counts(sample: Sample) -> None:
    """Every attribute of every op, set to other values that check, makes another network."""
    before, node = digest(sample.module), sample.node
    for name, kind in node.op.known.items():
        if name in WEIGHT_NAMES:
            continue
        for value in (0, 1, 2, 3, 0.5, True, False, "f64", "i64", "zz", *kind.choices, (1, 2), (2, 1), (0, 1, 2), None):
            try:
                op = node.op.replace(**{name: value})
                nodes = tuple(replace(n, op=op, types=()) if n is node else n for n in sample.module.main.nodes)
                after = checked(Module((replace(sample.module.main, nodes=nodes, output_types=()),)))
            except NascError:
                continue
            made = after.main.nodes[sample.module.main.nodes.index(node)]
            assert (digest(after) == before) == ((op, made.types) == (node.op, node.types)), f"{name}={value}"


def test_operands_of_commutative_ops_have_no_order() -> None:
    assert digest(parse(BLOCK.format(last="add %b, %y"))) == digest(parse(BLOCK.format(last="add %y, %b")))
    for op in ("sub", "matmul", "div", "cat"):
        given = " {dim=1}" if op == "cat" else ""
        one, other = (parse(BLOCK.format(last=f"{op} {operands}{given}")) for operands in ("%b, %y", "%y, %b"))
        assert digest(one) != digest(other), op


@pytest.mark.parametrize("last", ["mul %b, %y", "add %a, %y", "add %b, %x", "add %b {other=1}", "relu %b"])
def test_what_computes_counts(last: str) -> None:
    assert digest(parse(BLOCK.format(last=last))) != digest(parse(BLOCK.format(last="add %b, %y")))


def test_attributes_and_sizes_count() -> None:
    text = BLOCK.format(last="add %b, %y")
    same = {digest(parse(text)), digest(parse(text.replace("padding=1", "padding=[1, 1], bias=true")))}
    assert len(same) == 1
    assert digest(parse(text.replace("f32[N,8,8,8]", "f32[N,8,9,9]"))) not in same
    assert digest(parse(text.replace("padding=1", "padding=1, bias=false"))) not in same


def test_symbols_have_no_names() -> None:
    text = BLOCK.format(last="reshape %b {shape=[N*8, 64]}")
    other = text.replace("N", "batch")
    assert digest(parse(other)) == digest(parse(text))
    assert digest(parse(text.replace("%y: f32[N", "%y: f32[M"))) != digest(parse(text))


def test_dead_nodes_do_not_count() -> None:
    text = BLOCK.format(last="add %b, %y")
    assert digest(parse(text.replace("  return", "  %dead = relu %c\n  return"))) == digest(parse(text))


def test_a_shared_value_is_not_one_computed_twice() -> None:
    shared = BLOCK.format(last="add %b, %b")
    twice = shared.replace("%c = add %b, %b", "%d = relu %a\n  %c = add %b, %d")
    assert digest(parse(shared)) != digest(parse(twice))


LAYERS = """\
nasc 1

graph @main(%x: f32[N,8]) {{
  %a = linear %x {{out_features=8}} #{0}
  %b = relu %a
  %c = linear %b {{out_features=8}} #{1}
  %d = relu %c
  %e = linear %d {{out_features=8}} #{2}
  return %e
}}
"""


def test_weights_that_layers_share_count_but_not_their_names() -> None:
    texts = {paths: LAYERS.format(*paths) for paths in ("abc", "xyz", "aab", "ccd", "abb", "aba", "aaa")}
    digests = {paths: digest(parse(text)) for paths, text in texts.items()}
    assert digests["abc"] == digests["xyz"]
    assert digests["aab"] == digests["ccd"]
    assert len(set(digests.values())) == 5


def test_a_tensor_that_two_parameters_name_is_shared() -> None:
    text = """\
nasc 1

graph @main(%x: f32[N,8]) {{
  %p = parameter {{key="{0}", shape=8}}
  %q = parameter {{key="{1}", shape=8}}
  %y = mul %x, %p
  %z = sub %y, %q
  return %z
}}
"""
    alone, shared = digest(parse(text.format("a", "b"))), digest(parse(text.format("b", "b")))
    assert alone == digest(parse(text.format("p", "q")))
    assert alone != shared


def test_calls_of_one_layer_share_its_weights() -> None:
    text = """\
nasc 1

graph @main(%x: f32[N,8]) {{
  %a = call @block %x #{0}
  %b = call @block %a #{1}
  return %b
}}

graph @block(%x: f32[N,8]) {{
  %y = {2} %x
  return %y
}}
"""
    linear = "linear {out_features=8}"
    one, other = (digest(parse(text.format(*paths, "relu"))) for paths in ("ab", "aa"))
    assert one == other
    layers = text.replace("{2} %x", linear.replace(" ", " %x ", 1).replace("{", "{{").replace("}", "}}"))
    assert digest(parse(layers.format("a", "b"))) != digest(parse(layers.format("a", "a")))


Cycle = tuple[list[bytes], list[list[tuple[int, bytes]]]]


def rings(*lengths: int) -> Cycle:
    """Rings of pairs: vertices that no refinement tells apart."""
    total, start = sum(lengths), 0
    edges: list[list[tuple[int, bytes]]] = [[] for _ in range(total)]
    for length in lengths:
        edges += [[(start + i, b""), (start + (i + 1) % length, b"")] for i in range(length)]
        start += length
    return [b"a"] * total + [b"b"] * total, edges


def turned(ring: Cycle, seed: int) -> Cycle:
    """Return a graph with its lower vertices in another order."""
    labels, edges = ring
    order = random.Random(seed).sample(range(len(labels) // 2), len(labels) // 2)
    return labels, [sorted(((order[v], tag) for v, tag in some), reverse=True) for some in edges]


def test_regular_graphs_that_differ_are_told_apart() -> None:
    assert canonical_hash(*rings(6)) == canonical_hash(*turned(rings(6), 1))
    assert canonical_hash(*rings(3, 5)) == canonical_hash(*turned(rings(5, 3), 2))
    assert len({canonical_hash(*rings(*some)) for some in ((8,), (5, 3), (4, 4))}) == 3


def test_the_search_is_bounded_the_same_way_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_VISITS", 2000)
    whole = canonical_hash(*rings(40))
    assert all(canonical_hash(*turned(rings(40), seed)) == whole for seed in range(3))


def test_many_equal_branches_take_no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twins are hashed by themselves: 2,000 sums of two equal branches need no vertex set apart."""
    labels, edges = [b"x"], [list[tuple[int, bytes]]()]
    for _ in range(2000):
        top = len(labels) - 1
        labels += [b"conv", b"conv", b"add"]
        edges += [[(top, b"")], [(top, b"")], [(top + 1, b""), (top + 2, b"")]]
    sweeps: list[int] = []
    sweep = bounds._sweep  # pyright: ignore[reportPrivateUsage]

    def counted(vertices: Any, *rest: Any) -> None:
        seen = list(vertices)
        sweeps.append(len(seen))
        sweep(seen, *rest)

    monkeypatch.setattr(bounds, "_sweep", counted)
    canonical_hash(labels, edges)
    assert sum(sweeps) <= 6 * len(labels) + 4 * 2000
