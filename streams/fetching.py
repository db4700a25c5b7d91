"""Faust's Kafka driver, made cheap: it hands on packs of records (`packs.py`), not records (decision 33).

Faust's own bookkeeping of offsets is switched off with it: `Positions` say what is committed, and `stage.fresh` looks at every
record. What Faust does to be safe is kept: nothing is handed on while the flow is stopped or after a new assignment,
a revocation waits for what an agent has taken, and every assignment seeks.
"""

import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from mode.utils.futures import notify

from streams.packs import Pack
from streams.stage import Record

STEP_RECORDS, FETCH_RECORDS, FETCH_BYTES = 16, 512, 524_288
"""Handed on at once: so many, or so many bytes and what one step more has brought."""
PAUSE_SECONDS = 0.02  # until we look again whether a full pack was taken
log = logging.getLogger(__name__)


class PackingConsumer(driver.Consumer):  # type: ignore[misc]  # faust publishes no types
    """Fetches into the packs of its app."""

    app: Any  # a HoldbackApp
    _failed: Exception | None = None
    """What ended the last fetch behind records that it had: aiokafka's position is behind them, so they go first."""

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109 - Faust's signature
        """What was fetched, for each topic at most one message: a pack that its agent has not been given yet."""
        fetched = await self._fetched(timeout)
        generation = self.app.consumer_generation_id
        if fetched and not (self.flow_active and self.app.flow_control.is_active()):
            await self._seek_again()
            return
        for topic, records in fetched.items():
            if self.should_stop or not self.app.goes_on(generation):
                return  # every assignment seeks: whoever owns them now reads them again
            pack = self.app.packs.add(topic, records, generation)
            if pack is not None:
                message = _message(pack, records[0])
                # No look at offsets: Faust would drop a pack that begins below a seek, and count what is in it as a gap.
                self._read_offset[message.tp] = None
                yield message.tp, message

    async def _fetched(self, timeout: float) -> Mapping[str, list[Record]]:  # noqa: ASYNC109 - as above
        """By topic; of a topic whose pack is full nothing."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        full = self.app.packs.full()
        wanted = {tp for tp in self._get_active_partitions() if tp.topic not in full}
        timeout = min(timeout, PAUSE_SECONDS) if full else timeout
        if not wanted:  # for aiokafka an empty set is no filter
            await self.sleep(timeout)
            return {}
        found: Mapping[str, list[Record]] = await self._thread.call_thread(
            self._fetch_in_thread, wanted, timeout
        )
        return found

    async def _fetch_in_thread(self, wanted: set[TP], timeout: float) -> Mapping[str, list[Record]]:  # noqa: ASYNC109 - as above
        error, self._failed = self._failed, None
        if error is not None:
            raise error
        consumer = self._thread._consumer  # noqa: SLF001 - no public way to fetch beside Faust
        found: dict[str, list[Record]] = {}
        count = size = 0
        while count < FETCH_RECORDS and size < FETCH_BYTES:
            try:
                step = await self._thread._fetch_records(  # noqa: SLF001 - it knows when a rebalance is under way
                    consumer, wanted, timeout=0 if found else timeout, max_records=STEP_RECORDS
                )
            except Exception as trouble:
                if not found:
                    raise
                self._failed = trouble
                break
            if not step:
                break
            for tp, fetched in step.items():
                records = [
                    Record(tp.topic, tp.partition, one.offset, one.key, one.value or b"") for one in fetched
                ]
                found.setdefault(tp.topic, []).extend(records)
                count, size = count + len(records), size + sum(len(record.value) for record in records)
        return found

    async def _seek_again(self) -> None:
        """What came while the flow was stopped was thrown away."""
        try:
            await self.perform_seek()
        except Exception as error:  # noqa: BLE001 - the seek of the assignment that follows decides, and `fresh` sees every gap
            log.warning("no seek while the flow is stopped: %s", error)

    def resume_flow(self) -> None:
        """Faust calls this when it has emptied the agents' queues."""
        super().resume_flow()
        self.app.packs.forget()

    def ack(self, message: ConsumerMessage) -> bool:
        """Done: nobody has to wait for it any more. Nothing is counted, `Positions` say what is committed."""
        first = not message.acked
        message.acked = True
        self._unacked_messages.discard(message)
        notify(self._waiting_for_ack)
        return first

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: Faust would miss messages and commits of its own; `reporting.Watch` looks at positions."""


def _message(pack: Pack, first: Record) -> ConsumerMessage:
    """Faust's form of a pack, under the partition and position of its first record."""
    return ConsumerMessage(
        topic=first.topic, partition=first.partition, offset=first.offset, timestamp=0.0, timestamp_type=0, headers=None,
        key=None, value=pack, checksum=None, tp=TP(*first.tp), generation_id=pack.generation,
    )  # fmt: skip
