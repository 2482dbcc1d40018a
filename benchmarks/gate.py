"""The gate on networks that edits made and damage broke: which of those that end at chance it stops, and which others.

    python -m benchmarks.gate --networks 120 --record gate.jsonl
    python -m benchmarks.gate --studies search_runs/mnist1d*.db --record searched.jsonl

Networks start from the seeds of MNIST-1D and two for digits, walk some random edits, and every second one is damaged:
a factor, a saturated chain, a rectifier of what is never positive, thirty layers without norms. Each is trained without
the gate; at chance is a best validation accuracy below 0.15. A network is a line of the record, so that a run that was
ended goes on; with --report nothing is trained. With --studies the networks are those that searches trained behind the
gate: what it stopped is trained once more, without it.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import log
from pathlib import Path
from random import Random
from typing import Any

import torch

from nasc.cli.arguments import positive
from nasc.frontends import lower_source
from nasc.grammar import parse
from nasc.ir import Module, NascError, checked, digest
from nasc.passes import inline
from nasc.predictor.records import adding, recorded
from nasc.search import apply_edits, parse_edits
from nasc.search.evaluators import parse_cascade
from nasc.search.evaluators.datasets import CLASSES, load_task
from nasc.search.evaluators.gate import STEPS
from nasc.search.evaluators.specification import parse_specification
from nasc.search.evaluators.training import LATE, TrainingOptions, train
from nasc.search.spaces.model import ModelSpace
from nasc.search.store import Store

CHANCE = 0.15
SEEDS = ("Recurrent", "Convolutional", "Perceptron", "Residual")
DIGITS = {
    "digits-mlp": (
        "graph @main(%x: f32[N,64]) -> f32[N,10] {\n  %a = linear %x {out_features=48} #a\n  %r = relu %a\n"
        "  %b = linear %r {out_features=48} #b\n  %s = relu %b\n  %t = add %s, %r\n"
        "  %c = linear %t {out_features=10} #c\n  return %c\n}\n"
    ),
    "digits-cnn": (
        "graph @main(%x: f32[N,1,8,8]) -> f32[N,10] {\n"
        "  %a = conv2d %x {out_channels=12, kernel_size=3, padding=1} #a\n  %n = batch_norm %a #n\n  %r = relu %n\n"
        "  %b = conv2d %r {out_channels=16, kernel_size=3, stride=2, padding=1} #b\n  %s = relu %b\n"
        "  %f = flatten %s {start_dim=1}\n  %c = linear %f {out_features=10} #c\n  return %c\n}\n"
    ),
}
DAMAGE: Mapping[str, str] = {
    "times 0": "mul {other=0.0}",
    "times 1e-8": "mul {other=1e-8}",
    "times 1e-3": "mul {other=0.001}",
    "times 1e4": "mul {other=10000.0}",
    "times 1e30": "mul {other=1e30}",
    "10 sigmoids": "sigmoid|" * 9 + "sigmoid",
    "10 tanhs": "tanh|" * 9 + "tanh",
    "relu of -relu": "relu|mul {other=-1.0}|relu",
    "softmaxes": "softmax {dim=1}|softmax {dim=1}|softmax {dim=1}",
    "30 layers": "",
}


def starts() -> dict[str, Module]:
    """Return the networks to edit by name."""
    seeds = Path(__file__).parents[1] / "examples" / "mnist1d_seeds.py"
    found = {name: lower_source(f"{seeds}:{name}", ["2x40"]).module for name in SEEDS}
    return {**found, **{name: checked(parse(f"nasc 1\n\n{text}")) for name, text in DIGITS.items()}}


def made(index: int, networks: Mapping[str, Module]) -> tuple[str, str, Module]:
    """Return where a network comes from, what was done to it, and the network."""
    rng = Random(index)
    name = list(networks)[index % len(networks)]
    module, kind = walked(networks[name], rng.randint(1, 6), rng), "edits"
    if rng.random() < 0.6:
        kind = rng.choice(list(DAMAGE))
        module = damaged(module, kind, rng)
    return name, kind, module


def walked(module: Module, edits: int, rng: Random) -> Module:
    """Return where some random edits lead, or as many as can be made."""
    space = ModelSpace((module,))
    try:
        for _ in range(edits):
            module = space.mutate(module, rng).module
    except NascError:
        return module
    return module


def damaged(module: Module, kind: str, rng: Random) -> Module:
    """Return a network with damage after one of its inner nodes; as it was where that does not type."""
    flat = inline(module)
    nodes = [node for node in flat.main.nodes if len(node.types) == 1 and node.type.dtype.is_floating]
    for node in rng.sample(nodes[:-1], len(nodes) - 1):
        last = node.type.shape[-1]
        steps = f"linear {{out_features={last}}}|relu|" * 30 if kind == "30 layers" else DAMAGE[kind]
        lines = [f"after %{node.name} insert {step}" for step in reversed(steps.strip("|").split("|"))]
        try:
            return checked(apply_edits(flat, parse_edits("\n".join(lines) + "\n")))
        except NascError:
            continue
    return module


def measure(index: int, networks: Mapping[str, Module], steps: int) -> Mapping[str, Any]:
    """Return what became of a network without the gate, and what the gate says."""
    name, kind, module = made(index, networks)
    task = load_task("digits" if name.startswith("digits") else "mnist1d")
    options = TrainingOptions(steps=steps, gate=False)
    free = train(module, task, options, index)
    gated = train(module, task, replace(options, steps=STEPS + 1, gate=True), index).gated
    late = round(steps * LATE)
    part = free.losses[max(0, late - STEPS) : late]
    stopped = bool(free.failed) or sum(part) / len(part) > log(CLASSES) * 0.99
    return {
        "index": index, "from": name, "kind": kind, "digest": digest(module), "best": free.best,
        "failed": free.failed, "gated": gated, "stopped": stopped,
    }  # fmt: skip


def searched(path: Path, done: set[str]) -> Iterator[Mapping[str, Any]]:
    """Yield what became of the networks of the studies in a store; those that were stopped are trained to the end."""
    for study in Store(path, create=False).studies():
        spec = parse_specification(parse_cascade(study.settings.evaluator).last)
        if spec.kind != "train" or spec.argument not in ("mnist1d", "digits"):
            continue
        task, options = load_task(spec.argument), replace(spec.fill(TrainingOptions()), gate=False)
        for trial in study.trials():
            index = f"{path.name}:{study.name}:{trial.number}"
            if index in done or trial.module is None or trial.status not in ("done", "gated", "failed"):
                continue
            stopped = trial.status == "failed"
            if trial.status == "done":
                best, failed = trial.metrics["accuracy"], ""
            else:
                free = train(trial.module, task, options, study.settings.seed)
                best, failed = free.best, free.failed
            yield {
                "index": index, "from": study.name, "kind": trial.operator, "digest": trial.digest, "best": best,
                "failed": failed, "gated": trial.error if trial.status == "gated" else "", "stopped": stopped,
            }  # fmt: skip


def report(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print what the gate finds and misses."""
    dead = [row for row in rows if row["best"] < CHANCE]
    alive = [row for row in rows if row["best"] >= CHANCE]
    print(f"{len(rows)} networks, {len(dead)} end at chance\n")
    print("| stopped by | of those that end at chance | of the others |\n|---|---|---|")
    rules: dict[str, Callable[[Mapping[str, Any]], bool]] = {
        "the gate before training": lambda row: bool(row["gated"]) and "steps did not" not in row["gated"],
        "the gate, with 50 steps": lambda row: bool(row["gated"]),
        "the gate, or no better than guessing after a quarter": lambda row: bool(row["gated"]) or row["stopped"],
    }
    for name, rule in rules.items():
        shares = [f"{sum(map(rule, part))} / {len(part)}" for part in (dead, alive)]
        print(f"| {name} | {shares[0]} | {shares[1]} |")
    print("\n| made by | networks | at chance | of these gated | others gated |\n|---|---|---|---|---|")
    for kind, count in Counter(row["kind"] for row in rows).most_common():
        own, bad = ([row for row in part if row["kind"] == kind] for part in (alive, dead))
        print(f"| {kind} | {count} | {len(bad)} | {_gated(bad)} | {_gated(own)} |")
    for row in alive:
        if row["gated"]:
            print(f"false reject: {row['from']}, {row['kind']}, best {row['best']:.3f}: {row['gated']}")
    for row in dead:
        if not row["gated"]:
            print(f"missed: {row['from']}, {row['kind']}, best {row['best']:.3f} {row['failed']}")


def _gated(rows: Sequence[Mapping[str, Any]]) -> int:
    return sum(bool(row["gated"]) for row in rows)


def main() -> None:
    """Train what the record does not have, and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--networks", type=positive, default=120, help="how many; default: 120")
    options.add_argument("--steps", type=positive, default=300, help="steps of training; default: 300")
    options.add_argument("--studies", type=Path, nargs="+", metavar="FILE", help="stores of searches that trained")
    options.add_argument("--record", type=Path, default=Path("gate.jsonl"), help="a line a network, for going on")
    options.add_argument("--report", action="store_true", help="print the table of what is there")
    chosen = options.parse_args()
    torch.set_num_threads(1)
    there = recorded(chosen.record)
    done = {row["index"] for row in there}
    if not chosen.report:
        networks = {} if chosen.studies else starts()
        missing = (index for index in range(chosen.networks) if index not in done)
        found: Iterable[Mapping[str, Any]] = (measure(index, networks, chosen.steps) for index in missing)
        if chosen.studies:
            found = (row for path in chosen.studies for row in searched(path, done))
        with adding(chosen.record) as add:
            for row in found:
                there.append(dict(row))
                add(row)
    report(there)


if __name__ == "__main__":
    main()
