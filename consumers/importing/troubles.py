"""Why a copy did not get into its mailbox, by who can do something about it."""

import logging

log = logging.getLogger(__name__)


class TroubleError(Exception):
    """`kind`: a few words without anything that varies; `retry_s`: how long the other side wants to be left alone, seconds."""

    def __init__(self, kind: str, detail: str = "", *, retry_s: float | None = None) -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind, self.detail, self.retry_s = kind, detail, retry_s


class HostError(TroubleError):
    """Nothing can be done for any mailbox: server, sign-in service or store is down. It is waited for."""


class MailboxError(TroubleError):
    """This mailbox takes nothing now: refused sign-in, full, throttled. Others go on."""


class LostError(MailboxError):
    """The connection broke while something was under way; nobody knows whether it was done."""


class UnknownError(LostError):
    """Something nobody thought of; what was under way may be done or not, so it is treated as a lost connection is."""


class ItemError(TroubleError):
    """This mail is refused, others of the mailbox may not be; `final`: the same bytes would always be."""

    def __init__(self, kind: str, detail: str = "", *, final: bool = False) -> None:
        super().__init__(kind, detail)
        self.final = final


class MissingError(ItemError):
    """The copy does not stand in the store: an order has disposed of it, or it was lost."""


class TooLargeError(ItemError):
    """The mail is larger than this mailbox takes, and the server did not say before how large it may be."""


def as_trouble(mailbox: str, fault: Exception) -> TroubleError:
    """This mailbox's trouble, whatever it is; what nobody thought of is logged with its traceback."""
    if isinstance(fault, TroubleError):
        log.debug("%s: %s", mailbox, fault)
        return fault
    log.error("%s: an error that nobody thought of", mailbox, exc_info=fault)
    return UnknownError(f"unexpected {type(fault).__name__}", str(fault))
