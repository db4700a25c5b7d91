"""What a chaos run works on: the demo's site, its Azurite on a small disk and behind the proxy, workers soon missed."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cli.demonstration.site import Site, open_site
from cli.parts.common import new_codec
from cli.parts.config import Config, load
from cli.parts.ready import ready_or_explain
from sandbox.azurite import ACCOUNT, Azurite
from tests.chaos.disk import SmallDisk, small_disk
from tests.chaos.schedule import SESSION_S
from tests.chaos.store_proxy import StoreProxy

BEGIN = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)  # the simulated week begins
LAST = datetime(2026, 3, 9, 2, tzinfo=UTC)  # and is over
END = datetime(2026, 3, 12, 12, tzinfo=UTC)  # every slice of it is closed
LIVEPERSON_EVENTS = 20  # of a generated conversation, on average
WEBEX_BLOTTER, WEBEX_UNIT = 3_000, 3_300  # events that scale 1 brings, and each further one


@dataclass(frozen=True)
class ChaosSite:
    """Everything is up but the product."""

    site: Site
    azurite: Azurite
    proxy: StoreProxy
    disk: SmallDisk
    config_path: Path
    config: Config


@contextlib.contextmanager
def chaos_site(folder: Path, *, events: int, commit_s: float, hang_s: float) -> Iterator[ChaosSite]:
    """Start it below `folder` with at least so many events, half from each source."""
    liveperson, webex = scales(events)
    with contextlib.ExitStack() as up:
        disk = up.enter_context(small_disk(folder / "azurite"))
        site = open_site(folder, "azurite", scale=liveperson, webex_scale=webex, now_iso=BEGIN.isoformat())
        up.callback(site.close)
        assert site.azurite is not None
        proxy = up.enter_context(StoreProxy(site.azurite.url.removesuffix(f"/{ACCOUNT}"), hang_s).serving())
        path = _configure(site, site.azurite, proxy, commit_s)
        config = load(path)
        ready_or_explain(config, new_codec(config.kafka), create=True)
        yield ChaosSite(site, site.azurite, proxy, disk, path, config)


def scales(events: int) -> tuple[int, int]:
    """How much to generate for so many events: LivePerson's conversations, and Webex' scale."""
    webex, half = 0, events // 2
    if half >= WEBEX_BLOTTER:
        webex = 1 + (half - WEBEX_BLOTTER) // WEBEX_UNIT
    of_webex = WEBEX_BLOTTER + (webex - 1) * WEBEX_UNIT if webex else 0
    return -(-(events - of_webex) // LIVEPERSON_EVENTS), webex


def _configure(site: Site, azurite: Azurite, proxy: StoreProxy, commit_s: float) -> Path:
    secret = site.folder.resolve() / "secrets" / "azurite"
    through = azurite.connection_string.replace(azurite.url, f"{proxy.url}/{ACCOUNT}")
    secret.write_text(through + "\n", encoding="utf-8")
    text = site.config_path.read_text(encoding="utf-8")
    text += f"\n[worker]\nsession_seconds = {SESSION_S}\ncommit_seconds = {commit_s}\n"
    path = site.folder.resolve() / "chaos.toml"
    path.write_text(text, encoding="utf-8")
    return path
