"""The records that cross a boundary, as plain typed dictionaries.

Each class mirrors one file of `schemas/avro/`, where every field is documented with its unit; a test holds the
two together. Dictionaries, because Avro reads and writes them without a conversion. All times are integer
milliseconds since 1970-01-01 UTC; ids are 16 raw bytes, hashes 32 raw bytes.
"""

from typing import Literal, NotRequired, TypedDict

Outcome = Literal["ok", "partial", "skipped", "failed", "external"]
ImportOutcome = Literal["ok", "partial", "skipped", "failed", "waiting"]


class Person(TypedDict):
    """Somebody who took part, as named when the event was captured."""

    id: str
    name: str | None
    email: str | None
    role: str


class ContentRef(TypedDict):
    """Claim check: bytes in the content store."""

    sha256: bytes
    size: int


class Attachment(TypedDict):
    """A file of an event, with the final outcome of fetching it."""

    source_key: str
    name: str | None
    content_type: str | None
    content: ContentRef | None
    outcome: str
    reason: str | None


class Event(TypedDict):
    """One thing that happened in a conversation."""

    id: bytes
    source_key: str
    kind: str
    at_ms: int
    at_suspect: bool
    order: int
    actor: Person | None
    target: str | None
    thread: str | None
    audience: str
    text: str | None
    html: str | None
    former_text: str | None
    people: list[Person]
    attachments: list[Attachment]
    details: dict[str, str]
    raw: bytes
    overflow: ContentRef | None


class RawEvents(TypedDict):
    """New events of one slice from one capture (topic raw-events)."""

    connector_uid: str
    source: str
    conversation: str
    slice: str
    slice_start_ms: int
    slice_end_ms: int
    lane: str
    captured_at_ms: int
    events: list[Event]


class Header(TypedDict):
    """A user-defined header of every mail."""

    name: str
    value: str


class Settings(TypedDict):
    """What changes the bytes of mails or the closing of slices."""

    version: str
    name: str
    source: str
    folder: str
    zone: str
    grace_ms: int
    stall_ms: int
    format: int
    max_mail_bytes: int
    part_events: int
    part_bytes: int
    headers: list[Header]


class Control(TypedDict):
    """What a producer states about a lane, or which user mapping is in force; in every partition of raw-events."""

    connector_uid: str
    kind: str
    lane: str
    from_ms: int | None
    to_ms: int | None
    watermark_ms: int | None
    settings: Settings | None
    recorded_at_ms: int
    details: dict[str, str]


class Closing(TypedDict):
    """Which events a slice's closing took (topic closings)."""

    group: str
    connector_uid: str
    conversation: str
    slice: str
    partition: int
    first_position: int
    position: int
    revision: int
    closing_id: bytes | None
    count: int
    ids: bytes
    people: list[Person]
    overflow: ContentRef | None
    slice_start_ms: int | None


class SettingsInForce(TypedDict):
    """Settings as of a position (topic closings)."""

    group: str
    connector_uid: str
    partition: int
    position: int
    settings: Settings


class ClosedSlice(TypedDict):
    """A closed slice, ready to become mails (topic conversations)."""

    connector_uid: str
    source: str
    conversation: str
    slice: str
    slice_start_ms: int
    slice_end_ms: int
    closing_id: bytes
    revision: int
    earlier: list[bytes]
    people: list[Person]
    partition: int
    position: int
    settings: Settings
    mapping_version: str
    count: int
    events: list[Event]
    events_ref: ContentRef | None
    overflow: NotRequired[ContentRef | None]


class Segment(TypedDict):
    """A piece of a mail's bytes: as they are, or a file of the content store that is streamed in."""

    data: bytes
    content: ContentRef | None
    encoding: str


class MailFacts(TypedDict):
    """What a Mail, its Copies and its Delivery share."""

    mail_id: bytes
    connector_uid: str
    source: str
    conversation: str
    slice: str
    slice_start_ms: int
    revision: int
    part: int
    parts: int
    message_id: str
    date_ms: int
    folder: str
    status: str
    reasons: list[str]
    event_count: int
    mapping_version: str


class Mail(MailFacts):
    """One rendered mail, on its way through the archive stage; in no topic."""

    subject: str
    participants: list[Person]
    email: list[str]
    unaddressed: list[Person]
    segments: list[Segment]


