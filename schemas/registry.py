"""A Confluent-compatible schema registry over HTTP: register by subject `<topic>-<record>`, fetch by id.

Calls and media type as in Confluent's Schema Registry API reference (POST /subjects/S/versions, GET /schemas/ids/N).
"""

from urllib.parse import urlsplit

import requests

from schemas.codec import DecodeError

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
TIMEOUT_S = 10


class RegistryError(RuntimeError):
    """The registry refused, or can't be reached; the message says what to look at. Never the fault of a record."""


class _UnknownIdError(RegistryError):
    """The registry answers that it has no such schema."""


class HttpRegistry:
    """Registers and fetches; the codec remembers what it got."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._shown = _without_login(self._url)
        self._session = requests.Session()

    def schema_id(self, topic: str, name: str, text: str) -> int:
        """Id of this schema under TopicRecordNameStrategy; RegistryError if the registry does not take it."""
        subject = f"{topic}-chatledger.{name}"
        return int(str(self._call("POST", f"/subjects/{subject}/versions", {"schema": text}, "id")))

    def schema_text(self, schema_id: int) -> str:
        """JSON of the schema with this id; DecodeError if the registry does not know it."""
        try:
            return str(self._call("GET", f"/schemas/ids/{schema_id}", None, "schema"))
        except _UnknownIdError as error:
            raise DecodeError(str(error)) from error

    def _call(self, method: str, path: str, body: dict[str, str] | None, wanted: str) -> object:
        try:
            answer = self._session.request(
                method, self._url + path, json=body, headers={"Content-Type": MEDIA_TYPE}, timeout=TIMEOUT_S
            )
        except requests.RequestException as error:
            msg = f"schema registry {self._shown} cannot be reached: {type(error).__name__}"
            raise RegistryError(msg) from error
        if answer.status_code >= 400:
            msg = f"schema registry: {method} {path} answered {answer.status_code}: {answer.text[:300]}"
            unknown = method == "GET" and answer.status_code == 404 and "error_code" in answer.text
            raise _UnknownIdError(msg) if unknown else RegistryError(msg)
        try:
            return answer.json()[wanted]
        except (ValueError, KeyError, TypeError) as error:
            msg = f"schema registry: {method} {path} answered without {wanted}: {answer.text[:300]}; is it a registry?"
            raise RegistryError(msg) from error


def _without_login(url: str) -> str:
    """The address as it may stand in a log."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
