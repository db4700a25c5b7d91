"""What a large file costs: `python -m tests.bench.large_items [--store folder|azurite ...] [--out FILE] MB ...`.

One file of each size goes from a simulated Webex through the product's own collector, a real Kafka and the product's own
worker into a folder and into Azurite, and is read back from the mail there. Prints a table for docs/operations.md: resident
memory of the worker before, after and at its peak meanwhile, and MB/s. Ceilings are the default where the file fits.
"""

import argparse
import asyncio
import binascii
import contextlib
import hashlib
import json
import mmap
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sandbox.azurite import Azurite
from sandbox.kafka import KafkaServer
from sandbox.processes import ManagedProcess
from schemas.admin import create_topics
from schemas.broker import KafkaSettings
from stores.factory import open_store
from stores.interface import Store
from tests.bench.large_site import AFTER, SINCE, LargeSite, forget_peak, large_site, memory_of
from tests.bench.processes import until
from tests.streams.worker_rig import deliveries

STORES = ("folder", "azurite")
API = "2026-06-06"  # the newest that Azurite 3.37.0 knows
FITS_MB = 105  # under the default ceiling of 150 MB, which counts the mail as it is sent
NAMED = b'filename="recording-'
LINES = 78 * 13_000  # bytes: whole lines of base64
GROWTH = 1.4  # of a file in a mail, and something for the text


@dataclass(frozen=True)
class Figures:
    """One file measured: sizes in 10^6 bytes, memory in MiB, times in seconds of the wall clock."""

    store: str
    megabytes: int
    mail_mb: float
    collect_s: float
    """From the start of the collector to its end; it fetches the file twice, since two messages share it."""
    collector_peak_mib: float
    work_s: float
    """From then until the mail is in the ledger."""
    before_mib: float
    after_mib: float
    peak_mib: float

    @property
    def grown_mib(self) -> float:
        """How much more the worker needed at its peak than before."""
        return self.peak_mib - self.before_mib


def measure(folder: Path, kafka: KafkaSettings, name: str, section: str, megabytes: int) -> Figures:
    """One file through everything; SystemExit if it does not come out whole."""
    ceiling = {} if megabytes <= FITS_MB else {"max_mail_mb": megabytes * GROWTH}
    with large_site(folder, kafka, section, megabytes, since=SINCE, **ceiling) as site:
        worker = warm_worker(site)
        forget_peak(worker)
        before = memory_of(worker).now
        site.move(AFTER)
        began = time.monotonic()
        collector = site.collect()
        collected = time.monotonic()
        until(lambda: bool(large_mail(kafka, megabytes)), [worker])
        ended = time.monotonic()
        memory, mail = memory_of(worker), large_mail(kafka, megabytes)
        check_whole(site, mail)
    work_s = ended - collected
    return Figures(
        name, megabytes, mail["size"] / 1e6, collected - began, collector.peak, work_s, before, memory.now, memory.peak
    )  # fmt: skip


def warm_worker(site: LargeSite) -> ManagedProcess:
    """A worker that has made the mails of the days before."""
    site.collect()
    worker = site.start("work")
    until(lambda: len(deliveries(site.config.kafka)) > 10, [worker])
    return worker


def large_mail(kafka: KafkaSettings, megabytes: int) -> Any:
    """The delivery of the day of the large file, None before there is one."""
    found = [one for one in deliveries(kafka) if one["size"] > megabytes * 1_000_000]
    return found[0] if found else None


def check_whole(site: LargeSite, mail: Any) -> None:
    """SystemExit unless the mail and every copy hold the file as the source served it, once."""
    (sha256,) = {entry["sha256"] for entry in site.served() if entry["file_name"].endswith(".bin")}
    outcomes = [copy["outcome"] for copy in mail["copies"]]
    found = asyncio.run(_attached(open_store(site.config.store), mail["path"], site.folder))
    if outcomes != ["ok", "ok"] or found != [sha256]:
        raise SystemExit(f"the mail is not what it should be: {outcomes}, {found} instead of {sha256}")


async def _attached(store: Store, path: str, folder: Path) -> list[str]:
    """The SHA-256 of every such file that the mail has attached."""
    with (folder / "mail").open("wb+") as file:
        async for piece in store.stream(path):
            file.write(piece)
        await store.close()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mail:
            return list(_hashes(mail))


def _hashes(mail: mmap.mmap) -> Iterator[str]:
    at = mail.find(NAMED)
    while at >= 0:
        begin = mail.find(b"\r\n\r\n", at) + 4
        end = mail.find(b"\r\n--", begin)
        digest = hashlib.sha256()
        for start in range(begin, end, LINES):
            digest.update(binascii.a2b_base64(mail[start : min(start + LINES, end)]))
        yield digest.hexdigest()
        at = mail.find(NAMED, end)


def table(found: list[Figures]) -> str:
    """As docs/operations.md has it."""
    head = [
        "| store | file | mail | collector | its peak | worker | before | peak | grown by | after |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *map(_row, found)])


def _row(one: Figures) -> str:
    return (
        f"| {one.store} | {one.megabytes:,} MB | {one.mail_mb:,.0f} MB | {2 * one.megabytes / one.collect_s:.0f} MB/s "
        f"| {one.collector_peak_mib:.0f} MiB | {one.mail_mb / one.work_s:.0f} MB/s | {one.before_mib:.0f} MiB "
        f"| {one.peak_mib:.0f} MiB | {one.grown_mib:.1f} MiB | {one.after_mib:.0f} MiB |"
    )


def section_of(name: str, folder: Path, azurite: Azurite | None) -> str:
    """The store's section of the configuration."""
    if azurite is None:
        return f'kind = "folder"\npath = "{folder / "archive"}"'
    secret = folder.parent / f"{folder.name}-azurite"
    secret.write_text(azurite.connection_string, encoding="utf-8")
    return f'kind = "azure"\ncontainer = "{name}"\nconnection_string_file = "{secret}"\napi_version = "{API}"'


def main() -> None:
    """Measure each size in each store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", type=int, nargs="+", metavar="MB")
    parser.add_argument("--store", choices=STORES, action="append")
    parser.add_argument("--out", type=Path)
    wanted, found = parser.parse_args(), list[Figures]()
    with contextlib.ExitStack() as up:
        place = Path(up.enter_context(tempfile.TemporaryDirectory(prefix="chatledger-large-")))
        broker = up.enter_context(KafkaServer(place / "kafka"))
        for name in wanted.store or STORES:
            azurite = up.enter_context(Azurite(place / "azurite")) if name == "azurite" else None
            for size in wanted.sizes:
                kafka = KafkaSettings(
                    bootstrap=broker.bootstrap, partitions=2, topic_prefix=f"{name}-{size}-"
                )
                create_topics(kafka)
                folder = place / f"{name}-{size}"
                found.append(
                    measure(folder, kafka, name, section_of(f"{name}-{size}", folder, azurite), size)
                )
                print(_row(found[-1]), flush=True)
    print(table(found))
    if wanted.out:
        wanted.out.write_text(json.dumps([asdict(one) for one in found], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
