"""Files that only save time: whatever is wrong with one, it is begun anew, and never met in the middle of the work."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from consumers.cache_file import opened, transaction

TABLES = "CREATE TABLE one (id INTEGER PRIMARY KEY, text TEXT)"
PAGE = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of some twenty pages."""
    path = tmp_path / "cache.sqlite"
    with closing(opened(path, TABLES, 1)) as db, transaction(db):
        db.executemany("INSERT INTO one VALUES (?, ?)", ((number, "x" * 100) for number in range(700)))
    return path


def rows(path: Path) -> int:
    """How many there are; reads them all."""
    with closing(opened(path, TABLES, 1)) as db:
        return len(db.execute("SELECT * FROM one").fetchall())


def test_what_is_whole_is_kept(path: Path) -> None:
    """Nothing is read again for nothing."""
    assert rows(path) == 700


@pytest.mark.parametrize("at", [7, 12, 19])
@pytest.mark.parametrize("damage", [bytes(PAGE), b"\xa5" * PAGE], ids=["zeros", "garbage"])
def test_a_page_in_the_middle_is_damage_too(path: Path, at: int, damage: bytes) -> None:
    """The header is whole, so sqlite would notice only where the page is read: in the midst of a command, at each start."""
    data = path.read_bytes()
    path.write_bytes(data[: at * PAGE] + damage + data[(at + 1) * PAGE :])
    assert rows(path) == 0


def test_a_file_that_was_cut_is_begun_anew(path: Path) -> None:
    """As a power cut leaves it."""
    path.write_bytes(path.read_bytes()[: 9 * PAGE + 100])
    assert rows(path) == 0


def test_a_format_that_sqlite_does_not_know_is_damage(path: Path) -> None:
    """It says so with the error that it has for a folder that is missing."""
    data = bytearray(path.read_bytes())
    data[44:48] = b"\0\0\0\xff"
    path.write_bytes(data)
    assert rows(path) == 0


def test_a_folder_that_is_missing_is_none(tmp_path: Path) -> None:
    """Nothing is deleted, and the sentence names the file."""
    with pytest.raises(
        sqlite3.OperationalError, match=r"nowhere/cache\.sqlite can't be used .* may this user write there"
    ):
        opened(tmp_path / "nowhere" / "cache.sqlite", TABLES, 1)
