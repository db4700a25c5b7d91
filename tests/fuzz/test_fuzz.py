"""The short form of `make fuzz`: some hundred hostile inputs of every front, and that the verdict can say no."""

import copy
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.found import Found, Input
from tests.fuzz.records import batch
from tests.fuzz.run import fuzz
from tests.fuzz.spoil import KINDS, spoiled
from tests.fuzz.watch import Watch
from tests.servers import Broker

ITEM = {
    "id": "E1",
    "created": "2026-03-04T09:13:00.402Z",
    "data": {"id": "M1", "text": "hello", "roomId": "R"},
}


@pytest.mark.timeout(180)
def test_every_hostile_input_ends_in_a_mail_or_in_dead_letters(kafka_server: Broker) -> None:
    """From both sources and in every topic; no process dies, nothing loops, honest items beside them arrive."""
    result = fuzz(60, 11, lambda _line: None, kafka_server.bootstrap)

    assert result["wrong"] == []
    assert (
        result["inputs"] == sum(result[name] for name in ("in_mails", "in_dead_letters", "in_effect")) >= 60
    )
    assert min(result["in_mails"], result["in_dead_letters"], result["beside"]["honest_in_mails"]) > 10


@pytest.mark.parametrize("seed", range(4))
def test_hostile_records_end_with_their_bytes(tmp_path: Path, seed: int) -> None:
    """A hundred records of every kind in every topic that a stage reads."""
    watch = Watch(60)
    made = batch(f"suite/{seed}", 100, tmp_path, watch)

    assert (watch.crashes, watch.hangs) == ([], [])
    assert [(kind, fate) for kind, fate in made.fates if fate == "lost"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_an_item_is_spoiled_alike_by_the_same_dice(kind: str) -> None:
    """And is itself left alone; every kind comes up, and carries its token."""
    before = copy.deepcopy(ITEM)
    made = [spoiled(Random(number), ITEM, "fz0123456789abcdefz") for number in range(400)]

    assert before == ITEM
    assert made == [spoiled(Random(number), ITEM, "fz0123456789abcdefz") for number in range(400)]
    assert all(b"fz0123456789abcdefz" in body for one in made for body in one.items)
    assert kind in {one.kind for one in made}


def test_what_is_nowhere_or_altered_is_lost() -> None:
    """The token alone does not do: all bytes have to be there."""
    one = Input("kind", "fz0123456789abcdefz", (b'{"a": 1, "fuzz": "fz0123456789abcdefz"}',))
    found = Found()
    assert found.fate(one) == "lost"
    found.add_mail(b'{"a": 2, "fuzz": "fz0123456789abcdefz"}')
    assert found.fate(one) == "lost"
    found.add_letter(b'[{"a": 1, "fuzz": "fz0123456789abcdefz"}]')
    assert found.fate(one) == "in_dead_letters"


def test_what_dies_or_never_ends_is_told() -> None:
    """With the place where it was; a good end is no news."""
    watch = Watch(0.2)
    gone: list[bool] = []

    def loop() -> None:
        while not gone:
            pass

    assert watch.over("fine", lambda: None)
    assert not watch.over("division", lambda: 1 // 0)
    assert not watch.over("loop", loop, lambda: gone.append(True))
    assert ["ZeroDivisionError" in each for each in watch.crashes] == [True]
    assert ["test_fuzz.py" in each for each in watch.hangs] == [True]
