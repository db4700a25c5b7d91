"""The demo's plot: Thursday begins; three days are back-filled, then the rest of the week happens, then it all closes."""

import json
import shlex
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.demonstration.pick import worth_opening
from cli.demonstration.site import Simulated, Site, StoreKind, open_site, put_aside
from cli.parts.common import new_codec
from cli.parts.evidence import closing_line
from cli.parts.ready import ready_or_explain
from cli.parts.supervise import Supervisor
from cli.run import start_collector, start_evidence, start_workers
from cli.words.advice import command, counted, runnable
from cli.words.steps import Steps
from cli.words.summary import Summary, summarise, write_text
from consumers.drain import wait_until_drained
from consumers.status import read_status, views
from sandbox.azurite import AzuriteError
from sandbox.downloads import DownloadError
from sandbox.kafka_settings import KafkaError
from sandbox.ports import PortError
from sandbox.processes import ProcessError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.parts.config import Config
    from sandbox.checker import Report

BEGIN = datetime(2026, 3, 5, 0, 30, tzinfo=UTC)  # late enough for a first watermark of the live lane
END = datetime(2026, 3, 12, 12, tzinfo=UTC)  # every slice of the week is closed by then
STEP = timedelta(hours=24)
SLACK_MS = 15 * 60_000  # what a source may hide, by its settle delay
PATIENCE_S = 120.0


def run_demo(folder: Path, store: StoreKind, *, scale: int, as_json: bool, keep: bool) -> None:
    """Play, archive, sum up; the summary is also `summary.json` in the folder."""
    began = time.monotonic()
    before = _mails_before(folder)
    if aside := put_aside(folder):
        click.echo(aside, err=True)
    clock = folder / "clock"
    now = datetime.fromisoformat(clock.read_text()) if clock.exists() else BEGIN
    with Steps() as steps:
        site = open_with_steps(steps, folder, store, scale, now)
        try:
            with Supervisor() as processes:
                summary = _archive(steps, site, processes, clock, began)
                with steps.step("evidence of the week, signed"):
                    evidence = closing_line(
                        site.config, site.config_path, None if keep else kept(folder, store)
                    )
                proven = _finish(site, store, summary, before, evidence, as_json=as_json)
                if keep:
                    wait(site.config, site.config_path, processes)
        finally:
            site.close()
    if not proven:
        raise RuntimeError("the mails do not hold exactly what the sources served; see the sentences above")


def kept(folder: Path, store: StoreKind) -> str:
    """The command that leaves this demo's servers running."""
    top = folder.parent if store == "azurite" else folder
    named = "" if top == Path("demo") else f" --folder {shlex.quote(str(top))}"
    return f"chatledger demo --store {store}{named} --keep"


def open_with_steps(steps: Steps, folder: Path, store: StoreKind, scale: int, now: datetime) -> Site:
    """Start the site, and say so."""
    with steps.step(
        f"Apache Kafka, simulated LivePerson and Webex{', Azurite' if store == 'azurite' else ''}"
    ):
        try:
            return open_site(folder, store, scale=scale, now_iso=now.isoformat())
        except (AzuriteError, DownloadError, KafkaError, PortError, ProcessError) as error:
            raise RuntimeError(str(error)) from error


def _archive(steps: Steps, site: Site, processes: Supervisor, clock: Path, began: float) -> Summary:
    codec = new_codec(site.config.kafka)
    with steps.step("topics and user mapping"):
        ready_or_explain(site.config, codec, site.config_path, create=True)
    start_workers(processes, site.config, site.config_path, 1)
    for connector in site.config.connector:
        start_collector(processes, site.config, site.config_path, connector.uid)
    _play(steps, site, processes, clock)
    with steps.bar("archiving") as tell:
        wait_until_drained(
            site.config.kafka, site.config.worker.group, patience_s=PATIENCE_S,
            tell=lambda now: tell(sum(b.total - b.waiting for b in now), sum(b.total for b in now)),
        )  # fmt: skip
    return summarise(site.config, codec, time.monotonic() - began)


