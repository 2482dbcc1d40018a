"""How large a rewritten network may be, checked on the IR before anything is built from it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..ir import Diagnostic, Module, NascError
from ..passes import cost, parse_limit, show_count
from .focus import run_counts

MOST_NODES = 20_000
MOST_PARAMS = 10**11
MOST_MACS = 2**62
MOST_BYTES = 2**40
_RATIO = re.compile(r"(\d+(?:\.\d+)?)\s*x", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Size:
    """The trained parameters and multiply-accumulates of a network, for one sample."""

    params: int
    macs: int


@dataclass(frozen=True, slots=True)
class Limits:
    """The most parameters and multiply-accumulates, and what no network may pass."""

    params: int = MOST_PARAMS
    macs: int = MOST_MACS
    nodes: int = MOST_NODES
    activation_bytes: int = MOST_BYTES

    def check(self, module: Module) -> Size:
        """Return the size of a module. Raises NascError with every limit that it passes."""
        runs = run_counts(module)
        nodes = sum(runs[graph.name] * len(graph.nodes) for graph in module.graphs)
        if nodes > self.nodes:
            raise _over([("nodes", nodes, self.nodes)])
        total = cost(module)
        measured = [
            ("parameters", total.params, self.params),
            ("multiply-accumulates", total.macs, self.macs),
            ("bytes of activations", total.activation_bytes, self.activation_bytes),
        ]
        over = [(what, value, limit) for what, value, limit in measured if value > limit]
        if over:
            raise _over(over)
        return Size(total.params, total.macs)


def limits_of(params: str | int | None, macs: str | int | None, size: Size) -> Limits:
    """Return limits written as ``1.1x`` (of a network of this size), ``5M`` or a number. Raises NascError."""
    return Limits(
        MOST_PARAMS if params is None else _limit(params, size.params, "max_params"),
        MOST_MACS if macs is None else _limit(macs, size.macs, "max_macs"),
    )


def is_ratio(text: object) -> bool:
    """Return whether a limit is written as a share of a network's size: ``0.5x``."""
    return isinstance(text, str) and _RATIO.fullmatch(text.strip()) is not None


def limit_of(text: str | int, base: int) -> int:
    """Return a limit written as a number, ``5M``, or ``0.5x`` of ``base``. Raises NascError."""
    return int(float(str(text).strip()[:-1]) * base) if is_ratio(text) else parse_limit(text)


def _limit(text: str | int, base: int, option: str) -> int:
    limit = limit_of(text, base)
    if limit < base:
        raise NascError.of(
            f"{option} {text} allows {show_count(limit)}, but the model has {show_count(base)} already",
            "give at least 1x: a rewrite starts from the model",
            "limit",
        )
    return limit


def _over(found: list[tuple[str, int, int]]) -> NascError:
    return NascError(
        *(
            Diagnostic(
                f"the network has {show_count(value)} {what}",
                f"at most {show_count(limit)} are allowed",
                "limit",
            )
            for what, value, limit in found
        )
    )
