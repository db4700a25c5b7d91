"""What collectors remember on disk is a cache: a file that is damaged is begun anew, and stops no collector at each start."""

import logging
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection, OperationalError

import pytest

from producers import memory_file
from producers.liveperson import tables as liveperson
from producers.webex import tables as webex

PAGE = 4096
Open = Callable[[Path], Connection]
FILES = pytest.mark.parametrize(
    ("opened", "table"), [(liveperson.opened, "meta(name, value)"), (webex.opened, "fact(name, value)")], ids=["lp", "wx"]
)  # fmt: skip


def filled(path: Path, opened: Open, table: str) -> int:
    """Some twenty pages more; how many rows there are."""
    with closing(opened(path)) as db:
        db.executemany(f"INSERT INTO {table} VALUES (?, ?)", ((f"name {n}", "x" * 100) for n in range(700)))  # noqa: S608 - a name from above
        db.commit()
    return rows(path, opened, table)


def rows(path: Path, opened: Open, table: str) -> int:
    """How many rows the file has; reads them all."""
    with closing(opened(path)) as db:
        return len(db.execute(f"SELECT * FROM {table.partition('(')[0]}").fetchall())  # noqa: S608 - a name from above


@FILES
def test_a_page_in_the_middle_is_damage_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, opened: Open, table: str
) -> None:
    """The header is whole, so nothing else would notice it before the page is needed."""
    caplog.set_level(logging.WARNING)
    path = tmp_path / "memory.sqlite3"
    assert filled(path, opened, table) == 700
    data = path.read_bytes()
    path.write_bytes(data[: -8 * PAGE] + b"\xa5" * PAGE + data[-7 * PAGE :])
    assert rows(path, opened, table) == 0
    assert "damaged" in caplog.text


@FILES
def test_a_file_that_is_no_database_is_replaced(tmp_path: Path, opened: Open, table: str) -> None:
    """As a full disk or an editor leaves it; only its owner reads the new one."""
    path = tmp_path / "memory.sqlite3"
    path.write_bytes(b"no database at all " * 500)
    assert rows(path, opened, table) == 0
    assert path.stat().st_mode & 0o777 == 0o600


@FILES
def test_a_header_that_sqlite_does_not_know_is_damage_too(tmp_path: Path, opened: Open, table: str) -> None:
    """Although sqlite calls that an operational error, as it calls a full disk."""
    path = tmp_path / "memory.sqlite3"
    assert filled(path, opened, table) == 700
    data = path.read_bytes()
    path.write_bytes(data[:44] + (9).to_bytes(4, "big") + data[48:])
    assert rows(path, opened, table) == 0


@FILES
def test_a_full_disk_costs_no_memory(tmp_path: Path, opened: Open, table: str) -> None:
    """What is no fault of the file's is said; the file is as it was."""
    path = tmp_path / "memory.sqlite3"
    assert filled(path, opened, table) == 700

    def prepare(db: Connection) -> None:
        db.execute("PRAGMA max_page_count = 1")
        db.execute("CREATE TABLE more(name TEXT)")

    with pytest.raises(OperationalError, match="full"):
        memory_file.opened(path, "the memory", prepare)
    assert rows(path, opened, table) == 700
