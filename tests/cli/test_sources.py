"""A source is known wherever it has to be."""

import threading
from importlib import import_module, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
import pytest

from cli.parts.config import load
from cli.parts.sources import ConnectorSettings, impatient, roll_call
from cli.sandbox import sandbox
from producers.settings import ConnectorBase
from schemas.products import PRODUCTS
from schemas.topics import DAY_MS
from stores.paths import KNOWN_FOLDERS
from tests.cli.playground import REPOSITORY
from tests.cli.test_config import SOUND

if TYPE_CHECKING:
    from producers.rollcall import RollCall

KINDS = {get_args(model.model_fields["kind"].annotation)[0]: model for model in get_args(ConnectorSettings)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_is_known_everywhere(kind: str) -> None:
    """Settings, collector, product, example, page, simulation: the list in docs/architecture.md."""
    model = KINDS[kind]
    assert issubclass(model, ConnectorBase)
    assert model.__module__ == f"producers.{kind}.settings"
    import_module(f"producers.{kind}.collector")
    import_module(f"producers.{kind}.rollcall")
    assert kind in PRODUCTS
    assert f'kind = "{kind}"' in resources.files("cli").joinpath("example.toml").read_text(encoding="utf-8")
    assert (REPOSITORY / "docs" / "sources" / f"{kind}.md").is_file()
    import_module(f"sandbox.{kind}.__main__")
    assert isinstance(sandbox, click.Group)
    assert kind in sandbox.commands


def test_nothing_else_is_called_a_source() -> None:
    """No product is left behind when a source goes."""
    assert set(PRODUCTS) == set(KINDS)


def test_a_new_product_does_not_move_what_is_archived() -> None:
    """Which folders go without a hash is part of every path; a product that comes later joins them not."""
    assert {"LivePerson Conversational Cloud DataParser", "Webex Teams"} == KNOWN_FOLDERS


@pytest.mark.parametrize("kind", KINDS)
def test_who_waits_for_an_answer_waits_shortly(kind: str, tmp_path: Path) -> None:
    """Each patience with a call is cut, and nothing else is changed."""
    path = tmp_path / "chatledger.toml"
    path.write_text(SOUND, encoding="utf-8")
    (settings,) = (one for one in load(path).connector if one.kind == kind)
    before, after = flat(settings.model_dump()), flat(impatient(settings, 2.0).model_dump())
    changed = {name for name, value in before.items() if after[name] != value}
    assert len(changed) == 2
    assert {after[name] for name in changed} == {2.0}
    assert all(name.endswith("_seconds") for name in changed)


@pytest.mark.parametrize("kind", KINDS)
def test_every_source_can_be_asked_what_it_shows(kind: str, tmp_path: Path) -> None:
    """Reconciliation asks each source apart from its collector; nothing is asked before that."""
    path = tmp_path / "chatledger.toml"
    path.write_text(SOUND, encoding="utf-8")
    (settings,) = (one for one in load(path).connector if one.kind == kind)
    call: RollCall = roll_call(settings, threading.Event())
    assert call.look_back_ms > 30 * DAY_MS
    call.close()


def flat(tree: dict[str, Any]) -> dict[str, Any]:
    """Leaves by their names; they differ within each connector's calls."""
    leaves = {}
    for name, value in tree.items():
        leaves.update(flat(value) if isinstance(value, dict) else {name: value})
    return leaves
