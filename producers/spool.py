"""Bytes on their way from a source to a store: small ones in memory, others in a file without a name on local disk."""

import contextlib
import errno
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, Self, cast

from producers.waiting import Waiting

MEMORY_BYTES = 1 << 20
"""Up to so many bytes no file is made; also the size of what is read at a time."""
_FULL = {errno.ENOSPC, errno.EDQUOT}


class Spool:
    """Takes bytes once, gives them as often as wanted. The file ends with the process, whatever ends that.

    A full disk is waited for, until asked to stop (StoppedError).
    """

    def __init__(self, folder: Path | None, waiting: Waiting) -> None:
        self._folder, self._waiting = folder, waiting
        self._memory = bytearray()
        self._file: BinaryIO | None = None

    def write(self, chunk: bytes) -> None:
        """Keep these bytes behind the others."""
        if self._file is None and len(self._memory) + len(chunk) <= MEMORY_BYTES:
            self._memory += chunk
            return
        if self._file is None:
            self._file = self._new_file()
            self._append(self._file, bytes(self._memory))
            self._memory.clear()
        self._append(self._file, chunk)

    async def chunks(self) -> AsyncIterator[bytes]:
        """All bytes from the beginning."""
        if self._file is None:
            yield bytes(self._memory)
            return
        self._file.seek(0)
        while chunk := self._file.read(MEMORY_BYTES):
            yield chunk

    def _new_file(self) -> BinaryIO:
        # unbuffered: what a full disk did not take is known to the byte
        return cast("BinaryIO", tempfile.TemporaryFile(dir=self._folder, buffering=0))

    def _append(self, file: BinaryIO, data: bytes) -> None:
        rest, attempt = memoryview(data), 0
        while rest:
            try:
                rest = rest[file.write(rest) :]
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                where = self._folder or tempfile.gettempdir()
                self._waiting.trouble(f"no space left in {where} for a file on its way", attempt)
                attempt += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
