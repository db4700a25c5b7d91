"""One site for all tests of commands: Kafka and both simulated sources, at a moment when the week's chats are over."""

from collections.abc import Iterator

import pytest

from cli.demonstration.site import Site, open_site
from tests.cli.playground import UNADDRESSED, Installation, Result, install

NOW = "2026-03-12T12:00:00+00:00"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Everything but the product's own processes."""
    made = open_site(tmp_path_factory.mktemp("site"), "folder", scale=0, now_iso=NOW)
    yield made
    made.close()


@pytest.fixture(scope="session")
def once(site: Site, tmp_path_factory: pytest.TempPathFactory) -> tuple[Installation, Result]:
    """An installation that has archived everything, and how `run --once` ended; everybody of the firm has a mailbox."""
    users = f"{UNADDRESSED},robin.castell@bank.example\n"
    made = install(site, tmp_path_factory.mktemp("cli") / "whole", users=users)
    return made, made.chatledger("run", "--once", timeout_s=200)


@pytest.fixture(scope="session")
def fresh(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation whose topics exist, and nothing else; nobody writes to it."""
    made = install(site, tmp_path_factory.mktemp("cli") / "fresh")
    assert made.chatledger("topics", "create").returncode == 0
    return made
