"""The files of the simulated Webex, in every state that the scanner and the senders can bring about."""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator

import pytest
import requests

from sandbox.simulation import background
from sandbox.webex.server import make_app
from tests.sandbox.webex_client import Client, Json


@pytest.fixture
def client() -> Iterator[Client]:
    """Serve a week that is over, with what is written by hand alone."""
    with background(make_app(scale=0)) as url:
        client = Client(url)
        client.faults(switches={"retry_after_s": 7})
        client.move(days=7, minutes=10)
        yield client


def messages(client: Client) -> dict[str, Json]:
    """Return the data of created messages by their text."""
    items = client.items("/events", max="1000", resource="messages", type="created")
    return {item["data"].get("text", item["id"]): item["data"] for item in items}


def files(client: Client, text: str) -> list[str]:
    """Return the URLs of the files of the message with this text."""
    found: list[str] = messages(client)[text]["files"]
    return found


def fetch(client: Client, url: str, **headers: str) -> requests.Response:
    """Get a file."""
    return client.session.get(url, headers=headers, timeout=20)


def test_a_clean_file_has_name_type_and_length(client: Client) -> None:
    """HEAD tells what GET brings, and the bytes are the same every time."""
    url = files(client, "clean")[0]
    head = client.session.head(url, headers={"Accept-Encoding": "identity"}, timeout=5)
    assert "Content-Length" not in client.session.head(url, timeout=5).headers
    answer = fetch(client, url)
    assert head.status_code == answer.status_code == 200
    for name in ("Content-Disposition", "Content-Type", "Content-Length", "Cache-Control"):
        assert head.headers[name] == answer.headers[name]
    assert answer.headers["Content-Disposition"] == 'attachment; filename="report.pdf"'
    assert answer.content.startswith(b"%PDF")
    assert fetch(client, url).content == answer.content


def test_equal_names_hold_different_bytes(client: Client) -> None:
    """Two files of one name in one space differ."""
    one, two = (fetch(client, files(client, text)[0]) for text in ("clean", "clean, same name"))
    assert one.headers["Content-Disposition"] == two.headers["Content-Disposition"]
    assert one.content != two.content


def test_scanning_answers_423_several_times(client: Client) -> None:
    """While the scan runs there is a Retry-After; then the file comes."""
    url = files(client, "slow")[0]
    answers = [fetch(client, url) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [423, 423, 200]
    assert answers[0].headers["Retry-After"] == "7"
    assert "Retry-After" not in answers[2].headers


@pytest.mark.parametrize(("text", "status"), [("infected", 410), ("locked", 428), ("gone", 404)])
def test_files_that_are_not_served(client: Client, text: str, status: int) -> None:
    """Infected, unscannable and gone files have their own status and the shape of every error."""
    answer = fetch(client, files(client, text)[0])
    assert answer.status_code == status
    assert answer.json()["trackingId"].startswith("ROUTERGW_")


def test_unscannable_files_come_when_allowed(client: Client) -> None:
    """With ?allow=unscannable the file is served."""
    answer = fetch(client, files(client, "locked")[0] + "?allow=unscannable")
    assert zipfile.ZipFile(io.BytesIO(answer.content)).testzip() is None


def test_names_are_written_in_every_way(client: Client) -> None:
    """Empty, raw non-ASCII, RFC 5987 and percent-encoded names."""
    heads = {
        text: fetch(client, files(client, text)[0]).headers["Content-Disposition"]
        for text in ("no name", "umlauts", "coded", "percent")
    }
    assert heads["no name"] == 'attachment; filename=""'
    assert heads["umlauts"].encode("latin-1").decode() == 'attachment; filename="Größe ändern.txt"'
    assert heads["coded"] == "attachment; filename*=UTF-8''%C3%9Cberblick%20%E2%82%AC.xlsx"
    assert heads["percent"] == 'attachment; filename="100%25%20sure%3F%20a%3Db%3Bc.txt"'


def test_a_length_may_be_missing_or_wrong(client: Client) -> None:
    """One file comes without Content-Length, one breaks off half-way the first time."""
    url = files(client, "breaks off")[0]
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        fetch(client, url)
    assert client.ledger("file") == []
    assert fetch(client, url).content.endswith(b"IEND" + zlib.crc32(b"IEND").to_bytes(4, "big"))
    assert client.ledger("file")[0]["file_name"] == "halves.png"
    assert "Content-Length" not in fetch(client, files(client, "no length")[0]).headers


def test_parts_of_a_file(client: Client) -> None:
    """Range brings the wanted bytes, and 416 where there are none."""
    url = files(client, "eleven megabytes")[0]
    whole = fetch(client, url).content
    part = fetch(client, url, Range="bytes=1000-1999")
    assert (part.status_code, part.content) == (206, whole[1000:2000])
    assert part.headers["Content-Range"] == f"bytes 1000-1999/{len(whole)}"
    assert fetch(client, url, Range="bytes=-10").content == whole[-10:]
    assert fetch(client, url, Range=f"bytes={len(whole)}-").status_code == 416
    assert len(whole) > 11_000_000


def test_files_of_deleted_messages_stay_for_the_officer(client: Client) -> None:
    """A deleted message and its file are readable within retention, and not after it."""
    draft = messages(client)["This one goes again"]
    shown = client.get(f"/messages/{draft['id']}")
    assert shown.json()["text"] == "This one goes again"
    assert fetch(client, shown.json()["files"][0]).status_code == 200
    client.faults(switches={"deleted_readable": False})
    assert client.get(f"/messages/{draft['id']}").status_code == 404
    client.faults(switches={"retention_days": 1})
    assert client.get(f"/messages/{draft['id']}").status_code == 404
    assert fetch(client, draft["files"][0]).status_code == 404


def test_a_rule_breaks_off_any_file(client: Client) -> None:
    """A fault rule cuts an answer short, and the ledger does not call that served."""
    url = files(client, "clean")[0]
    client.faults(rules=[{"match": {"path": "/v1/contents/"}, "times": 1, "do": {"truncate": 100}}])
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        fetch(client, url)
    assert client.ledger("file") == []
    assert fetch(client, url).status_code == 200


def test_the_ledger_knows_the_bytes(client: Client) -> None:
    """A file is entered with name, hash and message once it went out in full."""
    url = files(client, "clean")[0]
    assert client.ledger("file") == []
    client.session.head(url, timeout=5)
    fetch(client, url, Range="bytes=0-9")
    assert client.ledger("file") == []
    raw = fetch(client, url).content
    entry = client.ledger("file")[0]
    assert entry["file_name"] == "report.pdf"
    assert (entry["sha256"], entry["size"]) == (hashlib.sha256(raw).hexdigest(), len(raw))
    assert entry["target"] == messages(client)["clean"]["id"]


def test_a_large_file_comes_in_pieces_too() -> None:
    """Its bytes are the same whole, from anywhere on, and in both messages that share it."""
    with background(make_app(scale=0, large_mb=[3])) as url:
        client = Client(url)
        client.move(days=9)
        one, two = (files(client, text)[0] for text in ("Here are 3 MB", "The same once more"))
        whole, tail = fetch(client, one), fetch(client, one, Range="bytes=1500000-")
        assert (whole.headers["Content-Length"], tail.headers["Content-Range"]) == (
            "3000000",
            "bytes 1500000-2999999/3000000",
        )
        assert (tail.status_code, tail.content) == (206, whole.content[1_500_000:])
        assert fetch(client, two).content == whole.content
        (entry,) = {each["sha256"] for each in client.ledger("file")}
    assert entry == hashlib.sha256(whole.content).hexdigest()
