"""Keys outlast a crash of the machine: their names are on the disk before anything relies on them."""

import os
import stat
from pathlib import Path

import pytest

from consumers.evidence.keys import key_for, new_key, next_path, put_in_force


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """Which names stood in a folder whenever it was made durable; the real call is made."""
    seen, real = list[set[str]](), os.fsync

    def fsync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            seen.append(set(os.listdir(handle)))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    return seen


def test_the_name_of_a_new_key_is_durable(tmp_path: Path, settled: list[set[str]]) -> None:
    """Before the key is given out."""
    new_key(tmp_path / "one.key")
    assert settled == [{"one.key"}]


def test_a_change_of_the_file_is_durable(tmp_path: Path, settled: list[set[str]]) -> None:
    """Whether the command or the next closing makes it; where another process was faster, nothing is lost."""
    path = tmp_path / "one.key"
    new_key(path)
    for by_command in (True, False):
        following = new_key(next_path(path)).public
        settled.clear()
        if by_command:
            put_in_force(path)
        else:
            key_for(path, following)
        assert settled == [{"one.key"}]
        assert key_for(path, following).public == following
    put_in_force(path)
    assert key_for(path, following).public == following
