"""Whether a file that a collector remembers by can be read to its end."""

import sqlite3


def demand_sound(database: sqlite3.Connection) -> None:
    """sqlite3.DatabaseError where a page is damaged, which sqlite itself would notice only when that one is needed.

    Reads the whole file: some 0.5 s for 100 MB.
    """
    found = str(database.execute("PRAGMA quick_check(1)").fetchone()[0])
    if found != "ok":
        raise sqlite3.DatabaseError(found)
