"""Fixtures of the mailbox import."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from schemas.broker import KafkaSettings
from tests.consumers.importing.office import Office
from tests.dovecot import PASSWORD, Dovecot
from tests.servers import Servers


@pytest.fixture
def office(
    new_kafka: Callable[..., KafkaSettings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    """An empty archive with an empty ledger; the mailboxes' password is in the environment."""
    monkeypatch.setenv("CHATLEDGER_TEST_PASSWORD", PASSWORD)
    with closing(Office(new_kafka(2), tmp_path)) as made:
        yield made


@pytest.fixture(scope="session")
def dovecot(servers: Servers) -> Dovecot:
    """A Dovecot with plain Maildirs, whose separator is a dot."""
    return servers.dovecot()
