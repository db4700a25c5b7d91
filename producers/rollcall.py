"""Asking a source what it shows of a time, apart from cursors and caches: what reconciliation compares the archive with.

Each source has a class beside its collector that uses the same client and the same way to name events, and nothing else of
it: no cursor, no memory of what was sent, no files. It yields what the source itself says; what a collector adds of its own
(rosters) is not among it.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Shown:
    """Something that the source shows at this moment.

    `ids`: names under which the log may have it; one is enough. Without any, it belongs to no conversation: a collector puts
    it into dead-letters, and `refused` is the SHA-256 of those bytes. `at_ms`: its own time (ms since 1970 UTC), if it says one.
    """

    ids: tuple[bytes, ...]
    kind: str
    conversation: str
    source_key: str
    at_ms: int | None
    refused: bytes = b""


def refusal(kind: str, body: bytes) -> Shown:
    """What stands for bytes that no event can be made of."""
    return Shown((), kind, "", "", None, hashlib.sha256(body).digest())


class RollCall(Protocol):
    """Asks one source; SourceUnavailableError and SourceRefusedError from every call. From one thread."""

    look_back_ms: int
    """How far back the source answers."""

    def now_ms(self) -> int:
        """The source's clock, never ahead of ours."""

    def shown(self, from_ms: int, to_ms: int) -> Iterator[Shown]:
        """Everything with from_ms <= own time < to_ms, each at least once, and what says no time but was answered for it."""

    def close(self) -> None:
        """Let go of connections."""
