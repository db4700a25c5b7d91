"""A back-fill from end to end: `python -m tests.bench.backfill [--scale 300]`.

The week of each simulated source, with so many more generated chats, is collected by the product's own collector while a worker
archives it; the source answers at once. Taken is the time until the collector has ended and until every mail is stored, and what
each process used of a core meanwhile: whoever is near 100 % bounds it. A table for docs/capacity.md.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping

from cli.demonstration.job import END
from cli.demonstration.site import Site, open_site
from cli.parts.common import new_codec
from cli.parts.ready import ready_or_explain
from consumers.reading import read_all
from sandbox.processes import ManagedProcess
from schemas.codec import decode
from schemas.topics import DELIVERIES, RAW_EVENTS
from tests.bench import processes, rig
from tests.bench.command import parser, ram_folder, tell


def rows(scale: int, webex_scale: int) -> Iterator[str]:
    """The table, a row as soon as it is known."""
    yield (
        "| source | events | mails | events/s captured | events/s archived | collector, CPU µs/event | worker, CPU µs/event "
        "| of a core: source | collector | worker | Kafka |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    with ram_folder() as place:
        site = open_site(place, "folder", scale=scale, webex_scale=webex_scale, now_iso=END.isoformat())
        with contextlib.closing(site):
            ready_or_explain(site.config, new_codec(site.config.kafka), site.config_path, create=True)
            for source in site.sources:
                yield from filled(site, source.uid)


def filled(site: Site, uid: str) -> Iterator[str]:
    """One source's row."""
    source = next(one for one in site.sources if one.uid == uid)
    events, mails = _events(site), _mails(site)
    with contextlib.ExitStack() as up:
        worker = up.enter_context(processes.start(site.folder, site.config_path, "work"))
        rig.settled([worker])
        pids = {"source": source.process.pid, "worker": worker.pid, "Kafka": site.kafka.pid}
        before, began = _used(pids), time.monotonic()
        collector = up.enter_context(processes.start(site.folder, site.config_path, "collect", uid, "--once"))
        taken = _cpu_until_end(collector)
        captured = time.monotonic() - began
        processes.until(lambda: rig.drained(site.config.kafka, site.config.worker.group), [worker])
        wall = time.monotonic() - began
        used = {who: now - before[who] for who, now in _used(pids).items()}
    events, mails = _events(site) - events, _mails(site) - mails
    shares = [used["source"] / captured, taken / captured, used["worker"] / wall, used["Kafka"] / wall]
    yield (
        f"| {uid} | {events:,} | {mails:,} | {events / captured:,.0f} | {events / wall:,.0f} "
        f"| {taken / events * 1e6:,.0f} | {used['worker'] / events * 1e6:,.0f} | {' | '.join(f'{one:.0%}' for one in shares)} |"
    )


def _cpu_until_end(process: ManagedProcess) -> float:
    """Its CPU seconds, as last seen before it ended; SystemExit if it failed."""
    used = 0.0
    while process.running:
        with contextlib.suppress(FileNotFoundError, IndexError):
            used = max(used, processes.cpu_seconds(process.pid))
        time.sleep(processes.LOOK_S)
    if process.returncode:
        raise SystemExit(f"{process.name} failed:\n{process.log.read_text(errors='replace')[-2000:]}")
    return used


def _used(pids: Mapping[str, int]) -> dict[str, float]:
    return {who: processes.cpu_seconds(pid) for who, pid in pids.items()}


def _events(site: Site) -> int:
    found = (decode(record.value or b"") for record in read_all(site.config.kafka, RAW_EVENTS))
    return sum(len(one.value["events"]) for one in found if one.name == "RawEvents")


def _mails(site: Site) -> int:
    return sum(1 for _ in read_all(site.config.kafka, DELIVERIES))


def main() -> None:
    """Print the table."""
    wanted = parser(__doc__)
    wanted.add_argument("--scale", type=int, default=300)
    wanted.add_argument("--webex-scale", type=int, default=5)
    found = wanted.parse_args()
    tell(rows(found.scale, found.webex_scale))


if __name__ == "__main__":
    main()
