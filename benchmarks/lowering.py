"""Lower models of timm and report nodes, ops, time beside torch.export's, missing ops and the error of the outputs.

python benchmarks/lowering.py resnet18 vit_tiny_patch16_224
python benchmarks/lowering.py --families
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from nasc.frontends.pytorch.capture import capture
from nasc.frontends.pytorch.lowering import lower_program, scopes_of
from nasc.ir import NascError, verify

STANDARD = (
    "resnet18",
    "mobilenetv3_small_100",
    "efficientnet_b0",
    "densenet121",
    "convnext_tiny",
    "vit_tiny_patch16_224",
    "swin_tiny_patch4_window7_224",
)


def interpreter() -> ModuleType:
    """Return the tests' reference interpreter."""
    path = Path(__file__).parents[1] / "tests" / "frontends" / "interpreter.py"
    spec = importlib.util.spec_from_file_location("interpreter", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def smallest_models() -> list[str]:
    """Return one model of every family of timm: the first by name of each module that is not a huge one."""
    import timm

    names: list[str] = []
    for family in timm.list_modules():
        models = timm.list_models(module=family)
        small = [n for n in models if any(w in n for w in ("tiny", "small", "_s", "18", "b0", "nano", "xs"))]
        names += (small or models)[:1]
    return names


def measure(name: str, tolerance: float) -> dict[str, Any]:
    """Return the figures of one model."""
    import timm

    torch.manual_seed(0)
    model: Any = timm.create_model(name).eval()
    size: tuple[int, ...] = model.pretrained_cfg["input_size"]
    start = time.perf_counter()
    captured = capture(model, (torch.randn(1, *size),), True)
    middle = time.perf_counter()
    lowered = lower_program(captured.program, captured.symbols, scopes_of(model), name)
    end = time.perf_counter()
    batch = 2 if captured.symbols else 1
    x = torch.randn(batch, *size)
    with torch.no_grad():
        wanted = model(x)
        (got, *_) = interpreter().run(lowered.module, lowered.weights, x)
    wanted = wanted[0] if isinstance(wanted, tuple | list) else wanted
    error = float((wanted - got).abs().max() / wanted.abs().max().clamp(min=1e-6))
    nodes = lowered.module.main.nodes
    return {
        "model": name,
        "nodes": len(nodes),
        "ops": len({node.op.name for node in nodes}),
        "export_s": round(middle - start, 2),
        "ours_s": round(end - middle, 2),
        "batch": "N" if captured.symbols else "fixed",
        "error": error,
        "verified": not verify(lowered.module),
        "ok": error <= tolerance and not verify(lowered.module),
    }


def main() -> int:
    """Print one JSON line a model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", help="names of timm models (default: those of the main job)")
    parser.add_argument("--families", action="store_true", help="one model of every family of timm")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="relative error allowed")
    options = parser.parse_args()
    names = options.models or (smallest_models() if options.families else STANDARD)
    failed = 0
    for name in names:
        try:
            row = measure(name, options.tolerance)
        except NascError as error:
            row = {"model": name, "ok": False, "problems": [d.message for d in error.diagnostics][:8]}
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            row = {"model": name, "ok": False, "crash": f"{error!r:.300} {where.filename}:{where.lineno}"}
        failed += not row["ok"]
        print(json.dumps(row), flush=True)
    print(f"{len(names) - failed} of {len(names)} lowered with equal outputs", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
