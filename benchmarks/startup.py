"""How long `nasc --help` and `nasc check` take to start, as a ratio to Python itself.

Run it with `python -m benchmarks.startup`.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from nasc.cli.arguments import positive

ROOT = Path(__file__).parents[1]
NASC = str(Path(sys.executable).with_name("nasc"))
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "nasc --help": [NASC, "--help"],
    "nasc check examples/block.nasc": [NASC, "check", "examples/block.nasc"],
}


def seconds(command: list[str]) -> float:
    """Return how long one run of a command takes, its process included."""
    start = time.perf_counter()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main() -> None:
    """Run the commands in turn, so that they share the machine's weather, and print medians and ratios."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=positive, default=21, help="runs of each command; default: 21")
    rounds = options.parse_args().rounds
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, command in COMMANDS.items():
            times[name].append(seconds(command))
    base = statistics.median(times["python -c pass"])
    print(f"| command | median of {rounds}, ms | ratio |\n|---|---|---|")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"| `{name}` | {median * 1000:.1f} | {median / base:.1f} |")


if __name__ == "__main__":
    main()
