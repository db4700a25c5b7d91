"""LivePerson in trouble, contradicting its documents, or saying no: nothing is lost, and somebody is told what to do."""

import logging
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from producers.source import SourceError, SourceRefusedError, SourceUnavailableError, Window
from sandbox.liveperson.model import MONDAY_MS
from tests.producers.liveperson_rig import (
    DAY_MS,
    HISTORY,
    OAUTH1,
    SEARCH,
    SECRETS,
    Account,
    Collected,
    account,
    missing,
    once,
)

pytestmark = pytest.mark.usefixtures("lp_secrets")


FAULTS: dict[str, list[dict[str, Any]]] = {
    "429 with a pause": [
        {"match": {"path": HISTORY}, "times": 2, "do": {"status": 429, "headers": {"Retry-After": "0"}}}
    ],
    "500": [
        {
            "match": {"path": HISTORY},
            "after": 1,
            "times": 3,
            "do": {"status": 500, "body": {"internalCode": 7}},
        }
    ],
    "503 for users": [{"match": {"path": "le-users"}, "times": 1, "do": {"status": 503}}],
    "dropped": [{"match": {"path": HISTORY}, "times": 2, "do": {"drop": True}}],
    "broken off": [{"match": {"path": SEARCH}, "times": 2, "do": {"truncate": 500}}],
    "token refused": [{"match": {"path": HISTORY}, "after": 2, "times": 1, "do": {"status": 401}}],
    "file storage down": [{"match": {"path": "/v1/AUTH"}, "times": 2, "do": {"status": 503}}],
    "file broken off": [{"match": {"path": "/v1/AUTH"}, "times": 3, "do": {"truncate": 60}}],
    "file token refused": [{"match": {"path": "/v1/AUTH"}, "after": 1, "times": 1, "do": {"status": 401}}],
    "html instead of JSON": [
        {"match": {"path": SEARCH}, "times": 2, "do": {"status": 200, "body": "<html>busy</html>"}}
    ],
    "lookup down": [{"match": {"path": "baseURI"}, "after": 1, "do": {"status": 503}}],
}


SWITCHES: dict[str, dict[str, Any]] = {
    "partial shards": {"partial_shards": 3},
    "rows cut short": {"partial_rows_over": 2},
    "204": {"no_content_when_empty": True},
    "source required": {"require_source": True},
    "no fillers": {"undefined_fillers": False},
    "other keys": {"consumer_participant_key": True, "message_score_key": True, "csat_key": True, "is_truncated_key": True},
    "is truncated": {"is_truncated_key": True, "partial_rows_over": 3},
    "times as text": {"times_as_strings": True, "sent_by_case": "upper"},
    "other containers": {"link_key": "externalLink", "form_key": "form", "sent_by_case": "lower"},
    "users as text": {"users_as_strings": True},
    "text errors": {"error_shape": "text", "expires_in_as_text": False},
    "updates don't count": {"late_changes_bump_update_time": False},
}  # fmt: skip


def persistent(sim: Account, source: Any) -> Collected:
    """Poll as the runner does: after an unavailable source, the same window again."""
    found, watermark = Collected(), MONDAY_MS - DAY_MS
    for _ in range(8):
        sim.advance(DAY_MS)
        for attempt in range(6):
            try:
                to_ms = source.now_ms() - source.settle_ms
                found.take(source.poll(Window("live", watermark - 900_000, to_ms)))
            except SourceUnavailableError:
                assert attempt < 5
            else:
                break
        source.confirmed()
        watermark = to_ms
    return found


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_loses_anything(sim: Account, fault: str) -> None:
    """Answers that fail for a while cost time, not messages."""
    with sim.source() as source:
        sim.faults(*FAULTS[fault])
        found = persistent(sim, source)
    hits = [rule["hits"] for rule in sim.control("faults")["rules"]]
    assert all(hits), "the fault never struck"
    assert missing(found, sim.control("ledger")) == []
    assert found.refused == []
    assert {file["outcome"] for _, event in found.events for file in event["attachments"]} <= {
        "stored",
        "gone",
    }


def test_an_account_that_is_gone_tells_no_time(sim: Account) -> None:
    """An idle collector asks for nothing but the time: an earlier answer must not hide that nobody is there."""
    with sim.source() as source:
        source.now_ms()
        sim.faults({"match": {"path": ""}, "do": {"drop": True}})
        with pytest.raises(SourceUnavailableError):
            source.now_ms()


@pytest.mark.parametrize("switch", SWITCHES)
def test_no_quirk_loses_anything(sim: Account, switch: str) -> None:
    """Whatever the documents contradict each other on, the messages come."""
    with sim.source() as source:
        sim.faults(**SWITCHES[switch])
        found = persistent(sim, source)
        shown = sim.control("ledger")
    assert missing(found, shown) == []
    assert sum(kind == "message" for kind in (entry["kind"] for entry in shown)) > 200
    assert "unknown" not in found.kinds()


def test_tokens_that_expire_at_once_are_refused_with_a_sentence(sim: Account) -> None:
    """A renewed token that is refused too ends as a refusal, not as a loop."""
    sim.faults(token_lifetime_s=0)
    with sim.source() as source, pytest.raises(SourceRefusedError, match="check the keys"):
        list(source.poll(Window("live", MONDAY_MS, MONDAY_MS + 1)))


def test_oauth_1_signs_every_call(sim: Account) -> None:
    """The simulator recomputes each HMAC-SHA1 signature."""
    keys = {
        "app_key": "KEY",
        "app_secret": "SECRET",
        "access_token": "TOKEN",
        "access_token_secret": "TOKEN_SECRET",
    }
    auth: dict[str, Any] = {"method": "oauth1"} | {
        name: {"env": f"TEST_LP_{env}_1"} for name, env in keys.items()
    }
    sim.advance(2 * DAY_MS)
    with sim.source(auth=auth) as source:
        assert all(finding.ok for finding in source.check())
        found = once(sim, source)
    assert missing(found, sim.control("ledger")) == []
    assert found.events


