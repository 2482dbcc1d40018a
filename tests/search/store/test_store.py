"""The store: SQLite in a file, PostgreSQL behind a URL, and what is wrong with either."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from nasc.ir import NascError
from nasc.search.engine import Settings, run
from nasc.search.engine.memory import RoundMemory
from nasc.search.llm import Answer, Message, Prompt
from nasc.search.store import Store, dump
from nasc.search.store.answers import Recorded
from nasc.search.store.schema import MetaRow
from nasc.search.store.wording import clean
from nasc.tests.search.engine.walking import study, weighing

FORMS = "\n  help: expected a file (study.db), sqlite:///FILE or postgresql://USER@HOST/DATABASE"


def error(where: str | Path, create: bool = True) -> str:
    with pytest.raises(NascError) as caught:
        Store(where, create)
    return str(caught.value)


def test_what_is_no_store(tmp_path: Path) -> None:
    absent, text = tmp_path / "absent.db", tmp_path / "text.db"
    text.write_text("no database, but rather more text than a header has room for " * 9, encoding="utf-8")
    assert error(absent, create=False) == (
        f"error: {absent}: there is no such store\n  help: name one that `nasc search` made"
    )
    assert not absent.exists()
    assert error(text) == (
        f"error: {text}: the store cannot be used: file is not a database\n"
        "  help: name another file: this one is something else"
    )
    assert error("mysql://me@host/x") == f"error: mysql://me@host/x is no store{FORMS}"
    assert error("a://b:c:d/e") == f"error: --store: this is no URL of a database{FORMS}"
    refused = error("postgresql://me:secret@127.0.0.1:1/x")
    assert refused.startswith("error: postgresql://me:***@127.0.0.1:1/x: the store cannot be used: conn")
    assert refused.endswith("help: start the server, or name one that is there: postgresql://USER@HOST/DATABASE")
    assert "secret" not in refused


def test_what_is_of_others_stays_as_it_is(tmp_path: Path) -> None:
    other, empty = tmp_path / "other.db", tmp_path / "empty.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    empty.touch()
    before = other.read_bytes()
    for create in (True, False):
        assert error(other, create) == (
            f"error: {other}: this is a database of something else: it has bookmarks\n  help: name another file"
        )
    assert other.read_bytes() == before
    assert error(empty, create=False) == (
        f"error: {empty}: there is no study in it\n  help: name one that `nasc search` made"
    )
    assert not empty.read_bytes()


def test_a_damaged_store_is_no_bug(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    store = Store(path)
    store.begin("s", Settings(), 1)
    store.close()
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xde\xad" * ((len(data) - 4096) // 2))
    with pytest.raises(NascError) as caught:
        Store(path).study("s")
    assert str(caught.value) == (
        f"error: {path}: the store cannot be used: database disk image is malformed\n"
        "  help: bring back a copy of the file, or begin another study"
    )


def test_a_store_of_another_version(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.db")
    with store.database.writing() as session:
        session.execute(update(MetaRow).values(value="99"))
    assert error(tmp_path / "s.db") == (
        f"error: {store.name}: the store has schema 99, this nasc reads 1\n"
        "  help: use the nasc that made it, or another store"
    )


def test_studies_by_name(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.db")
    first = store.begin("first", Settings(start="a", ops=("relu",)), 5)
    store.begin("second", Settings(), 5)
    assert [found.name for found in store.studies()] == ["first", "second"]
    assert store.study("first").settings == Settings(start="a", ops=("relu",))
    assert first.wanted == 5
    assert store.begin("first", first.settings, 3).wanted == 5
    assert store.begin("first", first.settings, 8).wanted == 8
    with pytest.raises(NascError) as caught:
        store.study("frist")
    assert str(caught.value) == f"error: {store.name} has no study 'frist'\n  help: did you mean 'first'?"


def test_a_stored_trial_is_replaced_like_any_other(tmp_path: Path) -> None:
    found = study(tmp_path / "s.db", 2)
    assert run(found, weighing()).reason == "trials"
    first, second = found.trials()[:2]
    other = replace(first, module=second.module, operator="other")
    assert (other.number, other.digest, other.operator) == (first.number, first.digest, "other")
    assert other.module is second.module
    assert first.module is not second.module


def test_memory_is_kept_with_its_round_in_order(tmp_path: Path) -> None:
    found = study(tmp_path / "s.db", 20)
    memory = RoundMemory(found.stored)
    memory.put("idea", "b", {"text": "x\0y", "tuple": (1, 2)})
    memory.put("idea", "a", {"n": 1})
    memory.put_blob("soft", "prompt", b"\0\1")
    assert memory.get("idea", "b") == {"text": "x\0y", "tuple": [1, 2]}
    assert memory.blob("soft", "prompt") == b"\0\1"
    assert found.stored.documents("idea") == []
    assert found.work.keep(0, "seed", [], memory)
    assert not found.work.keep(0, "seed", [], memory)
    later = RoundMemory(found.stored)
    later.put("idea", "b", {"text": "new"})
    later.put("idea", "c", {})
    found.work.keep(1, "seed", [], later)
    assert found.stored.documents("idea") == [("b", {"text": "new"}), ("a", {"n": 1}), ("c", {})]
    assert RoundMemory(found.stored).blob("soft", "prompt") == b"\0\1"
    assert RoundMemory(found.stored).blob("soft", "other") is None
    assert found.stored.kinds() == ("idea",)
    with pytest.raises(NascError, match="document idea/x is no JSON: Out of range float values"):
        later.put("idea", "x", {"n": float("inf")})


def test_text_that_no_database_takes_is_replaced() -> None:
    assert clean({"a\0": ["\ud800b", 1, "\U0001f600"]}) == {"a\ufffd": ["\ufffdb", 1, "\U0001f600"]}


MISSING = """\
import sys
for name, module in (("sqlalchemy", "nasc.search.store"), ("ray", "nasc.search.engine.ray_pool")):
    kept = sys.modules.pop(name, None)
    sys.modules[name] = None
    try:
        __import__(module)
    except Exception as error:
        print(error)
    del sys.modules[name]
