"""The simulated LivePerson's users and file server."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from sandbox.liveperson.content import WRITTEN
from sandbox.liveperson.files import file_bytes
from sandbox.liveperson.model import ACCOUNT, File, when
from sandbox.liveperson.people import AGENTS
from sandbox.liveperson.server import Options
from tests.sandbox.liveperson_client import NEXT_MONDAY_MS, OWN, USERS, Client, simulated

if TYPE_CHECKING:
    from collections.abc import Iterator

IDS = {each.key: each.id for each in WRITTEN}


@pytest.fixture
def lp() -> Iterator[Client]:
    """Run a simulated LivePerson on its Friday."""
    with simulated(Options(now_ms=when("Fri 12:30"))) as client:
        yield client


def _file_token(lp: Client, key: str = OWN.file_key) -> dict[str, str]:
    answer = lp.get("/auth/v1.0", headers={"X-Auth-User": OWN.file_user, "X-Auth-Key": key})
    return {"x-auth-token": answer.headers.get("x-auth-token", "")}


def _paths(lp: Client, key: str) -> list[str]:
    records = lp.whole(IDS[key])["messageRecords"]
    return [each["messageData"]["file"]["relativePath"] for each in records if each["type"] == "HOSTED_FILE"]


def test_users_have_their_addresses(lp: Client) -> None:
    """With version 6 all fields come, the e-mail where there is one, ids as text."""
    answer = lp.get(USERS + "?v=6.0")
    users = {each["loginName"]: each for each in answer.json()}
    assert users["mlindqvist"]["email"] == "marta.lindqvist@bank.example"
    assert "email" not in users["rcastell"]
    assert isinstance(users["mlindqvist"]["id"], str)
    assert "ac-revision" in answer.headers


def test_users_can_be_selected(lp: Client) -> None:
    """Select names the fields; old versions give four of them by default."""
    chosen = lp.get(USERS + "?v=4.0&select=id,email,fullName").json()
    assert chosen[2].keys() == {"id", "email", "fullName"}
    assert lp.get(USERS).json()[2].keys() == {"id", "pid", "deleted", "loginName"}
    assert lp.get(USERS + "?v=4.0&select=$all").json()[2]["email"]


def test_users_as_text_when_switched(lp: Client) -> None:
    """Booleans and numbers come as text, as in the documents' example."""
    lp.faults(users_as_strings=True)
    bot = lp.get(USERS + "?v=6.0").json()[0]
    assert (bot["deleted"], bot["userTypeId"]) == ("false", "2")


def test_one_user(lp: Client) -> None:
    """A user is found by id, another id is not."""
    assert lp.get(f"{USERS}/{AGENTS['chidi'].id}?v=6.0").json()["loginName"] == "chidi.okafor@bank.example"
    assert lp.get(f"{USERS}/1?v=6.0").status_code == 404


def test_skills_and_groups(lp: Client) -> None:
    """Skills and agent groups have names for the filters."""
    base = USERS.removesuffix("/users")
    assert "Brokerage" in {each["name"] for each in lp.get(f"{base}/skills?v=2.0").json()}
    assert "Private banking" in {each["name"] for each in lp.get(f"{base}/agentGroups?v=2.0").json()}


def test_download_with_a_file_token(lp: Client) -> None:
    """The bytes are those of the content, and the ledger has their hash."""
    path = _paths(lp, "depot-auszug")[0]
    answer = lp.get(path, headers=_file_token(lp))
    entry = lp.ledger("file")[0]
    assert (answer.status_code, answer.headers["Content-Type"], answer.content[:5]) == (
        200,
        "application/pdf",
        b"%PDF-",
    )
    assert entry["sha256"] == hashlib.sha256(answer.content).hexdigest()
    assert (entry["file_name"], entry["size"]) == (path.rpartition("/")[2], len(answer.content))
    assert entry["target"] in {each["id"] for each in lp.ledger("message")}


