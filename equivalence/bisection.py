"""Bisection: the first node at which two models differ, found by comparing the values of matched nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..backends import instantiate
from ..ir import Module, NascError, Node, show
from ..passes.diffing import Difference, Entry, diff, flat
from .certificate import Fault, Options
from .subjects import Subject
from .tolerance import error, limit
from .trials import NotRunError, run

_SHOWN = 3


@dataclass(frozen=True)
class Case:
    """The run that failed: its inputs, its mode and its seed."""

    inputs: Sequence[Tensor]
    train: bool
    seed: int


def first_difference(a: Subject, b: Subject, case: Case, options: Options) -> Fault:
    """Return where two models first differ in a run.

    Both are lowered, and their values computed in PyTorch with the weights that they hold now. Where these agree
    although the models do not, one of them is not what it was lowered to: then the first of its layers that differs
    from the IR is named.
    """
    for letter, subject in (("A", a), ("B", b)):
        if subject.module is None:
            why = str(subject.lowered).splitlines()[0].removeprefix("error: ")
            return Fault(f"not found: {letter} cannot be lowered: {why}")
    assert a.module is not None
    assert b.module is not None
    try:
        difference = diff(a.module, b.module)
        one, other = (values(m, s, case) for m, s in ((difference.before, a), (difference.after, b)))
    except (NascError, NotRunError) as failure:
        return Fault(f"not found: the IR does not run: {str(failure).splitlines()[0]}")
    return _of_nodes(difference, one, other, options) or _of_original(a, b, case, options)


def values(module: Module, subject: Subject, case: Case) -> dict[str, Tensor]:
    """Return every value of a flat module for one run, its weights those of a subject."""
    main = module.main
    names = [name for node in main.nodes for name in node.results]
    everything = module.with_graph(replace(main, outputs=tuple(names), output_types=()))
    live = instantiate(everything, subject.tensors())
    with torch.no_grad():
        made = run(Subject(subject.name, "", live), case.inputs, case.train, case.seed)
    return {name: value.detach() for name, value in zip(names, made, strict=True)}


def _of_nodes(
    difference: Difference, one: Mapping[str, Tensor], other: Mapping[str, Tensor], options: Options
) -> Fault | None:
    """Return the first matched node, in A's order, whose values differ; None where all agree."""
    matched = dict(difference.pairs)
    theirs = difference.after.main.producers()
    checked = 0
    for node in difference.before.main.nodes:
        if node.name not in matched:
            continue
        counterpart = theirs[matched[node.name]]
        for x, y in zip(node.results, counterpart.results, strict=False):
            allowed = limit(one[x].dtype, given=options.tolerance)
            apart = error(one[x], other[y])
            if apart > allowed:
                edits = tuple(_edit(entry) for entry in difference.entries[:_SHOWN])
                return Fault(
                    _called(node) + _reading(difference, node, counterpart),
                    _shown(node, one[x]),
                    _shown(counterpart, other[y]),
                    apart,
                    allowed,
                    checked,
                    (*edits, *_more(len(difference.entries) - _SHOWN)),
                )
            checked += 1
    return None


def _called(node: Node) -> str:
    return f"{node.op.name} {node.path or '%' + node.name}"


def _reading(difference: Difference, node: Node, counterpart: Node) -> str:
    """Return what a node reads that only one of the models has: then that is where they differ."""
    ours = {x for x, _ in difference.pairs}, difference.before.main.producers(), node, "A"
    theirs = {y for _, y in difference.pairs}, difference.after.main.producers(), counterpart, "B"
    for matched, makers, reader, letter in (ours, theirs):
        for operand in reader.operands:
            maker = makers.get(operand)
            if maker is not None and maker.name not in matched:
                return f", which reads {_called(maker)} in {letter}"
    return ""


def _shown(node: Node, value: Tensor) -> str:
    """Return a node as the certificate shows it, with its source line."""
    attributes = ", ".join(f"{name}={show(item)}" for name, item in node.op.stated().items() if name != "data")
    text = f"%{node.name} = {node.op.name} {{{attributes}}}" if attributes else f"%{node.name} = {node.op.name}"
    text += f" {list(value.shape)}"
    return f"{text}, at {node.loc}" if node.loc else text


def _edit(entry: Entry) -> str:
    changes = ", ".join(f"{c.attribute} {c.before} -> {c.after}" for c in entry.changes)
    return f"B against A: {entry.kind} {entry.op} {entry.place.shown}{': ' if changes else ''}{changes}"


def _more(count: int) -> tuple[str, ...]:
    return (f"and {count} more edits: see nasc diff A B",) if count > 0 else ()


def _of_original(a: Subject, b: Subject, case: Case, options: Options) -> Fault:
    """Return which of the models is not what it was lowered to, and in which layer."""
    for letter, subject in (("A", a), ("B", b)):
        assert subject.module is not None
        module = flat(subject.module)
        present = values(module, subject, case)
        try:
            with torch.no_grad():
                outputs, layers = _layers(subject, case)
        except NotRunError as failure:
            return Fault(f"{letter} itself does not run: {failure}")
        ours = [present[name] for name in module.main.outputs if name in present]
        if all(error(x, y) <= limit(x.dtype, given=options.tolerance) for x, y in zip(outputs, ours, strict=False)):
            continue
        for node in module.main.nodes:
            made = layers.get(node.path)
            if made is None or made.shape != present[node.name].shape:
                continue
            apart, allowed = error(made, present[node.name]), limit(made.dtype, given=options.tolerance)
            if apart > allowed:
                text = _shown(node, made)
                message = f"{letter} itself is not what it was lowered to, from layer {node.path} on"
                return Fault(message, *((text, "") if letter == "A" else ("", text)), apart, allowed)
        return Fault(f"{letter} itself is not what it was lowered to; no layer of its own shows where")
    return Fault("not found: all matched values of the two are equal", also=())


def _layers(subject: Subject, case: Case) -> tuple[list[Tensor], dict[str, Tensor]]:
    """Run a model; return its outputs, and what each of its layers that runs once gave."""
    seen: dict[str, list[Tensor]] = {}
    hooks = []
    for path, layer in subject.live.named_modules() if subject.live is not None else ():
        if next(layer.children(), None) is None:
            hooks.append(layer.register_forward_hook(_recorder(seen, path)))
    try:
        outputs = run(subject, case.inputs, case.train, case.seed)
    finally:
        for hook in hooks:
            hook.remove()
    return outputs, {path: given[0] for path, given in seen.items() if len(given) == 1}


def _recorder(seen: dict[str, list[Tensor]], path: str):  # type: ignore[no-untyped-def]
    def record(layer: torch.nn.Module, inputs: object, output: object) -> None:
        if isinstance(output, Tensor):
            seen.setdefault(path, []).append(output.detach().clone())

    return record
