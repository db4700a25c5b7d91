"""The archive stage's routing: which mapping was in force where, and mails with more participants than a record takes."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from schemas.codec import Codec, encode
from schemas.ids import mapping_version
from schemas.mappings import rows_to_csv
from schemas.records import ClosedSlice, Mapping, person
from schemas.topics import CONVERSATIONS, MAPPINGS, MAX_RECORD_BYTES
from stores.interface import BlobMissingError
from stores.paths import content_path
from streams.positions import Stand
from streams.refusals import DependencyError
from streams.routers import Routers
from tests.streams.doubles import Bench, Log
from tests.streams.mail_cases import AGENT, closed, said


def a_slice(number: int = 0, **fields: Any) -> ClosedSlice:
    """A slice of one agent; each number is another conversation."""
    return closed([said(number, AGENT, "hello")], conversation=f"c{number}", **fields)


def mapping(mailbox: str) -> Mapping:
    """A mapping that sends everything of the agent there."""
    rows = [(AGENT["id"], mailbox)]
    return {
        "version": mapping_version(rows, [], None), "rows": [{"external_user_id": a, "mailbox": b} for a, b in rows],
        "domains": [], "catch_all": None,
    }  # fmt: skip


ONE, TWO = mapping("one@x"), mapping("two@x")


def in_order(bench: Bench) -> list[Any]:
    """The ledger by conversation: slices of a batch are made side by side."""
    return sorted(bench.deliveries(), key=lambda one: int(one["conversation"][1:]))


def boxes(bench: Bench) -> list[str | None]:
    """To whom each mail went."""
    return [copy["mailbox"] for one in in_order(bench) for copy in one["copies"]]


def routed(bench: Bench, stand: Stand | None = None) -> Bench:
    """Drain the stage."""
    bench.own(bench.archive, 0, stand)
    asyncio.run(bench.work(bench.archive))
    return bench


def test_the_rows_of_a_large_mapping_come_from_the_content_store(tmp_path: Path) -> None:
    """Every user is found, also the last; the store is asked once, and not for each mail."""
    bench, many = (
        Bench(tmp_path),
        [{"external_user_id": f"u{n}", "mailbox": f"u{n}@x"} for n in range(20_000)],
    )
    ref = asyncio.run(bench.tools.contents.put(rows_to_csv([*many, *ONE["rows"]])))  # type: ignore[list-item]  # rows as they are read
    bench.add_to(MAPPINGS, "Mapping", {**ONE, "rows": [], "rows_ref": ref})
    for number in range(3):
        bench.add_to(CONVERSATIONS, "ClosedSlice", a_slice(number, mapping_version=ONE["version"]))

    assert boxes(routed(bench)) == ["one@x"] * 3
    assert len(bench.archive._routers) == 1


def test_rows_that_are_gone_refuse_no_mail(tmp_path: Path) -> None:
    """The content store is an original: without it the worker stops, and no copy fails for want of a line."""
    bench = Bench(tmp_path)
    ref = {"sha256": bytes(32), "size": 1}
    bench.add_to(MAPPINGS, "Mapping", {**ONE, "rows": [], "rows_ref": ref})
    bench.add_to(CONVERSATIONS, "ClosedSlice", a_slice(mapping_version=ONE["version"]))
    with pytest.raises(BlobMissingError):
        routed(bench)
    asyncio.run(bench.store.create(content_path(bytes(32).hex()), b"other", content_type="text/csv"))
    with pytest.raises(DependencyError, match="other bytes"):
        asyncio.run(bench.work(bench.archive))
    assert (bench.letters(), bench.deliveries(), bench.archived()) == ([], [], {})


def test_each_mail_goes_by_the_mapping_that_it_names(tmp_path: Path) -> None:
    """Whatever the order of the mails, and whatever was in force when the worker started."""
    bench = Bench(tmp_path)
    bench.add_to(MAPPINGS, "Mapping", ONE)
    bench.add_to(MAPPINGS, "Mapping", TWO)
    versions = ["", ONE["version"], TWO["version"], ONE["version"]]
    for number, version in enumerate(versions):
        bench.add_to(CONVERSATIONS, "ClosedSlice", a_slice(number, mapping_version=version))

    assert boxes(routed(bench)) == [None, "one@x", "two@x", "one@x"]
    assert [one["mapping_version"] for one in in_order(bench)] == versions


def test_routing_again_from_the_beginning_decides_the_same(tmp_path: Path) -> None:
    """Offsets that were lost make no second copy elsewhere, though another mapping is in force by now."""
    log = Log()
    bench = Bench(tmp_path, log)
    bench.add_to(MAPPINGS, "Mapping", ONE)
    bench.add_to(CONVERSATIONS, "ClosedSlice", a_slice(mapping_version=ONE["version"]))
    routed(bench)
    bench.add_to(MAPPINGS, "Mapping", TWO)
    again = Bench(tmp_path, log)
    again.add_to(CONVERSATIONS, "ClosedSlice", a_slice(1, mapping_version=TWO["version"]))

    assert boxes(routed(again)) == ["one@x", "one@x", "two@x"]


def test_a_mapping_that_was_never_written_is_refused(tmp_path: Path) -> None:
    """The mail goes to dead-letters with its bytes, and those after it go on."""
    bench = Bench(tmp_path)
    bench.add_to(MAPPINGS, "Mapping", ONE)
    for made in (TWO, ONE):
        bench.add_to(CONVERSATIONS, "ClosedSlice", a_slice(mapping_version=made["version"]))

    assert boxes(routed(bench)) == ["one@x"]
    assert [letter["origin"] for letter in bench.letters()] == ["t-conversations/0/0"]


def test_mappings_that_cannot_be_read_refuse_nothing(tmp_path: Path) -> None:
    """A secret that is gone from the environment is a ValueError, and no fault of the mail."""
    bench = Bench(tmp_path)
    bench.codec = SecretIsGone()
    bench.add_to(MAPPINGS, "Mapping", ONE)
    bench.add_to(CONVERSATIONS, "ClosedSlice", a_slice(mapping_version=ONE["version"]))
    with pytest.raises(DependencyError, match="mappings"):
        asyncio.run(
            Routers(lambda: bench.log.read(MAPPINGS, 0), bench.codec, bench.tools.contents).of(ONE["version"])
        )


class SecretIsGone(Codec):
    """What a registry's codec does without its password."""

    def decode(self, data: bytes) -> Any:
        """Never works."""
        raise LookupError(len(data))


