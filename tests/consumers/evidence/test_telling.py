"""What status and health checks say of evidence, and of paths that people give."""

import json
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cli.main import main
from cli.words.status import evidence_line
from consumers.evidence.close import Closer
from consumers.evidence.daily import follow
from consumers.evidence.keys import new_key
from consumers.evidence.telling import (
    NEVER,
    Teller,
    evidence_unwell,
    evidence_view,
    is_followed,
    place_of,
    to_status,
)
from consumers.status import read_status
from schemas.admin import create_topics
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.status import ConnectorStatus, State, encode_status, status_key
from stores.factory import open_store
from stores.settings import AzureSettings
from tests.cli.test_ready import configured
from tests.consumers.evidence.offline import make
from tests.consumers.evidence.test_plans import before
from tests.schemas.test_status import VALIDATOR

if TYPE_CHECKING:
    from tests.servers import Blobs

DAY_MS = 86_400_000
CLOSED_MS = 20_000 * DAY_MS  # 2024-10-04
MAIL = "2" * 32


def record(state: State, *, error: str | None = None, age_ms: int = 0) -> ConnectorStatus:
    """What was said some time ago, of manifest 7 that had been closed a minute before."""
    told: Any = None if error is None else {"at_ms": CLOSED_MS, "message": error}
    found = to_status(state, (7, CLOSED_MS), CLOSED_MS + 60_000 - age_ms, None, told)
    VALIDATOR.validate(json.loads(encode_status(found)))
    return found


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (record("idle"), ""),
        (record("idle", error="it was down", age_ms=900_000), ""),
        (
            record("idle", age_ms=1_501_000),
            "evidence: silent for 1501 s; is `chatledger evidence follow` running?",
        ),
        (record("stopped", age_ms=599_000), ""),
        (record("stopped", age_ms=601_000), "evidence: stopped 601 s ago, and no manifest is closed since"),
        (record("refused", error="no key"), "evidence: refused: no key"),
        (record("waiting", error="store down"), "evidence: waiting: store down"),
    ],
)
def test_who_closes_is_well_as_others_are(record: ConnectorStatus, reason: str) -> None:
    """Errors, silence, and a stop long ago are reasons to worry; an error that is over is none."""
    view = evidence_view([record], CLOSED_MS + 60_000)
    found = evidence_unwell(view, CLOSED_MS + 60_000, silent_ms=600_000, stopped_ms=600_000)
    assert (bool(found), found[0][: len(reason)] if found else "") == (bool(reason), reason)


def test_status_has_the_last_closed_day_the_lag_and_the_error() -> None:
    """Also an error that is over, and that nothing was ever closed or said."""
    assert status_key(record("idle")) == b"*/evidence"
    view = evidence_view([record("idle", error="it was down")], CLOSED_MS + 7_200_000)
    assert view is not None
    assert evidence_line(view).splitlines() == [
        "evidence: idle, manifest 7 closed 2024-10-04 00:00:00 UTC, 2.0 h ago; last whole day 2024-10-03",
        "last error of evidence (over), 2024-10-04 00:00:00: it was down",
    ]
    empty = evidence_view([to_status("idle", (None, None), 1, 1, None)], 2)
    assert empty is not None
    assert evidence_line(empty) == "evidence: idle, no manifest yet"
    alone = evidence_view([record("stopped")], CLOSED_MS + 60_000)
    assert alone is not None
    assert evidence_line(alone).startswith("evidence: nobody closes it daily, manifest 7 closed 2024-10-04")
    assert evidence_unwell(None, 0, silent_ms=1, stopped_ms=1) == [NEVER]


