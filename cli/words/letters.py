"""Dead letters in words: a few lines each, a page, or JSON."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cli.words.advice import counted
from consumers.letters.book import ORDERED

if TYPE_CHECKING:
    from consumers.letters.book import Letter
    from schemas.records import Audit

SHOWN_REASON = 300  # characters in a list; `show` has all


def as_lines(letter: "Letter") -> Iterator[str]:
    """For a list: what it is, why, and the last that was done."""
    said = letter.said
    size = counted(letter.size, "byte")
    yield (
        f"{letter.name[:8]}  {_time(letter.at_ms)}  {said['stage']}  {said['origin']}  {said['error']}  {size}  {letter.state}"
    )
    reason = said["reason"].removeprefix(f"{said['origin']}: ")
    yield f"    {reason[:SHOWN_REASON]}{'…' if len(reason) > SHOWN_REASON else ''}"
    if letter.history:
        yield f"    {_step(letter.history[-1])}"


def as_page(letter: "Letter") -> Iterator[str]:
    """All that is known of it."""
    said = letter.said
    facts = {
        "letter": letter.name, "origin": said["origin"], "connector": letter.connector or "not known",
        "stage": said["stage"], "refused": _time(letter.at_ms), "error": said["error"], "reason": said["reason"],
        "key": "none" if said["key"] is None else said["key"].decode("utf-8", "backslashreplace"),
        "bytes": f"{letter.size:,}, SHA-256 {letter.sha256}", "state": letter.state,
    }  # fmt: skip
    yield from (f"{name:10} {value}" for name, value in facts.items())
    yield from (f"{'done':10} {_step(one)}" for one in letter.history)


def as_dict(letter: "Letter") -> dict[str, Any]:
    """For programs; times in milliseconds since 1970 UTC."""
    said, key = letter.said, letter.said["key"]
    return {
        "letter": letter.name, "origin": said["origin"], "connector": letter.connector or None, "stage": said["stage"],
        "at_ms": letter.at_ms, "error": said["error"], "reason": said["reason"],
        "key": None if key is None else key.decode("utf-8", "backslashreplace"), "size": letter.size,
        "sha256": letter.sha256, "state": letter.state,
        "history": [
            {"kind": one["kind"], "at_ms": one["at_ms"], "by": one["by"], "reason": one["reason"], **one["details"]}
            for one in letter.history
        ],
    }  # fmt: skip


def _step(one: "Audit") -> str:
    what = "redrive begun, not known to be complete" if one["kind"] == ORDERED else one["kind"]
    into = f" -> {one['details']['into']}" if "into" in one["details"] else ""
    return f"{what} {_time(one['at_ms'])} by {one['by']}: {one['reason']}{into}"


def _time(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
