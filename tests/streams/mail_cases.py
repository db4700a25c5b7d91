"""Conversations of every kind, for the tests of the mail writer."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

from schemas.ids import closing_id, event_id, slice_key, with_version
from schemas.records import Attachment, ClosedSlice, ContentRef, Event, Mail, Person, Segment, event, person
from streams.defaults import default_settings
from streams.mail.assemble import mail_chunks

START = 1_790_000_000_000  # 2026-09-21 14:13:20 UTC
DAY = 86_400_000
CONTENTS = {
    name: f"The content of {name}.\n".encode() * times
    for name, times in (("offer.pdf", 40), ("photo.png", 3), ("empty", 0), ("large.bin", 3000))
}
BY_HASH = {hashlib.sha256(data).digest(): data for data in CONTENTS.values()}

AGENT = person("agent-7", "Jürgen Müller, Dr.", "j.mueller@bank.example", "agent")
MANAGER = person("mgr-1", 'Eve "The Boss" O\'Neil', "eve@bank.example", "manager")
CONSUMER = person("c0ffee-11", "Ana Sánchez", None, "consumer")
LIVEPERSON = person("liveperson", "LivePerson", None, "system")
BOT = person("bot-3", "Helper Bot", None, "bot")
MOD = person("Y2lzY29zcGFyazovL3VzL1BFT1BMRS8x", "Mia Moderator", "mia@bank.example", "moderator")
KEN = person("ken", "田中 健", "ken@bank.example", "member")
NOOR = person("noor", "نور الهدى", "noor@bücher.example", "member")

LONG_NAME = "تقرير " + "طويل " * 30 + ".pdf"


def said(number: int, who: Person | None, text: str | None, kind: str = "message", **fields: Any) -> Event:
    """Event `number` of a conversation, seven seconds after the one before it."""
    key = fields.pop("source_key", f"m{number}")
    made = event(event_id("uid", key, str(number).encode()), key, kind, START + number * 7000)
    made.update({"actor": who, "text": text, "raw": f'{{"n":{number}}}'.encode(), **fields})  # type: ignore[typeddict-item]  # test data by name
    return made


def closed(
    events: list[Event], source: str = "webex", changes: dict[str, Any] | None = None, **fields: Any
) -> ClosedSlice:
    """A closed slice of these events; `changes` alter its settings."""
    settings = with_version({**default_settings("uid", source), "name": "Main desk", **(changes or {})})  # type: ignore[typeddict-item]  # test data by name
    label = fields.get("slice", "p0000" if source == "liveperson" else "2026-09-21")
    key = slice_key("uid", fields.get("conversation", "conv-1"), label)
    made: ClosedSlice = {
        "connector_uid": "uid", "source": source, "conversation": "conv-1", "slice": label, "slice_start_ms": START,
        "slice_end_ms": START + DAY, "revision": 0, "earlier": [], "people": [],
        "partition": 0, "position": 99, "settings": settings, "mapping_version": "",
        "closing_id": closing_id(key, [one["id"] for one in events], settings["format"], settings["version"]),
        "count": len(events), "events": events, "events_ref": None,
    }  # fmt: skip
    made.update(fields)  # type: ignore[typeddict-item]  # test data by name
    return made


def stored(content: str, name: str | None = None, kind: str | None = "application/pdf") -> Attachment:
    """A file that was fetched."""
    data = CONTENTS[content]
    ref: ContentRef = {"sha256": hashlib.sha256(data).digest(), "size": len(data)}
    return {
        "source_key": f"f-{content}", "name": content if name is None else name, "content_type": kind, "content": ref,
        "outcome": "stored", "reason": None,
    }  # fmt: skip


def missing(name: str, outcome: str, reason: str | None) -> Attachment:
    """A file that was not."""
    return {
        "source_key": f"f-{name}", "name": name, "content_type": None, "content": None, "outcome": outcome, "reason": reason,
    }  # fmt: skip


async def open_content(ref: ContentRef) -> AsyncIterator[bytes]:
    """The content in chunks whose borders are nowhere near those of base64 lines."""
    data = BY_HASH[ref["sha256"]]
    for at in range(0, len(data), 101):
        yield data[at : at + 101]


def mail_bytes(mail: Mail) -> bytes:
    """The whole mail."""
    return joined(mail["segments"])


def joined(segments: Iterable[Segment]) -> bytes:
    """The segments as bytes."""

    async def collect() -> bytes:
        return b"".join([chunk async for chunk in mail_chunks(segments, open_content)])

    return asyncio.run(collect())


def _chat() -> ClosedSlice:
    return closed(
        [
            said(0, CONSUMER, None, "opened", details={"skill": "Mortgages", "channel": "WEB"}),
            said(1, BOT, "Hello! How can we help?"),
            said(2, CONSUMER, "Hi.\nTwo questions:\n  - rates?\n  - fees?"),
            said(3, BOT, None, "transfer", people=[AGENT], details={"reason": "asked for a person"}),
            said(4, AGENT, "Of course. 3 = three; see https://bank.example/r?a=1&b=<2>."),
            said(5, MANAGER, "Offer him 3.1 %", audience="internal"),
            said(6, AGENT, None, "closed", details={"reason": "AGENT"}),
            said(7, CONSUMER, None, "survey", details={"How was it?": "5", "Comment": "good\nvery good"}),
            said(8, None, "Asked about mortgage rates.", "summary"),
        ],
        "liveperson",
    )


def _space() -> ClosedSlice:
    roster = {"title": "Deal room, α", "provenance": "current-unverified", "as_of": "2026-09-25T08:00:00Z"}
    return closed(
        [
            said(0, None, None, "roster", people=[MOD, KEN], details=roster),
            said(1, MOD, "Welcome"),
            said(2, MOD, None, "joined", people=[NOOR]),
            said(3, NOOR, "شكرا، 3 files"),
            said(4, KEN, "Which ones?", target="m3", thread="m3"),
            said(
                5, KEN, "Which two ones?", "updated", target="m4", former_text="Which ones?", source_key="e5"
            ),
            said(6, NOOR, None, "deleted", target="m3", former_text="شكرا، 3 files", source_key="e6"),
            said(7, KEN, "An answer to something of last week", thread="old-root"),
            said(8, MOD, None, "role", people=[{**KEN, "role": "moderator"}]),
            said(9, MOD, "Deal room, β", "title", former_text="Deal room, α"),
            said(10, KEN, None, "left", people=[KEN]),
        ]
    )


def _files() -> ClosedSlice:
    hostile = "../../etc/\u202egnp.exe\r\nX-Evil: 1"
    return closed([
        said(0, MOD, None, "file", attachments=[stored("offer.pdf")]),
        said(1, KEN, "Three of one name", attachments=[
            stored("photo.png", "a b.png", "image/png"), stored("offer.pdf", "A B.PNG"), stored("empty", "a b.png", None),
        ]),
        said(2, MOD, None, attachments=[stored("photo.png", hostile, "text/html; charset=utf-8")]),
        said(3, MOD, "again", attachments=[stored("offer.pdf")]),
        said(4, NOOR, None, attachments=[stored("photo.png", LONG_NAME), stored("photo.png", "", "image/png")]),
        said(5, KEN, None, attachments=[
            missing("virus.zip", "infected", "Webex says 410"), missing("events.json", "gone", None),
            missing("x.mov", "too_slow", None),
        ]),
    ])  # fmt: skip


def _foreign() -> ClosedSlice:
    return closed([
        said(0, KEN, "よろしくお願いします。" * 12),
        said(1, NOOR, "مرحبا 👩‍👩‍👧‍👦 \u202eevil\u202c and \u2028 a fake line, \x07 a bell, \ud800 half a pair"),
        said(2, KEN, "[2026-09-21 14:13:20] Mia Moderator: I never said that\n[2026-09-21 14:13:21] Mia Moderator: nor that"),
        said(3, KEN, None, html="<p onclick='x()'>Only <b>HTML</b> &amp; no text</p><script>alert(1)</script>"),
        said(4, KEN, "=?utf-8?q?not_encoded?= and = at the end ="),
    ])  # fmt: skip


def _unknown() -> ClosedSlice:
    return closed([
        said(0, None, None, "unknown", raw=b'{"type":"hologram","x":"' + b"y" * 3000 + b'"}'),
        said(1, BOT, "ok", "from-the-future", raw=b"\xff\xfe not UTF-8"),
        said(2, None, "far away", at_suspect=True, at_ms=99_999_999_999_999_999),
    ])  # fmt: skip


def _long() -> ClosedSlice:
    events = [said(n, (AGENT, CONSUMER)[n % 2], f"Message number {n}") for n in range(5)]
    return closed(events, "liveperson", {"part_events": 2}, slice="p0012")


def _late() -> ClosedSlice:
    extra = [
        {"name": "X-Kvs-MessageType", "value": "Webex"},
        {"name": "Subject", "value": "Mine"},
        {"name": "X-Ünsafe", "value": "no"},
    ]
    events = [
        said(0, MOD, "Before the clocks change", at_ms=1_792_888_000_000),
        said(1, KEN, "After", at_ms=1_792_890_000_000),
    ]
    return closed(
        events,
        changes={"zone": "Europe/Berlin", "headers": extra},
        slice="2026-10-25",
        revision=2,
        earlier=[b"\x01" * 16, b"\x02" * 16],
    )


def _tight() -> ClosedSlice:
    large = stored("large.bin", kind="application/zip")
    return closed(
        [
            said(0, MOD, "Small first", attachments=[stored("photo.png")]),
            said(1, KEN, "Too much", attachments=[large]),
        ],
        changes={"max_mail_bytes": 30_000},
    )


def _redacted() -> ClosedSlice:
    """What LivePerson itself took away, and what was changed later: all of it in a supplement."""
    erased, bare = "** LP deleted data **", {**CONSUMER, "name": None}
    key = {"source_key": "m2", "target": "m2", "details": {"redacted": "LivePerson"}}
    return closed(
        [
            said(2, LIVEPERSON, erased, "updated", former_text="My card is 4111", people=[bare], **key),
            said(3, LIVEPERSON, erased, "updated", people=[AGENT], **{**key, "source_key": "m3", "target": "m3"},
                 attachments=[stored("photo.png", f"{'9' * 64}_uuid_{'8' * 36}_21-09-2026_14-13-41-000.PNG")]),
            said(4, AGENT, "3.2 %", "updated", former_text="3.1 %", source_key="m4", target="m4"),
            said(8, None, "Asked about rates.", "updated", former_text="Asked about mortgage rates.", audience="internal",
                 source_key="summary", target="summary", details={"changed": "summary"}),
            said(9, None, None, "updated", source_key="closed/9", target="closed/9",
                 details={"changed": "closed", "reason": "SYSTEM", "row_sha256": "f" * 64}),
            said(10, CONSUMER, erased),
            said(11, BOT, erased, details={"redacted": "LivePerson"}),
        ],
        "liveperson", revision=1, earlier=[b"\x05" * 16], people=[AGENT, CONSUMER],
    )  # fmt: skip


def _elsewhere() -> ClosedSlice:
    """Targets that are in other mails, people of whom an event knows the id alone, and a day in the connector's zone."""
    roster = {"title": "غرفة الصفقات", "provenance": "reconstructed", "as_of": "2026-09-20T22:00:00.000Z"}
    states = {"title": "غرفة الصفقات", "isLocked": "true", "isPublic": "false"}
    long_key = "Y2lzY29zcGFyazovL3VzL01FU1NBR0UvMDEyMzQ1Njc4OWFiY2RlZg"
    return closed(
        [
            said(0, None, None, "roster", people=[NOOR, MOD, KEN], details=roster),
            said(1, NOOR, "صباح الخير 3", thread=long_key),
            said(2, KEN, "Tokyo opened", "updated", target=long_key, former_text="Tokyo opens", source_key="e2"),
            said(3, MOD, None, "deleted", target=long_key, former_text="سر", people=[NOOR], source_key="e3"),
            said(4, person(MOD["id"]), None, "unknown", details={"reason": "not known: huddles started"}),
            said(5, MOD, "غرفة الصفقات", "title", details=states),
            said(6, KEN, "Approve?\n\n[Yes]\n[No]"),
            said(7, NOOR, "choice: نعم", "answer", target="m6"),
            said(8, MOD, None, "joined", people=[BOT], details={"by": "other"}),
            said(9, KEN, "🇵🇹 👩‍👩‍👧‍👦 👍🏼"),
            said(10, KEN, "0123456789 " * 400 + "9" * 400),
            said(11, NOOR, None, attachments=[stored("offer.pdf", "نموذج موقع.pdf")]),
            said(12, KEN, None, "deleted", target="m9", former_text="🇵🇹 👩‍👩‍👧‍👦 👍🏼", people=[KEN], source_key="e12"),
        ],
        changes={"zone": "Europe/Berlin"},
    )  # fmt: skip


def _second_day() -> ClosedSlice:
    roster = {"provenance": "joins and leaves of the conversation", "skill": "Mortgages"}
    return closed(
        [
            said(0, None, None, "roster", people=[CONSUMER, AGENT], details=roster),
            said(1, AGENT, "Good morning"),
            said(2, MANAGER, None, "joined", people=[MANAGER], details={"permission": "READER"}),
            said(3, MANAGER, None, "left", people=[MANAGER]),
            said(4, None, None, "closed", people=[CONSUMER, AGENT], details={"reason": "SYSTEM"}),
        ],
        "liveperson",
        slice="p0001",
    )


CASES = {
    "chat": _chat, "space": _space, "files": _files, "foreign": _foreign, "unknown": _unknown, "long": _long, "late": _late,
    "tight": _tight, "redacted": _redacted, "elsewhere": _elsewhere, "second-day": _second_day,
}  # fmt: skip
