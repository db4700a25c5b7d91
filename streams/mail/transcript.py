"""The transcript as plain text: an entry a line, what belongs to it indented below."""

from streams.mail.entries import Entry
from streams.mail.facts import Heading

_INDENT = "\n    "


def transcript(heading: Heading, entries: list[Entry]) -> str:
    """Heading, rule, entries; lines end in CR LF."""
    lines = [*_head(heading), "-" * 72, *map(_entry, entries), ""]
    return "\n".join(lines).replace("\n", "\r\n")


def _head(heading: Heading) -> list[str]:
    lines = [heading.title, *heading.notices, ""]
    lines += [f"{label}: {value}" for label, value in heading.rows]
    lines.append(f"Participants ({len(heading.people)}):")
    lines += [f"    {person}" for person in heading.people]
    return lines


def _entry(entry: Entry) -> str:
    when, who, remark, _, text, quotes = entry
    said = f"[{when}] {who}{' ' if remark else ''}{remark}"
    if text is not None:
        # an indented line can't pass for another entry
        said += f": {text}" if "\n" not in text else f": {text.replace(chr(10), _INDENT)}"
    if not quotes:
        return said
    return said + "".join(
        [f"{_INDENT}{label}: {quote.replace(chr(10), _INDENT + '  ')}" for label, quote in quotes]
    )
