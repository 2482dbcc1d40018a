"""Verification: two models opened, given the same weights, run side by side, and the certificate of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ..ir import NascError, counted, digest
from ..passes.diffing import flat
from .bisection import Case, first_difference
from .certificate import Certificate, Check, Fault, Options, Side
from .drawing import Port, batches, draw, ports
from .subjects import Subject, opened
from .transfer import Transfer, transfer
from .trials import NotRunError, Trial, perturb


@dataclass(frozen=True)
class Request:
    """How the two sides are opened: shapes of inputs, a data loader, files of weights."""

    shapes: tuple[str, ...] = ()
    data: str | None = None
    weights_a: str | None = None
    weights_b: str | None = None


def certify(a: Any, b: Any, inputs: Sequence[Tensor], request: Request, options: Options) -> Certificate:
    """Return the certificate of two models. Raises NascError where they cannot be compared at all."""
    with ExitStack() as stack:
        one = stack.enter_context(opened(a, inputs, request.shapes, request.data, request.weights_a))
        other = stack.enter_context(opened(b, inputs, request.shapes, request.data, request.weights_b, one))
        return _Test(one, other, options).certificate()


@dataclass
class _Test:
    """One test: what is compared, what was found, what had to be left out."""

    a: Subject
    b: Subject
    options: Options
    checks: list[Check] = field(default_factory=lambda: list[Check]())
    untested: list[str] = field(default_factory=lambda: list[str]())
    notes: list[str] = field(default_factory=lambda: list[str]())

    def certificate(self) -> Certificate:
        """Run everything; on the first failure look for the node."""
        found = ports(self.a, self.b)
        shared = transfer(self.a, self.b)
        fault = self._run(found, shared)
        sizes = batches(found, self.options.batches)
        shown = [
            *map(str, found),
            f"batch {', '.join(map(str, sizes))}; {counted(self.options.seeds, 'seed')}",
        ]
        return Certificate(
            side(self.a),
            side(self.b),
            bool(self.checks) and all(check.passed for check in self.checks),
            tuple(shown),
            shared.text,
            tuple(self.checks),
            tuple(self.untested),
            fault,
            tuple(self.notes),
        )

    def _run(self, found: Sequence[Port], shared: Transfer) -> Fault | None:
        fault: Fault | None = None
        trainable = self._trainable()
        sizes = batches(found, self.options.batches)
        for seed in range(self.options.seeds):
            if seed:
                self._perturb(shared, seed)
            for batch in sizes:
                shared.apply()
                inputs = draw(found, batch, seed)
                trial = Trial(self.a, self.b, shared, self.options, batch, seed)
                for train in (None, False, True) if trainable and batch == max(sizes) else (None,):
                    made = self._tried(trial, inputs, train)
                    self.checks += made
                    if fault is None and not all(check.passed for check in made):
                        shared.apply()
                        fault = first_difference(self.a, self.b, Case(inputs, bool(train), seed), self.options)
        return fault

    def _tried(self, trial: Trial, inputs: Sequence[Tensor], train: bool | None) -> list[Check]:
        """Return the checks of outputs alone, or of gradients in a mode. Raises NascError where A does not run."""
        try:
            return trial.outputs(inputs) if train is None else trial.gradients(inputs, train)
        except NotRunError as failure:
            if train is None:
                raise NascError.of(
                    f"A does not run on a batch of {trial.batch}: {failure}",
                    "give the shapes that it takes with --input, or other sizes with --batch",
                    "not-run",
                ) from failure
            self._leave_out(f"{'training mode' if train else 'gradients'}: A does not run in it: {failure}")
            return []

    def _leave_out(self, text: str) -> None:
        if text not in self.untested:
            self.untested.append(text)

    def _trainable(self) -> bool:
        """Return whether gradients and training mode can be tested; say why where they cannot."""
        for letter, subject in (("A", self.a), ("B", self.b)):
            if subject.live is None:
                self._leave_out(f"gradients and training mode: {letter} is {subject.how}")
                return False
        if not self.options.train:
            self._leave_out("gradients and training mode: left out as asked")
        return self.options.train

    def _perturb(self, shared: Transfer, seed: int) -> None:
        """Add noise to the weights of both, where they are shared and no file holds them."""
        if shared.source is None or shared.source.live is None or not shared.pairs:
            self._leave_out("other weights than these")
            return
        perturb(shared.source.live, set(shared.pairs.values()), seed)
        note = "from the second seed on, noise is added to the weights of both"
        if note not in self.notes:
            self.notes.append(note)


def side(subject: Subject) -> Side:
    """Return what a certificate says of a subject."""
    tensors = subject.session.initializers if subject.session is not None else subject.tensors()
    count = sum(tensor.numel() for key, tensor in tensors.items() if not key.endswith("num_batches_tracked"))
    return Side(subject.name, subject.how, count, digest(flat(subject.module)) if subject.module is not None else "")
