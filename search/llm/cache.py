"""Answers kept on disk by their prompt, so that a run replays exactly without a model or a server."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

from ...ir.files import whole
from .client import Answer, Client, Prompt

_FIELDS: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "prompt_tokens": int,
    "completion_tokens": int,
    "seconds": (int, float),
    "model": str,
    "finished": bool,
}


@dataclass(frozen=True)
class Cached:
    """A client that answers from ``folder`` what it has answered before.

    An answer is one JSON file, ``<2 hex digits>/<digest>.json``, written whole or not at all. A file that
    cannot be read as an answer counts as absent and is rewritten. ``on_hit`` hears of every answer that came
    from disk.
    """

    client: Client
    folder: Path
    on_hit: Callable[[Answer], None] | None = None

    @property
    def name(self) -> str:
        """The name of the client behind."""
        return self.client.name

    def complete(self, prompt: Prompt) -> Answer:
        """Return the kept answer, else ask and keep; raises what the client raises."""
        path = self.path(prompt)
        kept = _read(path)
        if kept is not None:
            if self.on_hit is not None:
                self.on_hit(kept)
            return kept
        answer = self.client.complete(prompt)
        plain = asdict(replace(answer, cached=False))
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as part:
            part.write_text(json.dumps(plain, sort_keys=True, indent=1) + "\n", encoding="utf-8")
        return answer

    def path(self, prompt: Prompt) -> Path:
        """Return the file that holds, or would hold, the answer to a prompt."""
        digest = prompt.digest(self.client.name)
        return self.folder / digest[:2] / f"{digest}.json"


def _read(path: Path) -> Answer | None:
    try:
        loaded: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(loaded, dict):
        return None
    plain = cast(dict[str, object], loaded)
    if any(not isinstance(plain.get(key), kind) for key, kind in _FIELDS.items()):
        return None
    return Answer(
        text=str(plain["text"]),
        prompt_tokens=cast(int, plain["prompt_tokens"]),
        completion_tokens=cast(int, plain["completion_tokens"]),
        seconds=cast(float, plain["seconds"]),
        model=str(plain["model"]),
        cached=True,
        finished=bool(plain["finished"]),
    )
