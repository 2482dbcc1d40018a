"""Which networks have one digest, as Markdown tables: docs/digests.md.

    python -m benchmarks.digests
    python -m benchmarks.digests --no-cells
    python -m benchmarks.digests --emitted --models resnet18 densenet121

With --emitted: models of timm and their emitted code, flat and outlined, lowered again. Without: seven networks in
PyTorch, as text, as ONNX and emitted and lowered again; and all cells of nb201, whose digests are held against
networkx's isomorphism of the same graphs.
"""

from __future__ import annotations

import argparse
import warnings
from collections import defaultdict
from itertools import combinations, product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import networkx as nx
import torch

from nasc.backends import emit_torch
from nasc.frontends import lower, lower_source
from nasc.frontends.cells.nb201 import NODES, OPERATIONS, cell, live_edges
from nasc.grammar import parse
from nasc.ir import Graph, Module, digest
from nasc.passes import Canonicalize, Outline, network_digest
from nasc.tests.digests.networks import NETWORKS

MODELS = (
    "resnet18 mobilenetv3_small_100 efficientnet_b0 convnext_tiny vit_tiny_patch16_224 swin_tiny_patch4_window7_224 "
    "densenet121 regnetx_002 mixer_s32_224 xception41"
).split()
TEXTS = Path(__file__).parents[1] / "tests" / "digests"


def pairs() -> None:
    """Print the digest of each of the seven networks in every form, and whether they are one."""
    print("| network | digest | text | ONNX | emitted, lowered again |")
    print("|---|---|---|---|---|")
    for name, (cls, shape) in NETWORKS.items():
        model, x = cls().eval(), torch.zeros(shape)
        module = lower(model, x).module
        wanted = network_digest(module)
        text = parse((TEXTS / f"{name}.nasc").read_text(encoding="utf-8"))
        others = (text, as_onnx(model, x), lower(rebuilt(module), x).module)
        cells = " | ".join("equal" if network_digest(other) == wanted else "differs" for other in others)
        print(f"| {name} | `{wanted[:12]}` | {cells} |", flush=True)


def emitted(names: list[str]) -> None:
    """Print whether models of timm have the digest of their emitted code, flat and outlined, lowered again."""
    import timm

    print("| model | nodes | digest | emitted | outlined, emitted |\n|---|---|---|---|---|")
    for name in names:
        model: Any = timm.create_model(name).eval()
        x = torch.zeros(1, *model.pretrained_cfg["input_size"])
        module = lower(model, x).module
        wanted = network_digest(module)
        again = (network_digest(lower(rebuilt(form), x).module) for form in (module, Outline()(module)))
        cells = " | ".join("equal" if found == wanted else "differs" for found in again)
        print(f"| {name} | {len(module.main.nodes):,} | `{wanted[:12]}` | {cells} |", flush=True)


def rebuilt(module: Module) -> torch.nn.Module:
    """Return a network as its emitted code builds it."""
    scope: dict[str, Any] = {}
    exec(compile(emit_torch(module), "emitted", "exec"), scope)  # noqa: S102 - emitted by us
    model: torch.nn.Module = scope["build_model"]().eval()
    return model


def as_onnx(model: torch.nn.Module, x: torch.Tensor) -> Module:
    """Return a model written as ONNX by torch.onnx.export, batch norms kept, and lowered."""
    keep: Any = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
    batch: Any = {"input_names": ["x"], "dynamic_axes": {"x": {0: "batch"}}}
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = str(Path(folder) / "model.onnx")
        torch.onnx.export(model, (x,), path, dynamo=False, **keep, **batch)
        return lower_source(path).module


def as_networkx(graph: Graph) -> Any:
    """Return a cell for networkx: sums do not order their operands, all other ops have one."""
    made: Any = nx.MultiDiGraph()
    made.add_nodes_from((value.name, {"label": "input"}) for value in graph.inputs)
    for node in graph.nodes:
        made.add_node(node.name, label=f"{node.op!r}{node.name in graph.outputs}")
        made.add_edges_from((operand, node.name) for operand in node.operands)
    return made


def isomorphic(one: Any, other: Any) -> bool:
    """Return what networkx says."""
    return bool(nx.is_isomorphic(one, other, node_match=lambda a, b: a["label"] == b["label"]))


def bucket(graph: Any) -> tuple[Any, ...]:
    """Return what isomorphic graphs share at least: each label with the labels that it reads."""
    labels = nx.get_node_attributes(graph, "label")
    return tuple(sorted((labels[v], tuple(sorted(labels[u] for u, _ in graph.in_edges(v)))) for v in graph))


def cells() -> None:
    """Print how many digests the cells of nb201 have, and whether networkx tells the same cells apart."""
    places = [(i, j) for j in range(1, NODES) for i in range(j)]
    strings = product(OPERATIONS, repeat=len(places))
    edges = {tuple(sorted(live_edges(dict(zip(places, ops, strict=True))).items())) for ops in strings}
    groups: dict[str, list[Any]] = defaultdict(list)
    for some in sorted(edges):
        module = Canonicalize()(Module((cell(some),), "cell"))
        groups[digest(module)].append(as_networkx(module.main))
    within = [isomorphic(group[0], other) for group in groups.values() for other in group[1:]]
    buckets: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for group in groups.values():
        buckets[bucket(group[0])].append(group[0])
    across = [isomorphic(a, b) for some in buckets.values() for a, b in combinations(some, 2)]
    print("\n| cells of nb201 | count |\n|---|---|")
    print(f"| strings | {len(OPERATIONS) ** len(places):,} |")
    print(f"| different sets of edges on a path from input to output | {len(edges):,} |")
    print(f"| different digests | {len(groups):,} |")
    print(f"| pairs of one digest, isomorphic by networkx | {sum(within):,} / {len(within):,} |")
    print(f"| pairs of two digests that read alike, isomorphic by networkx | {sum(across):,} / {len(across):,} |")


def main() -> None:
    """Run everything."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--no-cells", action="store_true", help="leave nb201 out")
    options.add_argument("--emitted", action="store_true", help="only models of timm against their emitted code")
    options.add_argument("--models", nargs="+", default=MODELS, help="models of timm; default: ten")
    chosen = options.parse_args()
    if chosen.emitted:
        emitted(chosen.models)
        return
    pairs()
    if not chosen.no_cells:
        cells()


if __name__ == "__main__":
    main()
