"""Everything that one connector writes: events, control records, cursors, dead letters, status."""

from collections.abc import Callable
from dataclasses import dataclass

from producers.cursor import Saved, cursor_key, to_cursor
from producers.packing import Origin, UnencodableError, encodable, pack
from producers.sink import Sink
from producers.source import Captured, Contents, Refused
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.ids import conversation_key
from schemas.records import ContentRef, Control, Cursor, DeadLetter, Event
from schemas.status import ConnectorStatus, encode_status, status_key
from schemas.text import well_formed
from schemas.topics import CONNECTOR_STATUS, CURSORS, DEAD_LETTERS, MAX_RAW_RECORD_BYTES, RAW_EVENTS

EVENT_TYPE = "application/vnd.chatledger.event+avro"
BYTES_TYPE = "application/octet-stream"
LONGEST_NAME = 10_000
"""Characters of a conversation's id; sources' own have less than a hundred."""


@dataclass(frozen=True)
class Desk:
    """Writes the records of connector `uid` through a sink; `clock` gives milliseconds since 1970 UTC."""

    sink: Sink
    codec: Codec
    kafka: KafkaSettings
    contents: Contents
    uid: str
    source: str
    clock: Callable[[], int]

    def events(self, captured: Captured, lane: str) -> None:
        """Put events on their way to raw-events; what fits no record goes to dead-letters."""
        if len(captured.slice.conversation) > LONGEST_NAME:  # no record could bear its key
            for event in captured.events:
                self._refuse_event(event, "the id of its conversation is no id: too long")
            return
        origin = Origin(self.uid, self.source, lane, self.clock())
        try:
            records = list(pack(captured, origin, self._put_event))
        except UnencodableError:
            good = [event for event in captured.events if self._fit_or_refuse(event)]
            records = list(pack(Captured(captured.slice, good), origin, self._put_event))
        key = conversation_key(self.uid, captured.slice.conversation)
        for record in records:
            self.sink.send(RAW_EVENTS.name, self._encode(RAW_EVENTS.name, "RawEvents", record), key=key)

    def refuse(self, refused: Refused) -> None:
        """Put bytes on their way to dead-letters, through the content store if they are large."""
        large = len(refused.body) > MAX_RAW_RECORD_BYTES
        letter: DeadLetter = {
            "stage": "collect",
            "connector_uid": self.uid,
            "reason": well_formed(refused.reason)[:10_000],
            "error": well_formed(refused.error)[:1_000],
            "origin": well_formed(refused.origin)[:10_000],
            "topic": None,
            "partition": None,
            "position": None,
            "key": None,
            "value": b"" if large else refused.body,
            "value_ref": self.contents.put([refused.body], BYTES_TYPE) if large else None,
        }
        value = self._encode(DEAD_LETTERS.name, "DeadLetter", letter)
        self.sink.send(DEAD_LETTERS.name, value, key=letter["origin"].encode())

    def controls(self, *controls: Control) -> None:
        """Write control records into every partition, after all before them and confirmed themselves."""
        for control in controls:
            self.sink.confirm()
            self.sink.to_every_partition(RAW_EVENTS.name, self._encode(RAW_EVENTS.name, "Control", control))
        self.sink.confirm()

    def cursor(self, saved: Saved) -> None:
        """Move the cursor of a lane, once everything it covers is confirmed; confirmed itself."""
        self.remember(to_cursor(self.uid, saved, self.clock()))

    def remember(self, cursor: Cursor) -> None:
        """Write a record of topic `cursors`, once everything before is confirmed; confirmed itself."""
        self.sink.confirm()
        value = self._encode(CURSORS.name, "Cursor", cursor)
        self.sink.send(CURSORS.name, value, key=cursor_key(self.uid, cursor["lane"]))
        self.sink.confirm()

    def status(self, status: ConnectorStatus) -> None:
        """Write a status, unless Kafka is in trouble: then the next one will do."""
        self.sink.offer(CONNECTOR_STATUS.name, encode_status(status), key=status_key(status))

    def _encode(self, topic: str, name: str, record: object) -> bytes:
        return self.codec.encode(self.kafka.topic(topic), name, record)

    def _put_event(self, data: bytes) -> ContentRef:
        return self.contents.put([data], EVENT_TYPE)

    def _fit_or_refuse(self, event: Event) -> bool:
        try:
            encodable(event)
        except UnencodableError as error:
            self._refuse_event(event, f"a collected event fits no record: {error}")
            return False
        return True

    def _refuse_event(self, event: Event, reason: str) -> None:
        body = event.get("raw") or repr(event).encode("utf-8", "backslashreplace")
        self.refuse(Refused(reason, "UnencodableError", f"{self.source}: {event.get('source_key')}", body))
