"""A closed slice becomes mails: the pure core of the second stage.

    closed slice ─ split ─▶ parts ─▶ head + text + HTML + files + events.json ─▶ segments

Files are never read here: a segment names them, and `assemble.mail_chunks` streams them in.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from schemas.ids import mail_id
from schemas.records import ClosedSlice, Event, Mail, Segment
from streams.mail.assemble import mail_size
from streams.mail.attachments import EVENTS_NAME, PLACEHOLDER_BYTES, FilePart, Files, file_head, plan
from streams.mail.encode import base64_lines, text_body
from streams.mail.entries import entries
from streams.mail.events_json import events_json
from streams.mail.facts import Topic, heading, topic_of
from streams.mail.fields import MailFields, date_of, events_hash, head, message_id
from streams.mail.page import page
from streams.mail.participants import Cast, cast_of
from streams.mail.parts import split
from streams.mail.scene import Scene, scene_of
from streams.mail.times import clock
from streams.mail.transcript import transcript


class UnknownFormatError(Exception):
    """The settings name a mail format that this version can't write; a newer one is needed."""


class EventsMissingError(Exception):
    """The slice came without its events; the caller must resolve `events_ref` first."""


class _Slice(NamedTuple):
    """What all parts of a slice share."""

    closed: ClosedSlice
    cast: Cast
    topic: Topic
    scene: Scene


class _Part(NamedTuple):
    """One part on its way to a mail."""

    number: int
    of: int
    events: list[Event]
    json: bytes


def render(closed: ClosedSlice) -> list[Mail]:
    """The mails of a closed slice, part by part, as its format version has always written them.

    All events must be inline and whole (`events_ref` and `overflow` resolved), in the order of the slice.
    Raises UnknownFormatError, EventsMissingError, and ZoneInfoNotFoundError for a zone that doesn't exist.
    """
    renderer = RENDERERS.get(closed["settings"]["format"])
    if renderer is None:
        problem = f"mail format {closed['settings']['format']}; known are {sorted(RENDERERS)}"
        raise UnknownFormatError(problem)
    if not closed["events"]:
        problem = f"slice {closed['slice']} of {closed['conversation']!r} has no events inline"
        raise EventsMissingError(problem)
    return renderer(closed)


def _render_1(closed: ClosedSlice) -> list[Mail]:
    events, settings = closed["events"], closed["settings"]
    watch = clock(settings["zone"], events[0]["at_ms"], events[-1]["at_ms"])
    cast = cast_of(events, closed["people"])
    whole = _Slice(closed, cast, topic_of(closed, cast, watch), scene_of(events, cast, watch))
    chunks = split(events, settings)
    return [
        _mail(whole, _Part(number, len(chunks), chunk, events_json(closed, cast.people, chunk)))
        for number, chunk in enumerate(chunks, 1)
    ]


RENDERERS: Final[dict[int, Callable[[ClosedSlice], list[Mail]]]] = {1: _render_1}
"""By format version. A version is never changed once mails were archived with it; add the next one."""


def _mail(whole: _Slice, part: _Part) -> Mail:
    """Write the mail with all its files; if that is over the ceiling, again with those that fit."""
    ceiling = whole.closed["settings"]["max_mail_bytes"]
    files = plan(part.events, ceiling, ceiling)
    mail = _written(whole, part, files)
    size = mail_size(mail["segments"])
    if size > ceiling and files.encoded:
        count = sum(len(event["attachments"]) for event in part.events)
        budget = ceiling - (size - files.encoded) - count * PLACEHOLDER_BYTES
        files = plan(part.events, max(0, budget), ceiling)
        mail = _written(whole, part, files)
        size = mail_size(mail["segments"])
    if size <= ceiling:
        return mail
    # nothing is dropped: the mail stands in the archive, and who imports it is told why a mailbox may refuse it
    reason = f"the text alone makes the mail larger than {ceiling:,} bytes"
    return _written(whole, part, files._replace(reasons=[*files.reasons, reason]))


