"""Which files go into a mail, under which names, and what stands in the place of those that don't."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from schemas.records import Attachment, ContentRef, Event
from streams.mail.clean import counted, isolated, one_line
from streams.mail.encode import base64_size, text_body
from streams.mail.filenames import safe_name, shown_name, unique_name
from streams.mail.headers import parameter

EVENTS_NAME: Final = "events.json"
PART_OVERHEAD: Final = 1024  # more than a part's boundary and header fields take, bytes
PLACEHOLDER_BYTES: Final = 4096  # more than a placeholder takes, with its lines in both transcripts
_REASONS: Final = 100

DISPOSED: Final = "disposed"
"""Outcome of a file that an order removed before its mail was made; no event has it, `streams/placeholders.py` gives it."""

_OUTCOMES: Final = {
    "infected": "the source reports malware in it",
    "unscannable": "the source could not scan it for malware",
    "gone": "the source no longer has it",
    "too_slow": "fetching it took too long",
    "too_large": "it is larger than the collector may fetch",
    "not_fetched": "it was not fetched",
    "stored": "its content is not known",
}
_TYPE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,62}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,62}")
# A mail program must neither open these as part of the message nor run what is in them.
_ACTIVE: Final = re.compile(
    r"(?:multipart|message)/|text/html$|application/xhtml\+xml$|image/svg\+xml$", re.IGNORECASE
)


class FilePart(NamedTuple):
    """One part of the mail: a file, or the placeholder of one."""

    head: str  # header fields with the empty line behind them
    body: bytes  # empty for a file
    content: ContentRef | None


class Files(NamedTuple):
    """All files of a mail."""

    lines: dict[bytes, list[str]]  # event id -> what the transcript says of its files
    parts: list[FilePart]
    reasons: list[str]  # why the mail is partial
    encoded: int  # bytes of the attached files in the mail


NO_FILES: Final = Files({}, [], [], 0)


def plan(events: list[Event], budget: int, ceiling: int) -> Files:
    """Attach what is stored, in order, while it fits into `budget` encoded bytes; the rest gets placeholders."""
    if not any(event["attachments"] for event in events):
        return NO_FILES
    planner = _Planner(budget, ceiling)
    lines = {
        event["id"]: [planner.place(one) for one in event["attachments"]]
        for event in events
        if event["attachments"]
    }
    return Files(lines, planner.parts, _capped(planner.reasons), planner.used)


def _capped(reasons: list[str]) -> list[str]:
    more = len(reasons) - _REASONS
    return reasons if more <= 0 else [*reasons[:_REASONS], f"and {counted(more, 'more file')}"]


class _Planner:
    """Takes the files one by one."""

    def __init__(self, budget: int, ceiling: int) -> None:
        self.budget, self.ceiling, self.used = budget, ceiling, 0
        self.parts: list[FilePart] = []
        self.reasons: list[str] = []
        self.taken = {EVENTS_NAME}
        self.attached: dict[tuple[bytes, str | None], str] = {}

    def place(self, one: Attachment) -> str:
        """Give the file its part; returns its line in the transcript."""
        shown = shown_name(one["name"])
        facts = f"{isolated(shown)} ({', '.join(_facts(one))})"
        content, why = one["content"], self._obstacle(one)
        if content is None or why is not None:
            self._placeholder(one, why or _OUTCOMES["stored"])
            return f"{facts}, not attached: {why}"
        key = (content["sha256"], one["name"])
        if key not in self.attached:
            self.attached[key] = self._attach(one, content)
        name = self.attached[key]
        return f"{facts}, attached" if name == shown else f"{facts}, attached as {isolated(name)}"

    def _obstacle(self, one: Attachment) -> str | None:
        content = one["content"]
        if one["outcome"] == DISPOSED and one["reason"]:
            return one_line(one["reason"])
        if one["outcome"] != "stored" or content is None:
            why = _OUTCOMES.get(one["outcome"], one_line(one["outcome"]))
            return f"{why} ({one_line(one['reason'])})" if one["reason"] else why
        if (content["sha256"], one["name"]) in self.attached:
            return None
        if self.used + base64_size(content["size"]) + PART_OVERHEAD > self.budget:
            return f"the mail would be larger than {self.ceiling:,} bytes; the file is kept under its hash"
        return None

    def _attach(self, one: Attachment, content: ContentRef) -> str:
        name = unique_name(safe_name(one["name"], len(self.parts) + 1), self.taken)
        self.used += base64_size(content["size"]) + PART_OVERHEAD
        self.parts.append(FilePart(file_head(_safe_type(one["content_type"]), name, "base64"), b"", content))
        return name

    def _placeholder(self, one: Attachment, why: str) -> None:
        self.reasons.append(f"{shown_name(one['name'])}: not attached, {why}")
        base = safe_name(one["name"], len(self.parts) + 1)
        name = unique_name(f"{base}.not-attached.txt", self.taken)
        lines = [
            "This file is not attached.",
            "",
            f"File: {isolated(shown_name(one['name']))} ({', '.join(_facts(one))})",
            f"Source key: {one_line(one['source_key'])}",
            f"Reason: {why}",
        ]
        if one["content"] is not None:
            lines.append(f"SHA-256: {one['content']['sha256'].hex()}")
        lines.append("")
        encoding, body = text_body("\r\n".join(lines))
        self.parts.append(FilePart(file_head('text/plain; charset="utf-8"', name, encoding), body, None))


def _facts(one: Attachment) -> Iterator[str]:
    if one["content_type"]:
        yield one_line(one["content_type"])
    if one["content"] is not None:
        yield counted(one["content"]["size"], "byte")
    if not one["content_type"] and one["content"] is None:
        yield "size unknown"


def _safe_type(content_type: str | None) -> str:
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind if _TYPE.fullmatch(kind) and not _ACTIVE.match(kind) else "application/octet-stream"


def file_head(content_type: str, name: str, encoding: str) -> str:
    """Header fields of an attached part, with the empty line behind them."""
    return (
        f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n"
        f"Content-Disposition: attachment{parameter('filename', name)}\r\n\r\n"
    )
