"""What the tests of orders share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from schemas.broker import KafkaSettings
from tests.consumers.disposition.office import Office, office


@pytest.fixture
def one(new_kafka: Callable[..., KafkaSettings], tmp_path: Path) -> Iterator[Office]:
    """A worker on a log of one partition."""
    with office(new_kafka(1), tmp_path) as made:
        yield made
