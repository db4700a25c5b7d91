"""Names of folders as IMAP servers and Maildirs write them. Pure."""

import base64
import re

_LIST = re.compile(rb'\((?P<flags>[^)]*)\) (?P<separator>NIL|"\\?.")')
_PLAIN = re.compile(r"[\x20-\x25\x27-\x7e]+|&|[^\x20-\x7e]+")


def levels(template: str, folder: str) -> list[str]:
    """The folder's levels from the top; what the connector's folder is called is one level, whatever is in it."""
    return [part.replace("{folder}", folder) for part in template.split("/") if part]


def separator(line: bytes) -> str | None:
    r"""The hierarchy separator in an answer to `LIST "" ""` (RFC 3501, 6.3.8); None for a server without levels."""
    found = _LIST.search(line)
    if found is None or found["separator"] == b"NIL":
        return None
    return found["separator"].decode("ascii").strip('"').removeprefix("\\") or '"'


def imap_name(parts: list[str], mark: str | None) -> str:
    """The name of a folder on a server with this separator, in modified UTF-7 and quoted.

    `Inbox` at the top is INBOX, in any case. A separator within a level is written as an underscore.
    """
    top = ["INBOX" if parts[0].upper() == "INBOX" else parts[0], *parts[1:]]
    if mark is None:
        return quoted(utf7(_printable(top[-1])))
    return quoted(utf7(mark.join(_printable(part).replace(mark, "_") for part in top)))


def maildir_name(parts: list[str]) -> str:
    """The folder's directory in a Maildir++: `.Webex Teams`; empty for the inbox itself."""
    below = parts[1:] if parts[0].upper() == "INBOX" else parts
    return "".join("." + utf7(_printable(part).replace(".", "_").replace("/", "_")) for part in below)


def _printable(part: str) -> str:
    """Without control characters and lone surrogates, which no server takes."""
    return "".join(c if c >= " " and c != "\x7f" and not "\ud800" <= c <= "\udfff" else "_" for c in part)


def utf7(name: str) -> str:
    """Modified UTF-7 (RFC 3501, 5.1.3)."""
    return "".join(_shifted(piece) for piece in _PLAIN.findall(name))


def _shifted(piece: str) -> str:
    if piece == "&":
        return "&-"
    if piece.isascii():
        return piece
    packed = base64.b64encode(piece.encode("utf-16-be")).decode("ascii").rstrip("=").replace("/", ",")
    return f"&{packed}-"


def quoted(text: str) -> str:
    """An IMAP quoted string; the text is ASCII without line ends."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
