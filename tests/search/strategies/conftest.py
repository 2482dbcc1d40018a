"""A view over lists: what the engine shows a strategy, without a store and without evaluators."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import pytest

from nasc.grammar import parse
from nasc.ir import Module, NascError, digest
from nasc.passes import cost
from nasc.search.engine import Proposal, Space, Status, Strategy, Trial
from nasc.search.llm import Answer, Client, Prompt, open_client
from nasc.search.spaces.model import ModelSpace

SIGNAL = """nasc 1

graph @main(%x: f32[N,1,40]) -> f32[N,10] {
  %conv1 = conv1d %x {out_channels=8, kernel_size=5, stride=2, padding=1} #conv1
  %relu1 = relu %conv1
  %conv2 = conv1d %relu1 {out_channels=8, kernel_size=3, stride=2, padding=1} #conv2
  %relu2 = relu %conv2
  %flatten = flatten %relu2 {start_dim=1}
  %fc = linear %flatten {out_features=10} #fc
  return %fc
}
"""


@dataclass
class Notebook:
    """The documents of a strategy."""

    kept: dict[str, dict[str, Mapping[str, object]]] = field(default_factory=dict)
    blobs: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def get(self, kind: str, key: str) -> Mapping[str, object] | None:
        return self.kept.get(kind, {}).get(key)

    def put(self, kind: str, key: str, document: Mapping[str, object]) -> None:
        self.kept.setdefault(kind, {})[key] = dict(document)

    def all(self, kind: str) -> Sequence[tuple[str, Mapping[str, object]]]:
        return list(self.kept.get(kind, {}).items())

    def blob(self, kind: str, key: str) -> bytes | None:
        return self.blobs.get((kind, key))

    def put_blob(self, kind: str, key: str, data: bytes) -> None:
        self.blobs[kind, key] = data


@dataclass
class Lists:
    """A study in memory: more parameters in fewer layers score higher."""

    space: Space
    llm: Client = field(default_factory=lambda: open_client("random"))
    wanted: int = 3
    left: int = 100
    seed: int = 0
    most_params: int = 10**9
    round: int = 0
    rng: Random = field(default_factory=Random)
    trials: list[Trial] = field(default_factory=list)
    memory: Notebook = field(default_factory=Notebook)

    def beside(self, client: Client, prompt: Prompt) -> Answer:
        return client.complete(prompt)

    def admit(self, module: Module) -> Module:
        module = self.space.check(module)
        if cost(module).params > self.most_params:
            raise NascError.of("the network is too large", f"at most {self.most_params} are allowed", "limit")
        return module

    def known(self, module: Module) -> Trial | None:
        return next((trial for trial in self.trials if trial.digest == digest(module)), None)

    def front(self) -> Sequence[Trial]:
        done = [trial for trial in self.trials if trial.usable]
        return [one for one in done if not any(_beats(other, one) for other in done)]

    def play(self, strategy: Strategy, rounds: int) -> list[Trial]:
        """Ask for some rounds, and answer with scores."""
        for _ in range(rounds):
            self.rng = Random(f"{self.seed}/{self.round}")
            for proposal in strategy.ask(self):
                self.trials.append(self.judged(proposal))
            self.round += 1
        return self.trials

    def judged_start(self, module: Module) -> Trial:
        """Return the trial of a start."""
        return self.judged(Proposal(module, operator="start"))

    def judged(self, proposal: Proposal) -> Trial:
        number, module = len(self.trials), proposal.module
        kept = (proposal.parents, proposal.operator, proposal.change, proposal.why, proposal.error, proposal.notes)
        if module is None:
            return Trial(number, self.round, "invalid", None, "", *kept)
        size = cost(module)
        score = math.log10(1 + size.params) / 10 - 0.01 * sum(len(graph.nodes) for graph in module.graphs)
        metrics = {"score": score, "params": float(size.params), "macs": float(size.macs)}
        same = self.known(module)
        status: Status = "repeat" if same else "done"
        return Trial(number, self.round, status, module, digest(module), *kept, metrics, same.number if same else None)


def _beats(one: Trial, other: Trial) -> bool:
    ours, theirs = one.metrics, other.metrics
    no_worse = ours["score"] >= theirs["score"] and ours["params"] <= theirs["params"]
    return no_worse and (ours["score"] > theirs["score"] or ours["params"] < theirs["params"])


@pytest.fixture
def study() -> Callable[..., Lists]:
    """Return a function that makes a study of a small network on signals."""
    return lambda **options: Lists(ModelSpace([parse(SIGNAL)]), **options)
