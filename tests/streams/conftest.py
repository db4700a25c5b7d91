"""What tests of the stages set up."""

import pytest

from streams import assemble


@pytest.fixture
def breath(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others may have their turn after every record."""
    monkeypatch.setattr(assemble, "BREATH_BYTES", 1)
