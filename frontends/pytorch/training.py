"""What a model does in training: kept where the program says it, told where it is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from torch import nn

from ...ir import Diagnostic, Loc, Module, counted, digest
from ...passes import normal_form
from .capture import Inputs
from .rehearsal import Rehearsal, rehearse

_SHOWN = 3


def differing(
    model: nn.Module, inputs: Inputs, first: Rehearsal | None
) -> tuple[Sequence[Loc | None], Rehearsal | None]:
    """Return the lines that ask for the mode and let forward do something else in training, and a run that trains.

    ``first`` is the run in which it does not train. What cannot be run is taken for something else.
    """
    if first is None or not first.asked:
        return (), first
    before = first.calls.computed()

    def same(other: Rehearsal | None) -> bool:
        return other is not None and other.calls.computed() == before

    second = rehearse(model, inputs, list(first.asked))
    if same(second):
        return (), second
    alone = [place for place in first.asked if not same(rehearse(model, inputs, (place,)))]
    return alone or tuple(first.asked), second


def same_in_evaluation(one: Module, other: Module) -> bool:
    """Return whether two modules are the same network in evaluation, with the same weights in the same places."""
    first, second = normal_form(one), normal_form(other)
    return _owners(first) == _owners(second) and digest(first) == digest(second)


def _owners(module: Module) -> list[tuple[str, str]]:
    """Return the layers and tensors of a module in order."""
    return [
        (node.path, str(node.op.attributes().get("key", "")))
        for node in module.main.nodes
        if "key" in node.op.attributes() or node.op.state(tuple(module.main.value_types()[x] for x in node.operands))
    ]


def lost(
    model: nn.Module, first: Rehearsal | None, second: Rehearsal | None, otherwise: Sequence[Loc | None]
) -> tuple[Diagnostic, ...]:
    """Return a warning for each thing that emitted code does otherwise in training than the model.

    ``first`` is the run of forward as it evaluates, ``second`` as it trains; ``otherwise`` are the lines of its own
    code at which training does what is not in what was lowered.
    """
    found = [*_of_parameters(model), *_of_modes(model)]
    if first is not None:
        found += _of_places(first, second or first)
        found += [_otherwise(dict.fromkeys(otherwise, ""))] if otherwise else []
    return tuple(found)


def _of_places(first: Rehearsal, second: Rehearsal) -> Iterator[Diagnostic]:
    for place, name in first.own.items():
        yield _warning(
            f"{name} has a backward of its own, which is not lowered: emitted code takes the derivative of its forward",
            "write forward so that its derivative is the one wanted, or put the function into the emitted code again",
            "own-backward",
            place,
        )
    if first.cut:
        yield _warning(
            f"gradients end here{_more(first.cut)}, which is not lowered: emitted code sends them through",
            "put detach() or torch.no_grad() into the emitted code again, if it is to be trained",
            "gradients-end",
            next(iter(first.cut)),
        )
    if first.dropping:
        yield _warning(
            f"dropout is on in evaluation too{_more(first.dropping)}: emitted code drops in training only",
            "write F.dropout(x, p, training=self.training), or dropout_p=p if self.training else 0.0",
            "dropout-on",
            next(iter(first.dropping)),
        )
    if second.frozen:
        yield _warning(
            f"batch norm takes running statistics in training too{_more(second.frozen)}: "
            "emitted code takes those of the batch",
            "call eval() on these layers of the emitted model, if it is to be trained",
            "frozen-statistics",
            next(iter(second.frozen)),
        )


def _otherwise(asked: Mapping[Loc | None, str]) -> Diagnostic:
    return _warning(
        f"forward asks for self.training here{_more(asked)} and computes something else in training, which is not "
        "lowered: emitted code computes the same in both",
        "only dropout and batch norms may differ; write the rest into the emitted code again, if it is to be trained",
        "training-form",
        next(iter(asked)),
    )


def _of_parameters(model: nn.Module) -> Iterator[Diagnostic]:
    frozen = [name for name, parameter in model.named_parameters() if not parameter.requires_grad]
    if frozen:
        yield _warning(
            f"{counted(len(frozen), 'parameter')} without gradient ({_names(frozen)}): "
            "emitted code trains all parameters",
            "call requires_grad_(False) on these of the emitted model, if it is to be trained",
            "frozen-parameters",
            None,
        )


def _of_modes(model: nn.Module) -> Iterator[Diagnostic]:
    """Tell of layers that a train() of the model's own keeps in evaluation mode."""
    modes = {module: module.training for module in model.modules()}
    try:
        still = [name for name, module in model.train().named_modules() if not module.training]
    except Exception:
        still = []
    finally:
        for module, mode in modes.items():
            module.training = mode
    if still:
        yield _warning(
            f"train() leaves {counted(len(still), 'layer')} in evaluation mode ({_names(still)}): "
            "emitted code puts all into training mode",
            "call eval() on these of the emitted model after train()",
            "frozen-mode",
            None,
        )


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def _more(places: Mapping[Loc | None, str]) -> str:
    others = [str(place) for place in list(places)[1:] if place is not None]
    return f" (and at {_names(others)})" if others else ""


def _warning(message: str, hint: str, code: str, place: Loc | None) -> Diagnostic:
    return Diagnostic(message, hint, code, where=place, severity="warning")
