"""The connection to a store: SQLite in a file or PostgreSQL by URL, transactions that write, the schema's version."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from weakref import finalize

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, select, text
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import Session

from ...ir import NascError
from .schema import VERSION, MetaRow, StudyRow, Table

_BUSY = 60_000
"""Milliseconds for which a transaction waits for another one's end."""
_LOCK = text("SELECT pg_advisory_xact_lock(64577)")
"""What waits in PostgreSQL for others that make tables or studies; a transaction's end gives it back."""
_FORMS = "expected a file (study.db), sqlite:///FILE or postgresql://USER@HOST/DATABASE"
_ADVICE = {
    "not a database": "name another file: this one is something else",
    "malformed": "bring back a copy of the file, or begin another study",
    "unable to open": "name a file in a folder that exists and that you may write to",
    "readonly": "make the file and its folder writable, or copy the file",
    "full": "make room on the disk; the same command then goes on with the study",
    "I/O error": "make room on the disk, if it is full; the same command then goes on with the study",
    "locked": "another program keeps the file busy: try again when it is done",
    "connection": "start the server, or name one that is there: postgresql://USER@HOST/DATABASE",
    "resolve": "name a host that is there: postgresql://USER@HOST/DATABASE",
}
"""What would be right, by words in what a database says."""


class Database:
    """An open store.

    Reading sees one state of the store; writing takes turns, per store in SQLite and per study in PostgreSQL. SQLite
    keeps a write-ahead log, so that a process killed at any moment leaves the last whole transaction.
    """

    def __init__(self, where: str | Path, create: bool = True) -> None:
        """Open a store, or make it. Raises NascError where it cannot be reached, or is of another version."""
        self.url = _url(str(where))
        self.shared_lock = self.url.get_backend_name() != "sqlite"
        if not self.shared_lock and not create and not Path(str(self.url.database)).is_file():
            raise NascError.of(
                f"{self.url.database}: there is no such store", "name one that `nasc search` made", "store"
            )
        self._engine = _engine(self.url)
        self._finalizer = finalize(self, self._engine.dispose)
        self._writing = self._engine.execution_options(nasc_write=True)
        self._reading = self._engine
        if self.shared_lock:
            self._reading = self._engine.execution_options(isolation_level="REPEATABLE READ")
        with self._explained():
            self._prepare(create)

    @property
    def name(self) -> str:
        """The store's file, or its URL without a password."""
        if not self.shared_lock:
            return str(self.url.database)
        return self.url.set(drivername=self.url.get_backend_name()).render_as_string(hide_password=True)

    @contextmanager
    def reading(self) -> Generator[Session]:
        """Yield a session to read with."""
        with self._explained(), Session(self._reading) as session:
            yield session

    @contextmanager
    def writing(self, study: int | None = None) -> Generator[Session]:
        """Yield a session whose writes are kept together or not at all.

        No other one writes to ``study`` meanwhile; without one, to the list of studies.
        """
        with self._explained(), Session(self._writing) as session, session.begin():
            if self.shared_lock and study is not None:
                session.execute(select(StudyRow.id).where(StudyRow.id == study).with_for_update())
            elif self.shared_lock:
                session.execute(_LOCK)
            yield session

    def now(self, session: Session) -> float:
        """Return the time, in seconds since 1970, by the one clock that all workers on this store share."""
        if not self.shared_lock:
            return time.time()
        return float(session.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())

    def close(self) -> None:
        """Close all connections."""
        self._finalizer()

    def _prepare(self, create: bool) -> None:
        tables = inspect(self._engine).get_table_names()
        if "nasc_meta" not in tables:
            self._need_empty(tables)
            if not create:
                raise NascError.of(f"{self.name}: there is no study in it", "name one that `nasc search` made", "store")
            if not self.shared_lock:
                _keep_log(self._engine)
            with self._writing.begin() as connection:
                if self.shared_lock:
                    connection.execute(_LOCK)
                Table.metadata.create_all(connection)
                if connection.execute(select(MetaRow.value)).first() is None:
                    connection.execute(Table.metadata.tables["nasc_meta"].insert(), _META)
        with Session(self._engine) as session:
            row = session.get(MetaRow, "schema")
        if row is None or row.value != str(VERSION):
            found = row.value if row else "none"
            raise NascError.of(
                f"{self.name}: the store has schema {found}, this nasc reads {VERSION}",
                "use the nasc that made it, or another store",
                "store",
            )

    def _need_empty(self, tables: Sequence[str]) -> None:
        """Check that a file without a store is nobody else's. Raises NascError."""
        if tables and not self.shared_lock:
            found = ", ".join(tables[:3]) + ", ..." * (len(tables) > 3)
            raise NascError.of(
                f"{self.name}: this is a database of something else: it has {found}", "name another file", "store"
            )

    @contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except DatabaseError as error:
            reason = (str(error.orig).strip().splitlines() or [""])[0]
            if isinstance(error, OperationalError) or "not a database" in reason or "malformed" in reason:
                advice = next((advice for word, advice in _ADVICE.items() if word in reason), _FORMS)
                raise NascError.of(f"{self.name}: the store cannot be used: {reason}", advice, "store") from error
            raise


_META = [{"key": "schema", "value": str(VERSION)}]


def _url(where: str) -> URL:
    """Return the URL that a file or a URL names. Raises NascError."""
    if "://" not in where:
        return URL.create("sqlite", database=str(Path(where).expanduser().absolute()))
    try:
        url = make_url(where)
    except (ArgumentError, ValueError):
        raise NascError.of("--store: this is no URL of a database", _FORMS, "store") from None
    backend = url.get_backend_name()
    if backend not in ("sqlite", "postgresql") or not url.database:
        shown = url.render_as_string(hide_password=True)
        raise NascError.of(f"{shown} is no store", _FORMS, "store")
    return url.set(drivername="postgresql+psycopg") if backend == "postgresql" else url


def _engine(url: URL) -> Engine:
    sqlite = url.get_backend_name() == "sqlite"
    arguments = {"timeout": _BUSY / 1000} if sqlite else {"connect_timeout": 10}
    try:
        engine = create_engine(url, json_serializer=_written, connect_args=arguments, pool_pre_ping=not sqlite)
    except (ImportError, NoSuchModuleError) as error:
        raise NascError.of(
            f"{url.render_as_string(hide_password=True)}: {error}", "pip install 'nasc[cluster]'", "store"
        ) from None
    if sqlite:
        event.listen(engine, "connect", _set_up)
        event.listen(engine, "begin", _begin)
    return engine


def _written(value: object) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=True)


def _set_up(connection: Any, _: object) -> None:
    """Let SQLAlchemy, not the driver, begin transactions."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={_BUSY}", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _keep_log(engine: Engine) -> None:
    """Give a new file a write-ahead log: the file remembers that it has one."""
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


def _begin(connection: Connection) -> None:
    """Take the right to write at the start, so that no transaction fails for what it read before."""
    writes = cast(bool, connection.get_execution_options().get("nasc_write", False))
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
