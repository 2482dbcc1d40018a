"""The store as a whole: which studies it has, and a new one."""

from __future__ import annotations

import time
from pathlib import Path

from sqlalchemy import select

from ...ir import NascError, did_you_mean
from ..engine.settings import Settings
from .database import Database
from .schema import StudyRow
from .study import StoredStudy


class Store:
    """Studies in a file or behind a URL: ``Store("study.db")``, ``Store("postgresql://me@host/searches")``.

    Raises NascError where the store cannot be reached or is of another version; with ``create=False`` also where
    there is none.
    """

    def __init__(self, where: str | Path, create: bool = True) -> None:
        """Open a store, or make one."""
        self.database = Database(where, create)

    @property
    def name(self) -> str:
        """The store's file, or its URL without a password."""
        return self.database.name

    def studies(self) -> tuple[StoredStudy, ...]:
        """Return all studies, oldest first."""
        with self.database.reading() as session:
            rows = session.scalars(select(StudyRow.id).order_by(StudyRow.id)).all()
        return tuple(StoredStudy(self.database, row) for row in rows)

    def study(self, name: str) -> StoredStudy:
        """Return a study by its name. Raises NascError with the nearest name."""
        with self.database.reading() as session:
            found = {row.name: row.id for row in session.execute(select(StudyRow.name, StudyRow.id))}
        if name not in found:
            hint = did_you_mean(name, found) or "name one that `nasc search` made"
            raise NascError.of(f"{self.name} has no study {name!r}", hint, "study")
        return StoredStudy(self.database, found[name])

    def has(self, name: str) -> bool:
        """Return whether there is a study of this name."""
        return any(study.name == name for study in self.studies())

    def begin(self, name: str, settings: Settings, wanted: int) -> StoredStudy:
        """Return the study of this name: a new one, or the one that is there with these settings.

        ``wanted`` evaluations are added up to, never taken away from. Raises NascError that names every setting in
        which the study that is there differs.
        """
        with self.database.writing() as session:
            row = session.scalar(select(StudyRow).where(StudyRow.name == name).with_for_update())
            if row is None:
                row = StudyRow(name=name, settings=settings.as_json(), wanted=wanted, created=time.time())
                session.add(row)
                session.flush()
            else:
                Settings.from_json(row.settings).need_same(settings, name)
                row.wanted = max(row.wanted, wanted)
            return StoredStudy(self.database, row.id)

    def close(self) -> None:
        """Close all connections."""
        self.database.close()
