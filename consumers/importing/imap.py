"""Mailboxes of an IMAP server: APPEND into a folder, searched by Message-ID where nobody knows whether it was done."""

import imaplib
import re
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from consumers.importing.answers import refusal, told
from consumers.importing.folders import imap_name, levels, quoted, separator
from consumers.importing.settings import ClientCredentials, ImapSettings
from consumers.importing.shape import Shaped
from consumers.importing.signin import Passwords, Tokens
from consumers.importing.troubles import ItemError, LostError, MailboxError
from consumers.importing.wire import Wire, connect, hang_up, trust
from schemas.records import Receipt

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_APPENDUID = re.compile(rb"\[APPENDUID (\d+) (\d+)\]", re.IGNORECASE)
_APPENDLIMIT = re.compile(r"APPENDLIMIT=(\d+)")
_STATUS_LIMIT = re.compile(rb"APPENDLIMIT (\d+)", re.IGNORECASE)
Answer = tuple[str, list[Any]]


class ImapTarget:
    """An IMAP server; sessions share the token and nothing else."""

    def __init__(self, settings: ImapSettings, *, folder: str, read: bool) -> None:
        """`folder`: levels parted by /, with {folder}; `read`: items are marked as read. ValueError without a secret or CA."""
        self._settings, self._folder, self._read = settings, folder, read
        self._trust = trust(settings)
        self.name = f"imap {settings.host}"
        auth = settings.auth
        self._door = (
            Tokens(auth, settings.timeout_seconds) if isinstance(auth, ClientCredentials) else Passwords(auth)
        )

    def open(self, mailbox: str) -> "ImapSession":
        """A connection signed in as this mailbox. HostError, MailboxError."""
        wire = connect(self._settings, self._trust)
        try:
            self._door.sign_in(wire, mailbox)
            return ImapSession(wire, self._folder, read=self._read, pace=self._settings.messages_per_second)
        except (OSError, imaplib.IMAP4.abort) as error:
            hang_up(wire)
            raise MailboxError("connection lost at sign-in", told(error), retry_s=0) from error
        except BaseException:
            hang_up(wire)
            raise

    def check(self) -> None:
        """The server greets, its certificate is accepted, and there is a token where one is needed. HostError."""
        wire = connect(self._settings, self._trust)
        with suppress(OSError, imaplib.IMAP4.error):
            wire.logout()
        if isinstance(self._door, Tokens):
            self._door.get()


