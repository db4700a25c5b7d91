"""The small parts: memory, settings, lookup, readers of values, paths of files."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import ValidationError

from producers.liveperson.cache import Cache, Seen, Sent
from producers.liveperson.calls import LONGEST_REST_SECONDS, throttle_wait
from producers.liveperson.client import LONGEST_SPAN_MS, Query
from producers.liveperson.collector import SETTLE_MS
from producers.liveperson.history import replaced
from producers.liveperson.people import address
from producers.liveperson.settings import LivePersonSettings, OAuth1Keys, OAuth2Keys
from producers.liveperson.values import fact, moment, number
from producers.source import SourceRefusedError, Window
from sandbox.liveperson.model import MONDAY_MS
from tests.producers.liveperson_rig import (
    DAY_MS,
    HOUR_MS,
    SECRETS,
    Collected,
    account,
    body_of,
    record,
    row_of,
    said,
)

SECRET = {"env": "NAME"}
BASE: dict[str, Any] = {
    "uid": "lp", "name": "LP", "kind": "liveperson", "account_id": "70012345",
    "auth": {"method": "oauth2", "client_id": "c", "client_secret": SECRET},
}  # fmt: skip


def sent(key: str, ident: bytes, text: str | None = None) -> Sent:
    """An event of the conversation c."""
    return Sent("c", key, ident, text)


def test_two_bodies_under_one_id_are_both_kept_when_fetched_by_id() -> None:
    """As is a row that the answer by id does not have; what need not be fetched stays as it is."""
    listed = [row_of(record(said(1, text))) for text in ("one", "other")]
    fetched = [row_of(record(said(1, text), sdes={})) for text in ("one", "other")]

    assert replaced(listed, fetched, lambda _: True) == [*fetched, listed[1]]
    assert replaced(listed, [], lambda _: True) == listed
    assert replaced(listed, fetched, lambda _: False) == listed


def test_memory_counts_only_what_was_confirmed(tmp_path: Path) -> None:
    """Within a poll its own events are known; a new poll forgets them unless they were confirmed."""
    cache = Cache(tmp_path / "c.sqlite3")
    cache.begin()
    cache.add([sent("k", b"1" * 16, "one")])
    assert cache.known("c")["k"].text == "one"
    cache.begin()
    assert cache.known("c") == {}
    cache.add([sent("k", b"1" * 16, "one"), sent("k", b"2" * 16, "x" * 9_000)])
    cache.confirm()
    known = cache.known("c")["k"]
    assert known.ids == (b"1" * 16, b"2" * 16)
    assert known.text == "x" * 9_000, "whole, so that a change can quote all of it"
    assert cache.known("other") == {}
    cache.close()


def test_memory_forgets_settled_conversations_after_the_look_back_and_open_ones_never(tmp_path: Path) -> None:
    """Pruning keeps what may still change."""
    cache = Cache(tmp_path / "c.sqlite3")
    for name, open_ in (("old", False), ("open", True)):
        cache.add([Sent(name, "k", b"1" * 16, None)])
        cache.see(Seen(name, last_ms=1_000, fetched_ms=1_000, open=open_))
    cache.confirm()
    cache.prune(1_000)
    assert cache.known("old")
    cache.prune(1_001)
    assert not cache.known("old")
    assert cache.known("open")
    cache.close()


def test_busy_conversations_are_due_at_once_and_quiet_ones_within_the_hour(tmp_path: Path) -> None:
    """The pause grows with the silence, an hour at most; closed ones are never due."""
    cache = Cache(tmp_path / "c.sqlite3")
    now = 100 * DAY_MS
    cache.see(Seen("busy", last_ms=now, fetched_ms=now, open=True))
    cache.see(Seen("quiet", last_ms=now - 50 * DAY_MS, fetched_ms=now, open=True))
    cache.see(Seen("closed", last_ms=now, fetched_ms=now, open=False))
    cache.confirm()
    assert cache.due(now + 1) == ["busy"]
    assert cache.due(now + HOUR_MS) == ["busy", "quiet"]
    cache.close()


def test_hosts_are_https_unless_the_lookup_is_plain_http() -> None:
    """The scheme rule, and the default lookup."""
    assert LivePersonSettings.model_validate(BASE).scheme == "https"
    assert LivePersonSettings.model_validate(BASE | {"domain_url": "http://127.0.0.1:80"}).scheme == "http"


@pytest.mark.parametrize(
    "wrong",
    [{"account_id": "1/../2"}, {"domain_url": "ftp://x"}, {"domain_url": "https://user:pass@x"}, {"auth": {"method": "magic"}},
     {"source_label": "x" * 21}, {"unknown": 1}, {"file_limits": {"max_file_mb": 0}}],
)  # fmt: skip
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    """Each names the field."""
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        LivePersonSettings.model_validate(BASE | wrong)


def test_either_way_of_proving_oneself() -> None:
    """The method tells which keys are wanted."""
    keys = dict.fromkeys(("app_key", "app_secret", "access_token", "access_token_secret"), SECRET)
    assert isinstance(LivePersonSettings.model_validate(BASE).auth, OAuth2Keys)
    assert isinstance(
        LivePersonSettings.model_validate(BASE | {"auth": {"method": "oauth1"} | keys}).auth, OAuth1Keys
    )


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("", 1), ("0", 1), ("7", 7), ("-3", 1), ("soon", 1), ("1e999", 1), ("99999999", LONGEST_REST_SECONDS),
     ("Wed, 21 Oct 2015 07:28:00 GMT", 1), ("Wed, 21 Oct 2099 07:28:00 GMT", LONGEST_REST_SECONDS)],
)  # fmt: skip
def test_retry_after_is_read_with_tolerance(header: str, seconds: float) -> None:
    """A number, a date or nonsense: at least a second, at most a quarter of an hour."""
    answer = requests.Response()
    answer.headers["Retry-After"] = header
    assert throttle_wait(answer) == seconds


@pytest.mark.parametrize(
    ("value", "expected"),
    [("undefined", None), ("null", None), ("-1", None), ("", None), (None, None), ([], None), (0, "0"),
     ("x\ud800y", "x\ufffdy"), (True, "true"), (4120087710, "4120087710")],
)  # fmt: skip
def test_fillers_are_absence(value: object, expected: str | None) -> None:
    """What LivePerson writes for nothing is nothing."""
    assert fact(value) == expected
    assert fact(-1) is None


def test_times_come_as_numbers_texts_and_words() -> None:
    """`…L` first, else the text; nonsense is no time."""
    assert moment({"timeL": 1_484_830_093_231}, "time") == 1_484_830_093_231
    assert moment({"timeL": "1484830093231"}, "time") == 1_484_830_093_231
    assert moment({"timeL": -1, "time": "2016-08-29 14:30:24.565+0000"}, "time") == 1_472_481_024_565
    assert moment({"time": "2016-08-29 14:30:24+0000"}, "time") == 1_472_481_024_000
    odd: tuple[object, ...] = (
        "undefined",
        "yesterday",
        [],
        {},
        None,
        True,
        float("nan"),
        float("inf"),
        "9" * 6_000,
    )
    for nonsense in odd:
        assert moment({"timeL": nonsense, "time": nonsense}, "time") is None
    assert number(float("inf")) is None


@pytest.mark.parametrize("text", ["a@b", "a b@c.de", "a@b.c, d@e.f", "@b.c", "a@b@c.de", "x\r\ny@z.de", None])
def test_what_is_no_address_is_none(text: str | None) -> None:
    """Login names and junk are not taken for e-mail."""
    assert address(text) is None


def test_queries_are_cut_into_what_the_api_accepts() -> None:
    """Spans of three months at most, without a gap; halves meet at a ten-minute mark."""
    query = Query(1_000, 1_000 + 400 * DAY_MS, updated_ms=7, status="OPEN")
    spans = list(query.spans())
    assert (spans[0].from_ms, spans[-1].to_ms) == (query.from_ms, query.to_ms)
    assert all(after.from_ms == before.to_ms + 1 for before, after in pairwise(spans))
    assert all(span.to_ms - span.from_ms < LONGEST_SPAN_MS and span.updated_ms == 7 for span in spans)
    halves = query.halves()
    assert halves is not None
    assert halves[1].from_ms % 600_000 == 0
    assert Query(1, 500_000).halves() is None


def test_a_lookup_that_names_a_strange_host_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name with a path, a user or a scheme in it is no host: no token is sent there."""
    monkeypatch.setenv("TEST_LP_SECRET", SECRETS["TEST_LP_SECRET"])
    for host in ("evil.example/x", "user@evil.example", "https://evil.example", "evil.example#", "a b", ""):
        with account(tmp_path) as sim:
            named = [
                {"service": name, "baseURI": host}
                for name in ("msgHist", "sentinel", "accountConfigReadOnly")
            ]
            named.append({"service": "other", "baseURI": "fine.example:443"})
            sim.faults({"match": {"path": "baseURI"}, "do": {"status": 200, "body": {"baseURIs": named}}})
            with sim.source() as source, pytest.raises(SourceRefusedError, match="names no host"):
                list(source.poll(Window("live", 1, 2)))


@pytest.mark.parametrize(
    "path", ["//evil.example/x", "/v1/../../etc", "relative", "/v1/a\r\nX: y", "/v1/ü ?#%", "/v1/\udc80"]
)
def test_strange_file_paths_do_not_stop_the_flow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """The message is archived with an outcome, and nothing but the file storage is asked."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    message = said(1, "", messageData={"file": {"relativePath": path, "fileType": "PNG", "caption": "c"}})
    message["timeL"] = MONDAY_MS + 1_000
    row = record(message, info={"startTimeL": MONDAY_MS})
    with account(tmp_path) as sim, sim.source() as source:
        sim.advance(DAY_MS)
        answer = {"status": 200, "body": body_of(row).decode()}
        sim.faults({"match": {"path": "conversations/search"}, "do": answer})
        found = Collected()
        found.take(source.poll(Window("live", MONDAY_MS - 1, source.now_ms() - SETTLE_MS)))
    (file,) = [file for _, event in found.events for file in event["attachments"]]
    assert file["outcome"] in ("gone", "not_fetched")
    assert file["reason"]
