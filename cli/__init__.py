"""The `nasc` command: argument parsing and printing only."""

import argparse
from collections.abc import Sequence

from .. import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 fine, 1 the input is wrong, 2 usage, 3 a bug of ours."""
    parser = argparse.ArgumentParser(prog="nasc", description="A compiler for neural architectures.")
    parser.add_argument("--version", action="version", version=f"nasc {__version__}")
    parser.parse_args(argv)
    parser.print_help()
    return 2
