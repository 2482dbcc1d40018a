"""What the tests let processes do instead of searching: it must be importable there, and fast."""

import os
import sys
import time
from pathlib import Path

from nasc.ir import NascError


def work(plan: str) -> str:
    """Do what the plan says."""
    match plan.split():
        case ["refuse"]:
            raise NascError.of("no such thing", "take another")
        case ["break"]:
            raise ZeroDivisionError
        case ["die"]:
            os._exit(7)
        case ["sleep", folder]:
            Path(folder, str(os.getpid())).touch()
            try:
                time.sleep(600)
            finally:
                Path(folder, str(os.getpid())).unlink()
        case _:
            pass
    return f"{plan} in {os.environ['OMP_NUM_THREADS']} of {os.getpid()}"


def main(folder: str) -> None:
    """Sleep twice at once, until Ctrl-C."""
    import signal

    from nasc.benchmarks.search_workers import at_once

    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        list(at_once([f"sleep {folder}"] * 3, 2, work))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(sys.argv[1])
