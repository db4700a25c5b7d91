"""The transcript as HTML: a table that Outlook, Gmail and Thunderbird show alike; no script, nothing remote.

Every piece of text is escaped, and has `dir="auto"`, so that right-to-left text reads as it should and stays in
its own cell.
"""

from html import escape
from typing import Final

from streams.mail.entries import Entry
from streams.mail.facts import Heading

_TOP: Final = (
    '<!DOCTYPE html>\n<html><head><meta charset="utf-8"><style>'
    "body{font:14px/1.45 'Segoe UI',Arial,sans-serif;color:#1b1b1b;background:#fff}"
    "h1{font-size:18px;margin:0 0 8px}"
    "table{border-collapse:collapse;width:100%}"
    "td{padding:4px 10px 4px 0;vertical-align:top;text-align:start}"
    ".h td{padding:1px 10px 1px 0}"
    ".t{white-space:nowrap;color:#5c5c5c;font-size:12px}"
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
    notices = "".join([f'<div class="w" dir="auto">{_safe(one)}</div>\n' for one in heading.notices])
    rows = "".join(
        [f'<tr><td class="r">{_safe(a)}</td><td dir="auto">{_safe(b)}</td></tr>\n' for a, b in heading.rows]
    )
    people = "".join([f'<div dir="auto">{_safe(one)}</div>' for one in heading.people])
    return (
        f'<h1 dir="auto">{_safe(heading.title)}</h1>\n{notices}<table class="h">\n{rows}'
        f'<tr><td class="r">Participants ({len(heading.people)})</td><td>{people}</td></tr>\n</table>\n'
    )


def _entry(entry: Entry) -> str:
    when, who, remark, tone, text, quotes = entry
    shown = f' <span class="r">{_safe(remark)}</span>' if remark else ""
    said = f'<div dir="auto">{_lines(text)}</div>' if text else ""
    below = "".join(
        [f'<div class="q" dir="auto"><span class="r">{_safe(a)}:</span> {_lines(b)}</div>' for a, b in quotes]
    )
    return (
        f'<tr class="{_ROWS[tone]}"><td class="t">{when}</td>'
        f'<td><b dir="auto">{_safe(who)}</b>{shown}{said}{below}</td></tr>'
    )


def _safe(text: str) -> str:
    return escape(text, quote=True)


def _lines(text: str) -> str:
    safe = escape(text, quote=True)
    return (
        safe
        if "\n" not in safe and "  " not in safe
        else safe.replace("  ", "&nbsp; ").replace("\n", "<br>\n")
    )
