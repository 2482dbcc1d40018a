"""The `nasc` command: argument parsing and printing only.

What a command needs is imported when it runs, so that `nasc --help` costs little more than Python itself.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from .arguments import parser

BUG = 3
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 fine, 1 the input is wrong, 2 usage, 3 a bug of ours."""
    _speak_utf8()
    arguments = parser(argv).parse_args(argv)
    if arguments.run is None:
        parser(argv).print_help()
        return 2
    try:
        if getattr(arguments, "writes_file", False) and arguments.output not in (None, "-"):
            from .output import need_place

            need_place(arguments.output)
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _close_stdout()
        return 1
    except KeyboardInterrupt:
        print("nasc: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        return _failed(error, getattr(arguments, "format", "text"))
    return code


def _speak_utf8() -> None:
    """Write results in UTF-8, as files of the IR are, and to a terminal whatever of it that can show."""
    if sys.stdout is None:  # it was closed, as by `nasc check >&-`
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.encoding.lower().replace("-", "") != "utf8":
            if stream.isatty():
                stream.reconfigure(errors="replace")
            else:
                stream.reconfigure(encoding="utf-8")


def _close_stdout() -> None:
    """Point stdout nowhere, so that Python does not complain about the closed pipe when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failed(error: Exception, form: str) -> int:
    from ..ir import NascError

    if isinstance(error, NascError):
        from .output import report_errors

        return report_errors(error, form)
    if isinstance(error, ModuleNotFoundError) and (lacking := _package(error)):
        print(f"error: this needs the package {lacking}, which is not installed", file=sys.stderr)
        print("  help: pip install 'nasc[all]' brings what the commands need on a CPU", file=sys.stderr)
        return 1
    if isinstance(error, OSError) and error.errno in FULL:
        _close_stdout()
        print(f"error: the output cannot be written: {error.strerror}", file=sys.stderr)
        print("  help: free some space, or write elsewhere with -o FILE", file=sys.stderr)
        return 1
    if os.environ.get("NASC_DEBUG"):
        raise error
    print(f"nasc: this is a bug of nasc: {type(error).__name__}: {error}", file=sys.stderr)
    print(
        "  help: set NASC_DEBUG=1 to see where, and please report it with the command you ran",
        file=sys.stderr,
    )
    return BUG


def _package(error: ModuleNotFoundError) -> str:
    """Return the name of the package that is not installed; nothing where a part of one, or of nasc, is missing."""
    name = error.name or ""
    return "" if "." in name or name == "nasc" else name