class ImapSession:
    """One mailbox on one connection."""

    def __init__(self, wire: Wire, folder: str, *, read: bool, pace: float | None) -> None:
        self._wire, self._folder, self._flags = wire, folder, r"(\Seen)" if read else "()"
        self._pause_s, self._due = (1 / pace if pace else 0.0), 0.0
        self._places: dict[str, str] = {}
        self._selected, self._validity = "", ""
        self._capabilities = self._ask("sign-in", wire.capability)[0].decode("ascii", "replace").upper()
        self._mark = separator(self._ask("folder", lambda: wire.list('""', '""'))[0] or b"")
        announced = _APPENDLIMIT.search(self._capabilities)
        self._limit = int(announced[1]) if announced else None

    @property
    def limit(self) -> int | None:
        """APPENDLIMIT (RFC 7889), of the server or of the folder that was looked at last."""
        return self._limit

    def place(self, folder: str) -> str:
        """The folder's name on this server; it is made and subscribed to where it is missing."""
        if folder not in self._places:
            name = imap_name(levels(self._folder, folder), self._mark)
            self._select(name)
            self._places[folder] = name
            self._look_up_limit(name)
        return self._places[folder]

    def mark(self, one: Receipt) -> str:
        """UIDVALIDITY/UIDNEXT of the folder as it is now: no later item has a UID below that (RFC 3501, 2.3.1.1)."""
        self._select(self.place(one["folder"]))
        said = self._wire.response("UIDNEXT")[1]
        if said and said[0]:
            return f"{self._validity}/{_text(said[0])}"
        return f"{self._validity}/{max(self._uids(one), default=0) + 1}"  # a server that does not say it

    def find(self, one: Receipt, since: str | None = None) -> str | None:
        """UIDVALIDITY/UID of the first item with this Message-ID; UIDs of another validity are behind no mark."""
        name = self.place(one["folder"])
        if self._selected != name:
            self._select(name)
        validity, _, least = (since or f"{self._validity}/0").partition("/")
        uids = [uid for uid in self._uids(one) if validity == self._validity and uid >= int(least)]
        return f"{self._validity}/{uids[0]}" if uids else None

    def _uids(self, one: Receipt) -> list[int]:
        self._ask("search", self._wire.noop)  # what others have put there is seen after this only
        found = self._ask("search", lambda: self._search(one["message_id"]))
        return sorted(map(int, (found[0] or b"").split()))

    def put(self, one: Receipt, mail: Shaped) -> str:
        """APPEND; UIDVALIDITY/UID where the server says it (UIDPLUS)."""
        name = self.place(one["folder"])
        self._keep_pace()
        date = imaplib.Time2Internaldate(_moment(one["date_ms"]))
        answer = self._ask("append", lambda: self._wire.append_stream(name, self._flags, date, mail))
        found = _APPENDUID.search(answer[-1] or b"") if answer else None
        return f"{_text(found[1])}/{_text(found[2])}" if found else ""

    def abort(self) -> None:
        """End the connection under the hands of its thread: a literal that has not gone out whole is never appended."""
        sock = self._wire.sock
        with suppress(OSError):
            # What still waits in our own buffers is dropped when the thread closes the socket.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # Not the method of a TLS socket, which would go on in clear for a moment.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """LOGOUT, or just hang up."""
        with suppress(OSError, imaplib.IMAP4.error):
            self._wire.logout()
        hang_up(self._wire)

    def _select(self, name: str) -> None:
        """EXAMINE, which changes nothing in the mailbox; a folder that is not there is made."""
        status, _ = self._try("folder", lambda: self._wire.select(name, readonly=True))
        if status != "OK":
            made = self._try("folder", lambda: self._wire.create(name))
            self._try("folder", lambda: self._wire.subscribe(name))
            again, why = self._try("folder", lambda: self._wire.select(name, readonly=True))
            if again != "OK":
                raise refusal("folder", (made[1] if made[0] != "OK" else why)[-1])
        self._selected = name
        said = self._wire.response("UIDVALIDITY")[1]
        self._validity = _text(said[0]) if said and said[0] else ""

    def _look_up_limit(self, name: str) -> None:
        """Where each mailbox has a limit of its own, the server says so by the bare word (RFC 7889, 3)."""
        if "APPENDLIMIT" in self._capabilities.split():
            found = _STATUS_LIMIT.search(
                self._ask("folder", lambda: self._wire.status(name, "(APPENDLIMIT)"))[0] or b""
            )
            self._limit = int(found[1]) if found else None

    def _search(self, message_id: str) -> Answer:
        if message_id.isascii() and message_id.isprintable():
            return self._wire.uid("SEARCH", "HEADER", "Message-ID", quoted(message_id))
        self._wire.literal = message_id.encode("utf-8", "replace")
        return self._wire.uid("SEARCH", "CHARSET", "UTF-8", "HEADER", "Message-ID")

    def _keep_pace(self) -> None:
        time.sleep(max(0.0, self._due - time.monotonic()))
        self._due = time.monotonic() + self._pause_s

    def _ask(self, what: str, call: Callable[[], Answer]) -> list[Any]:
        status, data = self._try(what, call)
        if status != "OK":
            raise refusal(what, data[-1] if data else "")
        return data

    def _try(self, what: str, call: Callable[[], Answer]) -> Answer:
        try:
            return call()
        except (OSError, imaplib.IMAP4.abort) as error:  # EOF, BYE, a time-out, a broken pipe
            raise _lost(what, error) from error
        except imaplib.IMAP4.error as error:  # BAD
            kind = ItemError if what == "append" else MailboxError
            raise kind(f"{what} not understood", told(error)) from error


def _lost(what: str, error: Exception) -> LostError:
    """A server that throttles may hang up, with or without saying so."""
    meant = refusal("connection", str(error) or type(error).__name__)
    kind = "throttled" if meant.kind == "throttled" else f"connection lost at {what}"
    return LostError(kind, told(error) or type(error).__name__, retry_s=meant.retry_s)


def _moment(ms: int) -> datetime:
    """A time that INTERNALDATE can hold: years of four digits."""
    try:
        return EPOCH + timedelta(seconds=ms // 1000)
    except OverflowError:
        return EPOCH


def _text(raw: bytes) -> str:
    return raw.decode("ascii", "replace")