@pytest.mark.kafka
def test_what_is_known_of_the_chain_outlives_trouble(kafka: KafkaSettings, tmp_path: Path) -> None:
    """Who starts anew and fails says up to where it was; `health evidence` ends with 1 until it is over."""
    config, path = configured(tmp_path, kafka, "")
    command = ["health", "evidence", "-c", str(path)]
    create_topics(kafka)
    assert "no evidence.key_file" in CliRunner().invoke(main, command).output
    path.write_text(path.read_text(encoding="utf-8") + '[evidence]\nkey_file = "k"\n', encoding="utf-8")
    assert "nobody has reported" in CliRunner().invoke(main, command).output

    Teller(config.kafka).fine(before())
    well = CliRunner().invoke(main, command)
    assert (well.exit_code, well.output) == (0, "")
    again = Teller(config.kafka)
    again.trouble("the key is missing", "refused")
    done = CliRunner().invoke(main, command)
    assert (done.exit_code, done.output) == (1, "evidence: refused: the key is missing\n")
    shown = CliRunner().invoke(main, ["status", "--json", "-c", str(path)])
    told = json.loads(shown.output)
    assert (told["evidence"]["manifest"], told["evidence"]["closed_at_ms"]) == place_of(before())
    assert "evidence: refused: the key is missing" in told["unwell"]


@pytest.mark.kafka
def test_a_closing_by_hand_stops_nobody_who_follows(kafka: KafkaSettings) -> None:
    """Beside `evidence follow` all is as before; without, somebody has to see that no manifest will come by itself."""
    states = []
    teller = Teller(kafka)
    for before_it in (
        teller.stopped,
        lambda: teller.fine(before()),
        lambda: teller.trouble("down", "waiting"),
    ):
        before_it()
        Teller(kafka).by_hand(before())
        states.append(read_status(kafka)[0]["state"])
    assert states == ["stopped", "idle", "stopped"]


@pytest.mark.parametrize(
    ("told", "followed"),
    [
        (None, False),
        (record("idle", age_ms=60_000), True),
        (record("idle", age_ms=151_000), False),
        (record("refused", error="no key"), False),
        (record("stopped"), False),
    ],
)
def test_who_was_killed_follows_no_more(told: ConnectorStatus | None, followed: bool) -> None:
    """Who says nothing for longer than two looks is not waited for."""
    now_ms = CLOSED_MS + 60_000
    assert is_followed(evidence_view([told] if told else [], now_ms), now_ms) is followed


class OneLook(threading.Event):
    """Stops whoever waits for the second time."""

    def wait(self, timeout: float | None = None) -> bool:
        """The end."""
        self.set()
        return True


@pytest.mark.kafka
@pytest.mark.azurite
def test_a_container_that_is_not_there_yet_is_no_trouble(
    kafka: KafkaSettings, azurite: "Blobs", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever closes may start before anybody has stored anything, as in compose.yml."""
    monkeypatch.setenv("TEST_EVIDENCE", azurite.connection_string)
    settings = AzureSettings(container=f"e-{uuid.uuid4().hex[:8]}", connection_string_env="TEST_EVIDENCE")
    new_key(tmp_path / "key")
    create_topics(kafka)
    follow(
        lambda: open_store(settings),
        lambda store: Closer(kafka, Codec(), store, tmp_path / "key"),
        OneLook(),
        Teller(kafka),
    )
    view = evidence_view(read_status(kafka), 1)
    assert view is not None
    assert (view.state, view.last_error) == ("stopped", None)


@pytest.mark.parametrize("how", ["from the archive", "absolute", "from here", "id", "from inside"])
def test_a_proof_is_of_a_path_however_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """As people complete it in a shell, as the evidence names it, or by the mail's id."""
    archive = make(tmp_path)
    copy = "ana@bank.example/LivePerson/2.eml"
    given = {
        "absolute": str(archive / copy),
        "from here": f"archive/{copy}",
        "id": MAIL,
        "from inside": "2.eml",
    }.get(how, copy)
    monkeypatch.chdir(archive / "ana@bank.example/LivePerson" if how == "from inside" else tmp_path)
    done = CliRunner().invoke(main, ["evidence", "prove", given, "--archive", str(archive)])
    assert done.exit_code == 0, done.output
    leaf = json.loads(json.loads(done.output)["leaf"])
    assert (leaf["path"], leaf["kind"]) == ((copy, "copy") if how != "id" else (leaf["path"], "mail"))
