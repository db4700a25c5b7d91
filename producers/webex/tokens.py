"""The token file: the officer's tokens between two runs, mode 0600, replaced as a whole or not at all."""

import contextlib
import fcntl
import json
import os
import shlex
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from producers.source import SourceRefusedError
from stores.folder_places import sync_folder


@dataclass(frozen=True)
class Tokens:
    """What the token file holds; times in ms since 1970 UTC, 0 = not known. Never shown in a repr."""

    refresh_token: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    expires_ms: int = 0
    refresh_expires_ms: int = 0
    scope: str = ""


class TokenFile:
    """Reads and replaces the tokens. One process at a time may refresh: see `locked`."""

    def __init__(self, path: Path, uid: str = "UID") -> None:
        """`uid`: the connector's, for the advice to log in."""
        self.path, self._login = path, f"run `chatledger login {uid}`"

    def load(self) -> Tokens:
        """The tokens. Raises SourceRefusedError when there are none or when others could read them."""
        try:
            with self.path.open("rb") as file:
                self._guard(os.fstat(file.fileno()))
                found = json.load(file)
        except FileNotFoundError as error:
            msg = f"there is no token file {self.path}; {self._login}"
            raise SourceRefusedError(msg) from error
        except (OSError, ValueError):
            msg = f"cannot read the token file {self.path}; {self._login} to make a new one"
            raise SourceRefusedError(msg) from None  # a parser's error may quote the content
        return self._tokens(found)

    def save(self, tokens: Tokens) -> None:
        """Put these tokens in place of the old: on disk before anybody sees them, readable by us alone."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        spare = self.path.with_name(f".{self.path.name}.{os.getpid()}.new")
        spare.unlink(missing_ok=True)
        with open(os.open(spare, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:  # noqa: PTH123 - the mode must hold from the first byte on
            json.dump(asdict(tokens), file)
            file.flush()
            os.fsync(file.fileno())
        spare.replace(self.path)
        sync_folder(self.path.parent)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from refreshing: with rotation, the second of two would be locked out."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path.with_name(f".{self.path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _guard(self, found: os.stat_result) -> None:
        if stat.S_IMODE(found.st_mode) & 0o077:
            msg = f"others can read the token file {self.path}; run `chmod 600 {shlex.quote(str(self.path))}`"
            raise SourceRefusedError(msg)

    def _tokens(self, found: object) -> Tokens:
        """Make tokens of a JSON object; a refresh token alone is enough."""
        values = found if isinstance(found, dict) else {}
        known = {name: values[name] for name, kind in _KINDS.items() if isinstance(values.get(name), kind)}
        tokens = Tokens(**known)
        if not (tokens.refresh_token or tokens.access_token):
            msg = f"the token file {self.path} holds no token; {self._login}"
            raise SourceRefusedError(msg)
        return tokens


_KINDS = {
    "refresh_token": str,
    "access_token": str,
    "expires_ms": int,
    "refresh_expires_ms": int,
    "scope": str,
}
