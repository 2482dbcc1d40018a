"""Lowering of a PyTorch model or an exported program: the public functions of this folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from torch import Tensor, fx, nn
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from ...ir import Builder, Diagnostic, Loc, Module, NascError
from ..lowered import Lowered
from .capture import capture
from .decomposing import decomposed, with_casts
from .leftovers import add_leftovers, trained_keys
from .modes import mode_read_as, switch_norms
from .rehearsal import rehearse
from .sizes import Sizes
from .state import State
from .training import differing, lost, same_in_evaluation
from .translation import Translation

Place = tuple[str, Loc | None]


def lower_model(model: nn.Module, inputs: tuple[Any, ...], dynamic_batch: bool, source: str) -> Lowered:
    """Return a model as a module, and warnings of what it does otherwise in training. Raises NascError.

    What forward's own code does in training alone, by asking for ``self.training``, is kept where it is nothing but
    dropout: where the model lowered as it trains is the same network in evaluation.
    """
    lowered = evaluated(model, inputs, dynamic_batch, source)
    first = rehearse(model, inputs)
    otherwise, second = differing(model, inputs, first)
    random = second is not None and second.calls.draws()  # no op draws numbers but dropout
    trained = lowered if not otherwise else None if random else _trained(model, inputs, dynamic_batch, source, lowered)
    told = lost(model, first, second, () if trained is not None else otherwise)
    return replace(trained or lowered, diagnostics=(*lowered.diagnostics, *told))


def _trained(
    model: nn.Module, inputs: tuple[Any, ...], dynamic_batch: bool, source: str, lowered: Lowered
) -> Lowered | None:
    """Return a model as it trains; None where that is another network in evaluation than ``lowered``."""
    try:
        with mode_read_as(lambda: True):
            trained = evaluated(model, inputs, dynamic_batch, source, training=True)
        return trained if same_in_evaluation(trained.module, lowered.module) else None
    except NascError:
        return None


def evaluated(
    model: nn.Module, inputs: tuple[Any, ...], dynamic_batch: bool, source: str, *, training: bool = False
) -> Lowered:
    """Return a model in evaluation mode as a module. Raises NascError with every operation that has no op.

    ``training`` says that its own code is told that it trains.
    """
    captured = capture(model, inputs, dynamic_batch)
    if training:
        switch_norms(captured.program)
    weights = {key: value.detach() for key, value in model.state_dict().items() if isinstance(value, Tensor)}
    lowered = lower_program(
        captured.program, captured.symbols, scopes_of(model), source, model.state_dict(keep_vars=True)
    )
    merged = {**weights, **{k: v for k, v in lowered.weights.items() if k not in weights}}
    return Lowered(lowered.module, MappingProxyType(merged), captured.diagnostics)


def lower_program(
    program: ExportedProgram,
    symbols: Mapping[str, str],
    scopes: Mapping[str, str] | None = None,
    source: str = "",
    whole: Mapping[str, object] | None = None,
) -> Lowered:
    """Return an exported program as a module; ``symbols`` names its symbolic sizes.

    ``whole`` is the model's own state dict, which may hold more than the program does. Calls that have no rule are
    decomposed by PyTorch, where it can.
    """
    program = with_casts(program)
    translation, outputs = _translated(program, symbols)
    if translation.missing:
        simpler = decomposed(program)
        if simpler is not None:
            program, asked = simpler, translation.missing
            translation, outputs = _translated(program, symbols)
            translation.missing = _as_asked(asked, translation.missing)
    state = translation.state
    _raise_problems(translation)
    tensors = {k: v for k, v in (whole or program.state_dict).items() if isinstance(v, Tensor)}
    add_leftovers(translation.builder, translation.sizes, tensors, trained_keys(tensors))
    graph = _finish(translation, program, outputs, _scopes(program) if scopes is None else scopes)
    notes = {"source": source, "framework": "torch"} if source else {"framework": "torch"}
    module = Module((graph,), graph.name, MappingProxyType(dict(notes)))
    weights = {key: value.detach() for key, value in program.state_dict.items() if isinstance(value, Tensor)}
    return Lowered(module, MappingProxyType({**weights, **state.constants(), **translation.folded}))


def _translated(program: ExportedProgram, symbols: Mapping[str, str]) -> tuple[Translation, list[fx.Node]]:
    """Return the translation of a program, with all its problems, and the nodes that it gives out."""
    translation = Translation(Sizes(symbols), State(program), program.graph_module)
    user_inputs = {spec.arg.name for spec in program.graph_signature.input_specs if spec.kind is InputKind.USER_INPUT}
    for node in program.graph.nodes:
        if node.op == "placeholder" and node.name in user_inputs and _is_tensor(node):
            translation.input(node)
    return translation, translation.walk(program.graph)


def _as_asked(asked: Mapping[str, list[Place]], missing: dict[str, list[Place]]) -> dict[str, list[Place]]:
    """Return what is missing under the names that the model calls, not those of what PyTorch takes them apart into."""
    places = {place for found in missing.values() for place in found}
    named = {name: found for name, found in asked.items() if places.intersection(found)}
    known = {place for found in named.values() for place in found}
    return named | {name: found for name, found in missing.items() if not known.issuperset(found)}


def _finish(
    translation: Translation, program: ExportedProgram, outputs: list[fx.Node], scopes: Mapping[str, str]
) -> Any:
    """Return the graph with the outputs of the user; what only updates buffers is left out."""
    wanted = set(program.graph_signature.user_outputs)
    names = [translation.value(node) for node in outputs if node.name in wanted and _is_tensor(node)]
    if not names:
        raise NascError.of(
            "the model returns no tensor",
            "forward must return a tensor, or tensors in a tuple or dict",
            "no-output",
        )
    builder: Builder = translation.builder
    return builder.finish(*names, scopes=scopes)


def _raise_problems(translation: Translation) -> None:
    missing = [_missing(name, places) for name, places in translation.missing.items()]
    if missing or translation.problems:
        raise NascError(*missing, *translation.problems)


def _missing(name: str, places: list[Place]) -> Diagnostic:
    path, loc = places[0]
    times = f" ({len(places)} times)" if len(places) > 1 else ""
    return Diagnostic(
        f"nasc has no op for {name if '::' in name else f'aten.{name}'}{times}",
        "write it with operations that nasc has, or add an op to ir/ops with its aten fact",
        "unknown-aten",
        where=loc,
        path=path,
    )


def _is_tensor(node: fx.Node) -> bool:
    return isinstance(node.meta.get("val"), Tensor)


def scopes_of(model: nn.Module) -> dict[str, str]:
    """Return the class name of every module of a model that is worth a name, by its path."""
    return {path: type(module).__name__ for path, module in model.named_modules() if _is_scope(module)}


def _is_scope(module: nn.Module) -> bool:
    """Return whether a module is worth a name: it has children, or is not one of PyTorch's own layers."""
    own = type(module).__module__.startswith("torch.nn.modules")
    return next(module.children(), None) is not None or not own


def _scopes(program: ExportedProgram) -> dict[str, str]:
    """Return the class of every module that an exported program mentions and that is not a layer of PyTorch."""
    scopes: dict[str, str] = {}
    for node in program.graph.nodes:
        for path, cls in (node.meta.get("nn_module_stack") or {}).values():
            name = cls if isinstance(cls, str) else f"{cls.__module__}.{cls.__qualname__}"
            container = name.startswith("torch.nn.modules.container")
            if container or not name.startswith("torch.nn.modules"):
                scopes.setdefault(path, name.rpartition(".")[2])
    return scopes
