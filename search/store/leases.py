"""Leases: which worker has which task, so that two processes share a study and a dead one holds nothing up.

A lease is renewed while its holder lives and expires ``LIFE`` seconds after the last sign of life; one whose holder is
seen to be dead, a process of this machine that is no more, is free at once.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from secrets import token_hex

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from ...ir import NascError
from .database import Database
from .schema import LeaseRow

LIFE = 30.0
"""Seconds for which a lease holds without a sign of life."""


class Leases:
    """The leases that one object of this process takes on tasks of a study.

    ``life`` is how long a lease holds without a sign of life, in seconds. Renewal runs in a daemon thread from the
    first lease to :meth:`close`.
    """

    def __init__(self, database: Database, study: int, life: float = LIFE) -> None:
        """Take the name of this process for all leases."""
        self.owner = f"{_machine()} {os.getpid()} {_started(os.getpid())} {token_hex(4)}"
        self._database, self._study, self._life = database, study, life
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def worker(self) -> str:
        """This worker, for people: host and process."""
        return f"{socket.gethostname()}:{os.getpid()}"

    def free(self, session: Session, tasks: Iterable[str]) -> list[str]:
        """Return those of some tasks that nobody alive holds, and those that are held by this object."""
        held = {row.task: row for row in session.scalars(select(LeaseRow).where(LeaseRow.study == self._study))}
        now = self._database.now(session)
        return [task for task in tasks if task not in held or self._is_free(held[task], now)]

    def take(self, session: Session, task: str) -> bool:
        """Take a task in a writing transaction; return whether it was free."""
        row = session.get(LeaseRow, (self._study, task))
        now = self._database.now(session)
        if row is not None and not self._is_free(row, now):
            return False
        session.merge(LeaseRow(study=self._study, task=task, owner=self.owner, expires=now + self._life))
        self._watch()
        return True

    def drop(self, session: Session, task: str) -> None:
        """Give back a task, if it is still held by this object."""
        mine = (LeaseRow.study == self._study, LeaseRow.task == task, LeaseRow.owner == self.owner)
        session.execute(delete(LeaseRow).where(*mine))

    def close(self) -> None:
        """Give back everything and stop renewing."""
        self._over.set()
        if self._thread is not None:
            with self._database.writing(self._study) as session:
                session.execute(delete(LeaseRow).where(LeaseRow.owner == self.owner))
            self._thread = None

    def _is_free(self, row: LeaseRow, now: float) -> bool:
        return row.owner == self.owner or row.expires < now or is_dead(row.owner)

    def _watch(self) -> None:
        if self._thread is None:
            self._over = threading.Event()
            self._thread = threading.Thread(target=self._renew, args=(self._over,), name="nasc leases", daemon=True)
            self._thread.start()

    def _renew(self, over: threading.Event) -> None:
        while not over.wait(self._life / 4):
            try:
                with self._database.writing(self._study) as session:
                    expires = self._database.now(session) + self._life
                    session.execute(update(LeaseRow).where(LeaseRow.owner == self.owner).values(expires=expires))
            except NascError:
                continue  # the store is away for now: the leases hold for a while yet


def is_dead(owner: str) -> bool:
    """Return whether an owner is known to be gone: a process of this machine that has ended."""
    machine, pid, started, _ = owner.split(" ")
    return machine == _machine() and pid.isdigit() and _started(int(pid)) != started


def _started(pid: int) -> str:
    """Return what tells a process from a later one of the same number: its start in clock ticks, "-" where unknown."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return "-" if not Path("/proc/self/stat").exists() and _alive(pid) else "gone"
    return "gone" if fields[0] in "ZX" else fields[19]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@cache
def _machine() -> str:
    """Return what is equal for processes that can see each other: host name, boot and process namespace."""
    parts = [socket.gethostname()]
    try:
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    except OSError:
        pass
    return "/".join(parts).replace(" ", "_")
