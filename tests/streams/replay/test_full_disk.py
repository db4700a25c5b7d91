"""A replay whose state folder is full: one sentence, and it goes on when there is room again."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.broker import KafkaSettings
from tests.streams.replay.rig import command, environment
from tests.streams.replay.test_command import EQUAL, archive
from tests.streams.worker_rig import Rig

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
SIZES = ("8k", "64k", "160k", "32m")
SCRIPT = """
mount -t tmpfs -o size=4k none "$1"; shift
for size in %s; do
    mount -o remount,size=$size none "$STATE" && "$@" > "$OUT.$size" 2> "$OUT.$size.said" || echo $? > "$OUT.$size.code"
done
"""


@pytest.fixture
def rig(kafka: KafkaSettings, tmp_path: Path) -> Iterator[Rig]:
    """Workers with a folder as their store."""
    with Rig(kafka, tmp_path) as made:
        yield made


def may_mount() -> bool:
    """Whether this machine lets a process mount in a namespace of its own."""
    return (
        shutil.which("unshare") is not None
        and not subprocess.run(
            ["unshare", "--map-root-user", "--mount", "true"], check=False, capture_output=True
        ).returncode
    )


@pytest.mark.skipif(not may_mount(), reason="this machine lets nobody mount in a namespace of their own")
def test_a_full_state_folder_is_said_in_a_sentence_and_gone_on_from(rig: Rig) -> None:
    """Wherever the room ends: planning, replaying or reporting; with room the same command finishes."""
    archive(rig)
    state = rig.folder / "state"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir()
    out = rig.folder / "out"
    asked = command(rig, "--into", "compare", "--json", "--processes", "1")
    subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-ec", SCRIPT % " ".join(SIZES), "sh", str(state), *asked],
        env={**environment(), "STATE": str(state), "OUT": str(out)}, cwd=rig.folder, check=True, timeout=240,
    )  # fmt: skip
    said = {size: Path(f"{out}.{size}.said").read_text() for size in SIZES}
    for size in SIZES[:-1]:
        told = said[size].strip().splitlines()
        assert Path(f"{out}.{size}.code").read_text() == "1\n", (size, told)
        assert "Traceback" not in said[size]
        assert "make room there" in told[-1]
        assert "Error: " in told[-1]
    assert not Path(f"{out}.{SIZES[-1]}.code").exists(), said[SIZES[-1]]
    counts = json.loads(Path(f"{out}.{SIZES[-1]}").read_text())["counts"]
    assert {name: counts[name] for name in EQUAL} == EQUAL
