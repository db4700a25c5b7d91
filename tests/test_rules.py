"""`docs/rules.md`: every rule has a row, and every test that it names is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RULES = range(1, 29)
ROOTS = ("schemas", "stores", "producers", "streams", "consumers", "cli", "tests")


@cache
def rows() -> dict[int, list[str]]:
    """The cells of the table by rule."""
    text = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if re.match(r"\| \d+ \|", line)]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {int(row[0]): row for row in cells}


@cache
def functions_of(path: Path) -> set[str]:
    """Names of the test functions in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_rule_is_stated() -> None:
    """In the order of their numbers, before the table of tests."""
    text = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    assert [int(number) for number in re.findall(r"^(\d+)\. \*", text, re.MULTILINE)] == list(RULES)


def test_every_rule_that_is_cited_is_there() -> None:
    """Code and tests name rules by number."""
    sources = (path for room in ROOTS for path in (ROOT / room).rglob("*.py"))
    cited = {
        int(number)
        for path in sources
        for found in re.findall(r"\brules? (\d+(?:(?:, |-| and )\d+)*)", path.read_text(encoding="utf-8"))
        for number in re.findall(r"\d+", found)
    }
    assert len(cited) > 10
    assert cited <= set(RULES)


def test_no_rule_is_left_out() -> None:
    """28 rows of four cells."""
    assert sorted(rows()) == list(RULES)
    assert {len(row) for row in rows().values()} == {4}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_held_by_tests_that_exist_or_says_where_it_will_live(rule: int) -> None:
    """A name that was mistyped, or a test that was removed, is found here."""
    _, says, tests, missing = rows()[rule]
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", tests)

    assert says
    assert named or missing.startswith("All of it")
    assert len(named) == tests.count("::")
    for file, name in named:
        assert name in functions_of(ROOT / "tests" / file), f"rule {rule}: {file} has no {name}"
