"""An installation with something to make evidence of."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.broker import KafkaSettings
from tests.consumers.evidence.rig import Site


@pytest.fixture
def site(kafka: KafkaSettings, tmp_path: Path) -> Iterator[Site]:
    """Two conversations captured, one mail delivered."""
    made = Site(kafka, tmp_path)
    made.capture("c1", 3, watermark_ms=1_000)
    made.deliver(1)
    yield made
    made.leave()
