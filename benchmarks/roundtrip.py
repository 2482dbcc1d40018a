"""Lower models of timm, print, parse, emit, load the original weights and compare the outputs, as a Markdown table.

python benchmarks/roundtrip.py
python benchmarks/roundtrip.py resnet18 vit_tiny_patch16_224 --passes outline --keep emitted/
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from nasc.backends import emit_torch
from nasc.frontends import lower
from nasc.grammar import parse, print_module
from nasc.ir import NascError
from nasc.passes import parse_pipeline

STANDARD = (
    "resnet18",
    "mobilenetv3_small_100",
    "efficientnet_b0",
    "convnext_tiny",
    "vit_tiny_patch16_224",
    "swin_tiny_patch4_window7_224",
    "densenet121",
    "regnetx_002",
    "mixer_s32_224",
    "xception41",
)
HEAD = "| model | nodes | lines of code | seconds to emit | relative error | missing keys | unexpected keys | trains |"


@dataclass(frozen=True)
class Row:
    """The figures of one model; the error is the largest difference over the largest output, batch of 2."""

    name: str
    nodes: int
    lines: int
    seconds: float
    error: float
    missing: int
    unexpected: int
    trains: bool

    def __str__(self) -> str:
        """Return the row of the table."""
        return (
            f"| {self.name} | {self.nodes} | {self.lines} | {self.seconds:.2f} | {self.error:.1e} "
            f"| {self.missing} | {self.unexpected} | {'yes' if self.trains else 'NO'} |"
        )


def original(name: str) -> nn.Module:
    """Return a model whose vectors (norm weights, biases) are shaken, so that mixed-up weights show."""
    import timm

    torch.manual_seed(0)
    model: nn.Module = timm.create_model(name).eval()
    with torch.no_grad():
        for value in model.state_dict().values():
            if value.is_floating_point() and value.ndim == 1:
                value.add_(torch.rand_like(value) / 10)
    return model


def load(path: Path) -> nn.Module:
    """Import an emitted file and build its model."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model: nn.Module = module.build_model()
    return model


def measure(name: str, passes: str, folder: Path) -> Row:
    """Take one model there and back."""
    model = original(name)
    size = getattr(model, "default_cfg", {}).get("input_size", (3, 224, 224))
    x = torch.randn(2, *size)
    module = lower(model, x).module
    module = parse(print_module(parse_pipeline(passes)(module) if passes else module))
    start = time.perf_counter()
    text = emit_torch(module)
    seconds = time.perf_counter() - start
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    emitted = load(path)
    keys = emitted.load_state_dict(model.state_dict(), strict=False)
    with torch.no_grad():
        expected, actual = model(x), emitted.eval()(x)
    emitted.train()(x).square().mean().backward()
    return Row(
        name,
        sum(len(graph.nodes) for graph in module.graphs),
        len(text.splitlines()),
        seconds,
        ((expected - actual).abs().max() / expected.abs().max()).item(),
        len(keys.missing_keys),
        len(keys.unexpected_keys),
        all(p.grad is not None for p in emitted.parameters()),
    )


def main() -> int:
    """Print the table; return 1 where a model fails or differs by more than the tolerance."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=STANDARD, metavar="MODEL", help="names of timm models")
    parser.add_argument("--passes", default="", help="passes to run before emitting, such as outline")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="largest relative error allowed")
    parser.add_argument("--keep", type=Path, help="a folder for the emitted files")
    options = parser.parse_args()
    failed = 0
    print(HEAD + "\n" + "|---" * 8 + "|")
    with tempfile.TemporaryDirectory() as scratch:
        folder: Path = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for name in options.models:
            try:
                row = measure(name, options.passes, folder)
            except (NascError, RuntimeError) as error:
                print(f"{name}: {error}", file=sys.stderr)
                failed += 1
                continue
            failed += row.error > options.tolerance
            print(row, flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
