"""sqlite files that only save time: what the topics say, folded. One that is damaged, or of another version, is begun anew."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path


def opened(
    path: Path | None, tables: str, version: int, *, pragmas: Sequence[str] = (), timeout_s: float = 5.0
) -> sqlite3.Connection:
    """The file with its tables, ready for use; without a path it is thrown away at the end.

    All of it is looked through for damage, some 0.5 s for 100 MB: a page that is met later would end every process that meets it.
    `version`: of the tables, as sqlite's user_version. `timeout_s`: longest wait for another process that writes.
    sqlite3.OperationalError for a disk that is full or a folder that is missing: that is not the file's fault.
    """
    try:
        db = _connected(path, timeout_s)
        for pragma in pragmas:
            db.execute(f"PRAGMA {pragma}")
        if _is_sound(db) and _prepared(db, tables, version):
            return db
    except sqlite3.OperationalError as error:
        if str(error) != "unsupported file format":  # that one is the file's fault all the same
            hint = (
                "another process holds it; try again"
                if "locked" in str(error)
                else "may this user write there, and is there room?"
            )
            msg = f"{path} can't be used ({error}): {hint}"
            raise sqlite3.OperationalError(msg) from error
    except sqlite3.DatabaseError:
        pass
    db.close()
    if path is not None:
        path.unlink()
    return opened(path, tables, version, pragmas=pragmas, timeout_s=timeout_s)


def _connected(path: Path | None, timeout_s: float) -> sqlite3.Connection:
    """sqlite3.OperationalError for a file of somebody else: sqlite itself would say so in the midst of the work."""
    if path is not None and path.exists() and not os.access(path, os.W_OK):
        raise sqlite3.OperationalError("no right to write")
    return sqlite3.connect(path or "", isolation_level=None, timeout=timeout_s)


def _is_sound(db: sqlite3.Connection) -> bool:
    return bool(db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")


def _prepared(db: sqlite3.Connection, tables: str, version: int) -> bool:
    """Make the tables in an empty file; False for a file of another version."""
    with transaction(db):  # another process may look at the same moment
        found = db.execute("PRAGMA user_version").fetchone()[0]
        if found != version and db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            return False
        if found != version:
            for statement in tables.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {version}")
    return True


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of the block, or nothing of it."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
