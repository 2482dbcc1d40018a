"""The memory of a round: documents of earlier rounds, and what this one writes, kept when the round is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from ...ir import NascError

if TYPE_CHECKING:
    from ..store import StoredStudy

Document = Mapping[str, object]


class RoundMemory:
    """A strategy's documents as it sees them during ``ask``; what is written waits to be kept with the round."""

    def __init__(self, study: StoredStudy) -> None:
        """Read documents from a study when they are asked for."""
        self._study = study
        self._kinds: dict[str, dict[str, Document]] = {}
        self.written: dict[tuple[str, str], Document] = {}
        self.blobs: dict[tuple[str, str], bytes] = {}

    def get(self, kind: str, key: str) -> Document | None:
        """Return a document, or None."""
        return self._of(kind).get(key)

    def put(self, kind: str, key: str, document: Document) -> None:
        """Keep a document in the place of an earlier one with this key. Raises NascError where it is no JSON."""
        self._of(kind)[key] = self.written[kind, key] = plain_json(document, f"document {kind}/{key}")

    def all(self, kind: str) -> Sequence[tuple[str, Document]]:
        """Return all documents of a kind with their keys, oldest first."""
        return list(self._of(kind).items())

    def blob(self, kind: str, key: str) -> bytes | None:
        """Return bytes, or None."""
        kept = self.blobs.get((kind, key))
        return self._study.blob(kind, key) if kept is None else kept

    def put_blob(self, kind: str, key: str, data: bytes) -> None:
        """Keep bytes in the place of earlier ones with this key."""
        self.blobs[kind, key] = data

    def _of(self, kind: str) -> dict[str, Document]:
        if kind not in self._kinds:
            self._kinds[kind] = dict(self._study.documents(kind))
        return self._kinds[kind]


def plain_json(document: Document, name: str) -> dict[str, object]:
    """Return a document as it comes back from a store: tuples as lists. Raises NascError where it is no JSON."""
    try:
        return cast("dict[str, object]", json.loads(json.dumps(dict(document), allow_nan=False)))
    except (TypeError, ValueError) as error:
        raise NascError.of(f"{name} is no JSON: {error}", "keep numbers, text and lists") from None
