"""Files of messages, streamed into the content store: every outcome final and said.

Status codes of GET /contents/{id}: developer.webex.com, "Messages API", attachments, and "Compliance".
"""

from producers.source import Contents
from producers.webex.auth import origin
from producers.webex.client import Client
from producers.webex.filenames import content_key
from producers.webex.transfer import Head, OverError, Transfer
from schemas.records import Attachment, ContentRef

ANYWAY = "?allow=unscannable"

_REFUSALS = {
    410: ("infected", "Webex found it infected and withholds it"),
    428: ("unscannable", "Webex could not scan it for malware, and the configuration withholds such files"),
    404: ("gone", "it is no longer at Webex: deleted, past retention, or of another organisation"),
    403: ("gone", "Webex does not show it to the compliance officer"),
    400: ("gone", "Webex does not know it"),
    451: ("gone", "Webex does not show it to the compliance officer"),
}


class Files:
    """Fetches one file after the other."""

    def __init__(self, client: Client, contents: Contents) -> None:
        self._client, self._contents = client, contents
        self._settings = client.settings

    def fetch(self, url: str, patience_s: float | None = None) -> Attachment:
        """The file with its final outcome; a scan is waited for so many seconds, by default as long as for the file.

        Raises SourceUnavailableError, SourceRefusedError.
        """
        if origin(url) != origin(self._settings.base_url):
            return _without(
                url, "not_fetched", "it lies on a host that is not the configured one and gets no token"
            )
        if not url.isascii() or not url.isprintable():
            return _without(url, "not_fetched", "its address is none that can be asked for")
        transfer = Transfer(self._client, url, patience_s)
        try:
            return self._stored(transfer, url)
        except OverError as error:
            return _without(url, error.outcome, error.reason, transfer.head)
        finally:
            transfer.close()

    def stands(self, found: Attachment) -> bool:
        """Whether what was fetched before can be named again: an order of disposition may have removed it since."""
        return found["content"] is None or self._contents.has(found["content"])

    def _stored(self, transfer: Transfer, url: str) -> Attachment:
        status = transfer.open()
        if status == 428 and self._settings.unscannable == "fetch":
            status = transfer.open(ANYWAY)
        if status != 200:
            outcome, reason = _REFUSALS.get(status, ("not_fetched", f"Webex refuses it (status {status})"))
            return _without(url, outcome, reason)
        kind = transfer.head.kind
        content = self._contents.put(transfer.chunks(), kind or "application/octet-stream")
        note = "Webex could not scan it for malware" if transfer.unscanned else None
        return _made(url, "stored", note, transfer.head, content)


def _without(url: str, outcome: str, reason: str, head: Head | None = None) -> Attachment:
    return _made(url, outcome, reason, head or Head(), None)


def _made(url: str, outcome: str, reason: str | None, head: Head, content: ContentRef | None) -> Attachment:
    return {
        "source_key": content_key(url), "name": head.name, "content_type": head.kind,
        "content": content, "outcome": outcome, "reason": reason,
    }  # fmt: skip
