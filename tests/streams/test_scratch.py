"""Bytes of open slices on local disk: what comes out is what went in, and space comes back."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams import scratch as module
from streams.scratch import Ref, Scratch


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scratch]:
    """Files of 100 bytes, written when 70 have come together."""
    monkeypatch.setattr(module, "FILE_BYTES", 100)
    monkeypatch.setattr(module, "TAIL_BYTES", 70)
    made = Scratch(tmp_path)
    yield made
    made.close()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.one_of(st.binary(max_size=60), st.integers(0, 20)), max_size=60))
def test_any_order_of_writing_and_freeing(scratch: Scratch, steps: list[bytes | int]) -> None:
    """What is live reads as it was written, is counted, and nothing else keeps a file for long."""
    live: list[tuple[Ref, bytes]] = []
    for step in steps:
        if isinstance(step, bytes):
            live.append((scratch.append(step), step))
        elif step < len(live):
            scratch.free(live.pop(step)[0])
        assert all(scratch.read(ref) == data for ref, data in live)
        assert scratch.live_bytes == sum(len(data) for _, data in live)
        assert len(scratch._files) <= len({ref.file for ref, _ in live}) + 1
    for ref, _ in live:
        scratch.free(ref)
    assert scratch.live_bytes == 0
    assert len(scratch._files) <= 1


def test_space_comes_back_when_the_oldest_stays(scratch: Scratch, tmp_path: Path) -> None:
    """One slice that stays open for weeks keeps one file, not all that came after it."""
    old = scratch.append(b"o" * 100)
    for _ in range(50):
        scratch.free(scratch.append(b"n" * 100))

    assert scratch.read(old) == b"o" * 100
    assert len(scratch._files) == 2


def test_nothing_has_a_name_on_disk(scratch: Scratch, tmp_path: Path) -> None:
    """The space is free again whatever happens to the process."""
    scratch.append(b"secret words")

    assert list(os.walk(tmp_path)) == [(str(tmp_path), [], [])]