def _written(whole: _Slice, part: _Part, files: Files) -> Mail:
    closed, cast = whole.closed, whole.cast
    ident = mail_id(closed["closing_id"], part.number)
    shown = heading(whole.topic, closed, (part.number, part.of), _period(whole, part), files.reasons)
    fields = MailFields(
        part=part.number,
        parts=part.of,
        subject=shown.title,
        events=part.events,
        date_ms=date_of(closed, part.events),
        status="partial" if files.reasons else "ok",
        events_hash=events_hash(part.json),
        boundary=_boundary(ident, "mixed"),
    )
    lines = entries(part.events, whole.scene._replace(files=files.lines))
    texts = _alternative(ident, transcript(shown, lines), page(shown, lines))
    start = head(closed, cast, fields).encode("ascii") + texts
    del lines, texts  # of a large part as much as its mail
    return {
        "mail_id": ident,
        "connector_uid": closed["connector_uid"],
        "source": closed["source"],
        "conversation": closed["conversation"],
        "slice": closed["slice"],
        "slice_start_ms": closed["slice_start_ms"],
        "revision": closed["revision"],
        "part": part.number,
        "parts": part.of,
        "message_id": message_id(ident),
        "date_ms": fields.date_ms,
        "folder": closed["settings"]["folder"],
        "status": fields.status,
        "reasons": files.reasons,
        "event_count": len(part.events),
        "mapping_version": closed["mapping_version"],
        "subject": shown.title,
        "participants": cast.people,
        "email": cast.email,
        "unaddressed": cast.unaddressed,
        "segments": _segments(start, files.parts, part.json, fields.boundary),
    }


def _period(whole: _Slice, part: _Part) -> str:
    watch = whole.scene.clock
    return f"{watch.show(part.events[0]['at_ms'])} to {watch.show(part.events[-1]['at_ms'])} ({watch.zone})"


def _boundary(ident: bytes, purpose: str) -> str:
    # "=_" can occur neither in base64 nor in quoted-printable, and every part is one of the two
    return f"=_{purpose}_{ident.hex()}"


def _alternative(ident: bytes, plain: str, rich: str) -> bytes:
    """The transcripts; plain text so that it can be read in the raw mail where possible, HTML in base64."""
    mixed, inner = _boundary(ident, "mixed"), _boundary(ident, "text")
    encoding, body = text_body(plain)
    start = f'--{mixed}\r\nContent-Type: multipart/alternative;\r\n boundary="{inner}"\r\n\r\n'
    return b"".join([
        f"{start}{_text_head(inner, 'plain', encoding)}".encode("ascii"),
        body,
        f"\r\n{_text_head(inner, 'html', 'base64')}".encode("ascii"),
        base64_lines(rich.encode("utf-8")),
        f"\r\n--{inner}--\r\n".encode("ascii"),
    ])  # fmt: skip


def _text_head(boundary: str, kind: str, encoding: str) -> str:
    return (
        f'--{boundary}\r\nContent-Type: text/{kind}; charset="utf-8"\r\n'
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )


def _segments(start: bytes, files: list[FilePart], events: bytes, boundary: str) -> list[Segment]:
    """The pieces of the mail: bytes, file, bytes, file, ..., bytes."""
    segments: list[Segment] = []
    text = [start]
    for file in files:
        text += [f"--{boundary}\r\n{file.head}".encode("ascii"), file.body]
        if file.content is not None:
            segments.append({"data": b"".join(text), "content": None, "encoding": "verbatim"})
            segments.append({"data": b"", "content": file.content, "encoding": "base64"})
            text = []
        text.append(b"\r\n")
    text += [f"--{boundary}\r\n{file_head('application/json', EVENTS_NAME, 'base64')}".encode("ascii")]
    text += [base64_lines(events), f"\r\n--{boundary}--\r\n".encode("ascii")]
    return [*segments, {"data": b"".join(text), "content": None, "encoding": "verbatim"}]
