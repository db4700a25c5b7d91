"""What an importer says of itself on the status topic, and when it says it once more."""

from types import SimpleNamespace
from typing import Any

import pytest

from consumers.importing import telling
from consumers.importing.progress import Progress
from consumers.importing.receipts import Receipts
from consumers.importing.telling import Teller
from consumers.importing.window import Window
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from tests.consumers.importing.test_receipts import receipt


def test_a_partition_that_comes_back_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another importer has said that it stopped: the same words of ours are news then, for this partition alone."""
    monkeypatch.setattr(telling, "EVERY_S", 0.0)
    sent = list[bytes]()
    producer: Any = SimpleNamespace(send=lambda _, *, key, **__: sent.append(key))
    desk: Any = SimpleNamespace(host_trouble=None)
    receipts = Receipts(None, Codec())
    partitions: Any = {
        number: SimpleNamespace(number=number, receipts=receipts, window=Window(0)) for number in (0, 1)
    }
    teller = Teller(KafkaSettings(bootstrap="127.0.0.1:1"), {"wx": ("Webex", "webex")})
    teller.tell(producer, partitions, desk)
    teller.tell(producer, partitions, desk)
    assert len(sent) == 2
    teller.opened(1)
    teller.tell(producer, partitions, desk)
    assert sent[2:] == [sent[1]]
    receipts.close()


def test_one_line_says_what_was_done_by_connector(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After a minute if it has changed, and at the end in any case; what waits is not counted twice."""
    caplog.set_level("INFO")
    one = Progress(["lp", "wx"])
    one.note(
        [
            receipt(1),
            receipt(2, "partial"),
            receipt(3, "failed"),
            receipt(4, "waiting"),
            receipt(5, "skipped"),
        ]
    )
    one.note([receipt(number) for number in range(6, 1_300)])
    one.waits({"lp": 1})
    one.tell()
    assert caplog.messages == []
    told = (
        "since the start: lp: 1,295 imported, 1 imported in part, 1 skipped, 1 refused, 1 waiting; "
        "wx: 0 imported, 0 imported in part, 0 skipped, 0 refused, 0 waiting"
    )
    monkeypatch.setattr(one, "_due", 0.0)
    one.tell()
    assert caplog.messages == [told]
    monkeypatch.setattr(one, "_due", 0.0)
    one.tell()
    assert caplog.messages == [told]
    one.end()
    assert caplog.messages == [told, told]