def test_download_in_parts(lp: Client) -> None:
    """Ranges give the parts; only the one that completes the file counts as served."""
    path, token = _paths(lp, "depot-auszug")[0], _file_token(lp)
    whole = file_bytes(File("Depotauszug Januar 2026 – Weiß", "PDF", size=24_000))
    head = lp.get(path, headers={**token, "Range": "bytes=0-99"})
    assert (head.status_code, head.content) == (206, whole[:100])
    assert head.headers["Content-Range"] == f"bytes 0-99/{len(whole)}"
    assert lp.ledger("file") == []
    assert lp.get(path, headers={**token, "Range": "bytes=100-"}).content == whole[100:]
    assert len(lp.ledger("file")) == 1
    assert lp.get(path, headers={**token, "Range": "bytes=-7"}).content == whole[-7:]
    assert lp.get(path, headers={**token, "Range": f"bytes={len(whole)}-"}).status_code == 416


def test_download_needs_its_own_token(lp: Client) -> None:
    """The data API's bearer does not open the file server, nor does a wrong key."""
    path = _paths(lp, "depot-auszug")[0]
    bearer = str(lp.session.headers["Authorization"]).removeprefix("Bearer ")
    assert lp.get(path, headers={"x-auth-token": bearer}).status_code == 401
    assert lp.get(path).status_code == 401
    assert _file_token(lp, "guess") == {"x-auth-token": ""}


def test_files_come_and_go(lp: Client) -> None:
    """A file is there until it is gone; a path that never was is 404 too."""
    path, token = _paths(lp, "three-days-open")[1], _file_token(lp)
    assert lp.get(path, headers=token).content[:6] == b"GIF89a"
    lp.set_clock(when("Sat 09:30"))
    assert lp.get(path, headers=token).status_code == 404
    assert lp.get(path.replace("GIF", "PNG"), headers=token).status_code == 404


def test_files_are_scanned_first_when_switched(lp: Client) -> None:
    """For so long after its message a file is locked; then it is there."""
    path, token = _paths(lp, "erased-later")[0], _file_token(lp)
    lp.faults(file_scan_ms=when("Fri 13:00") - when("Fri 10:01"))
    assert lp.get(path, headers=token).status_code == 423
    lp.set_clock(when("Fri 13:10"))
    assert lp.get(path, headers=token).status_code == 200


def test_deleted_personal_data_replace_the_file(lp: Client) -> None:
    """After a Personal Data Deletion the same path has other bytes, which the ledger tells apart."""
    path, token = _paths(lp, "erased-later")[0], _file_token(lp)
    before = lp.get(path, headers=token).content
    lp.set_clock(NEXT_MONDAY_MS)
    assert lp.get(path, headers=token).content != before
    assert len({each["sha256"] for each in lp.ledger("file")}) == 2


async def _temp_url(lp: Client, path: str) -> dict[str, Any]:
    bearer = str(lp.session.headers["Authorization"]).removeprefix("Bearer ")
    url = f"{lp.url}/ws_api/account/{ACCOUNT}/messaging/brand/{bearer}?v=2.1"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        body = {"relativePath": path}
        await socket.send_json(
            {"kind": "req", "id": 3, "type": "ms.GenerateURLForDownloadFile", "body": body}
        )
        answer: dict[str, Any] = await socket.receive_json()
        return answer


def test_download_by_temporary_url(lp: Client) -> None:
    """A URL signed over the agents' socket needs no token, until it expires or is bent."""
    path = _paths(lp, "depot-auszug")[0]
    answer = asyncio.run(_temp_url(lp, path))
    query = answer["body"]["queryParams"]
    assert (answer["code"], answer["reqId"]) == ("OK", "3")
    assert lp.get(path, params=query).status_code == 200
    assert lp.get(path, params={**query, "temp_url_sig": "0"}).status_code == 401
    assert lp.get(path, params={**query, "temp_url_expires": "1"}).status_code == 401


@pytest.mark.parametrize(
    ("kind", "start"), [("PNG", b"\x89PNG"), ("GIF", b"GIF89a"), ("PDF", b"%PDF-"), ("TXT", b"x")]
)
def test_file_bytes_are_of_their_kind_and_stay_the_same(kind: str, start: bytes) -> None:
    """Bytes depend on the title alone and grow to the size asked for."""
    made = file_bytes(File("x", kind, size=50_000))
    assert made.startswith(start)
    assert (len(made), made) == (50_000, file_bytes(File("x", kind, size=50_000)))
    assert file_bytes(File("y", kind)) != file_bytes(File("x", kind))
