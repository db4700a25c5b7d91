"""The registry over HTTP: what is a record's fault and what is the registry's."""

from collections.abc import Iterator

import pytest

from schemas.codec import Codec, DecodeError
from schemas.records import person
from schemas.registry import HttpRegistry, RegistryError
from streams.refusals import LASTING
from tests.schemas.registries import HttpServer, http_registry

ANA = person("p1", "Ana")


@pytest.fixture
def server() -> Iterator[HttpServer]:
    """A registry."""
    with http_registry() as running:
        yield running


def test_what_one_writes_another_reads(server: HttpServer) -> None:
    """Over the wire, each schema asked for once."""
    data = Codec(HttpRegistry(server.url + "/")).encode("mails", "Person", ANA)
    reader = Codec(HttpRegistry(server.url))

    assert reader.decode(data) == reader.decode(data) == ("Person", ANA)
    assert server.calls == ["POST /subjects/mails-chatledger.Person/versions", "GET /schemas/ids/1"]


def test_an_id_that_it_does_not_know_is_the_record_s_fault(server: HttpServer) -> None:
    """The registry itself says so."""
    with pytest.raises(DecodeError, match="40403"):
        Codec(HttpRegistry(server.url)).decode(b"\x00\x00\x00\x00\x63\x02")


@pytest.mark.parametrize(
    "answer",
    [(500, b"{}"), (503, b""), (429, b""), (401, b""), (404, b"<html>no such page</html>"), (200, b"<html>Log in</html>"),
     (200, b"[]"), (200, b'{"other": 1}'), (409, b'{"error_code": 409, "message": "incompatible"}')],
)  # fmt: skip
def test_anything_else_is_not(server: HttpServer, answer: tuple[int, bytes]) -> None:
    """A proxy, an outage or a wrong address must not send the archive to the dead letters."""
    one = Codec(HttpRegistry(server.url))
    server.answer = answer
    for call in (lambda: one.encode("t", "Person", ANA), lambda: one.decode(b"\x00\x00\x00\x00\x01\x02")):
        with pytest.raises(RegistryError, match="schema registry") as caught:
            call()
        assert not isinstance(caught.value, LASTING)


def test_a_registry_that_is_not_there_is_named() -> None:
    """One sentence with its address."""
    with pytest.raises(RegistryError, match=r"http://127\.0\.0\.1:1 cannot be reached"):
        Codec(HttpRegistry("http://127.0.0.1:1")).encode("t", "Person", ANA)


def test_a_login_in_the_address_is_not_told() -> None:
    """Neither by an address that nobody answers nor by a refusal."""
    with pytest.raises(RegistryError) as caught:
        Codec(HttpRegistry("http://me:hunter2@127.0.0.1:1")).encode("t", "Person", ANA)
    assert "hunter2" not in str(caught.value)
