"""Records: files of one JSON object a line, to which a run that was broken off goes on adding."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from os import SEEK_END
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def recorded(record: Path) -> list[Row]:
    """Return the objects of a record, none where there is no file; a line that was cut off is left out."""
    found: list[Row] = []
    for line in record.read_bytes().splitlines() if record.is_file() else ():
        try:
            row: object = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            found.append(row)
    return found


@contextmanager
def adding(record: Path) -> Generator[Callable[[Mapping[str, object]], None]]:
    """Yield what adds an object to a record, at once; after a line that was cut off on a line of its own."""
    with record.open("ab+") as file:
        if file.seek(0, SEEK_END):
            file.seek(-1, SEEK_END)
            if file.read() != b"\n":
                file.write(b"\n")

        def add(row: Mapping[str, object]) -> None:
            file.write(f"{json.dumps(row)}\n".encode())
            file.flush()

        yield add
