"""The standard library's IMAP client, taught to stream: an item's bytes are never in memory as a whole.

`imaplib` asks its literal for its length and hands it to `send`, which may be overridden (its documentation says so).
"""

import imaplib
import ssl
from typing import TYPE_CHECKING, Any

from consumers.importing.settings import ImapSettings
from consumers.importing.shape import Shaped

if TYPE_CHECKING:
    Base = imaplib.IMAP4
else:
    Base = object


class _Streaming(Base):
    """Sends a literal in chunks."""

    literal: Any  # what follows the next command: bytes, or a mail

    def send(self, data: Any) -> None:
        """Send bytes, or a mail a chunk at a time."""
        for chunk in data.chunks() if isinstance(data, Shaped) else [data]:
            super().send(chunk)

    def append_stream(self, place: str, flags: str, date: str, mail: Shaped) -> tuple[str, list[Any]]:
        """APPEND (RFC 3501, 6.3.11); the literal is sent when the server asks for it."""
        self.literal = mail
        return self.xatom("APPEND", place, flags, date)


class PlainWire(_Streaming, imaplib.IMAP4):
    """Without TLS, or with STARTTLS."""


class TlsWire(_Streaming, imaplib.IMAP4_SSL):
    """With TLS from the first byte."""


Wire = PlainWire | TlsWire


def connect(settings: ImapSettings) -> Wire:
    """A connection that has been greeted; OSError, ssl.SSLError or imaplib.IMAP4.error where there is none."""
    host, port = settings.place
    if settings.tls == "none":
        return PlainWire(host, port, timeout=settings.timeout_seconds)
    context = ssl.create_default_context(cafile=settings.ca_file)
    if settings.tls == "implicit":
        return TlsWire(host, port, ssl_context=context, timeout=settings.timeout_seconds)
    wire = PlainWire(host, port, timeout=settings.timeout_seconds)
    try:
        wire.starttls(context)
    except BaseException:
        wire.shutdown()
        raise
    return wire
