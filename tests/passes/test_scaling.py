"""Large and deep modules: no stage recurses, and the work grows as the number of nodes does."""

import inspect
import sys
from collections.abc import Callable
from itertools import count
from types import FrameType
from typing import Any

import pytest

from nasc.backends import emit_torch
from nasc.benchmarks.scaling import chain, edited, nested
from nasc.grammar import parse, print_module
from nasc.ir import Builder, Graph, Module, NascError, checked, digest, f32, symbol
from nasc.passes import Canonicalize, Outline, cost, inline, network_digest
from nasc.passes.diffing import diff

STAGES: dict[str, Callable[[Module], object]] = {
    "print": print_module,
    "parse": lambda module: parse(print_module(module, types=False)),
    "check": lambda module: checked(parse(print_module(module, types=False))),
    "canonicalize": Canonicalize(),
    "outline": Outline(),
    "emit": emit_torch,
    "digest": digest,
    "cost": cost,
    "diff": lambda module: diff(module, edited(module)),
}


def calls(work: Callable[[], object]) -> int:
    """Return how many Python functions were called."""
    counter = count()

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        if event in ("call", "c_call"):
            next(counter)

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return next(counter)


def lines_run(work: Callable[[], object]) -> int:
    """Return how many lines were run."""
    counter = count()

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        next(counter)
        return trace

    usual = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(usual)
    return next(counter)


@pytest.mark.parametrize("stage", STAGES)
def test_the_work_grows_as_the_nodes_do(stage: str) -> None:
    STAGES[stage](chain(16))
    small, large = (chain(80), chain(320))
    few, many = calls(lambda: STAGES[stage](small)), calls(lambda: STAGES[stage](large))
    assert many <= 4.6 * few


def branches(count: int) -> Module:
    """Values that are all live at once."""
    b = Builder()
    x = b.input("x", f32(symbol("N"), 8))
    return b.module(b("cat", *(b("relu", x, path=f"branch.{i}") for i in range(count)), dim=1))


def steps(count: int) -> Module:
    """One group of layers whose activations have no names of their own."""
    b = Builder()
    x = b.input("x", f32(symbol("N"), 8))
    for i in range(count):
        x = b("gelu", b("linear", x, out_features=8, path=f"steps.{2 * i + 7}"), path="steps")
    return b.module(x)


def again(count: int) -> Module:
    """Calls that share one path, and so their weights."""
    g = Builder("block")
    block = g.finish(g("linear", g.input("x", f32(symbol("N"), 8)), out_features=8, path="fc"))
    b = Builder(blocks={"block": block})
    x = b.input("x", f32(symbol("N"), 8))
    for _ in range(count):
        (x,) = b.call("block", x, path="same")
    return b.module(x)


@pytest.mark.parametrize(("made", "stage"), [(branches, emit_torch), (steps, emit_torch), (again, inline)])
def test_names_that_collide_are_told_apart_in_linear_work(
    made: Callable[[int], Module], stage: Callable[[Module], object]
) -> None:
    stage(made(8))
    small, large = made(200), made(800)
    assert lines_run(lambda: stage(large)) <= 5 * lines_run(lambda: stage(small))


def test_thousands_of_nodes_pass_every_stage() -> None:
    """Several times as many nodes as Python nests calls."""
    module = chain(4 * sys.getrecursionlimit())
    read = parse(print_module(module))
    assert read == module
    assert digest(Canonicalize()(read)) == digest(module)
    (entry,) = diff(read, edited(module)).entries
    assert entry.kind == "changed"


def deep(levels: int) -> Module:
    """Blocks that each call the one before."""
    graphs: list[Graph] = []
    for level in range(levels):
        b = Builder(f"block{level}", blocks={graph.name: graph for graph in graphs[-1:]})
        x = b.input("x", f32(symbol("N"), 8))
        if level:
            (x,) = b.call(f"block{level - 1}", x)
        graphs.append(b.finish(b("relu", x)))
    return Module(tuple(graphs), graphs[-1].name)


def test_calls_may_nest_deeper_than_python_does() -> None:
    module = deep(200)
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 160)
    try:
        flat = inline(module)
        assert len(flat.main.nodes) == len(module.graphs)
        assert network_digest(module) == digest(flat)
        assert parse(print_module(module)) == module
        assert "class Block0" in emit_torch(module)
    finally:
        sys.setrecursionlimit(usual)


def test_blocks_of_blocks_are_one_flat_network() -> None:
    flat = inline(nested(9))
    assert len(flat.main.nodes) == 2**9
    assert digest(flat) == digest(inline(Module((flat.main,), flat.entry)))


def test_calls_that_would_make_billions_of_nodes_are_refused_before_any_is_made() -> None:
    with pytest.raises(NascError) as caught:
        inline(nested(40))
    (found,) = caught.value.diagnostics
    assert found.message == "@block39 has 1,099,511,627,776 nodes once its calls are expanded"
    assert found.hint == "expected at most 200,000"
    with pytest.raises(NascError, match=r"@block79 has more than 10\*\*15 nodes once its calls are expanded"):
        inline(nested(80))
