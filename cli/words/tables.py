"""Tables for people, at the width that there is: a table that is too wide is turned, one column for each of its rows."""

import shutil
from dataclasses import dataclass, field

from rich import box
from rich.console import Console
from rich.table import Table

WIDE = 160  # where output goes to no terminal and COLUMNS is not set


@dataclass
class Grid:
    """Headings and rows of text; the first cell of a row names it."""

    headings: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, *cells: str) -> None:
        """One more row."""
        self.rows.append(cells)


def width() -> int:
    """Columns of the terminal, or what COLUMNS says."""
    return shutil.get_terminal_size((WIDE, 24)).columns


def rendered(*grids: Grid) -> str:
    """The tables as text, one below the other; what stands in them is never taken for markup."""
    console = Console(width=width(), markup=False, emoji=False, highlight=False)
    with console.capture() as capture:
        for grid in grids:
            for table in _fitting(console, grid):
                console.print(table)
    return capture.get().rstrip("\n")


def _fitting(console: Console, grid: Grid) -> list[Table]:
    upright = _table(grid.headings, grid.rows)
    if _fits(console, upright):
        return [upright]
    turned, rows = list[Table](), list[tuple[str, ...]]()
    for row in grid.rows:
        if rows and not _fits(console, _turned(grid.headings, [*rows, row])):
            turned.append(_turned(grid.headings, rows))
            rows = []
        rows.append(row)
    return [*turned, _turned(grid.headings, rows)]


def _turned(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> Table:
    first, *others = zip(headings, *rows, strict=True)
    return _table(first, others)


def _table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> Table:
    table = Table(*headings, box=box.SQUARE)
    for row in rows:
        table.add_row(*row)
    return table


def _fits(console: Console, table: Table) -> bool:
    return console.measure(table, options=console.options.update(width=10_000)).maximum <= console.width
