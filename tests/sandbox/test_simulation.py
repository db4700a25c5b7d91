"""The base of both simulated sources: clock, ledger, faults, control and runner."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests
from aiohttp import web

from sandbox.simulation import (
    ClockError,
    Faults,
    FaultsError,
    Ledger,
    Served,
    SimClock,
    Simulation,
    background,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


async def _hundred(_request: web.Request) -> web.Response:
    return web.json_response({"letters": "x" * 100})


@pytest.fixture
def url() -> Iterator[str]:
    """Run a source that knows one path."""
    clock = SimClock(1_772_409_600_000)
    app = Simulation(clock, Ledger(clock), Faults({"quirk": True, "level": 3})).application()
    app.router.add_get("/hundred", _hundred)
    with background(app) as base:
        yield base


def _order(url: str, *rules: dict[str, Any]) -> None:
    requests.post(f"{url}/_sim/faults", json={"rules": rules}, timeout=5).raise_for_status()


def _get(url: str) -> requests.Response:
    return requests.get(f"{url}/hundred", timeout=5)


def test_clock_moves_forward_only() -> None:
    """The clock can be set and advanced, and refuses to go back."""
    clock = SimClock(1000)
    clock.advance(500)
    clock.set(2000)
    assert clock.now_ms() == 2000
    with pytest.raises(ClockError):
        clock.set(1999)


def test_clock_runs_at_its_rate() -> None:
    """At a rate of 10,000 a real moment is many simulated ones, and at 0 none."""
    clock = SimClock(0, rate=10_000)
    time.sleep(0.01)
    assert clock.now_ms() >= 100_000
    clock.set_rate(0)
    assert clock.now_ms() == clock.now_ms()


def test_ledger_keeps_the_first_time_and_continues_its_file(tmp_path: Path) -> None:
    """A thing is entered once, also when the simulator is started again over the same file."""
    clock, path = SimClock(5), tmp_path / "ledger.jsonl"
    thing = Served("webex", "room", "message", "m1", 4, text="añ\ud800", texts=("b",))
    first = Ledger(clock, path)
    assert first.serve(thing)
    first.close()
    again = Ledger(clock, path)
    assert not again.serve(thing)
    again.close()
    lines = [json.loads(line) for line in path.read_text("ascii").splitlines()]
    assert lines == again.entries()
    assert lines[0]["text"] == "añ\ud800"
    assert lines[0]["served_at_ms"] == 5


def test_every_answer_is_dated_by_the_simulated_clock(url: str) -> None:
    """The Date header of answers follows the clock that was moved, on made-up faults too."""
    requests.post(f"{url}/_sim/clock", json={"advance_ms": 3_600_000}, timeout=5).raise_for_status()
    assert _get(url).headers["Date"] == "Mon, 02 Mar 2026 01:00:00 GMT"
    _order(url, {"do": {"status": 503}})
    assert _get(url).headers["Date"] == "Mon, 02 Mar 2026 01:00:00 GMT"


def test_clock_refuses_the_past_over_http(url: str) -> None:
    """Moving back answers 400 with the reason."""
    answer = requests.post(f"{url}/_sim/clock", json={"now_ms": 1}, timeout=5)
    assert (answer.status_code, "can't go back" in answer.json()["error"]) == (400, True)


def test_fault_acts_after_and_so_many_times(url: str) -> None:
    """A rule lets the first request pass, then acts twice, then no more."""
    do = {"status": 429, "headers": {"Retry-After": "7"}, "body": {"why": "busy"}}
    _order(url, {"match": {"path": "^/hun", "method": "get"}, "after": 1, "times": 2, "do": do})
    answers = [_get(url) for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 429, 429, 200]
    assert (answers[1].headers["Retry-After"], answers[1].json()) == ("7", {"why": "busy"})


def test_fault_can_drop_and_break_off(url: str) -> None:
    """A dropped request has no answer, a truncated one breaks off in the body."""
    _order(url, {"times": 1, "do": {"drop": True}}, {"times": 1, "do": {"truncate": 10}})
    with pytest.raises(requests.ConnectionError):
        _get(url)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        _get(url)
    assert _get(url).status_code == 200


def test_fault_can_change_the_answer(url: str) -> None:
    """The text of the real answer is replaced where a pattern fits, backslashes taken as they are."""
    _order(url, {"do": {"replace": [["x{50}", "\\\\1"], ["letters", "📮"]]}})
    assert _get(url).json() == {"📮": "\\1\\1"}


def test_fault_can_delay(url: str) -> None:
    """A delay alone is followed by the usual answer."""
    _order(url, {"do": {"delay_s": 0.2}})
    begun = time.monotonic()
    assert _get(url).json()["letters"]
    assert time.monotonic() - begun >= 0.2


@pytest.mark.parametrize(
    "document",
    [
        {"switches": {"unknown": 1}},
        {"switches": {"quirk": "yes"}},
        {"switches": {"level": True}},
        {"rules": [{"do": {"explode": True}}]},
        {"rules": [{"match": {"path": "("}, "do": {}}]},
        {"other": 1},
        7,
    ],
)
def test_faults_refuse_what_they_do_not_know(document: object) -> None:
    """A misspelt document is an error and changes nothing."""
    faults = Faults({"quirk": True, "level": 3})
    with pytest.raises(FaultsError):
        faults.load(document)
    assert faults.switches == {"quirk": True, "level": 3}


def test_switches_not_named_go_back_to_default() -> None:
    """A new document replaces the one before as a whole."""
    faults = Faults({"quirk": True, "level": 3})
    faults.load({"switches": {"level": 9}})
    faults.load({"switches": {"quirk": False}})
    assert faults.switches == {"quirk": False, "level": 3}


def test_requests_are_noted(url: str) -> None:
    """What clients asked, and the status they got, can be read back; control is not in it."""
    _get(url)
    seen = requests.get(f"{url}/_sim/requests", timeout=5).json()
    assert [(each["method"], each["path"], each["status"]) for each in seen] == [("GET", "/hundred", 200)]


@pytest.mark.parametrize("waiting", [False, True])
def test_command_says_where_it_listens_and_ends_when_asked_to(tmp_path: Path, *, waiting: bool) -> None:
    """The module runs on its own and ends on SIGTERM, also while a client waits for a delayed answer."""
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps([{"match": {"path": "^/api"}, "do": {"delay_s": 60}}]))
    command = [sys.executable, "-m", "sandbox.liveperson", "--port", "0", "--faults", str(faults)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        base = process.stdout.readline().removeprefix("listening on ").strip()
        assert requests.get(f"{base}/_sim/health", timeout=5).json()["status"] == "ok"
        if waiting:
            with pytest.raises(requests.Timeout):
                requests.get(f"{base}/api/account/1/service/x/baseURI.json", timeout=0.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0  # half of the delay
