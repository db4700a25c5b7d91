"""Tables for people."""

import shutil
import sys

from rich.console import Console
from rich.table import Table

WIDE = 160  # where output goes to no terminal, nothing is to be cut


def rendered(*tables: Table) -> str:
    """The tables as text, one below the other; what stands in them is never taken for markup."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE
    console = Console(width=width, markup=False, emoji=False, highlight=False)
    with console.capture() as capture:
        for table in tables:
            console.print(table)
    return capture.get().rstrip("\n")
