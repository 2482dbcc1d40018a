"""The `nasc` command: argument parsing and printing only."""

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 fine, 1 the input is wrong, 2 usage, 3 a bug of ours."""
    del argv
    return 2
