"""Large mails go into a mailbox without being in memory, whole and reduced."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.dovecot import Dovecot

pytestmark = pytest.mark.imap
REPOSITORY = Path(__file__).parents[3]
MB = 1_000_000


def put(dovecot: Dovecot, folder: Path, size: int, ceiling: int = 0) -> Any:
    """What the process says of it."""
    box = dovecot.add(f"{uuid.uuid4().hex[:8]}@bank.example")
    command = [sys.executable, "-m", "tests.consumers.importing.large_process"]
    arguments = [str(dovecot.port), box, str(folder / "archive"), str(size), str(ceiling)]
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, check=False, timeout=250, cwd=REPOSITORY,
        env={**os.environ, "CHATLEDGER_TEST_PASSWORD": "right"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("size", [40 * MB, pytest.param(150 * MB, marks=pytest.mark.long)])
def test_a_large_mail_is_streamed(dovecot: Dovecot, tmp_path: Path, size: int) -> None:
    """All of it arrives, and the process grows by less than 16 MB."""
    said = put(dovecot, tmp_path, size)
    assert said["size"] == said["copy"] > 0.95 * size
    assert said["grown_kb"] < 16_000


def test_a_large_mail_is_reduced_without_being_read_at_once(dovecot: Dovecot, tmp_path: Path) -> None:
    """The file gives way, and the process grows by less than 16 MB."""
    said = put(dovecot, tmp_path, 40 * MB, 35 * MB)
    assert said["left_out"] == ["a.pdf"]
    assert said["grown_kb"] < 16_000
