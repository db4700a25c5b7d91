"""What the measurements of this folder have in common: how a command line is read, where files lie, how a table is printed."""

import argparse
import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

_RAM = Path("/dev/shm")  # noqa: S108 - not a file of ours with a known name, but where the RAM disk is


@contextlib.contextmanager
def ram_folder() -> Iterator[Path]:
    """A folder on a RAM disk, if there is one, that is gone afterwards."""
    with tempfile.TemporaryDirectory(
        prefix="chatledger-bench-", dir=_RAM if _RAM.is_dir() else None
    ) as folder:
        yield Path(folder)


def parser(doc: str | None) -> argparse.ArgumentParser:
    """For a module's command line; its docstring is the help, line by line as it stands."""
    return argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)


def tell(rows: Iterable[str]) -> None:
    """Print a table, each row as soon as it is known."""
    for row in rows:
        print(row, flush=True)
