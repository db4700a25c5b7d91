"""What a file of Webex is called, and by which id. Pure."""

from email.message import Message
from urllib.parse import unquote, urlsplit

from schemas.text import well_formed


def file_name(disposition: str | None) -> str | None:
    """The name in a Content-Disposition, in any of the ways that Webex writes it; None without one.

    RFC 6266 with RFC 5987's `filename*`, plain UTF-8 (read as Latin-1 by HTTP clients), or percent-encoded.
    """
    message = Message()
    message["Content-Disposition"] = _as_utf8(disposition or "").translate({13: " ", 10: " "})
    try:
        name = message.get_filename() or ""
    except (LookupError, ValueError):
        return None
    return well_formed(_unquoted(name)).strip() or None


def _as_utf8(header: str) -> str:
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header


def _unquoted(name: str) -> str:
    try:
        return unquote(name, errors="strict")
    except UnicodeDecodeError:
        return name


def content_key(url: str) -> str:
    """The source's id of a file, from its URL."""
    return well_formed(urlsplit(url).path.rstrip("/").rpartition("/")[2]) or well_formed(url)