def test_garbage_among_the_mappings_stops_nobody(tmp_path: Path) -> None:
    """As long as the mapping is found, it hides nothing: one dead letter with its bytes, and copies are made."""
    bench = Bench(tmp_path)
    bench.log.add(MAPPINGS, b"no Avro", key=b"order 66")
    for number, made in enumerate((ONE, TWO)):
        bench.add_to(MAPPINGS, "Mapping", made)
        bench.add_to(CONVERSATIONS, "ClosedSlice", a_slice(number, mapping_version=made["version"]))

    assert boxes(routed(bench)) == ["one@x", "two@x"]
    (letter,) = bench.letters()
    assert (letter["origin"], letter["key"], letter["value"]) == ("t-mappings/0/0", b"order 66", b"no Avro")


def test_garbage_that_may_hide_the_mapping_stops_the_worker(tmp_path: Path) -> None:
    """Refusing the mails would send everybody's copies to dead-letters; the message says where, and what to do."""
    bench = Bench(tmp_path)
    bench.log.add(MAPPINGS, b"no Avro")
    bench.add_to(CONVERSATIONS, "ClosedSlice", a_slice(mapping_version=ONE["version"]))
    with pytest.raises(DependencyError, match=r"position 0: put the file .*mapping apply"):
        routed(bench)
    assert bench.letters() == []


def test_old_mappings_are_forgotten(tmp_path: Path) -> None:
    """A mapping a day for years must not stay in memory."""
    bench = Bench(tmp_path)
    for number in range(50):
        made = mapping(f"box{number}@x")
        bench.add_to(MAPPINGS, "Mapping", made)
        bench.add_to(CONVERSATIONS, "ClosedSlice", a_slice(number, mapping_version=made["version"]))

    assert boxes(routed(bench)) == [f"box{n}@x" for n in range(50)]
    assert len(bench.archive._routers) < 5


@pytest.mark.parametrize("text", ["", "x" * 990_000], ids=["short", "as long as a record"])
def test_more_participants_than_a_record_takes(tmp_path: Path, text: str) -> None:
    """Several records and several deliveries, each participant in exactly one; the mail is stored once."""
    crowd = [
        person(f"p{n}" + "i" * 120, f"P {n}", f"p{n}@{'bank' if n % 9 else 'else'}.example", "member")
        for n in range(5000)
    ]
    log = Log()
    bench = Bench(tmp_path, log)
    rows: list[Any] = []
    bench.add_to(
        MAPPINGS, "Mapping", {"version": "v", "rows": rows, "domains": ["bank.example"], "catch_all": None}
    )
    made = closed([said(0, crowd[0], text)], people=crowd, mapping_version="v")
    ref = asyncio.run(bench.tools.contents.put(encode("ClosedSlice", made)))
    bench.add_to(CONVERSATIONS, "ClosedSlice", {**made, "events": [], "people": [], "overflow": ref})
    routed(bench)

    deliveries = bench.deliveries()
    ids = [one["participant"]["id"] for delivery in deliveries for one in delivery["copies"]]
    assert bench.letters() == []
    assert sorted(ids) == sorted(one["id"] for one in crowd)
    assert {delivery["mail_id"] for delivery in deliveries} == {made["closing_id"]}
    assert len(deliveries) > 1
    assert any(one["path"] for one in deliveries[0]["copies"])
    files = list((tmp_path / "archive").rglob("*.eml"))
    assert sum(1 for path in files if "_mails" in path.parts) == 1
    assert len({path.stat().st_ino for path in files}) == 1, "copies are links to the one mail"
    assert len(files) == 1 + sum(1 for n in range(5000) if n % 9)
    assert all(len(value) <= MAX_RECORD_BYTES for place in log.records.values() for _, value in place)