"""


def test_what_is_missing_is_named() -> None:
    done = subprocess.run([sys.executable, "-c", MISSING], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "error: SQLAlchemy is not installed, and it keeps studies\n  help: pip install 'nasc[search]'\n"
        "error: Ray is not installed\n  help: pip install 'nasc[cluster]'\n"
    )


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a database on a PostgreSQL server of its own, on loopback."""
    commands = [shutil.which(name) for name in ("initdb", "pg_ctl")]
    if None in commands:
        pytest.skip("PostgreSQL (initdb, pg_ctl) is not installed")
    initdb, pg_ctl = map(str, commands)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="nasc-"))
    if user:
        shutil.chown(folder, "postgres", "postgres")
    data = folder / "data"
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **user}
    subprocess.run([initdb, "-D", data, "-U", "me", "-A", "trust", "-E", "UTF8"], check=True, **quiet)
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    subprocess.run([pg_ctl, "-D", data, "-o", options, "-l", folder / "log", "-w", "start"], check=True, **quiet)
    try:
        yield f"postgresql://me@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([pg_ctl, "-D", data, "-m", "immediate", "stop"], check=True, **quiet)
        shutil.rmtree(folder)


def test_postgresql_holds_the_same_study(server: str, tmp_path: Path) -> None:
    found, lite = study(server, 8), study(tmp_path / "s.db", 8)
    for one in (found, lite):
        assert run(one, weighing()).reason == "trials"
    assert dump(found.stored) == dump(lite.stored)
    other = study(server, 12)
    other.advance()
    assert len(other.work.claim(None)) == 4
    assert study(server).work.claim(None) == []
    other.close()
    assert re.fullmatch(r"postgresql://me@127\.0\.0\.1:\d+/postgres", Store(server).name)


class Together:
    """A client that answers differently each time, once as many have asked as there are to be."""

    name = "together"

    def __init__(self, count: int) -> None:
        self.barrier, self.asked = threading.Barrier(count, timeout=60), itertools.count()

    def complete(self, prompt: Prompt) -> Answer:
        number = next(self.asked)
        self.barrier.wait()
        return Answer(f"answer {number}", 1, 1, 0.0, "model")


def test_studies_of_one_postgresql_store_begin_and_ask_at_the_same_time(server: str) -> None:
    """Both wrote the same row before, which one of them did not survive."""
    client, prompt = Together(3), Prompt((Message("user", "?"),))

    def begin(number: int) -> tuple[int, str]:
        store = Store(server)
        same = store.begin("same", Settings(), 1)
        own = store.begin(f"own {number}", Settings(), 1)
        return same.id, Recorded(client, store.database, own.id, 0).complete(prompt).text

    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(begin, range(3)))
    assert len(set(found)) == 1
    assert Store(server).study("own 1").tokens() == 2