def mail_facts(one: MailFacts) -> MailFacts:
    """What a Mail, its Copies and its Delivery share, and nothing else of this one."""
    return {
        "mail_id": one["mail_id"], "connector_uid": one["connector_uid"], "source": one["source"],
        "conversation": one["conversation"], "slice": one["slice"], "slice_start_ms": one["slice_start_ms"],
        "revision": one["revision"], "part": one["part"], "parts": one["parts"], "message_id": one["message_id"],
        "date_ms": one["date_ms"], "folder": one["folder"], "status": one["status"], "reasons": one["reasons"],
        "event_count": one["event_count"], "mapping_version": one["mapping_version"],
    }  # fmt: skip


class MappingRow(TypedDict):
    """One line of the user mapping file."""

    external_user_id: str
    mailbox: str


class Mapping(TypedDict):
    """A user mapping, whole (topic mappings)."""

    version: str
    rows: list[MappingRow]
    domains: list[str]
    catch_all: str | None
    rows_ref: NotRequired[ContentRef | None]


class MappingInForce(TypedDict):
    """Where a mapping came in force (topic closings)."""

    group: str
    partition: int
    position: int
    version: str


class Target(TypedDict):
    """What is to be done for one participant."""

    participant: Person
    mailbox: str | None
    path: str | None
    outcome: str
    reason: str | None


class Copies(MailFacts):
    """One mail and everything that is to be made of it, on its way through the archive stage; in no topic."""

    path: str
    targets: list[Target]
    segments: list[Segment]


class Superseded(TypedDict):
    """A copy that stands where an earlier mapping led to; it is kept."""

    mailbox: str
    path: str
    mapping_version: str


class CopyResult(TypedDict):
    """What became of one participant's copy."""

    participant: Person
    mailbox: str | None
    path: str | None
    outcome: Outcome
    reason: str | None
    routing: NotRequired[int]
    supersedes: NotRequired[Superseded | None]


class Delivery(MailFacts):
    """One stored mail and its copies (topic deliveries)."""

    path: str
    size: int
    sha256: bytes
    copies: list[CopyResult]


class Receipt(TypedDict):
    """What became of a copy in its mailbox (topic imports)."""

    mail_id: bytes
    connector_uid: str
    source: str
    conversation: str
    slice: str
    slice_start_ms: int
    message_id: str
    date_ms: int
    folder: str
    participant: Person
    mailbox: str
    routing: int
    path: str
    size: int
    sha256: bytes
    stored: str
    stored_reason: str | None
    outcome: ImportOutcome
    reason: str | None
    how: Literal["appended", "found", ""]
    occasion: Literal["live", "missing", "again"]
    target: str
    place: str
    item: str
    imported_size: int | None
    imported_sha256: bytes | None
    limit: int | None
    at_ms: int


class DeadLetter(TypedDict):
    """What could not be processed, with its original bytes (topic dead-letters)."""

    stage: str
    connector_uid: str | None
    reason: str
    error: str
    origin: str
    topic: str | None
    partition: int | None
    position: int | None
    key: bytes | None
    value: bytes
    value_ref: ContentRef | None


class Cursor(TypedDict):
    """How far a lane has been collected and confirmed (topic cursors)."""

    connector_uid: str
    lane: str
    watermark_ms: int
    state: str
    updated_at_ms: int


class EvidenceRoot(TypedDict):
    """One manifest of the evidence chain (topic evidence)."""

    number: int
    root: bytes
    manifest: bytes
    count: int
    closed_at_ms: int
    key: str
    path: str


class Audit(TypedDict):
    """What an administrator ordered or changed, and what was done about it (topic audit)."""

    order: str
    kind: str
    connector_uid: str
    conversation: str | None
    slice: str | None
    from_ms: int | None
    before_ms: int | None
    excluded: list[str]
    by: str
    reason: str
    at_ms: int
    mails: bytes
    details: dict[str, str]


def person(ident: str, name: str | None = None, email: str | None = None, role: str = "unknown") -> Person:
    """A Person with every field."""
    return {"id": ident, "name": name, "email": email, "role": role}


def event(ident: bytes, source_key: str, kind: str, at_ms: int) -> Event:
    """An Event with every other field at its default; fill in what applies."""
    return {
        "id": ident, "source_key": source_key, "kind": kind, "at_ms": at_ms, "at_suspect": False, "order": 0,
        "actor": None, "target": None, "thread": None, "audience": "all", "text": None, "html": None,
        "former_text": None, "people": [], "attachments": [], "details": {}, "raw": b"", "overflow": None,
    }  # fmt: skip
