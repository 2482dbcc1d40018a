"""Blocks in the NADER language as a frontend: files, the skeleton that stacks their blocks, sizes of the input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..grammar import parse_nader_files
from ..ir import Dim, Graph, Input, Module, NascError, TensorType, checked, symbol

_BLOCK_SETTINGS = ("dim",)


def lower_blocks(
    files: Sequence[tuple[str, str]], settings: Mapping[str, object], inputs: Sequence[TensorType]
) -> Module:
    """Return the module of texts, each with its name.

    ``settings`` are those of a skeleton (``widths``, ``depths``, ``classes``, ``channels``, ``size``), or ``dim`` of
    the first block. ``inputs`` holds the type of the input at most: it takes the place of C, H and W of a block, and
    of the channels and size of a skeleton. Raises NascError.
    """
    image = _image(inputs)
    stacking: dict[str, object] = {name: value for name, value in settings.items() if name not in _BLOCK_SETTINGS}
    if image is not None and stacking:
        stacking |= {"channels": image.shape[1], "size": image.shape[2:]}
    module = parse_nader_files(files, stacking or None)
    given: dict[str, Dim] = {}
    dim = settings.get("dim")
    if isinstance(dim, int) and "dim" in module.main.symbols:
        given["dim"] = dim
    elif "dim" in settings:
        raise NascError.of(f"dim={dim} fits no block here", "stem and downsample blocks take dim=64", "arguments")
    if image is not None:
        given |= _sizes(module.main, image)
    return checked(replace(module, graphs=(_bound(module.main, given), *module.graphs[1:]))) if given else module


def _image(inputs: Sequence[TensorType]) -> TensorType | None:
    if len(inputs) > 1 or any(t.rank != 4 for t in inputs):
        raise NascError.of("blocks take one input of rank 4", "expected --input 1x3x32x32", "inputs")
    return inputs[0] if inputs else None


def _sizes(graph: Graph, image: TensorType) -> dict[str, Dim]:
    (formal,) = graph.inputs
    wanted = tuple(symbol(name) for name in "CHW")
    if formal.type.shape[1:] == wanted:
        return dict(zip("CHW", image.shape[1:], strict=True))
    if formal.type.shape[1:] != image.shape[1:]:
        hint = "give the skeleton channels=... and size=... instead"
        raise NascError.of(f"this network takes {formal.type}, not {image}", hint, "inputs")
    return {}


def _bound(graph: Graph, values: Mapping[str, Dim]) -> Graph:
    """Return a graph with sizes in place of some of its symbols."""
    nodes = tuple(
        replace(node, op=node.op.substitute(values), types=tuple(t.substitute(values) for t in node.types))
        for node in graph.nodes
    )
    return replace(
        graph,
        inputs=tuple(Input(value.name, value.type.substitute(values)) for value in graph.inputs),
        nodes=nodes,
        symbols=tuple(name for name in graph.symbols if name not in values),
        output_types=tuple(t.substitute(values) for t in graph.output_types),
    )
