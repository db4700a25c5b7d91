"""Two who dispose at the same time: one waits for the other, and nothing is done twice."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from consumers.disposition.giving import read_books
from consumers.orders import said
from schemas.broker import KafkaSettings
from schemas.dispositions import Scope
from tests.consumers.disposition.office import Office
from tests.streams.feeding import UID, text
from tests.streams.replay.rig import environment
from tests.streams.worker_rig import Rig

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(200)]


def dispose(rig: Rig, *arguments: str) -> subprocess.Popen[str]:
    """The command, begun."""
    return subprocess.Popen(
        [sys.executable, "-m", "cli.main", "dispose", *arguments, "--config", rig.folder / "chatledger.toml"],
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_two_who_finish_an_order_at_once_carry_it_out_once(one: Office) -> None:
    """The second one waits and finds nothing left; a third process that knew the order before does nothing either."""
    one.feeder.say(0, 0, 0)
    one.feeder.watermark(1)
    one.rig.drained()
    order = one.give(Scope(UID, "room0"))
    both = [dispose(one.rig, "finish") for _ in range(2)]
    ended = [(each.communicate(timeout=120), each.returncode) for each in both]
    assert [code for _, code in ended] == [0, 0], ended
    assert sorted("no order is left" in out for (out, _), _ in ended) == [False, True]
    assert text(0, 0, 0) not in one.texts()
    assert one.carry_out(order) == read_books(one.means.kafka, one.means.codec).orders[order.name].finished
    kinds = Counter(each["kind"] for each in said(one.means.kafka, one.means.codec))
    assert (kinds["in_force"], kinds["disposed"], kinds["finished"]) == (1, 1, 1)


def test_a_state_folder_that_is_a_file_is_one_sentence(kafka: KafkaSettings, tmp_path: Path) -> None:
    """Nothing can be locked there; no traceback."""
    rig = Rig(kafka, tmp_path)
    rig.write_config()
    (tmp_path / "state").write_bytes(b"")
    done = dispose(rig, "finish")
    out, err = done.communicate(timeout=60)
    assert (done.returncode, out, err.count("\n"), err.startswith("Error: ")) == (1, "", 1, True), err
