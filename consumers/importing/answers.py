"""What an IMAP server's refusals mean. Pure.

Response codes: RFC 5530; TOOBIG: RFC 4469 (CATENATE) and RFC 7889; OVERQUOTA: RFC 9208. Exchange Online's own texts, which
have no code, as imapsync's users report them: `Request is throttled. Suggested Backoff Time: N milliseconds` and `Maximum size
of appendable message has been exceeded`.
"""

import re

from consumers.importing.troubles import ItemError, MailboxError, TooLargeError, TroubleError
from schemas.text import well_formed

LONGEST = 300  # characters of a server's text that are kept
_CODE = re.compile(r"\[([A-Z][A-Z0-9-]*)", re.IGNORECASE)
_BACKOFF = re.compile(r"Suggested Backoff Time:\s*(\d+)\s*milliseconds", re.IGNORECASE)
_TOO_LARGE = re.compile(
    r"maximum size of appendable|message (?:is )?too (?:large|big)|mail size is larger", re.IGNORECASE
)
_FULL = re.compile(r"quota|mailbox is full|not enough (?:disk )?space", re.IGNORECASE)
_SOON = {
    "THROTTLED": "throttled", "INUSE": "in use", "UNAVAILABLE": "unavailable for now", "SERVERBUG": "fault of the server",
    "TRYCREATE": "the folder is gone",
}  # fmt: skip
_REFUSED = {
    "NOPERM": "no permission", "AUTHORIZATIONFAILED": "no permission", "AUTHENTICATIONFAILED": "sign-in refused",
    "EXPIRED": "sign-in refused", "PRIVACYREQUIRED": "encryption is required", "CONTACTADMIN": "refused",
    "NONEXISTENT": "no such folder", "LIMIT": "a limit of the server",
}  # fmt: skip


def told(raw: object) -> str:
    """A server's text as it may stand in a receipt: one line, short, without control characters."""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    return " ".join(well_formed(text).split())[:LONGEST]


def backoff_s(text: str) -> float | None:
    """How long Exchange Online wants to be left alone, seconds; None if it does not say."""
    found = _BACKOFF.search(text)
    return int(found[1]) / 1000 if found else None


def refusal(what: str, raw: object) -> TroubleError:
    """The trouble that a NO means; `what` was tried: sign-in, folder, search or append."""
    text = told(raw)
    found = _CODE.search(text)
    code = found[1].upper() if found else ""
    if _BACKOFF.search(text) or "throttled" in text.lower():
        return MailboxError("throttled", text, retry_s=backoff_s(text))
    if what == "append" and (code == "TOOBIG" or _TOO_LARGE.search(text)):
        return TooLargeError("too large", text)
    if code == "OVERQUOTA" or (what == "append" and not code and _FULL.search(text)):
        return MailboxError("mailbox full", text)
    if code in _SOON:
        return MailboxError(_SOON[code], text, retry_s=0)
    if code in _REFUSED:
        return MailboxError(_REFUSED[code], text)
    return _uncoded(what, code, text)


def _uncoded(what: str, code: str, text: str) -> TroubleError:
    if what == "append":
        return ItemError("mail refused", text, final=code == "CANNOT")
    return MailboxError(f"{what} refused", text)
