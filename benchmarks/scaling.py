"""How the time of each stage grows with the number of nodes, as a Markdown table.

    python -m benchmarks.scaling
    python -m benchmarks.scaling --sizes 1000 10000 --models coat_tiny levit_conv_128s

Networks are chains of residual blocks (conv2d, batch_norm, relu, add), each block a layer of its own; models of timm
are lowered with torch.export, whose time is told apart. A ratio is the seconds a node at one size by those at the size
before: 1 is linear, 10 quadratic where sizes grow tenfold.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

from nasc.backends import emit_torch
from nasc.cli.arguments import positive
from nasc.grammar import parse, print_module
from nasc.ir import Builder, Graph, Module, Node, checked, digest, f32, symbol
from nasc.passes import Canonicalize, Outline, cost, inline
from nasc.passes.diffing import diff

Seconds = dict[str, float]


def chain(nodes: int) -> Module:
    """Return a chain of residual blocks of four nodes each."""
    b = Builder()
    x = b.input("x", f32(symbol("N"), 16, 8, 8))
    for i in range(nodes // 4):
        y = b("conv2d", x, out_channels=16, kernel_size=3, padding=1, bias=False, path=f"layers.{i}.conv")
        y = b("relu", b("batch_norm", y, path=f"layers.{i}.bn"), path=f"layers.{i}")
        x = b("add", y, x, path=f"layers.{i}")
    return b.module(x)


def nested(levels: int) -> Module:
    """Return blocks of blocks: each calls the one below twice, the lowest is a relu."""
    graphs: list[Graph] = []
    for level in range(levels):
        b = Builder(f"block{level}", blocks={graph.name: graph for graph in graphs})
        x = b.input("x", f32(symbol("N"), 16))
        for half in range(2):
            (x,) = b.call(f"block{level - 1}", x, path=f"half{half}") if level else (b("relu", x),)
        graphs.append(b.finish(x))
    return Module(tuple(graphs), graphs[-1].name)


def edited(module: Module) -> Module:
    """Return the module with one activation in its middle exchanged."""
    graph = module.main
    wanted = [i for i, node in enumerate(graph.nodes) if node.op.name in ("relu", "gelu", "hardswish")]
    place = wanted[len(wanted) // 2]
    nodes: list[Node] = list(graph.nodes)
    (sigmoid,) = parse("nasc 1\ngraph @a(%x: f32[1]) {\n  %y = sigmoid %x\n  return %y\n}\n").main.nodes
    nodes[place] = replace(nodes[place], op=sigmoid.op)
    return Module((graph.with_nodes(nodes),), module.entry)


def measured(module: Module) -> Seconds:
    """Return the processor seconds of every stage on one flat module."""
    seconds: Seconds = {}

    def stage(name: str, work: Callable[[], Any]) -> Any:
        gc.collect()
        start = time.process_time()
        result = work()
        seconds[name] = time.process_time() - start
        return result

    text = stage("print", lambda: print_module(module))
    read = stage("parse", lambda: parse(text))
    typed = stage("check", lambda: checked(read))
    stage("canonicalize", lambda: Canonicalize()(typed))
    outlined = stage("outline", lambda: Outline()(typed))
    stage("inline", lambda: inline(outlined))
    stage("emit torch", lambda: emit_torch(typed))
    stage("emit torch, outlined", lambda: emit_torch(outlined))
    stage("digest", lambda: digest(typed))
    stage("cost", lambda: cost(typed))
    other = edited(module)
    fresh = Module(module.graphs, module.entry)
    stage("diff, with normal form and costs of both", lambda: diff(fresh, other))
    return seconds


def table(columns: list[tuple[str, int, Seconds]], *, ratios: bool) -> None:
    """Print the seconds of each stage, a column a network."""
    print("\n| stage | " + " | ".join(name for name, _, _ in columns) + " |" + " ratios |" * ratios)
    print("|---" * (len(columns) + 1 + ratios) + "|")
    for stage in columns[0][2]:
        cells = " | ".join(f"{seconds[stage]:.2f}" for _, _, seconds in columns)
        each = [seconds[stage] / nodes for _, nodes, seconds in columns]
        grown = ", ".join(f"{b / a:.1f}" if a else "-" for a, b in pairwise(each))
        print(f"| {stage} | {cells} |" + f" {grown} |" * ratios)


def lowered(name: str) -> tuple[str, int, Seconds]:
    """Return a model of timm, lowered, with the seconds of torch.export, of our lowering and of all stages."""
    import timm
    import torch

    from nasc.frontends import lower

    model: Any = timm.create_model(name).eval()
    x = torch.zeros(1, *model.pretrained_cfg["input_size"])
    start = time.process_time()
    torch.export.export(model, (x,))
    exported = time.process_time() - start
    start = time.process_time()
    module = lower(model, x).module
    whole = time.process_time() - start
    nodes = len(module.main.nodes)
    seconds = {"torch.export": exported, "lower, with torch.export": whole, **measured(module)}
    return f"{name}, {nodes:,} nodes", nodes, seconds


def main() -> None:
    """Run everything."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sizes", type=positive, nargs="+", default=[1000, 10000, 100000], help="numbers of nodes")
    options.add_argument("--levels", type=positive, default=13, help="how deep blocks call blocks; default: 13")
    options.add_argument("--models", nargs="*", default=["levit_conv_128s", "coat_tiny"], help="models of timm")
    chosen = options.parse_args()
    load = f"{os.getloadavg()[0]:.1f}"
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load}; processor seconds")
    chains = [(f"{size:,} nodes", size, measured(chain(size))) for size in chosen.sizes]
    table(chains, ratios=True)
    deep = inline(nested(chosen.levels))
    size = len(deep.main.nodes)
    table([(f"{chosen.levels} levels of blocks, {size:,} nodes", size, measured(deep))], ratios=False)
    for name in chosen.models:
        table([lowered(name)], ratios=False)


if __name__ == "__main__":
    main()
