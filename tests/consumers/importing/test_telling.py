"""What an importer says of itself on the status topic, and when it says it once more."""

from types import SimpleNamespace
from typing import Any

import pytest

from consumers.importing import telling
from consumers.importing.receipts import Receipts
from consumers.importing.telling import Teller
from consumers.importing.window import Window
from schemas.broker import KafkaSettings
from schemas.codec import Codec


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
