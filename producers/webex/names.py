"""Webex ids for people to read. Ids are opaque keys; they are decoded only to compare and to show. Pure."""

import base64
import binascii


def inner(ident: str) -> str:
    """The last part of a decoded id (a UUID, for contents an index): the same across clusters; the id if it is none.

    `ciscospark://<cluster>/<KIND>/<id>` in base64 without padding; organisations also appear as a bare UUID.
    """
    try:
        text = base64.b64decode(ident + "=" * (-len(ident) % 4), altchars=b"-_").decode("ascii").strip()
    except (binascii.Error, UnicodeError, ValueError):
        return ident
    return text.rpartition("/")[2].lower() or ident


def same(one: str, other: str) -> bool:
    """True if two ids name the same thing, whatever cluster or form they are written in."""
    return one == other or inner(one) == inner(other)
