"""Emit PyTorch for every architecture of keras.applications and compare it with Keras, as a Markdown table.

python benchmarks/keras_applications.py                     # all that the log does not have yet, then docs/keras.md
python benchmarks/keras_applications.py ResNet50 --force    # again
python benchmarks/keras_applications.py --table             # only write the table

Each model runs in a process of its own, at its default size, with random weights. Batch statistics are taken from a
forward pass and the classifier is scaled so that its answers differ, since fresh weights answer alike whatever they
see. One JSON line a model is appended to the log, so that the run may be cut off and started again.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from nasc.cli.arguments import positive
from nasc.predictor.records import adding, recorded

TOLERANCE = 1e-4
START, END = "<!-- applications -->", "<!-- end of applications -->"
HEAD = "| model | input | parameters | nodes | permutes | seconds to lower | Keras on | relative error | same top 5 |"


def names() -> list[str]:
    """Return the names of all architectures, the small ones first."""
    import inspect

    from nasc.frontends.keras.runtime import keras_with_torch

    applications = keras_with_torch().applications
    return sorted(name for name in dir(applications) if inspect.isfunction(getattr(applications, name)))


def history(tensor: Any) -> Any:
    """Return the layer that makes a symbolic tensor."""
    return getattr(tensor, "_keras_history").operation  # noqa: B009 it has no public name


def branch_ends(model: Any, kind: Any) -> set[str]:
    """Return the names of the layers of a kind that end the branch of a residual sum: the latest operand."""
    places = {layer.name: i for i, layer in enumerate(model.layers)}
    ends: set[str] = set()
    for layer in model.layers:
        if type(layer).__name__ == "Add":
            makers: list[Any] = [history(tensor) for tensor in layer.input]
            last = max(makers, key=lambda maker: places[maker.name])
            last = history(last.input) if type(last).__name__ == "Dropout" else last
            ends |= {last.name} if isinstance(last, kind) else set()
    return ends


def calibrate(model: Any, keras: Any, x: Any) -> None:
    """Take the statistics of batch norms from a forward pass over ``x``.

    The ends of residual branches are made weak, as in trained networks: random ones of full strength are chaotic, and
    a hundred layers blow up rounding errors (of ResNet101, Keras and emitted code were both 5e-4 away from double
    precision).
    """
    kind = keras.layers.BatchNormalization
    norms = [layer for layer in model.layers if isinstance(layer, kind)]
    ends = branch_ends(model, kind)
    dropouts = {layer: layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)}
    for layer in norms:
        layer.momentum = 0.0
        if layer.name in ends and layer.scale:
            layer.gamma.assign(layer.gamma.value * 0.1)
    for layer in dropouts:
        layer.rate = 0.0
    if norms:
        model(x, training=True)
    for layer in norms:
        layer.momentum = 0.99
    for layer, rate in dropouts.items():
        layer.rate = rate


def shaken(model: Any, keras: Any, x: Any) -> Any:
    """Give a model weights under which its answers differ, and return its answer to ``x``.

    The classifier is scaled to logits of standard deviation 3.
    """
    import numpy as np
    import torch

    rng = np.random.default_rng(0)
    for variable in model.trainable_variables:
        if "gamma" in variable.path:
            variable.assign(rng.uniform(0.5, 1.0, variable.shape))
        elif variable.ndim == 1:
            variable.assign(rng.normal(0, 0.1, variable.shape))
    calibrate(model, keras, x)
    head = next(layer for layer in reversed(model.layers) if hasattr(layer, "kernel"))
    features = keras.Model(model.input, head.input)(x, training=False)
    matrix = head.kernel.value.flatten(0, -2)
    spread = (features.flatten(0, -2) @ matrix).std()
    head.kernel.assign(head.kernel.value * (3 / torch.clamp(spread, min=1e-6)))
    return head(features) if head is model.layers[-1] else model(x, training=False)


def averages_at_edges(model: Any, keras: Any) -> bool:
    """Return whether a model averages windows that reach over an edge by more on one side than on the other.

    There Keras 3.15's torch backend repeats the elements at the edge, where TensorFlow (and the documented "same")
    leaves out what is not there; so such a model is compared with Keras on TensorFlow.
    """
    pools = [layer for layer in model.layers if isinstance(layer, keras.layers.AveragePooling2D)]
    return any(
        layer.padding == "same" and size % stride == 0
        for layer in pools
        for size, stride in zip(layer.input.shape[1:3], layer.strides, strict=True)
        if stride > 1
    )


def answer_of_tensorflow(model: Any, x: Any) -> Any:
    """Return what Keras with its TensorFlow backend answers, in a process of its own."""
    import numpy as np
    import torch

    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{folder}/model.keras")
        np.save(f"{folder}/x.npy", x.numpy())
        code = (
            "import sys, numpy as np, keras; folder = sys.argv[1];"
            "model = keras.saving.load_model(f'{folder}/model.keras', compile=False);"
            "np.save(f'{folder}/y.npy', model(np.load(f'{folder}/x.npy'), training=False).numpy())"
        )
        environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
        subprocess.run([sys.executable, "-c", code, folder], env=environment, check=True, capture_output=True)
        return torch.from_numpy(np.load(f"{folder}/y.npy"))


def emitted(module: Any, weights: Any) -> Any:
    """Return the emitted PyTorch with these weights, all of which must fit."""
    from nasc.backends import emit_torch

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "emitted.py"
        path.write_text(emit_torch(module), encoding="utf-8")
        spec = importlib.util.spec_from_file_location("emitted", path)
        assert spec is not None
        assert spec.loader is not None
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        model = loaded.build_model()
    own = model.state_dict()
    model.load_state_dict({key: value for key, value in weights.items() if key in own})
    return model.eval()


def image(model: Any, size: tuple[int, ...]) -> Any:
    """Return a random image with numbers such as the model takes: bytes where it scales them itself."""
    import numpy as np
    import torch

    x = torch.from_numpy(np.random.default_rng(1).uniform(0, 255, (1, *size)).astype("float32"))
    scales = any(layer.name.startswith(("rescaling", "normalization")) for layer in model.layers)
    return x if scales else x / 127.5 - 1


def measure(name: str) -> dict[str, object]:
    """Take one architecture there and compare."""
    import torch

    from nasc.frontends.keras import lower_keras
    from nasc.frontends.keras.runtime import keras_with_torch
    from nasc.frontends.keras.zoo import architecture
    from nasc.ir import f32, verify

    keras = keras_with_torch()
    keras.utils.set_random_seed(0)
    model = architecture(name)(weights=None)
    size = tuple(224 if side is None else side for side in model.input_shape[1:])
    x = image(model, size)
    with torch.no_grad():
        wanted = shaken(model, keras, x)
        reference = "tensorflow" if averages_at_edges(model, keras) else "torch"
        wanted = answer_of_tensorflow(model, x) if reference == "tensorflow" else wanted
        start = time.perf_counter()
        lowered = lower_keras(model, [f32(1, *size)], source=f"keras:{name}")
        seconds = time.perf_counter() - start
        assert verify(lowered.module) == ()
        (axes,) = str(lowered.module.notes["input_axes"]).split(",")
        own = model.count_params()
        del model
        got = emitted(lowered.module, lowered.weights)(x.permute([int(axis) for axis in axes]))
    nodes = lowered.module.main.nodes
    return {
        "model": name,
        "input": "x".join(map(str, size)),
        "params": own,
        "nodes": len(nodes),
        "permutes": sum(node.op.name in ("permute", "transpose") for node in nodes),
        "seconds": seconds,
        "error": ((wanted - got).abs().max() / wanted.abs().max()).item(),
        "reference": reference,
        "top": wanted.max().item(),
        "agree": bool((wanted.topk(5).indices == got.topk(5).indices).all()),
        "warnings": [d.message for d in lowered.diagnostics if d.severity != "note"],
    }


def run(name: str, log: Path, timeout: int) -> dict[str, Any]:
    """Measure one model in its own process and append the figures to the log."""
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    command = [sys.executable, str(Path(__file__).resolve()), "--one", name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=environment, check=False)
        lines = done.stdout.strip().splitlines()
        row: dict[str, Any] = (
            json.loads(lines[-1]) if done.returncode == 0 and lines else {"model": name, "failed": done.stderr[-600:]}
        )
    except subprocess.TimeoutExpired:
        row = {"model": name, "failed": f"more than {timeout} s"}
    with adding(log) as add:
        add(row)
    return row


def table(rows: dict[str, dict[str, Any]]) -> str:
    """Return the Markdown table and its sum."""
    equal = [r for r in rows.values() if "failed" not in r and r["error"] <= TOLERANCE and not r["warnings"]]
    lines = [f"Equal to {TOLERANCE:g} of the largest output: **{len(equal)} of {len(rows)}**.", "", HEAD]
    lines.append("|---" * 9 + "|")
    for name, r in sorted(rows.items()):
        if "failed" in r:
            lines.append(f"| {name} | | | | | | | FAILED | |")
            continue
        agree = "yes" if r["agree"] else "NO"
        lines.append(
            f"| {name} | {r['input']} | {r['params']:,} | {r['nodes']:,} | {r['permutes']} | {r['seconds']:.2f} "
            f"| {r.get('reference', 'torch')} | {r['error']:.1e} | {agree} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Measure what the log lacks, write the table; return 1 where a model fails or differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help="names of keras.applications; all by default")
    parser.add_argument("--log", type=Path, default=Path(tempfile.gettempdir()) / "nasc_keras_applications.jsonl")
    parser.add_argument("--docs", type=Path, default=Path(__file__).resolve().parent.parent / "docs" / "keras.md")
    parser.add_argument("--force", action="store_true", help="measure also what the log has")
    parser.add_argument("--table", action="store_true", help="measure nothing")
    parser.add_argument("--timeout", type=positive, default=1200, help="seconds a model may take")
    parser.add_argument("--one", metavar="MODEL", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one)))
        return 0
    rows = {row["model"]: row for row in recorded(options.log)}
    for name in [] if options.table else options.models or names():
        if options.force or name not in rows or "failed" in rows[name]:
            rows[name] = run(name, options.log, options.timeout)
            print(json.dumps(rows[name]), flush=True)
    text = options.docs.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    options.docs.write_text(f"{before}{START}\n{table(rows)}\n{END}{after}", encoding="utf-8")
    return int(any("failed" in row or row["error"] > TOLERANCE for row in rows.values()))


if __name__ == "__main__":
    sys.exit(main())
