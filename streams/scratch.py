"""Bytes of open slices on local disk: appended as they come, read once when their slice closes.

The last of them are in memory until there are enough for a write.

Nothing here is an original: the files are thrown away at every start and filled again from the log. Space comes
back a whole file at a time, when nothing in it is needed any more.
"""

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

FILE_BYTES = 16 * 1024 * 1024
TAIL_BYTES = 64 * 1024


class Ref(NamedTuple):
    """Where a record lies: number of the file, offset and length in bytes."""

    file: int
    offset: int
    length: int


@dataclass
class _File:
    handle: BinaryIO
    size: int = 0
    live: int = 0


@dataclass
class Scratch:
    """Append-only files in a folder of their own; `live_bytes` says what open slices hold."""

    folder: Path
    live_bytes: int = 0
    _files: dict[int, _File] = field(default_factory=dict)
    _last: int = -1
    _tail: bytearray = field(default_factory=bytearray)
    """The end of the last file, not written yet."""

    def append(self, data: bytes) -> Ref:
        """Keep these bytes."""
        current = self._files.get(self._last)
        if current is None or current.size >= FILE_BYTES:
            current = self._open_next()
        ref = Ref(self._last, current.size, len(data))
        self._tail += data
        current.size += len(data)
        if len(self._tail) >= TAIL_BYTES:
            self._write(current)
        current.live += 1
        self.live_bytes += len(data)
        return ref

    def read(self, ref: Ref) -> bytes:
        """The bytes again."""
        current = self._files[ref.file]
        in_tail = ref.offset - current.size + len(self._tail)
        if ref.file == self._last and in_tail >= 0:
            return bytes(self._tail[in_tail : in_tail + ref.length])
        return os.pread(current.handle.fileno(), ref.length, ref.offset)

    def free(self, ref: Ref) -> None:
        """These bytes are not needed any more."""
        current = self._files[ref.file]
        current.live -= 1
        self.live_bytes -= ref.length
        if current.live == 0 and ref.file != self._last:
            self._drop(ref.file)

    def close(self) -> None:
        """Let go of everything."""
        for number in list(self._files):
            self._drop(number)
        self._tail.clear()
        self.live_bytes = 0

    def _write(self, last: _File) -> None:
        last.handle.write(self._tail)
        last.handle.flush()
        self._tail.clear()

    def _open_next(self) -> _File:
        previous = self._files.get(self._last)
        if previous is not None and previous.live == 0:
            self._drop(self._last)
        elif previous is not None:
            self._write(previous)
        self._tail.clear()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._last += 1
        # No name on disk: the space is free again whatever happens to the process.
        self._files[self._last] = _File(tempfile.TemporaryFile(dir=self.folder))  # noqa: SIM115 - closed by _drop
        return self._files[self._last]

    def _drop(self, number: int) -> None:
        self._files.pop(number).handle.close()
