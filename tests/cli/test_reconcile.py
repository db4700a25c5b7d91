"""`chatledger reconcile`: nothing to say of a whole day, and exactly what was planted of a damaged one."""

import json
import re
import signal
import threading
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from cli.demonstration.site import Site
from cli.parts.reconciling import reconcile
from consumers.orders import audit, say
from consumers.status import read_status, views
from schemas.codec import Codec
from tests.cli.faults import FAULTS, plant_all
from tests.cli.planting import Planted, damaged
from tests.cli.playground import Installation, Result, chatledger, eventually, install

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
Once = tuple[Installation, Result]
DAY = "2026-03-04"
START_MS = int(datetime(2026, 3, 4, tzinfo=UTC).timestamp() * 1000)
UIDS = ("webex", "liveperson")
FETCHED = {("raw-events", "missing"), ("contents", "missing")}


def reconciled(made: Installation, uid: str, *options: str, code: int = 0) -> Any:
    """The report on the day, as JSON."""
    done = made.chatledger("reconcile", uid, "--day", DAY, "--json", *options)
    assert done.returncode == code, done.stderr + done.stdout
    return json.loads(done.stdout)


def found_in(report: Any) -> Counter[Planted]:
    """The differences of a report in the words of the injector."""
    faults = (one for one in report["findings"] if not one["why"])
    return Counter(Planted(report["connector"], one["place"], one["what"], where(one)) for one in faults)


def where(one: dict[str, str]) -> str:
    """A path for what is in the store, an id for all else."""
    return one["detail"] if one["place"] in {"store", "contents"} else one["item"]


@pytest.mark.parametrize("uid", UIDS)
def test_a_whole_day_has_no_differences(once: Once, uid: str) -> None:
    """All that the source shows is in the log, in mails, in copies and in the store, byte for byte; status says when."""
    made, _ = once
    report = reconciled(made, uid)
    assert (report["verdict"], report["findings"]) == ("equal", [])
    assert report["asked"] >= 50
    assert report["asked"] == report["logged"] - report["gone"]
    assert report["rosters"] > 0
    told = made.chatledger("reconcile", uid, "--day", DAY).stdout
    assert f"the log has {report['logged']:,}; " in told
    assert f"besides, the log has {report['rosters']:,} list" in told
    assert reconciled_until(made, uid) >= "2026-03-05"


def test_twenty_planted_faults_are_found_and_nothing_else(once: Once, tmp_path: Path) -> None:
    """In topics and store, of both sources; and what the log lacks is collected again, as events that were there before."""
    assert len(FAULTS) == 20
    copy = damaged(once[0], tmp_path / "damaged", (START_MS, START_MS + 86_400_000))
    plant_all(copy)
    copy.write()
    found = sum((found_in(reconciled(copy.copy, uid, "--fetch", code=1)) for uid in UIDS), Counter())
    assert found == Counter(copy.planted)

    left = sum((found_in(reconciled(copy.copy, uid, code=1)) for uid in UIDS), Counter())
    assert left == Counter(one for one in copy.planted if (one.place, one.what) not in FETCHED)
    unwell = json.loads(copy.copy.chatledger("status", "--json").stdout)["unwell"]
    assert any("webex: source and archive differ: 2026-03-04" in reason for reason in unwell)


def test_what_an_order_removes_meanwhile_is_no_difference(once: Once, tmp_path: Path) -> None:
    """Between reading the topics and reading the store, an order names a mail and removes it; what somebody deleted is one."""
    copy = damaged(once[0], tmp_path / "ordered", (START_MS, START_MS + 86_400_000))
    copy.write()
    mail, other = (copy.take("webex") for _ in range(2))
    config = copy.copy.config

    def meanwhile(step: str) -> None:
        if "store" not in step:
            return
        ordered = audit("o", "disposed", at_ms=0, connector_uid="webex", mails=mail["mail_id"])
        say(config.kafka, Codec(), [ordered])
        for one in (mail, other):
            copy.file(one["path"]).unlink(missing_ok=True)

    report = reconcile(config, "webex", date(2026, 3, 4), threading.Event(), quick=True, say=meanwhile)
    assert [one.detail for one in report.faults] == [other["path"]]
    assert [one.detail for one in report.findings if one.why == "disposed of by order o"] == [mail["path"]]


def test_what_the_source_does_not_show_any_more_is_not_verifiable(
    once: Once, site: Site, tmp_path: Path
) -> None:
    """With a look-back of three days, a day that lies further back is compared with itself alone, and that is said."""
    made = install(site, tmp_path / "short", changes={})
    text = made.path.read_text(encoding="utf-8").replace(
        'topic_prefix = "short-"', f'topic_prefix = "{once[0].folder.name}-"'
    )
    text = text.replace('kind = "webex"', 'kind = "webex"\nlook_back_days = 3')
    made.path.write_text(text.replace(str(made.archive), str(once[0].archive)), encoding="utf-8")
    done = made.chatledger("reconcile", "webex", "--day", DAY, "--quick")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"webex, {DAY}: not verifiable\nthe source shows 0 events, the log has ")
    assert "not verifiable at the source" in done.stdout


def test_a_day_that_is_not_collected_is_refused(once: Once) -> None:
    """Neither equal nor different: the sentence says that it is not collected."""
    done = once[0].chatledger("reconcile", "webex", "--day", "2026-01-01")
    assert done.returncode == 1
    assert "2026-01-01 is not collected" in done.stderr
    assert once[0].chatledger("reconcile").returncode == 2


def test_nobody_is_said_to_try_again_where_nobody_does(once: Once) -> None:
    """The source is down, and this command ends with that."""
    made, _ = once
    url = re.search(r'domain_url = "\S+"', made.path.read_text())
    assert url is not None
    down = made.folder / "down.toml"
    nowhere = 'domain_url = "http://127.0.0.1:1"\ncalls = { retry_seconds = 1 }'
    down.write_text(made.path.read_text().replace(url[0], nowhere))
    done = chatledger("reconcile", "liveperson", "--day", DAY, "-c", str(down))
    assert done.returncode == 1
    assert "; try again later" in done.stderr
    assert "it will be" not in done.stderr


def test_it_goes_on_by_itself(once: Once) -> None:
    """Every connector's last whole day is compared without being asked for, and status says so; SIGTERM ends it."""
    made, _ = once
    with made.running("reconcile", "--daily") as process:
        eventually(lambda: {reconciled_until(made, uid) for uid in UIDS} == {"2026-03-12"}, 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    found = {view.uid: view.reconciled for view in views(read_status(made.config.kafka))}
    assert all(found[uid]["compared"][-1].endswith("2026-03-11") for uid in UIDS)


def reconciled_until(made: Installation, uid: str) -> str:
    """Up to which day (exclusive) status calls a connector reconciled."""
    found = {view.uid: view.reconciled_up_to_ms or 0 for view in views(read_status(made.config.kafka))}
    return datetime.fromtimestamp(found[uid] / 1000, UTC).date().isoformat()
