"""The standard library's IMAP client, taught to stream: an item's bytes are never in memory as a whole.

`imaplib` asks its literal for its length and hands it to `send`, which may be overridden (its documentation says so).
"""

import imaplib
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from consumers.importing.answers import told
from consumers.importing.settings import ImapSettings
from consumers.importing.shape import Shaped
from consumers.importing.troubles import HostError

if TYPE_CHECKING:
    Base = imaplib.IMAP4
else:
    Base = object


_PRIVATE = "; ca_file names a private authority"
_ADVICE = {
    **dict.fromkeys((18, 19, 20, 21), _PRIVATE),
    **dict.fromkeys((62, 64), "; host has to be a name that stands in the certificate"),
}
"""By OpenSSL's X509_V_ERR_ numbers (x509_vfy.h): self-signed or of an unknown issuer; of another name or address."""


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


def trust(settings: ImapSettings) -> ssl.SSLContext | None:
    """Whose certificates are accepted: of the system's authorities, or of `ca_file`'s; None without TLS. ValueError."""
    if settings.tls == "none":
        return None
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:  # also what is no certificate
        raise ValueError(f"ca_file {settings.ca_file} has no certificates (PEM): {error.strerror}") from error


def connect(settings: ImapSettings, context: ssl.SSLContext | None) -> Wire:
    """A connection that has been greeted; `context` as `trust` gives it. HostError in a sentence where there is none."""
    try:
        return _connected(settings, context)
    except ssl.SSLCertVerificationError as error:
        why = f"{error.verify_message.rstrip('.')}{_ADVICE.get(error.verify_code, '')}"
        raise HostError("certificate not accepted", f"{_where(settings)}: {why}") from error
    except (OSError, imaplib.IMAP4.error) as error:
        raise HostError("server not reached", f"{_where(settings)}: {told(error)}") from error


def hang_up(wire: Wire) -> None:
    """Let go of the connection, whatever is left of it: after a refused certificate its socket is gone already."""
    with suppress(OSError):
        wire.shutdown()


def _where(settings: ImapSettings) -> str:
    host, port = settings.place
    return f"{host}:{port}"


def _connected(settings: ImapSettings, context: ssl.SSLContext | None) -> Wire:
    host, port = settings.place
    if context is None:
        return PlainWire(host, port, timeout=settings.timeout_seconds)
    if settings.tls == "implicit":
        return TlsWire(host, port, ssl_context=context, timeout=settings.timeout_seconds)
    wire = PlainWire(host, port, timeout=settings.timeout_seconds)
    try:
        wire.starttls(context)
    except BaseException:
        hang_up(wire)
        raise
    return wire
