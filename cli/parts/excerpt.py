"""The configuration file as it was read, and single sections of it: a health check every few seconds needs no more."""

import shlex
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from consumers.evidence.settings import EvidenceSettings
    from consumers.importing.settings import ImportSettings
    from schemas.broker import KafkaSettings
    from streams.settings import WorkerSettings

Section = TypeVar("Section", bound=BaseModel)

PATH_KEYS = frozenset(
    {
        "path",
        "file",
        "state_dir",
        "token_file",
        "key_file",
        "ca_file",
        "connection_string_file",
        "sas_file",
        "passwords_file",
    }
)


class ConfigError(Exception):
    """The configuration cannot be used; the message has one line for each fault: file, key, what is expected."""


class Excerpt:
    """Single sections of a file, each validated when it is asked for; where one has a fault, all faults of the file are told.

    A process that runs has validated the whole of it, so whoever only looks at that process need not. What is read has the
    names that it has in `Config`. Every property raises ConfigError.
    """

    def __init__(self, path: Path) -> None:
        """Read the file; ConfigError."""
        self._path, self._raw = path, read_file(path)

    @property
    def kafka(self) -> "KafkaSettings":
        """Section [kafka]."""
        from schemas.broker import KafkaSettings  # noqa: PLC0415 - each section's models are built only when asked for

        return self._section("kafka", KafkaSettings)

    @property
    def worker(self) -> "WorkerSettings":
        """Section [worker], or its defaults."""
        from streams.settings import WorkerSettings  # noqa: PLC0415 - as above

        return self._section("worker", WorkerSettings)

    @property
    def evidence(self) -> "EvidenceSettings":
        """Section [evidence], or its defaults."""
        from consumers.evidence.settings import EvidenceSettings  # noqa: PLC0415 - as above

        return self._section("evidence", EvidenceSettings)

    @property
    def import_(self) -> "ImportSettings | None":
        """Section [import]; None without it."""
        from consumers.importing.settings import ImportSettings  # noqa: PLC0415 - as above

        return self._section("import", ImportSettings) if "import" in self._raw else None

    @property
    def state_dir(self) -> Path:
        """The folder of caches and counters."""
        found = self._raw.get("state_dir")
        return Path(found) if isinstance(found, str) else self._whole().state_dir

    def poll_seconds(self, uid: str) -> float:
        """The pause between two polls of this connector, s; ConfigError that lists the others."""
        from producers.settings import CollectSettings  # noqa: PLC0415 - as above

        for one in self._connectors():
            if one.get("uid") == uid:
                return self._validated(one.get("collect", {}), CollectSettings).poll_seconds
        raise unknown_connector(uid, [str(one.get("uid")) for one in self._connectors()])

    def _connectors(self) -> list[dict[str, Any]]:
        found = self._raw.get("connector")
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            self._whole()
        return found or []

    def _section(self, name: str, model: type[Section]) -> Section:
        return self._validated(self._raw.get(name, {}), model)

    def _validated(self, raw: object, model: type[Section]) -> Section:
        try:
            return model.model_validate(raw)
        except ValidationError:
            self._whole()
            raise

    def _whole(self) -> Any:
        """The whole configuration, which is loaded only to tell its faults."""
        from cli.parts.config import load  # noqa: PLC0415 - as above

        return load(self._path)


def unknown_connector(uid: str, known: list[str]) -> ConfigError:
    """What is said of a uid that the configuration does not have."""
    return ConfigError(f"no connector {uid}; there are {', '.join(known)}")


def read_file(path: Path) -> dict[str, Any]:
    """The tables as they stand in the file, but for relative paths, which count from its own folder; ConfigError."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        msg = f"{path}: no such file; `chatledger config example > {shlex.quote(str(path))}` writes one to begin with"
        raise ConfigError(msg) from error
    except (OSError, ValueError) as error:
        msg = f"{path}: {_unreadable(error)}"
        raise ConfigError(msg) from error
    base = path.resolve().parent
    return {key: _absolute(key, value, base) for key, value in raw.items()}


def _unreadable(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return f"can't be read: {error.strerror}"
    if isinstance(error, UnicodeDecodeError):
        return f"is not UTF-8 text (byte {error.start}); save it as UTF-8"
    return f"is not TOML: {error}; text stands in quotes, true and false do not"


def _absolute(key: str, node: Any, base: Path) -> Any:  # TOML: tables, lists and scalars
    if isinstance(node, dict):
        return {name: _absolute(name, value, base) for name, value in node.items()}
    if isinstance(node, list):
        return [_absolute("", item, base) for item in node]
    return str(base / node) if key in PATH_KEYS and isinstance(node, str) else node
