"""Fuzzing of everything that reads what others wrote: the text parser, the JSON reader and the ONNX reader.

    python -m benchmarks.fuzz --seconds 120 [--seed 0] [--target text|json|onnx]

Inputs are sound ones with mutations; whatever becomes of them, the answer is a module or a NascError, soon, and in
bounded memory. Anything else is a finding: it is printed with the seed that makes it again.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from nasc.cli.arguments import natural, positive, seconds
from nasc.grammar import from_json, parse, print_module, to_json
from nasc.ir import Builder, Module, NascError, checked, f32, symbol, verify

GOLDEN = Path(__file__).parent.parent / "tests" / "golden"
SLOW = 10
NUMBERS = (0, 1, -1, 2, 3, 7, 255, 2**16, 2**31 - 1, 2**31, 2**32, 2**62, 2**63 - 1, -(2**63))
Rng = random.Random


@dataclass(frozen=True)
class Finding:
    """An input that was not answered cleanly: its seed, what it is, and what came instead of an answer."""

    target: str
    seed: int
    data: object
    error: str


def texts() -> list[str]:
    """Return sound and faulty modules of the golden files as text."""
    files = sorted(GOLDEN.glob("*/*.nasc"))
    return [file.read_text(encoding="utf-8") for file in files] + [print_module(network())]


def network() -> Module:
    """Return a small network with a bit of everything."""
    b = Builder()
    x = b.input("x", f32(symbol("N"), 3, 8, 8))
    y = b("relu", b("batch_norm", b("conv2d", x, out_channels=4, kernel_size=3, padding=1, path="c"), path="bn"))
    y = b("cat", y, b("mul", y, other=2.0), dim=1)
    y = b("flatten", b("adaptive_avg_pool2d", y, output_size=1), start_dim=1)
    return b.module(b("softmax", b("linear", y, out_features=5, path="fc")))


def mutated_text(text: str, rng: Rng) -> str:
    """Return a text with some of its parts cut, doubled, exchanged or made absurd."""
    for _ in range(rng.randint(1, 4)):
        text = _mutated_once(text, rng)
    return text[:200_000]


def _mutated_once(text: str, rng: Rng) -> str:
    i, j = sorted(rng.randint(0, len(text)) for _ in range(2))
    j = min(j, i + rng.choice((1, 4, 40, 400)))
    piece = text[i:j]
    other = rng.choice(_PIECES) if rng.random() < 0.6 else str(rng.choice(NUMBERS))
    middle = rng.choice(("", piece * rng.randint(2, 4), other, other + piece, piece[::-1]))
    return text[:i] + middle + (text[j:] if rng.random() < 0.9 else "")


_PIECES = (
    *(
        "(",
        "((((((((",
        "[" * 50,
        "]",
        "{",
        "}",
        "<",
        "%",
        "%a",
        "@",
        "@main",
        "#",
        '"',
        "\\",
        "\n",
        "\0",
        "\ud800",
        "é",
    ),
    *(
        "//",
        "->",
        ":",
        "=",
        ",",
        "N",
        "N*N",
        "N//0",
        "(N//2)//(N-N)",
        "9" * 400,
        "1e999",
        "nan",
        "true",
        "none",
        "call",
    ),
    *("i64", "f32[]", "f32[N,N]", "conv2d %x", "kernel_size=0", "stride=-1", "-" * 60, "*N" * 40, "(" * 600),
)


def attack_text(text: str) -> None:
    """Parse, check and print a text."""
    module = parse(text, "fuzz")
    verify(module)
    print_module(module)


def mutated_json(data: object, rng: Rng) -> object:
    """Return JSON data with some of its parts replaced."""
    data = json.loads(json.dumps(data))
    for _ in range(rng.randint(1, 3)):
        places = list(_places(data))
        if not places:
            return data
        owner, key = rng.choice(places)
        choice = rng.random()
        if choice < 0.2 and isinstance(owner, dict):
            del owner[key]
        elif choice < 0.4:
            other, at = rng.choice(places)
            owner[key] = json.loads(json.dumps(other[at]))
        else:
            owner[key] = rng.choice((*_VALUES, rng.choice(NUMBERS)))
    return data


_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1.5,
    1e308,
    "",
    "N",
    "a" * 300,
    "\ud800",
    [],
    {},
    [[]],
    [[[[[[[[[[]]]]]]]]]],
    "%x",
)


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    waiting = [data]
    while waiting:
        top = waiting.pop()
        items = top.items() if isinstance(top, dict) else enumerate(top) if isinstance(top, list) else ()
        for key, value in items:
            yield top, key
            if isinstance(value, dict | list):
                waiting.append(value)


def attack_json(data: Any) -> None:
    """Read, check and print JSON data."""
    module = from_json(data)
    verify(module)
    print_module(checked(module))


def onnx_models() -> list[bytes]:
    """Return sound models: a network of convolutions, one of attention, one of shape arithmetic and control flow."""
    from nasc.benchmarks.fuzz_models import models

    return [model.SerializeToString() for model in models()]


def mutated_onnx(data: bytes, rng: Rng) -> bytes:
    """Return the bytes of a model, changed as bytes or as what they mean."""
    from nasc.benchmarks.fuzz_models import mutated

    if rng.random() < 0.6:
        return mutated(data, rng)
    raw = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        i = rng.randrange(len(raw) + 1)
        j = min(len(raw), i + rng.choice((1, 2, 8, 64)))
        made = bytes(rng.randrange(256) for _ in range(rng.choice((1, 2, 10))))
        raw[i:j] = rng.choice((b"", made, raw[i:j] * 2, b"\xff" * 9 + b"\x01"))
        if rng.random() < 0.05:
            del raw[i:]
    return bytes(raw)


def attack_onnx(data: bytes) -> None:
    """Lower a model that may be anything."""
    from nasc.frontends.onnx.lowering import lower_model
    from nasc.frontends.onnx.reading import parse_model

    lower_model(parse_model(data, "fuzz.onnx"))


@dataclass(frozen=True)
class Target:
    """A reader: sound inputs, how to spoil one, and how to read it."""

    corpus: Callable[[], Sequence[Any]]
    mutate: Callable[[Any, Rng], Any]
    attack: Callable[[Any], None]


TARGETS: Mapping[str, Target] = {
    "text": Target(texts, mutated_text, attack_text),
    "json": Target(lambda: [to_json(network())], mutated_json, attack_json),
    "onnx": Target(onnx_models, mutated_onnx, attack_onnx),
}


@contextmanager
def _in_time(seconds: int) -> Generator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"no answer within {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def one(name: str, corpus: Sequence[Any], seed: int) -> Finding | None:
    """Try the input of a seed; return what is wrong with the answer."""
    target = TARGETS[name]
    rng = random.Random(f"{name} {seed}")
    data = target.mutate(rng.choice(corpus), rng)
    try:
        with _in_time(SLOW):
            target.attack(data)
    except NascError as error:
        return None if error.diagnostics else Finding(name, seed, data, "a NascError that says nothing")
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        return Finding(name, seed, data, "".join(traceback.format_exception(error)[-4:]))
    return None


def run(names: Sequence[str], seed: int, seconds: float, most: int | None = None) -> tuple[int, list[Finding]]:
    """Try inputs until the time or the count is up, of each target in turn; return how many, and what was found."""
    corpora = {name: TARGETS[name].corpus() for name in names}
    end = time.monotonic() + seconds
    count, found = 0, list[Finding]()
    while time.monotonic() < end and (most is None or count < most):
        name = names[count % len(names)]
        finding = one(name, corpora[name], seed + count)
        found += [finding] if finding else []
        count += 1
    return count, found


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz, report, and return how many findings there are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=seconds, default=120)
    parser.add_argument("--seed", type=natural, default=0)
    parser.add_argument("--target", choices=sorted(TARGETS), action="append")
    parser.add_argument("--memory", type=positive, default=8, help="GiB that the process may take")
    options = parser.parse_args(arguments)
    _limit_memory(options.memory)
    count, found = run(options.target or sorted(TARGETS), options.seed, options.seconds)
    kinds: dict[str, Finding] = {}
    for finding in found:
        kinds.setdefault(finding.target + finding.error[-300:], finding)
    for finding in kinds.values():
        print(f"--- {finding.target} seed {finding.seed}\n{finding.error}")
    print(f"{count} inputs, {len(found)} findings of {len(kinds)} kinds")
    return len(kinds)


def _limit_memory(gigabytes: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (gigabytes << 30, gigabytes << 30))


if __name__ == "__main__":
    sys.exit(min(main(), 1))
