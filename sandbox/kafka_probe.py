"""Ask a broker whether it serves, with one hand-made request: ready means answering, not merely listening."""

from __future__ import annotations

import socket
import struct

METADATA = 3
VERSION = 1
CORRELATION = 7
# Array of topics with no element: from version 1 on that asks for the brokers alone.
# https://kafka.apache.org/protocol.html#The_Messages_Metadata
REQUEST = struct.pack("!hhih", METADATA, VERSION, CORRELATION, -1) + struct.pack("!i", 0)
RESPONSE_HEAD = struct.Struct("!ii")


def answers(host: str, port: int, timeout_s: float = 2) -> bool:
    """Whether a broker answers a metadata request there and counts at least one unfenced broker."""
    try:
        with socket.create_connection((host, port), timeout_s) as connection:
            connection.sendall(struct.pack("!i", len(REQUEST)) + REQUEST)
            (size,) = struct.unpack("!i", _read(connection, 4))
            if not RESPONSE_HEAD.size <= size <= 1024 * 1024:
                return False
            correlation, brokers = RESPONSE_HEAD.unpack(_read(connection, RESPONSE_HEAD.size))
    except OSError:
        return False
    return bool(correlation == CORRELATION and brokers >= 1)


def _read(connection: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size:
        part = connection.recv(size - len(content))
        if not part:
            msg = "the other side closed"
            raise ConnectionError(msg)
        content += part
    return content
