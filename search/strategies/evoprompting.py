"""EvoPrompting (Chen, Dohan and So, 2023): an LLM that crosses and mutates whole networks in one completion.

The algorithm::

    P <- the starts, evaluated, whatever they reach; G <- nothing
    for each of T rounds:
        m times: k parents drawn from P, a temperature; n children, each one completion of the same prompt
        evaluate the children; those whose accuracy is above alpha join G
        P <- the p fittest of G, taken out of G: nobody is a parent in two rounds
        with `tune`, a soft prompt of the local LLM is trained on the best children

Fitness is minus the number of parameters times the error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import ClassVar

from ..engine import Proposal, Space, Trial, View
from ..llm import Message, Prompt
from ..prompts import filled
from .asking import Asking, Messages, Request
from .drawing import Drawing
from .options import check_options, option
from .ranking import Accuracy, usable
from .tuning import tune

TEMPERATURES = (0.2, 0.6, 0.8, 1.0)
_KIND = "evoprompting"
_LONGEST = 16_000


@dataclass(frozen=True)
class EvoPrompting:
    """EvoPrompting.

    ``p`` parents live a round, ``k`` of them stand in each of ``m`` prompts, and each prompt is completed ``n``
    times; ``rounds`` is T, 0 for as many as there are evaluations. ``alpha`` is the accuracy (a share) below which a
    child is no parent, none for the median so far. ``tries`` above 1 hands a completion that cannot be used back, or
    that is known; the paper has 1. ``tune`` trains a soft prompt of ``--llm local`` between rounds.
    """

    name: ClassVar[str] = "evoprompting"
    p: int = option(10, least=1)
    k: int = option(2, least=1)
    m: int = option(10, least=1)
    n: int = option(16, least=1)
    rounds: int = option(0, least=0)
    alpha: float | None = option(None, least=0, most=1)
    tries: int = option(2, least=1)
    tune: bool = False

    def __post_init__(self) -> None:
        """Check the options. Raises NascError."""
        check_options(self)

    def ask(self, view: View) -> Sequence[Proposal]:
        """Return the first parents, then a round of children."""
        drawing = Drawing(view)
        if not usable(view.trials):
            starts = len(view.space.starts())
            return drawing.opening(starts if starts >= self.k else min(self.p, view.left))
        if self.rounds and len(view.memory.all(_KIND)) >= self.rounds:
            return []
        parents = self.parents(view)
        soft = self.tuned(drawing) if self.tune else b""
        children: list[Proposal] = []
        for _ in range(self.m):
            chosen = view.rng.sample(parents, min(self.k, len(parents)))
            temperature = view.rng.choice(TEMPERATURES)
            count = min(self.n, view.left - len(children))
            children += [self.cross(drawing, chosen, temperature, soft) for _ in range(count)]
        return children

    def parents(self, view: View) -> list[Trial]:
        """Return the fittest that were no parents yet, and write down that they are now; of none left, any."""
        rounds = view.memory.all(_KIND)
        used = {number for _, kept in rounds for number in _numbers(kept, "parents")}
        known, accuracy = usable(view.trials), Accuracy.among(view.trials)
        alpha = median(map(accuracy, known)) if self.alpha is None else self.alpha
        alive = [trial for trial in known if accuracy(trial) >= alpha or (not rounds and trial.operator == "start")]
        fresh = [trial for trial in alive if trial.number not in used]
        chosen = sorted(fresh or alive or known, key=lambda trial: (-fitness(trial, accuracy), trial.number))[: self.p]
        view.memory.put(_KIND, f"{view.round:06}", {"parents": [trial.number for trial in chosen]})
        return chosen

    def cross(self, drawing: Drawing, parents: Sequence[Trial], temperature: float, soft: bytes) -> Proposal:
        """Return a child of the parents: crossover and mutation in one completion."""
        asking, accuracy = Asking(drawing, repeats=self.tries == 1), Accuracy.among(drawing.view.trials)
        target = target_of(parents, accuracy)
        shots = few_shots(drawing.view.space, parents, target, accuracy)
        request = self.request(asking, parents, shots, temperature, soft)
        reply = asking.ask(request, self.tries)
        numbers = tuple(trial.number for trial in parents)
        reply = reply if self.tries == 1 else asking.by_chance(reply)
        return asking.proposal(reply, "crossmut", numbers, target=target)

    def request(
        self, asking: Asking, parents: Sequence[Trial], messages: Messages, temperature: float, soft: bytes
    ) -> Request:
        """Return the request for a whole child, for an LLM that cannot write so much for edits of the first parent."""
        space, most = asking.drawing.view.space, asking.style.max_tokens
        modules = [trial.module for trial in parents if trial.module is not None]
        tokens = 64 + len(space.show(modules[0], None, _LONGEST)) // 2
        if tokens <= 2 * most:
            grammar = space.child_grammar(modules)
            return Request(messages, grammar, lambda text: space.write(modules, text), tokens, temperature, soft)
        grammar = space.grammar(modules[0], None, asking.style.edits)
        return Request(messages, grammar, lambda text: space.apply(modules[0], text), most, temperature, soft)

    def tuned(self, drawing: Drawing) -> bytes:
        """Return the soft prompt, trained on the best children of the last round as if they had been asked for."""
        view, length = drawing.view, Asking(drawing).style.place
        accuracy = Accuracy.among(view.trials)

        def asked(child: Trial) -> Prompt | None:
            parents = [view.trials[number] for number in child.parents]
            if child.operator != "crossmut" or not parents:
                return None
            return Prompt(few_shots(view.space, parents, measured(child, accuracy), accuracy)(length))

        return tune(view, asked, lambda child: fitness(child, accuracy))


def few_shots(space: Space, parents: Sequence[Trial], target: str, accuracy: Accuracy) -> Messages:
    """Return the prompt: each parent with what it reached, and then what the child shall reach."""
    shown = [(measured(trial, accuracy), trial.module) for trial in parents if trial.module is not None]

    def messages(length: int) -> tuple[Message, ...]:
        texts = [f"{reached}\n{space.show(module, None, length // len(shown))}" for reached, module in shown]
        question = filled("evoprompting/request", parents="\n\n".join(texts), target=target)
        return Message("system", filled("evoprompting/system")), Message("user", question)

    return messages


def fitness(trial: Trial, accuracy: Accuracy) -> float:
    """Return minus the number of parameters times the error: the size counts at least as much as the error."""
    return -trial.metrics.get("params", 0.0) * (1.0 - accuracy(trial))


def measured(trial: Trial, accuracy: Accuracy) -> str:
    """Return what a parent reached, as its line in the prompt says."""
    return _metrics(round(trial.metrics.get("params", 0.0)), accuracy(trial))


def target_of(parents: Sequence[Trial], accuracy: Accuracy) -> str:
    """Return what the child shall reach: 0.9 of the smallest size, to 100; 1.02 of the best accuracy, to 0.1%."""
    size = round(0.9 * min(trial.metrics.get("params", 0.0) for trial in parents) / 100) * 100
    best = min(round(1.02 * max(map(accuracy, parents)), 3), 1.0)
    return _metrics(size, best)


def _metrics(size: int, accuracy: float) -> str:
    return f"parameters: {size}, accuracy: {100 * accuracy:.1f}%"


def _numbers(document: Mapping[str, object], key: str) -> list[int]:
    found = document.get(key, ())
    return [number for number in found if isinstance(number, int)] if isinstance(found, list) else []
