"""Training a candidate on a small data set: EvoPrompting's setting, with a gate and an early end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from math import isfinite, log

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...backends import instantiate
from ...ir import Module, NascError, did_you_mean
from .datasets import CLASSES, TASKS, Samples, Task, load_task
from .evaluator import Outcome
from .gate import STEPS, broken_path, broken_signal, broken_start
from .layouts import channels_last_model
from .specification import Specification, shown

CHECKS = 10
"""How often the validation accuracy is measured, at equal distances."""
LATE = 0.25
"""The share of the steps after which a loss that is no better than guessing ends the training."""


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """Steps, learning rate of AdamW, batch size, weight decay, and whether dead networks are stopped."""

    steps: int = 1000
    lr: float = 0.01
    batch: int = 128
    decay: float = 0.01
    gate: bool = True


@dataclass
class Progress:
    """How a training went: the loss of each step, and the best validation accuracy with its step."""

    losses: list[float] = field(default_factory=list[float])
    best: float = 0.0
    best_step: int = 0
    last: float = 0.0
    gated: str = ""
    failed: str = ""


@dataclass(frozen=True)
class TrainingEvaluator:
    """Trains a network and returns the best of ten validation accuracies as its score.

    The loss is cross-entropy, the optimiser AdamW; initial weights and batches are drawn by the seed.
    """

    task: Task
    options: TrainingOptions = TrainingOptions()

    @property
    def name(self) -> str:
        """``train:mnist1d{...}`` with all options."""
        return shown("train", self.task.name, asdict(self.options))

    def evaluate(self, module: Module, seed: int = 0) -> Outcome:
        """Return ``score`` and ``accuracy`` (the best validation accuracy, 0..1), ``final_accuracy`` and ``loss``.

        A network that the gate stops is ``gated``, one that diverges or is no better than guessing after a quarter of
        the steps ``failed``. Raises NascError where the network does not fit the data.
        """
        progress = train(module, self.task, self.options, seed)
        part = progress.losses[-STEPS:]
        metrics = {
            "accuracy": progress.best,
            "final_accuracy": progress.last,
            "best_step": float(progress.best_step),
            "steps": float(len(progress.losses)),
            **({"loss": sum(part) / len(part)} if part else {}),
        }
        if progress.gated or progress.failed:
            return Outcome("gated" if progress.gated else "failed", metrics, progress.gated or progress.failed)
        return Outcome("done", {"score": progress.best, **metrics})


def open_training(spec: Specification) -> TrainingEvaluator:
    """Return the evaluator of ``train:mnist1d{steps=300}``. Raises NascError."""
    if spec.argument not in TASKS:
        near = did_you_mean(spec.argument, TASKS)
        message = f"there is nothing to train on called {spec.argument!r}"
        raise NascError.of(message, f"{near}; train:FILE.py:function calls your own", "evaluator")
    options = spec.fill(TrainingOptions())
    if options.batch < 2 or options.steps < 1:
        raise NascError.of(f"{spec.text!r} trains on nothing", "expected steps >= 1 and batch >= 2", "evaluator")
    torch.set_num_threads(1)
    return TrainingEvaluator(load_task(spec.argument), options)


def train(
    module: Module,
    task: Task,
    options: TrainingOptions,
    seed: int,
    on_best: Callable[[nn.Module], None] | None = None,
) -> Progress:
    """Train a network and return how it went; ``on_best`` hears of the model at each best validation accuracy.

    It must leave the model and the random state as they are. Raises NascError where the network does not fit the task.
    """
    adapted = task.adapted(module)
    progress = Progress()
    progress.gated = broken_path(module) if options.gate else ""
    if progress.gated:
        return progress
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = channels_last_model(instantiate(module, seed=seed).train(), adapted.train.x)
        batches = _batches(adapted.train, options.batch, seed)
        if options.gate:
            state = {key: value.clone() for key, value in model.state_dict().items()}
            progress.gated = broken_signal(model, *next(_batches(adapted.train, options.batch, seed)))
            model.load_state_dict(state)
            torch.manual_seed(seed)
        if not progress.gated:
            _run(model, adapted, options, batches, progress, on_best)
    return progress


def _run(
    model: nn.Module,
    task: Task,
    options: TrainingOptions,
    batches: Iterator[tuple[Tensor, Tensor]],
    progress: Progress,
    on_best: Callable[[nn.Module], None] | None,
) -> None:
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, options.lr, weight_decay=options.decay) if trained else None
    checks = {round(options.steps * (i + 1) / CHECKS) for i in range(CHECKS)} | {options.steps}
    for step in range(1, options.steps + 1):
        x, y = next(batches)
        loss = functional.cross_entropy(model(x), y)
        progress.losses.append(float(loss.detach()))
        if not isfinite(progress.losses[-1]):
            progress.failed = f"the loss is {progress.losses[-1]} at step {step}: the training diverges"
            return
        if optimiser is not None:
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        if options.gate and _stopped(progress, step, options.steps):
            return
        if step in checks:
            progress.last = accuracy(model, task.validation)
            if progress.last > progress.best:
                progress.best, progress.best_step = progress.last, step
                if on_best is not None:
                    on_best(model)


def _stopped(progress: Progress, step: int, steps: int) -> bool:
    """Return whether a training is without hope: after the gate's steps, and after a quarter of all."""
    if step == STEPS and steps > STEPS:
        progress.gated = broken_start(progress.losses, CLASSES)
    if step == round(steps * LATE) and step > STEPS:
        part = progress.losses[-STEPS:]
        mean, guess = sum(part) / len(part), log(CLASSES)
        if mean > guess * 0.99:
            progress.failed = f"after {step} steps the loss is {mean:.3g}, no better than guessing ({guess:.3g})"
    return bool(progress.gated or progress.failed)


def accuracy(model: nn.Module, samples: Samples) -> float:
    """Return the share of samples that a model puts into their class; its mode is left as it is."""
    training = model.training
    model.eval()
    with torch.no_grad():
        guesses = torch.cat([model(part).argmax(1) for part in samples.x.split(500)])
    model.train(training)
    return float((guesses == samples.y).sum()) / len(samples.y)


def _batches(samples: Samples, size: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield full batches without end, each epoch in an order of its own."""
    generator = torch.Generator().manual_seed(seed)
    size = min(size, len(samples.y))
    while True:
        order = torch.randperm(len(samples.y), generator=generator)
        for part in order.split(size):
            if len(part) == size:
                yield samples.x[part], samples.y[part]