def test_a_throttled_host_is_left_alone_as_long_as_it_asks(sim: Account) -> None:
    """A long Retry-After ends the call at once, and no request goes out before the time is over."""
    with sim.source() as source:
        sim.faults({"match": {"path": HISTORY}, "do": {"status": 429, "headers": {"Retry-After": "60"}}})
        window = Window("live", MONDAY_MS - 1, MONDAY_MS)
        for _ in range(3):
            with pytest.raises(SourceUnavailableError):
                list(source.poll(window))
        assert len(sim.requests(HISTORY)) == 1


def test_a_source_that_is_down_says_so_in_one_sentence(tmp_path: Path) -> None:
    """No connection: unavailable, with the address and what to do."""
    with account(tmp_path) as sim:
        url = sim.url
    with Account(url, tmp_path).source() as source, pytest.raises(SourceUnavailableError) as caught:
        source.now_ms()
    assert url in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("status", [302, 307])
def test_redirects_are_not_followed(sim: Account, status: int) -> None:
    """A token goes to the hosts of the lookup only."""
    elsewhere = {"status": status, "headers": {"Location": f"{sim.url}/elsewhere"}}
    sim.faults({"match": {"path": HISTORY}, "do": elsewhere})
    with sim.source() as source, pytest.raises(SourceRefusedError, match="redirects"):
        list(source.poll(Window("live", MONDAY_MS - 1, MONDAY_MS)))
    assert sim.requests("elsewhere") == []


@pytest.mark.parametrize(
    "rule",
    [
        {"match": {"path": "app/token"}, "do": {"status": 401}},
        {"match": {"path": "app/token"}, "do": {"status": 500}},
        {"match": {"path": "app/token"}, "do": {"status": 200, "body": "sim-client-secret"}},
        {"match": {"path": HISTORY}, "do": {"status": 403, "body": "sim-client-secret"}},
        {"match": {"path": HISTORY}, "do": {"drop": True}},
        {"match": {"path": "auth/v1.0"}, "do": {"status": 401}},
        {"match": {"path": "auth/v1.0"}, "do": {"drop": True}},
        {"match": {"path": "/v1/AUTH"}, "do": {"status": 401}},
    ],
)
def test_no_secret_is_in_an_error_or_a_log(
    sim: Account, rule: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither keys nor tokens appear in exceptions, their causes, or log lines of any level."""
    caplog.set_level(logging.DEBUG)
    sim.advance(7 * DAY_MS)
    sim.faults(rule)
    with sim.source() as source, pytest.raises(SourceError) as caught:
        once(sim, source)
    said = [caplog.text, *(f"{record.__dict__}" for record in caplog.records)]
    error: BaseException | None = caught.value
    while error is not None:
        said.append(f"{error} {error!r}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    for secret in (*SECRETS.values(), *OAUTH1.values(), "bearer-", "file-token", "Bearer "):
        assert not any(secret in text for text in said), secret
    assert str(caught.value).count(". ") == 0


@pytest.mark.parametrize(
    ("rule", "failing"),
    [
        ({"match": {"path": "baseURI"}, "do": {"status": 401}}, "domain lookup"),
        ({"match": {"path": HISTORY}, "do": {"status": 403}}, "history"),
        ({"match": {"path": "le-users"}, "do": {"status": 403}}, "users"),
        ({"match": {"path": "auth/v1.0"}, "do": {"status": 401}}, "file storage"),
    ],
)
def test_check_names_what_is_missing(sim: Account, rule: dict[str, Any], failing: str) -> None:
    """One finding fails, with advice; the others say that they work."""
    with sim.source() as source:
        assert all(finding.ok for finding in source.check())
        sim.faults(rule)
        bad = [finding for finding in source.check() if not finding.ok]
    assert [finding.what for finding in bad] == [failing]
    assert len(bad[0].advice) > 40


def test_a_stop_ends_a_poll_at_the_next_request(sim: Account) -> None:
    """What `check_stop` raises comes out, so that a collector stops without waiting for a long window."""
    from producers.liveperson.collector import LivePersonSource  # noqa: PLC0415 - only here by hand

    def stop() -> None:
        raise KeyboardInterrupt

    source = LivePersonSource(sim.settings(), sim.contents, sim.state_dir, check_stop=stop)
    with pytest.raises(KeyboardInterrupt):
        list(source.poll(Window("live", MONDAY_MS, MONDAY_MS + 1)))
    source.close()


@pytest.mark.parametrize("path", ["/messaging_history", "/v1/AUTH"])
def test_a_stop_ends_a_request_that_hangs(sim: Account, path: str) -> None:
    """A service that takes a request and says nothing, or sends no more of a file, holds nobody back."""
    from producers.liveperson.collector import LivePersonSource  # noqa: PLC0415 - only here by hand

    wanted = threading.Event()

    def stop() -> None:
        if wanted.is_set():
            raise KeyboardInterrupt

    sim.advance(8 * DAY_MS)
    sim.faults({"match": {"path": path}, "times": None, "do": {"delay_s": 30}})
    source = LivePersonSource(sim.settings(), sim.contents, sim.state_dir, check_stop=stop)
    threading.Timer(2, wanted.set).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(source.poll(Window("live", MONDAY_MS, MONDAY_MS + 8 * DAY_MS)))
    assert time.monotonic() - began < 10
    source.close()
    sim.faults()
