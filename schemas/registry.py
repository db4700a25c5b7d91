"""A Confluent-compatible schema registry over HTTP: register by subject `<topic>-<record>`, fetch by id.

Calls and media type as in Confluent's Schema Registry API reference (POST /subjects/S/versions, GET /schemas/ids/N).
"""

import requests

from schemas.codec import DecodeError

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
TIMEOUT_S = 10


class RegistryError(ValueError):
    """The registry refused, or cannot be reached; the message says what to look at."""


class HttpRegistry:
    """Registers and fetches; the codec remembers what it got."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()

    def schema_id(self, topic: str, name: str, text: str) -> int:
        """Id of this schema under TopicRecordNameStrategy; RegistryError if the registry does not take it."""
        subject = f"{topic}-chatledger.{name}"
        answer = self._call("POST", f"/subjects/{subject}/versions", {"schema": text})
        return int(str(answer["id"]))

    def schema_text(self, schema_id: int) -> str:
        """JSON of the schema with this id; DecodeError if the registry does not know it."""
        try:
            return str(self._call("GET", f"/schemas/ids/{schema_id}", None)["schema"])
        except RegistryError as error:
            raise DecodeError(str(error)) from error

    def _call(self, method: str, path: str, body: dict[str, str] | None) -> dict[str, object]:
        try:
            answer = self._session.request(
                method, self._url + path, json=body, headers={"Content-Type": MEDIA_TYPE}, timeout=TIMEOUT_S
            )
        except requests.RequestException as error:
            msg = f"schema registry {self._url} cannot be reached: {type(error).__name__}"
            raise RegistryError(msg) from error
        if answer.status_code >= 400:
            msg = f"schema registry: {method} {path} answered {answer.status_code}: {answer.text[:300]}"
            raise RegistryError(msg)
        found: dict[str, object] = answer.json()
        return found
