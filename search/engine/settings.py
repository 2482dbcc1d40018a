"""The settings of a study: everything that decides what it finds, given the answers of the LLM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ...ir import Diagnostic, NascError


def _written(option: str, default: Any) -> Any:
    return field(default=default, metadata={"option": option})


@dataclass(frozen=True)
class Settings:
    """What was asked for.

    ``method``, ``start``, ``evaluator`` and ``llm`` are as the user wrote them, ``origin`` is the digest of the
    networks that the space starts from. ``max_params`` and ``max_macs`` bound one candidate, ``ops`` are the only ops
    that it may have where there are any. ``objectives`` are metrics, higher is better but for ``params``, ``macs``,
    ``latency`` (ms) and ``min:NAME``. ``batch`` is how many evaluations a round aims at. ``seconds`` and ``gib`` bound
    one evaluation.
    """

    method: str = _written("--method", "evolution")
    start: str = _written("--start", "")
    evaluator: str = _written("--evaluator", "predictor")
    llm: str = _written("--llm", "random")
    seed: int = _written("--seed", 0)
    max_params: int | None = _written("--max-params", None)
    max_macs: int | None = _written("--max-macs", None)
    ops: tuple[str, ...] = _written("--ops", ())
    objectives: tuple[str, ...] = _written("--objectives", ("score", "params"))
    batch: int = _written("--batch", 8)
    seconds: float = _written("--timeout", 600.0)
    gib: float = _written("--memory", 4.0)
    origin: str = _written("--start", "")

    def as_json(self) -> dict[str, Any]:
        """Return the settings as plain data."""
        plain = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Settings:
        """Return the settings that plain data holds."""
        names = {item.name for item in fields(cls)}
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
        }
        return cls(**{name: value for name, value in plain.items() if name in names})

    def need_same(self, others: Settings, study: str) -> None:
        """Check that a study that is there is the one that is asked for. Raises NascError with every difference."""
        found: list[Diagnostic] = []
        for item in fields(self):
            ours, theirs = getattr(self, item.name), getattr(others, item.name)
            if ours == theirs:
                continue
            option = item.metadata["option"]
            if item.name == "origin":
                if self.start == others.start:
                    message = f"study {study!r} began with another {self.start}: the model has changed since"
                    found.append(Diagnostic(message, "begin another study, or restore the model", "study"))
                continue
            message = f"study {study!r} has {option} {_shown(ours)}, not {_shown(theirs)}"
            found.append(Diagnostic(message, "repeat the command that began it, or begin another study", "study"))
        if found:
            raise NascError(*found)


def _shown(value: object) -> str:
    if value is None or value in ("", ()):
        return "unset"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
