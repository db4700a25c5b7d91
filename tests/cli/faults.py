"""Twenty ways in which an archive may be damaged, each with what it must be found as; knows nothing of the checker."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from schemas import codec
from schemas.records import Closing, Delivery, RawEvents
from tests.cli.planting import Damaged, Record

ID_BYTES = 16


def plant_all(copy: Damaged) -> None:
    """Twenty faults; those in the topics first, each in a conversation of its own, so that none hides another."""
    for plant in FAULTS:
        plant(copy)


def gone(connector: str, *, mail: bool) -> Callable[[Damaged], None]:
    """A mail, or a copy, is deleted; the others stay."""

    def plant(copy: Damaged) -> None:
        path = copy.file_of(connector, mail=mail)
        copy.file(path).unlink()
        copy.note(connector, "store", "missing", path)

    return plant


def spoiled(connector: str, spoil: Callable[[bytes], bytes], *, mail: bool) -> Callable[[Damaged], None]:
    """A mail, or a copy, has other bytes."""

    def plant(copy: Damaged) -> None:
        path = copy.file_of(connector, mail=mail)
        file = copy.file(path)
        file.write_bytes(spoil(file.read_bytes()))
        copy.note(connector, "store", "different", path)

    return plant


def swapped(copy: Damaged) -> None:
    """A copy of one connector stands where one of the other should, and the other way round."""
    uids = ("webex", "liveperson")
    paths = [copy.file_of(uid, mail=False) for uid in uids]
    first, second = (copy.file(path).read_bytes() for path in paths)
    copy.file(paths[0]).write_bytes(second)
    copy.file(paths[1]).write_bytes(first)
    for uid, path in zip(uids, paths, strict=True):
        copy.note(uid, "store", "different", path)


def renamed(copy: Damaged) -> None:
    """A copy stands under another name."""
    path = copy.file_of("webex", mail=False)
    file = copy.file(path)
    file.rename(file.with_name("moved.eml"))
    copy.note("webex", "store", "missing", path)


def content(change: Callable[[Path], None], what: str) -> Callable[[Damaged], None]:
    """A file of a chat is deleted from the content store, or has another byte."""

    def plant(copy: Damaged) -> None:
        for record in copy.raw("webex"):
            for event in record["events"]:
                for ref in (one["content"] for one in event["attachments"]):
                    if ref is None or not copy.day[0] <= event["at_ms"] < copy.day[1]:
                        continue
                    digest = ref["sha256"].hex()
                    path = f"_content/{digest[:2]}/{digest}"
                    if path not in copy.used:
                        copy.used.add(path)
                        change(copy.file(path))
                        copy.note("webex", "contents", what, path)
                        return
        raise AssertionError("no file in the day's chats")

    return plant


def simple_records(copy: Damaged, one: Delivery) -> list[RawEvents]:
    """Records of a mail's slice that only the day's messages are in, without files."""
    return [
        record
        for record in copy.raw(one["connector_uid"])
        if (record["conversation"], record["slice"]) == (one["conversation"], one["slice"])
        and all(in_day(copy, event["at_ms"]) and not event["attachments"] for event in record["events"])
        and record["events"][-1]["kind"] != "roster"
    ]


def lessened(copy: Damaged, connector: str, kept: slice) -> None:
    """A record of the log keeps only some of its events."""
    one = copy.take(connector, lambda found: simple_records(copy, found))
    record = simple_records(copy, one)[0]
    lost = [event for event in record["events"] if event not in record["events"][kept]]
    fewer = {**record, "events": record["events"][kept]}
    copy.change("raw-events", "RawEvents", lambda found: fewer if found == record else None)
    for event in lost:
        copy.note(connector, "raw-events", "missing", event["id"].hex())


def event_dropped(connector: str) -> Callable[[Damaged], None]:
    """An event is not in the log any more; its record is."""
    return lambda copy: lessened(copy, connector, slice(0, -1))


def record_emptied(copy: Damaged) -> None:
    """All events of a record are lost."""
    lessened(copy, "webex", slice(0, 0))


def receipt_dropped(connector: str) -> Callable[[Damaged], None]:
    """The ledger has lost a mail with all of its copies."""

    def plant(copy: Damaged) -> None:
        one = copy.take(connector)
        copy.change(
            "deliveries", "Delivery", lambda found: {} if found["mail_id"] == one["mail_id"] else None
        )
        copy.note(connector, "mails", "missing", one["mail_id"].hex())

    return plant


def result_dropped(copy: Damaged) -> None:
    """The ledger has lost one participant's result."""
    one = copy.take("webex", lambda found: len(found["copies"]) > 1)

    def edit(found: Delivery) -> Delivery | None:
        return {**found, "copies": found["copies"][:-1]} if found["mail_id"] == one["mail_id"] else None

    copy.change("deliveries", "Delivery", edit)
    copy.note("webex", "copies", "missing", one["mail_id"].hex())


def foreign_mail(copy: Damaged) -> None:
    """The ledger has a mail that nothing in the log explains."""
    one = next(copy.deliveries("liveperson"))
    ident = hashlib.sha256(b"foreign").digest()[:ID_BYTES]
    at = next(at for at, record in enumerate(copy.topics["deliveries"]) if is_mail(record, one["mail_id"]))
    record = copy.topics["deliveries"][at]
    foreign = codec.encode("Delivery", {**one, "mail_id": ident, "copies": []})
    copy.topics["deliveries"].append(record._replace(value=foreign))
    copy.note("liveperson", "mails", "unexplained", ident.hex())


def closing_forgets(copy: Damaged) -> None:
    """A closing lacks an event that its slice had."""
    one, forgotten = copy.take("webex"), list[bytes]()

    def edit(found: Closing) -> Closing | None:
        if found["closing_id"] != one["mail_id"] or found["group"] != "live":
            return None
        forgotten.append(found["ids"][:ID_BYTES])
        return {**found, "ids": found["ids"][ID_BYTES:]}

    copy.change("closings", "Closing", edit)
    copy.note("webex", "mails", "missing", forgotten[0].hex())


def is_mail(record: Record, mail: bytes) -> bool:
    """Whether a record of the ledger is about this mail."""
    return bool(codec.decode(record.value or b"").value["mail_id"] == mail)


def in_day(copy: Damaged, at_ms: int) -> bool:
    """Whether a moment belongs to the day."""
    return copy.day[0] <= at_ms < copy.day[1]


def flipped(data: bytes) -> bytes:
    """The same with one bit changed."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def flip(file: Path) -> None:
    """Change one bit of a file."""
    file.write_bytes(flipped(file.read_bytes()))


FAULTS: tuple[Callable[[Damaged], None], ...] = (
    event_dropped("webex"), event_dropped("liveperson"), record_emptied, receipt_dropped("webex"),
    receipt_dropped("liveperson"), result_dropped, closing_forgets, foreign_mail,
    gone("webex", mail=True), gone("liveperson", mail=True), gone("webex", mail=False), gone("liveperson", mail=False),
    spoiled("webex", flipped, mail=True), spoiled("liveperson", flipped, mail=False),
    spoiled("webex", lambda data: data[:-1], mail=False), spoiled("webex", lambda data: data + b"\n", mail=True),
    swapped, renamed, content(Path.unlink, "missing"), content(flip, "different"),
)  # fmt: skip
