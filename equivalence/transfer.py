"""Transfer: the same weights in both models, by state-dict key or along what is matched of their structure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..backends.instances import shape_text, tensors_of
from ..ir import Diagnostic, Graph, Module, NascError, Node, arity, counted, did_you_mean
from ..passes import inline
from ..passes.diffing import diff
from ..passes.inlining import join
from .subjects import Subject

_SHOWN = 8


@dataclass(frozen=True)
class Transfer:
    """How weights go from one subject into the other: the source's key of each of the target's.

    ``source`` and ``target`` are None where each side keeps its own; ``pairs`` then still say which weights are
    meant to be the same, by key.
    """

    source: Subject | None
    target: Subject | None
    pairs: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())
    text: str = "each its own"

    def apply(self) -> None:
        """Copy the weights."""
        if self.source is None or self.target is None or self.target.live is None:
            return
        taken = tensors_of(self.target.live)
        given = self.source.given(taken)
        with torch.no_grad():
            for key, origin in self.pairs.items():
                taken[key].copy_(given[origin])


def transfer(a: Subject, b: Subject) -> Transfer:
    """Return how the two come to the same weights: A's into B; into the PyTorch side where the other is ONNX.

    Raises NascError for each tensor of the target that the source has not, or has in another shape.
    """
    source, target, letters = (b, a, "B's into A") if b.session is not None else (a, b, "A's into B")
    if target.live is None or (a.own_weights and b.own_weights):
        return Transfer(None, None, {key: key for key in b.tensors() if key in a.tensors()})
    if target.own_weights and not source.own_weights:
        source, target, letters = target, source, "B's into A" if target is b else "A's into B"
    wanted = _wanted(target)
    given = source.given(wanted)
    idle = _unread(target) - set(given)
    wanted = {key: value for key, value in wanted.items() if key not in idle}
    if not wanted:
        return Transfer(source, target, {}, "there are none")
    if _fits(given, wanted):
        own = tensors_of_target(target)
        pairs = {key: key for key in own if key in given and given[key].shape == own[key].shape}
        return Transfer(source, target, pairs, f"{letters}: {_count(wanted)} by key{_changed(given, target, pairs)}")
    pairs = _matched(source, target, given)
    missing = [key for key in wanted if key not in pairs]
    if missing:
        raise NascError(*_told(missing, wanted, given, pairs, target, letters))
    return Transfer(source, target, pairs, f"{letters}: {_count(wanted)} by matched layers, as the keys differ")


def tensors_of_target(target: Subject) -> dict[str, Tensor]:
    """Return all tensors of the module that takes the weights."""
    assert target.live is not None
    return tensors_of(target.live)


def _wanted(target: Subject) -> dict[str, Tensor]:
    """Return the tensors that the target must be given: its state, without the counters of batches."""
    assert target.live is not None
    state = target.live.state_dict()
    return {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}


def _unread(target: Subject) -> set[str]:
    """Return the keys of tensors that nothing in the target's graph reads, such as a head for training alone."""
    if target.module is None:
        return set()
    main = inline(target.module).main
    users = main.users()
    sources = [node for node in main.nodes if node.op.name in ("parameter", "constant")]
    idle = [node for node in sources if not users[node.name] and node.name not in main.outputs]
    return {key for node in idle for key in keys_of(node, main)}


def _fits(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> bool:
    return all(key in given and given[key].shape == tensor.shape for key, tensor in wanted.items())


def _count(wanted: Mapping[str, Tensor]) -> str:
    return counted(len(wanted), "tensor")


def _changed(given: Mapping[str, Tensor], target: Subject, pairs: Mapping[str, str]) -> str:
    """Return, in words, whether the target had other weights before."""
    present = tensors_of_target(target)
    other = sum(not torch.equal(present[key], given[origin].to(present[key].dtype)) for key, origin in pairs.items())
    return f", {other} of which it had otherwise" if other else ", which it had already"


def _told(
    missing: Sequence[str],
    wanted: Mapping[str, Tensor],
    given: Mapping[str, Tensor],
    pairs: Mapping[str, str],
    target: Subject,
    letters: str,
) -> list[Diagnostic]:
    """Return what is to be said of tensors that the source does not have: their layers, and what would do."""
    source, other = letters[0], letters[-1]
    owners = _owners(inline(target.module).main) if target.module is not None else {}
    spare = set(given) - set(pairs.values())
    told: list[Diagnostic] = []
    for key in missing[:_SHOWN]:
        message = f"{source} has no weight {key} {shape_text(wanted[key])} for {other}"
        if key in given:
            message = f"weight {key} is {shape_text(given[key])} in {source} and {shape_text(wanted[key])} in {other}"
        near = [name for name in spare if given[name].shape == wanted[key].shape]
        own = f"give {other} weights of its own with --weights-{other.lower()}"
        node = owners.get(key)
        told.append(
            Diagnostic(
                message,
                did_you_mean(key, near) if len(near) == 1 else own,
                "weights",
                node=node.name if node else "",
                path=node.path if node else "",
                source=node.loc if node else None,
            )
        )
    more = len(missing) - _SHOWN
    return [*told, *([Diagnostic(f"and {more} more of these", code="weights")] if more > 0 else [])]


def _owners(graph: Graph) -> dict[str, Node]:
    """Return the node of each state-dict key."""
    return {key: node for node in graph.nodes for key in keys_of(node, graph)}


def _matched(source: Subject, target: Subject, given: Mapping[str, Tensor]) -> dict[str, str]:
    """Return the source's key of each of the target's: by the layers that the structures share, then by name."""
    taken = tensors_of_target(target)
    pairs: dict[str, str] = {}
    if source.module is not None and target.module is not None:
        found = diff(source.module, target.module)
        origins, targets = _nodes(found.before), _nodes(found.after)
        for left, right in found.pairs:
            for origin, key in zip(keys_of(*origins[left]), keys_of(*targets[right]), strict=False):
                if key in taken and origin in given and given[origin].shape == taken[key].shape:
                    pairs[key] = origin
    used = set(pairs.values())
    for key, tensor in taken.items():
        if key not in pairs and key not in used and key in given and given[key].shape == tensor.shape:
            pairs[key] = key
    return pairs


def _nodes(module: Module) -> dict[str, tuple[Node, Graph]]:
    return {node.name: (node, module.main) for node in module.main.nodes}


def keys_of(node: Node, graph: Graph) -> Iterator[str]:
    """Return the state-dict keys of a node's own tensors, in order."""
    if node.op.name in ("parameter", "constant"):
        yield str(node.op.attributes()["key"])
        return
    most = arity(type(node.op))[1]
    if most is None or len(node.operands) > most:
        return
    types = graph.value_types()
    for slot in node.op.state(tuple(types[name] for name in node.operands)):
        yield join(node.path, slot.name)
