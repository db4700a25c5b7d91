"""Whatever is wrong in a configuration is said in plain words: every key with every kind of wrong value."""

import copy
import re
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from cli.parts.config import Config
from cli.words.faults import PATTERNS, faults, tables_of
from producers.liveperson.settings import LivePersonSettings
from producers.webex.settings import WebexSettings
from stores.settings import AzureSettings
from tests.cli.test_config import SOUND

Table = dict[str, Any]
WRONG: tuple[Any, ...] = (
    7, -1, 0, 10**9, 1.5, float("nan"), True, "", "x y!", "ü" * 300, "2026-13-45", [], [7], [""], {}, {"a": 1}, {"a": "b"},
)  # fmt: skip
PROGRAMMERS = re.compile(
    r"Input|String should|should |Value error|valid |pydantic|instance|dictionary|parse|NoneType|pattern|type=|<class|\bstr\b"
    r"|\bint\b|\bfloat\b|\bNone\b|something else|^\S+: expected $"
)


def _azure(document: Table) -> Table:
    store: Table = document["store"]
    if store["kind"] == "folder":
        store.clear()
        store.update(kind="azure", container="chats", account_url="https://chats.example")
    return store


ROOTS: dict[str, tuple[type[BaseModel], Callable[[Table], Table]]] = {
    "all": (Config, lambda document: document),
    "webex": (WebexSettings, lambda document: document["connector"][0]),
    "liveperson": (LivePersonSettings, lambda document: document["connector"][1]),
    "azure": (AzureSettings, _azure),
}


def wrong(model: type[BaseModel], place: Callable[[Table], Table], depth: int = 3) -> Iterator[Table]:
    """Documents with one wrong value each, for every key of this table and of the tables in it."""
    for name, field in model.model_fields.items():
        for value in WRONG:
            document = copy.deepcopy(tomllib.loads(SOUND))
            place(document)[name] = value
            yield document
        for below in tables_of(field) if depth else ():

            def deeper(document: Table, name: str = name) -> Table:
                found = place(document).setdefault(name, {})
                return found if isinstance(found, dict) else found[0]

            yield from wrong(below, deeper, depth - 1)


@pytest.mark.parametrize("root", ROOTS)
def test_no_fault_is_told_in_the_words_of_the_library(root: str) -> None:
    """Each names a key of the file and what is expected; none speaks of inputs, patterns or types of Python."""
    said = set[str]()
    for document in wrong(*ROOTS[root]):
        try:
            Config.model_validate(document)
        except ValidationError as error:
            said.update(faults(Config, error))
    assert len(said) > 10
    assert [one for one in said if PROGRAMMERS.search(one.replace("ü" * 300, "x"))] == []
    assert [one for one in said if not re.match(r"[\w.\[\]-]+: \S|the file: ", one)] == []


def test_every_pattern_has_words() -> None:
    """A new pattern in any settings needs a line in PATTERNS."""
    found, seen = set[str](), set[type[BaseModel]]()
    todo: list[type[BaseModel]] = [Config]
    while todo:
        model = todo.pop()
        seen.add(model)
        for field in model.model_fields.values():
            found |= {pattern for one in field.metadata if (pattern := _pattern(one))}
            todo += [below for below in tables_of(field) if below not in seen]
    assert found == set(PATTERNS)


def _pattern(metadata: object) -> str | None:
    pattern = getattr(metadata, "pattern", None)
    return pattern if isinstance(pattern, str) else None
