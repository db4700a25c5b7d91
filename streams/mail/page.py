"""The transcript as HTML: a table that Outlook, Gmail and Thunderbird show alike; no script, nothing remote.

Every piece of text is escaped. What somebody wrote has `dir="auto"`, and names within our own words are isolated
(`<bdi>`), so that right-to-left text reads as it should and tears no line. Words without a blank (addresses,
hashes) break anywhere, so that a narrow window never scrolls sideways.
"""

from html import escape
from typing import Final

from streams.mail.clean import END_ISOLATE, ISOLATE
from streams.mail.entries import Entry
from streams.mail.facts import Heading

_TOP: Final = (
    '<!DOCTYPE html>\n<html><head><meta charset="utf-8"><style>'
    "body{font:14px/1.45 'Segoe UI',Arial,sans-serif;color:#1b1b1b;background:#fff;"
    "word-wrap:break-word;overflow-wrap:anywhere}"
    "h1{font-size:18px;margin:0 0 8px}"
    "table{border-collapse:collapse;width:100%}"
    "td{padding:4px 10px 4px 0;vertical-align:top;text-align:start}"
    ".h td{padding:1px 10px 1px 0}"
    ".l,.t{white-space:nowrap;width:1%;color:#5c5c5c}"
    ".t{font-size:12px}"
    ".e td{border-top:1px solid #e4e4e4}"
    ".i td{background:#fff4d6}.c td{background:#fdeeee}.n td{color:#5c5c5c}"
    ".r{color:#5c5c5c}.q{border-left:3px solid #c9c9c9;padding-left:8px;margin:2px 0}"
    ".w{background:#fff4d6;padding:6px 10px;margin:4px 0}"
    "</style></head><body>\n"
)
_ROWS: Final = {"said": "e", "internal": "e i", "changed": "e c", "note": "e n"}


def page(heading: Heading, entries: list[Entry]) -> str:
    """A whole HTML document; lines end in CR LF."""
    body = "\n".join(map(_entry, entries))
    return f"{_TOP}{_head(heading)}\n<table>\n{body}\n</table>\n</body></html>\n".replace("\n", "\r\n")


def _head(heading: Heading) -> str:
    notices = "".join([f'<div class="w">{_safe(one)}</div>\n' for one in heading.notices])
    rows = "".join([f'<tr><td class="l">{_safe(a)}</td><td>{_safe(b)}</td></tr>\n' for a, b in heading.rows])
    people = "".join([f"<div>{_safe(one)}</div>" for one in heading.people])
    return (
        f'<h1 dir="auto">{_safe(heading.title)}</h1>\n{notices}<table class="h">\n{rows}'
        f'<tr><td class="l">Participants ({len(heading.people)})</td><td>{people}</td></tr>\n</table>\n'
    )


def _entry(entry: Entry) -> str:
    when, who, remark, tone, text, quotes = entry
    name = f'<b dir="auto">{_safe(who)}</b> ' if who else ""
    shown = f'<span class="r">{_safe(remark)}</span>' if remark else ""
    said = f'<div dir="auto">{_lines(text)}</div>' if text else ""
    below = "".join(
        [f'<div class="q"><span class="r">{_safe(a)}:</span> {_quoted(b)}</div>' for a, b in quotes]
    )
    return f'<tr class="{_ROWS[tone]}"><td class="t">{when}</td><td>{name}{shown}{said}{below}</td></tr>'


def _safe(text: str) -> str:
    return escape(text, quote=True).replace(ISOLATE, "<bdi>").replace(END_ISOLATE, "</bdi>")


def _quoted(text: str) -> str:
    return _lines(text) if text.isascii() else f'<span dir="auto">{_lines(text)}</span>'


def _lines(text: str) -> str:
    safe = _safe(text)
    return (
        safe
        if "\n" not in safe and "  " not in safe
        else safe.replace("  ", "&nbsp; ").replace("\n", "<br>\n")
    )
