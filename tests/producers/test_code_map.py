"""A newcomer finds every part of a collector in the code map."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_module_of_a_collector_is_in_the_code_map() -> None:
    """Those beside the sources' own folders, by name, in a row that begins with this room."""
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `producers/")]
    told = {name.rpartition("/")[2] for row in rows for name in re.findall(r"`([a-z_/]+\.py)`", row)}
    there = {path.name for path in (ROOT / "producers").glob("*.py")} - {"__init__.py"}
    assert there - told == set()
    assert told - there == set()