def _play(steps: Steps, site: Site, processes: Supervisor, clock: Path) -> None:
    """Move both clocks through the week; after each step wait until both collectors have caught up."""
    now = datetime.fromtimestamp(site.sources[0].now_ms() / 1000, UTC)
    total = max(1, -((now - END) // STEP) + 1)
    with steps.bar("a week of chats, collected as it happens") as tell:
        for done in range(total):
            _wait_captured(site.sources, site, processes, backfill=done in {0, total - 1})
            tell(done + 1, total)
            if now >= END:
                return
            now = min(END, now + STEP)
            for source in site.sources:
                source.move(int(now.timestamp() * 1000))
            clock.write_text(now.isoformat())
        _wait_captured(site.sources, site, processes, backfill=True)


def _wait_captured(sources: list[Simulated], site: Site, processes: Supervisor, *, backfill: bool) -> None:
    """Until every collector's watermark has come close to its source's clock, and back-fills are finished."""
    wanted = {source.uid: source.now_ms() - SLACK_MS for source in sources}
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = {view.uid: view for view in views(read_status(site.config.kafka))}
        behind = [
            uid for uid, ms in wanted.items() if uid not in found or (found[uid].captured_up_to_ms or 0) < ms
        ]
        filling = [
            uid for uid, view in found.items() if backfill and view.progress is not None and view.progress < 1
        ]
        if not behind and not filling:
            return
        for sentence in processes.watch():
            click.echo(sentence, err=True)
        if time.monotonic() > deadline:
            logs = site.config.state_dir / "logs"
            msg = f"{', '.join(behind or filling)}: nothing collected for {PATIENCE_S:.0f} s; see the logs in {logs}"
            raise RuntimeError(msg)
        time.sleep(0.1)


def _finish(
    site: Site, store: StoreKind, summary: Summary, before: int | None, evidence: str | None, *, as_json: bool
) -> bool:
    """Write and show the summary; whether the mails were found to hold what the sources served."""
    document = summary.as_dict() | {"evidence": evidence}
    unchecked = why_unchecked(store, summary.departed)
    found = None if unchecked else _prove(site)
    if found is not None:
        document["checked"] = as_figures(found)
    (site.folder / "summary.json").write_text(json.dumps(document, indent=2) + "\n")
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return found is None or found.ok
    text = write_text(summary, site.folder / "archive" if store == "folder" else None)
    click.echo(runnable(text, site.config_path))
    if before is not None:
        added = summary.mails - before
        click.echo(
            f"Ran over its own output: {'nothing was added' if added == 0 else f'{added} mails were added'}."
        )
    click.echo(unchecked if found is None else "\n".join(_checked(found)))
    click.echo(evidence)
    click.echo("\n".join(openings(worth_opening(site))))
    return found is None or found.ok


def _prove(site: Site) -> "Report":
    """Hold the mails against what the simulated sources say that they have served, with a parser that is not ours."""
    from sandbox.checker import check  # noqa: PLC0415 - only the folder store is checked

    return check([source.ledger for source in site.sources], site.folder / "archive")


def as_figures(found: "Report") -> "dict[str, int | list[str]]":
    """The checker's result for summary.json: what the ledgers hold, and every sentence about what the mails do not."""
    return {
        "messages": found.messages, "edits": found.edits, "deletions": found.deletions, "files": found.files,
        "missing": list(found.missing), "doubled": list(found.doubled),
    }  # fmt: skip


def why_unchecked(store: StoreKind, departed: tuple[int, int] | None) -> str:
    """Why mails and ledgers can't be compared, "" where they can; `departed`: mails and copies that an order disposed of."""
    if store != "folder":
        return "Not checked against the sources' ledgers: the checker reads a folder; run the demo without STORE for that."
    if departed == (0, 0):
        return ""
    told = "it is not known how many mails" if departed is None else counted(departed[0], "mail")
    return (
        f"Not checked against the sources' ledgers: {told} left by order (`chatledger dispose list`), and the ledgers still "
        "have what stood in them; remove the folder for a demo with everything."
    )


def openings(chosen: list[tuple[Path, str]]) -> "Iterator[str]":
    """The lines about (path, why) of mails worth opening; after a disposition there may be fewer than three, or none."""
    if chosen:
        yield f"\n{'Three mails' if len(chosen) == 3 else 'Mails'} worth opening:"
    yield from (f"  {path}\n      {why}" for path, why in chosen)


def _checked(found: "Report") -> "Iterator[str]":
    yield (
        f"Checked against the sources' own ledgers: {found.messages:,} messages, {found.edits} edits, "
        f"{found.deletions} deletions, {found.files} files; "
        f"{len(found.missing)} missing, {len(found.doubled)} doubled."
    )
    yield from (f"  ! {sentence}" for sentence in [*found.missing, *found.doubled][:10])


def _mails_before(folder: Path) -> int | None:
    path = folder / "summary.json"
    if not path.exists():
        return None
    return int(json.loads(path.read_text())["mails"])


def wait(config: "Config", config_path: Path, processes: Supervisor) -> None:
    """Leave everything running, with what goes on signing: without it status would soon call evidence stopped."""
    start_evidence(processes, config, config_path)
    click.echo(f"\nStill running; try `{command('status', config_path)}`. Ctrl-C ends it.", err=True)
    while True:
        for sentence in processes.watch():
            click.echo(sentence, err=True)
        time.sleep(0.5)
