"""The lanes of a connector, as a collector that starts now would find them."""

from contextlib import closing

from producers.cursor import Saved
from producers.orders import Orders
from schemas.broker import KafkaSettings
from schemas.codec import Codec


def read_cursors(kafka: KafkaSettings, codec: Codec, uid: str) -> dict[str, Saved]:
    """Every lane of this connector by name. Blocks; KafkaError, CursorError."""
    with closing(Orders(kafka, codec, uid)) as orders:
        return orders.read()[0]
