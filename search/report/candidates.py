"""The candidates as the page's script reads them: plain data, the lines of all networks in one pool."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite

from ...grammar import print_module
from ...ir import Module, NascError
from ...passes import relevance_table
from ..engine import Trial
from .differences import Comparison, Edit, compare
from .markup import printable
from .material import Call, Material

DIGITS = 4
MOST_LAYERS = 200
DIGEST = 12
"""Digits by which a trial names the calls that made it."""


@dataclass
class Pool:
    """Lines by number: networks of one search share most of theirs, and repeats are the same network."""

    numbers: dict[str, int] = field(default_factory=dict[str, int])
    networks: dict[int, list[int]] = field(default_factory=dict[int, list[int]])

    def add(self, text: str) -> list[int]:
        """Return the numbers of a text's lines."""
        return [self.numbers.setdefault(line, len(self.numbers)) for line in printable(text).split("\n")]

    def network(self, module: Module) -> list[int]:
        """Return the numbers of the lines of a network, which must live as long as the pool."""
        if id(module) not in self.networks:
            self.networks[id(module)] = self.add(print_module(module, locations=False, notes=False))
        return self.networks[id(module)]

    def lines(self) -> list[str]:
        """Return all lines in the order of their numbers."""
        return list(self.numbers)


def payload(material: Material, modules: Mapping[int, Module]) -> dict[str, object]:
    """Return all trials and calls as data; ``modules`` are the networks, with relevance where it was measured."""
    pool = Pool()
    known = {trial.number: trial for trial in material.trials}
    rows = [_row(trial, known, modules, pool) for trial in material.trials]
    return {"trials": rows, "calls": [_call(call, pool) for call in material.calls], "lines": pool.lines()}


def _call(call: Call, pool: Pool) -> dict[str, object]:
    return {
        "round": call.round,
        "id": call.digest[:DIGEST],
        "model": printable(call.model),
        "messages": [[role, pool.add(text)] for role, text in call.messages],
        "text": pool.add(call.text),
        "tokens": [call.prompt_tokens, call.completion_tokens],
        "cached": call.cached,
        "error": printable(call.error),
    }


def _row(trial: Trial, known: Mapping[int, Trial], modules: Mapping[int, Module], pool: Pool) -> dict[str, object]:
    row: dict[str, object] = {
        "n": trial.number,
        "round": trial.round,
        "status": trial.status,
        "operator": printable(trial.operator),
        "parents": [parent for parent in trial.parents if parent in known],
        "repeat": trial.repeat_of,
        "digest": trial.digest[:16],
        "metrics": {printable(name): value if isfinite(value) else str(value) for name, value in trial.metrics.items()},
        "seconds": round(trial.seconds, 3) or None,
        "change": printable(trial.change),
        "why": printable(trial.why),
        "error": printable(trial.error),
        "calls": _asked(trial),
        "notes": printable(json.dumps(dict(trial.notes), indent=1, default=str)) if trial.notes else "",
    }
    module = modules.get(trial.number)
    if module is not None:
        row["text"] = pool.network(module)
        row["layers"] = _layers(module)
        row["diff"] = _diff(trial, modules, module)
    return {name: value for name, value in row.items() if value not in ("", None, [], {})}


def _asked(trial: Trial) -> list[str]:
    """Return the digests of the prompts that made a trial; none where it does not say."""
    found = trial.notes.get("calls")
    return [printable(str(digest)) for digest in found] if isinstance(found, list) else []


def _layers(module: Module) -> list[list[object]]:
    return [[printable(row.layer), row.op, row.relevance] for row in relevance_table(module)[:MOST_LAYERS]]


def _diff(trial: Trial, modules: Mapping[int, Module], module: Module) -> dict[str, object] | None:
    """Return the diff to the first parent that has a network; None where there is none or it is the same."""
    parent = next((number for number in trial.parents if number in modules), None)
    if parent is None:
        return None
    try:
        found = compare(modules[parent], module)
    except NascError as error:
        return {"of": parent, "summary": printable(f"cannot be compared: {error}"), "parts": []}
    return _comparison(parent, found)


def _comparison(parent: int, found: Comparison) -> dict[str, object]:
    parts = [[printable(part.blocks), part.cls, part.count, list(map(_edit, part.edits))] for part in found.parts]
    return {"of": parent, "summary": printable(found.summary), "parts": parts}


def _edit(edit: Edit) -> list[object]:
    value = None if edit.relevance is None else round(edit.relevance, DIGITS)
    return [edit.kind, printable(edit.layer), printable(edit.text), value]


def as_script(data: object) -> str:
    """Return data as JSON that can stand inside a script element: no character in it can end that."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=str)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e").replace("\u2028", "\\u2028")
