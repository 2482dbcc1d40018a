"""The page of the coverage benchmark: counts first, then a row a model, the ONNX node tests, and the peers."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Any

Row = dict[str, Any]
TOLERANCE = 1e-4
_TITLES = {
    "timm": "timm, one model a family",
    "transformers": "transformers",
    "torchvision": "torchvision's classifiers",
}
_HEAD = (
    "| model | nodes | lowered | text there and back | emitted | relative error | ONNX in onnxruntime "
    "| lines outlined | batch | torch.export s | ours s |\n|---|---|---|---|---|---|---|---|---|---|---|"
)
_PEERS = "| models | nasc | torch.fx traces | of them equal | torch.onnx + onnx2torch converts | of them equal |"


def document(rows: Sequence[Row], *, peers_only: bool = False) -> str:
    """Return the page in Markdown."""
    tables = {kind: [row for row in rows if _kind(row) == kind] for kind in _TITLES}
    tables = {kind: found for kind, found in tables.items() if found}
    parts = [_introduction(), _peers(tables)]
    if not peers_only:
        parts.insert(1, _summary(tables))
        parts += [_table(kind, found) for kind, found in tables.items()]
        parts.append(_nodes())
    return "\n\n".join(part for part in parts if part) + "\n"


def _kind(row: Row) -> str:
    return str(row["job"]).split()[1].partition(":")[0]


def _task(rows: Sequence[Row], task: str) -> list[Row]:
    return [row for row in rows if str(row["job"]).startswith(f"{task} ")]


def _introduction() -> str:
    names = ("torch", "timm", "torchvision", "transformers", "onnxruntime", "onnx2torch")
    versions = ", ".join(filter(None, map(_version, names)))
    today = datetime.datetime.now(tz=datetime.UTC).date()
    return f"""# Coverage

Measured on {today} by `python -m benchmarks.coverage`: {os.cpu_count()} cores of {platform.machine()}, no GPU, Python
{platform.python_version()}, {versions}.
All columns of a row come from one run on one machine; every model ran in a process of its own with one thread.

A model has random weights, its vectors shaken so that mixed-up weights show. It is lowered with a symbolic batch
where it allows one (column batch: N), printed, parsed, and emitted as PyTorch; the emitted model loads the original's
own state dict with `strict=True` and is compared on a batch of 2. Relative error is the largest difference over the
largest element, of all outputs; equal means at most {TOLERANCE:g}. Pictures for
torchvision's classifiers are 96 pixels wide where the model allows it. Models of transformers are small ones built
from their configuration."""


def _version(name: str) -> str:
    """Return the name and version of a package; nothing for one that is not there (onnx2torch is only a peer)."""
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return ""


def equal(row: Row) -> bool:
    """Return whether a row ends in equal outputs."""
    return "problem" not in row and row.get("error", 1.0) <= TOLERANCE


def _summary(tables: dict[str, list[Row]]) -> str:
    lines = ["| models | lowered | there and back | emitted and equal | ONNX equal | ours / torch.export, seconds |"]
    lines.append("|---|---|---|---|---|---|")
    for kind, rows in tables.items():
        mine = _task(rows, "ours")
        total = len(mine)
        onnx = sum(isinstance(row.get("onnx"), float) and row["onnx"] <= TOLERANCE for row in mine)
        shares = [row["ours_s"] / row["export_s"] for row in mine if row.get("export_s")]
        share = f"{100 * median(shares):.1f}% (median), {100 * max(shares):.1f}% at most" if shares else "-"
        counts = [sum(bool(row.get(name)) for row in mine) for name in ("lowered", "round_trip")]
        counts.append(sum(map(equal, mine)))
        lines.append(f"| {_TITLES[kind]} | {' | '.join(f'{n} of {total}' for n in (*counts, onnx))} | {share} |")
    return "\n".join(lines)


def _peers(tables: dict[str, list[Row]]) -> str:
    lines = ["## The peers, in the same run", "", _PEERS, "|---|---|---|---|---|---|"]
    found = False
    for kind, rows in tables.items():
        mine, fx, back = (_task(rows, task) for task in ("ours", "fx", "onnx2torch"))
        cells = [f"{sum(map(equal, mine))} of {len(mine)}" if mine else "-"]
        for peer in (fx, back):
            cells += [f"{sum(bool(row.get('made')) for row in peer)} of {len(peer)}", str(sum(map(equal, peer)))]
        found = found or bool(fx)
        lines.append(f"| {_TITLES[kind]} | {' | '.join(cells)} |")
    note = """torch.fx.symbolic_trace gives a graph of calls to the model's own modules. torch.onnx.export writes
opset 13, or 17 where the model needs it, and onnx2torch makes modules of that. Both are held against the model on a
batch of 1."""
    return "\n".join([*lines, "", note]) if found else ""


def _table(kind: str, rows: Sequence[Row]) -> str:
    mine = _task(rows, "ours")
    return "\n".join([f"## {_TITLES[kind]}", "", _HEAD, *(_line(row) for row in mine)])


def _line(row: Row) -> str:
    name = str(row["job"]).split()[1].partition(":")[2]
    cells = [
        str(row.get("nodes", "-")),
        *(_yes(row.get(name)) for name in ("lowered", "round_trip", "emitted")),
        f"{row['error']:.1e}" if "error" in row else _problem(row.get("problem", "-")),
        _onnx(row.get("onnx", "-")),
        str(row.get("lines", "-")),
        "N" if row.get("batch") else "fixed",
        *(f"{row[name]:.2f}" if name in row else "-" for name in ("export_s", "ours_s")),
    ]
    return f"| {name} | {' | '.join(cells)} |"


def _yes(value: object) -> str:
    return "yes" if value else "NO"


def _onnx(value: object) -> str:
    if value is None:
        return "n/a"
    return f"{value:.1e}" if isinstance(value, float) else _problem(str(value))


def _problem(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")[:120]


def _nodes() -> str:
    """Return the table of the ONNX node tests, where that benchmark is there."""
    try:
        table: str = import_module("benchmarks.onnx_nodes").table()
    except ImportError:
        return ""
    return f"## onnx.backend.test\n\n{table.strip()}"
