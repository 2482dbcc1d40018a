"""A small study without a sandbox: a strategy that asks the LLM and remembers, and an evaluator that counts.

``python -m nasc.tests.search.engine.walking STORE TRIALS`` runs it, as a process that can be killed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nasc.grammar import parse
from nasc.ir import Module, NascError
from nasc.passes import cost
from nasc.search.engine import DirectPool, Proposal, Settings, Study, View, run
from nasc.search.evaluators import Outcome
from nasc.search.llm import Client, Message, Prompt
from nasc.search.spaces.model import ModelSpace
from nasc.search.store import Store

SIGNAL = """nasc 1

graph @main(%x: f32[N,1,40]) -> f32[N,10] {
  %conv1 = conv1d %x {out_channels=16, kernel_size=5, stride=2, padding=1} #conv1
  %relu1 = relu %conv1
  %conv2 = conv1d %relu1 {out_channels=32, kernel_size=3, stride=2, padding=1} #conv2
  %relu2 = relu %conv2
  %flatten = flatten %relu2 {start_dim=1}
  %fc = linear %flatten {out_features=10} #fc
  return %fc
}
"""


def signal(width: int = 16) -> Module:
    """The network that studies start from, or one of another width."""
    return parse(SIGNAL.replace("out_channels=16", f"out_channels={width}"))


@dataclass
class Weigh:
    """Scores networks by how near they are to 6,000 parameters; knows which ones it has seen."""

    name: str = "weigh"
    seconds: float = 0.0
    seen: list[str] = field(default_factory=list[str])

    def evaluate(self, module: Module, seed: int) -> Outcome:
        time.sleep(self.seconds)
        params = cost(module).params
        self.seen.append(str(params))
        if params % 7 == 3:
            raise NascError.of("three parameters are left over")
        return Outcome("done", {"score": 1 / (1 + abs(params - 6000) / 1000), "draw": seed % 1000}, "", self.seconds)


@dataclass(frozen=True)
class Walk:
    """Mutates earlier networks, and asks the LLM for one change a round."""

    name: str = "walk"

    def ask(self, view: View) -> Sequence[Proposal]:
        parents = [trial for trial in view.trials if trial.usable]
        found: list[Proposal] = []
        for _ in range(view.wanted - 1):
            parent = view.rng.choice(parents) if parents else None
            network = parent.module if parent else view.space.starts()[0]
            assert network is not None
            change = view.space.mutate(network, view.rng)
            found.append(Proposal(change.module, (parent.number,) if parent else (), "mutation", change.text))
        found.append(self.asked(view))
        view.memory.put("round", str(view.round), {"front": [trial.number for trial in view.front()]})
        view.memory.put("count", "all", {"rounds": view.round + 1})
        return found

    def asked(self, view: View) -> Proposal:
        start = view.space.starts()[0]
        prompt = Prompt((Message("user", "change"),), view.space.grammar(start, changes=1), seed=view.rng.randrange(99))
        answer = view.llm.complete(prompt).text
        try:
            return Proposal(view.space.apply(start, answer).module, (), "llm", answer)
        except NascError as error:
            return Proposal(None, (), "llm", answer, error=str(error))


def space() -> ModelSpace:
    """The space around the small network."""
    return ModelSpace((signal(),), name="signal")


def study(where: str | Path, trials: int = 20, client: Client | None = None, **settings: Any) -> Study:
    """A study of the small network in a store."""
    plain: dict[str, Any] = {"method": "walk", "start": "signal", "evaluator": "weigh", "batch": 4, **settings}
    stored = Store(where).begin("walk", Settings(**plain), trials)
    return Study(stored, space(), Walk(), client)


def weighing(seconds: float = 0.0) -> DirectPool:
    """The evaluator in this process."""
    return DirectPool({"weigh": Weigh(seconds=seconds)})


@dataclass(frozen=True)
class Fixed:
    """Proposes networks of given widths, round by round, and then nothing."""

    rounds: Sequence[Sequence[int | Module | None]]
    name: str = "fixed"

    def ask(self, view: View) -> Sequence[Proposal]:
        if view.round >= len(self.rounds):
            return ()
        asked = self.rounds[view.round]
        return [Proposal(signal(width) if isinstance(width, int) else width, change=str(width)) for width in asked]


def fixed(where: Path, rounds: Sequence[Sequence[int | Module | None]], trials: int = 20, **settings: Any) -> Study:
    """A study in a folder that proposes networks of given widths."""
    found = study(where / "s.db", trials, **settings)
    return Study(found.stored, found.space, Fixed(rounds))


if __name__ == "__main__":
    print(run(study(sys.argv[1], int(sys.argv[2])), weighing(0.03)).reason)  # noqa: T201
