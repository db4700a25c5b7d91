"""Whether anything is known of a connector or a conversation: what is named by mistake protects nothing and removes nothing."""

from contextlib import closing

from consumers.reading import Reader
from schemas.broker import KafkaSettings
from schemas.ids import conversation_key
from schemas.topics import DELIVERIES, RAW_EVENTS, Topic


def knows_connector(kafka: KafkaSettings, connector_uid: str) -> bool:
    """Whether the ledger has a mail of it. Blocks; KafkaError; LookupError without the topic."""
    return _has(kafka, DELIVERIES, conversation_key(connector_uid, ""), whole=False)


def knows_conversation(kafka: KafkaSettings, connector_uid: str, conversation: str) -> bool:
    """Whether the ledger has a mail of it, or else the log an event. Blocks, and reads all of the log where neither has.

    KafkaError; LookupError without the topics.
    """
    key = conversation_key(connector_uid, conversation)
    return any(_has(kafka, topic, key, whole=True) for topic in (DELIVERIES, RAW_EVENTS))


def _has(kafka: KafkaSettings, topic: Topic, wanted: bytes, *, whole: bool) -> bool:
    """Whether some record's key is this, or begins like it; nothing is decoded."""
    with closing(Reader(kafka, topic)) as reader:
        reader.start_at({})
        keys = (record.key or b"" for record in reader.to_end())
        return any(key == wanted or (key.startswith(wanted) and not whole) for key in keys)
