"""The job as one writes it by hand: one consumer, conversations in a dict, a commit after what a batch has closed is written.

It is compared with, and no part of the product. What it does not promise: a restart has forgotten the open conversations, so
their mails come out without their beginnings or not at all, over good ones; a kill leaves half files; nothing is accounted for.
"""

import asyncio
import json
import signal
from typing import Any

from aiokafka import AIOKafkaConsumer

from tests.bench import stdlib_mail


async def main() -> None:
    """Consume until SIGTERM."""
    options, stop = stdlib_mail.options(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    talks: dict[str, list[dict[str, Any]]] = {}
    async with AIOKafkaConsumer(
        options.topic, bootstrap_servers=options.bootstrap, group_id=options.group, enable_auto_commit=False,
        auto_offset_reset="earliest",
    ) as consumer:  # fmt: skip
        while not stop.is_set():
            wrote = False
            for records in (await consumer.getmany(timeout_ms=1000, max_records=500)).values():
                for record in records:
                    stdlib_mail.mark_first(options.work)
                    event = json.loads(record.value)
                    if event["type"] == "message":
                        talks.setdefault(event["conversation"], []).append(event)
                    elif messages := talks.pop(event["conversation"], None):
                        _close(options.out, event, messages)
                        wrote = True
            if wrote:
                await consumer.commit()


def _close(out: Any, event: dict[str, Any], messages: list[dict[str, Any]]) -> None:
    name, people = event["conversation"], event["participants"]
    mail = stdlib_mail.mail_of(name, event["topic"], people, messages)
    for person in people:
        stdlib_mail.write(out, person["email"], name, mail)


if __name__ == "__main__":
    asyncio.run(main())
