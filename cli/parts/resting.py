"""Which connectors rest by an administrator's order, and since when."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.parts.config import Config
    from producers.orders import Order


def resting(config: "Config", uids: Iterable[str]) -> "dict[str, Order]":
    """The orders of those of these connectors that are paused or deleted. KafkaError. Blocks."""
    from contextlib import closing, suppress  # noqa: PLC0415 - see cli.main

    from cli.parts.common import new_codec  # noqa: PLC0415
    from producers.cursor import CursorError  # noqa: PLC0415
    from producers.orders import Orders  # noqa: PLC0415

    found, codec = {}, new_codec(config.kafka)
    for uid in uids:
        # An order that can't be read is the collector's to complain about.
        with suppress(CursorError), closing(Orders(config.kafka, codec, uid)) as orders:
            found[uid] = orders.read()[1]
    return {uid: order for uid, order in found.items() if order.what != "active"}
