"""The transcript as plain text: an entry a line, what belongs to it indented below."""

from streams.mail.clean import isolated
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
    said = f"[{when}] {who}{' ' if who and remark else ''}{remark}"
    if text is not None:
        said += f": {_indented(text, _INDENT)}"
    return said + "".join(
        [f"{_INDENT}{label}: {_indented(quote, _INDENT + '  ')}" for label, quote in quotes]
    )


def _indented(text: str, indent: str) -> str:
    """The text below its line: an indented line can't pass for another entry."""
    return isolated(text).replace("\n", indent)
