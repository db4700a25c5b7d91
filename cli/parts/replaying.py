"""What a person types after `chatledger replay`: a slip of the finger must not write into the archive, nor pass for a proof."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from consumers.mapping import load
from consumers.mapping_file import MappingError
from consumers.reading import latest
from schemas.topics import CURSORS
from stores.interface import BadPathError
from stores.paths import PREFIX_ROOT, check_path
from stores.settings import FolderSettings
from streams.replay.job import Where

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cli.parts.config import Config
    from consumers.mapping_settings import MappingSettings
    from stores.settings import AzureSettings
    from streams.replay.job import Kind

KEYWORDS: "tuple[Kind, ...]" = ("dry-run", "compare", "store")
MAILBOX = "mailbox"
"""Not made from the log but from the ledger: `cli/parts/mailboxes.py`."""
POSSIBLE = f"{', '.join(KEYWORDS)}, {MAILBOX}, {PREFIX_ROOT}/NAME (in the store), or a folder that begins with / or ./"


def goal(into: str, store: "FolderSettings | AzureSettings") -> Where:
    """What `--into` means; UsageError that lists what is possible, with the nearest of it."""
    for keyword in KEYWORDS:
        if into == keyword:
            return Where(keyword)
    if into.startswith(f"{PREFIX_ROOT}/"):
        return Where("prefix", _checked(into.removeprefix(f"{PREFIX_ROOT}/")))
    if into.startswith(("/", "./")):
        return Where("folder", _outside(Path(into).resolve(), store))
    raise click.UsageError(f"--into {into}: not one of {POSSIBLE}{_nearest(into)}")


def _checked(name: str) -> str:
    try:
        checked = check_path(name)
    except BadPathError as error:
        raise click.UsageError(f"--into {PREFIX_ROOT}/{name}: {error}") from error
    if "@" in checked.partition("/")[2]:  # an order would take it for a mailbox, and not look for mails in it
        raise click.UsageError(
            f"--into {PREFIX_ROOT}/{name}: behind a / it must have no @, as mailboxes have"
        )
    return checked


def _outside(folder: Path, store: "FolderSettings | AzureSettings") -> str:
    """The folder, if it is no place of the archive: what is made there would never be told to the ledger."""
    if isinstance(store, FolderSettings) and folder.is_relative_to(store.path.resolve()):
        raise click.UsageError(
            f"--into {folder}: that lies in the archive; `--into store` makes what is missing there, "
            f"`--into {PREFIX_ROOT}/NAME` a second set"
        )
    return str(folder)


def _nearest(into: str) -> str:
    """The keyword that was meant, as far as it can be told; else, for a plain name, the prefix of this name."""
    plain = into.lower().replace("-", "").replace("_", "")
    words = KEYWORDS if "/" in into else (*KEYWORDS, MAILBOX)
    by_plain = {keyword.replace("-", ""): keyword for keyword in words}
    found = difflib.get_close_matches(plain, by_plain, 1)
    if found:
        return f"; did you mean {by_plain[found[0]]}?"
    is_name = "/" not in into and not into.startswith((".", "~", "_"))
    return f"; did you mean {PREFIX_ROOT}/{into}?" if is_name and into else ""


def check_connectors(config: "Config", wanted: "Iterable[str]") -> None:
    """Refuse a uid that neither the configuration nor topic cursors knows, if that knows any; see `stranger`.

    Who was taken out of the configuration can be replayed. Where cursors were lost, only the log itself can tell.
    """
    if not wanted:
        return
    collected = {key.decode("utf-8", "replace").rpartition("/")[0] for key in latest(config.kafka, CURSORS)}
    sentence = stranger(config, wanted, collected)
    if collected and sentence:
        raise click.ClickException(sentence)


def stranger(config: "Config", wanted: "Iterable[str]", collected: "Iterable[str]" = ()) -> str:
    """Of a uid that nobody knows, who is known instead; empty if all are."""
    known = {one.uid for one in config.connector} | set(collected)
    lost = next((uid for uid in sorted(wanted) if uid not in known), None)
    return f"no connector {lost}; there are {', '.join(sorted(known))}" if lost is not None else ""


def file_not_in_force(mapping: "MappingSettings", version: str) -> str:
    """What to say where the configuration's mapping is another one than that in force; empty where it is the same."""
    try:
        wanted = load(mapping)["version"]
    except MappingError as error:
        return f"the mapping in the configuration is not in force, it has a fault: {error}"
    if wanted == version:
        return ""
    return (
        f"the mapping in the configuration ({wanted[:12]}) is not in force: `chatledger mapping apply` first; "
        f"routed by {version[:12]}"
    )
