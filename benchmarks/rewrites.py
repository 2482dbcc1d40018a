"""Rewrite models many times and report how many of the networks that came out train, and how many score better.

python benchmarks/rewrites.py --llm random --count 100 --out random.jsonl
python benchmarks/rewrites.py --llm local --count 100 --out local.jsonl
python benchmarks/rewrites.py --report random.jsonl local.jsonl

Each rewrite is one round (``--iterations``) with 3 tries from one of the starting models. The last network that came
out, better or not, is emitted as PyTorch, imported, and run forward and backward in train mode on a batch of 2. A
line of JSON a rewrite goes to ``--out``; a run that was broken off goes on where it stopped.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from nasc.backends import emit_torch
from nasc.cli.arguments import positive
from nasc.frontends import lower_source
from nasc.ir import DType, Module, NascError, TensorType, evaluate
from nasc.ir.files import user_cache_dir
from nasc.predictor import Predictor
from nasc.predictor.records import adding, recorded
from nasc.search import RewriteOptions, RewriteResult, header, rewrite
from nasc.search.llm import Client, open_client

EXAMPLES = Path(__file__).parents[1] / "examples"
MODELS = (
    str(EXAMPLES / "resnet_cifar.py"),
    str(EXAMPLES / "mobilenet_small.py"),
    str(EXAMPLES / "vit_tiny.py"),
    "timm:resnet18",
    "timm:mobilenetv3_small_100",
    "timm:efficientnet_b0",
    "timm:convnext_atto",
    "timm:vit_tiny_patch16_224",
    "timm:swin_tiny_patch4_window7_224",
    "timm:densenet121",
    "timm:regnetx_002",
    "torchvision:squeezenet1_1",
)


def example(type_: TensorType) -> torch.Tensor:
    """Return a batch of 2 of this type."""
    shape = tuple(evaluate(dim, 2) for dim in type_.shape)
    if type_.dtype is DType.F32:
        return torch.randn(shape)
    return torch.zeros(shape, dtype=torch.int64)


def trains(module: Module, lines: Sequence[str]) -> str:
    """Return what went wrong when the emitted module was run forward and backward; empty where nothing did."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "emitted.py"
        try:
            path.write_text(emit_torch(module, header=lines), encoding="utf-8")
            spec = importlib.util.spec_from_file_location("emitted", path)
            assert spec is not None
            assert spec.loader is not None
            emitted: Any = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(emitted)
            model = emitted.build_model().train()
            output = model(*(example(value.type) for value in module.main.inputs))
            outputs = output if isinstance(output, tuple) else (output,)
            torch.stack([part.float().square().mean() for part in outputs]).sum().backward()
        except Exception as error:
            return f"{type(error).__name__}: {error}"[:300]
    if not any(parameter.grad is not None for parameter in model.parameters()):
        return "no parameter has a gradient"
    return ""


def summary(source: str, seed: int, result: RewriteResult, seconds: float) -> dict[str, object]:
    """Return one rewrite as plain data."""
    usable = [step for step in result.steps if step.network is not None]
    network = usable[-1].network if usable else None
    failure = trains(network or result.best, header(result, source))
    return {
        "source": Path(source).name,
        "seed": seed,
        "new": network is not None,
        "runs": not failure,
        "failure": failure,
        "better": any(step.accepted for step in result.steps),
        "first_try": bool(result.steps) and result.steps[0].network is not None,
        "tries": len(result.steps),
        "gain": result.score - result.baseline,
        "edits": [step.description for step in usable],
        "why": [step.explanation for step in usable],
        "errors": [step.error.splitlines()[0][:200] for step in result.steps if step.error],
        "stopped": result.stopped,
        "seconds": round(seconds, 2),
    }


def run(models: Sequence[str], client: Client, count: int, iterations: int, out: Path) -> None:
    """Do the rewrites that the file does not hold yet, model after model in turn."""
    done = {(line["source"], line["seed"]) for line in recorded(out)}
    lowered: dict[str, Module] = {}
    predictor = Predictor.load()
    for i in range(count):
        source, seed = models[i % len(models)], i // len(models)
        if (Path(source).name, seed) in done:
            continue
        if source not in lowered:
            lowered[source] = lower_source(source).module
        options = RewriteOptions(threshold=float("inf"), max_iterations=iterations, seed=seed)
        start = time.monotonic()
        result = rewrite(lowered[source], predictor, client, options)
        if result.stopped in ("interrupted", "llm"):
            sys.exit(f"stopped: {result.stopped} {result.error or ''}")
        line = summary(source, seed, result, time.monotonic() - start)
        with adding(out) as add:
            add(line)
        print(
            f"{i + 1}/{count} {line['source']}: runs {line['runs']}, better {line['better']} {line['failure']}",
            flush=True,
        )


def report(paths: Iterable[Path]) -> str:
    """Return a markdown table with one row a file."""
    rows = [
        "| LLM | rewrites | models | emitted code runs | edited | at first try | better | mean gain | s a rewrite |"
    ]
    rows.append("|---|---|---|---|---|---|---|---|---|")
    for path in paths:
        lines = recorded(path)
        if not lines:
            continue
        counts = [sum(bool(line[key]) for line in lines) for key in ("runs", "new", "first_try", "better")]
        gains = sum(line["gain"] for line in lines) / len(lines)
        seconds = sum(line["seconds"] for line in lines) / len(lines)
        models = len({line["source"] for line in lines})
        rows.append(
            f"| {path.stem} | {len(lines)} | {models} | {' | '.join(map(str, counts))} | {gains:+.4f} | {seconds:.1f} |"
        )
    return "\n".join(rows)


def main() -> None:
    """Run or report."""
    parser = argparse.ArgumentParser(description="Measure rewriting.")
    parser.add_argument("--llm", default="random", help="who proposes edits; default: random")
    parser.add_argument("--count", type=positive, default=100, help="rewrites; default: 100")
    parser.add_argument("--iterations", type=positive, default=1, help="rounds a rewrite; default: 1")
    parser.add_argument("--models", nargs="+", default=list(MODELS), help="sources to start from")
    parser.add_argument("--out", type=Path, default=Path("rewrites.jsonl"), help="results, one line a rewrite")
    parser.add_argument("--report", type=Path, nargs="+", help="print the table of these files and stop")
    arguments = parser.parse_args()
    if not arguments.report:
        client = open_client(arguments.llm, cache_dir=user_cache_dir() / "answers")
        run(arguments.models, client, arguments.count, arguments.iterations, arguments.out)
    print(report(arguments.report or [arguments.out]))


if __name__ == "__main__":
    try:
        main()
    except NascError as error:
        sys.exit(str(error))
