"""Which records may be put in again, and what to do about the others. Pure.

Events and what the stages made of them name themselves by ids, so a repeat vanishes. A control record speaks for its position: at
another one it would put older settings or an older mapping in force, or dispose of what came since.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from consumers.disposition.books import Order
from consumers.letters.book import UNKNOWN, Letter, LetterError
from schemas.broker import KafkaSettings
from schemas.codec import Decoded
from schemas.topics import CONVERSATIONS, RAW_EVENTS

SOURCES = {"assemble": RAW_EVENTS, "archive": CONVERSATIONS, "render": CONVERSATIONS}
"""By stage, the topic whose records it refuses; `render` was one of an earlier version, and its records are as good as ever."""
FORMER = {"route": "mails", "store": "copies"}
"""Stages of an earlier version and the topics that they read: what such letters hold is half-made, and nothing reads it."""
LASTING = (ValueError, LookupError, TypeError, ArithmeticError)
"""What reading raises over bytes that it can't take, as in the workers."""


@dataclass(frozen=True)
class Checks:
    """`decode` reads a record of any topic; `accepted` says what the assembler takes: both raise LASTING over what is none.

    `orders`: every order of disposition.
    """

    kafka: KafkaSettings
    decode: Callable[[bytes], Decoded]
    accepted: Callable[[Decoded], object]
    orders: Iterable[Order] = ()

    def demand(self, letter: Letter, body: bytes, *, again: bool) -> None:
        """Return if this letter's record may be put in again; LetterError otherwise. `again`: also one that was dealt with."""
        if not again:
            _demand_open(letter)
        self._demand_record(letter)
        found = self._read(letter, body)
        if found.name == "Control":
            raise LetterError(_of_control(letter, found))
        order = next((one for one in self.orders if _disposes(one, letter, found)), None)
        if order is not None:
            raise LetterError(
                f"{_named(letter)}: its conversation was disposed of by order {order.name[:8]} ({order.said['reason']}), "
                "which names this record too; settle the letter"
            )

    def _demand_record(self, letter: Letter) -> None:
        source = SOURCES.get(letter.said["stage"])
        if self._is_former(letter):
            raise LetterError(_of_former(letter))
        if letter.said["stage"] == "collect":
            raise LetterError(_of_answer(letter))
        if letter.said["stage"] == UNKNOWN:
            raise LetterError(
                f"{_named(letter)} is no letter that this version can read: {letter.said['reason']}"
            )
        if source is None or letter.said["topic"] != self.kafka.topic(source.name):
            raise LetterError(
                f"{_named(letter)}: stage {letter.said['stage']} reads no topic {letter.said['topic']} here, so nothing is put "
                "in again. A user mapping that can't be read is replaced by `chatledger mapping apply`; then settle the letter"
            )

    def _is_former(self, letter: Letter) -> bool:
        former = FORMER.get(letter.said["stage"])
        return former is not None and letter.said["topic"] == self.kafka.topic(former)

    def _read(self, letter: Letter, body: bytes) -> Decoded:
        source = SOURCES[letter.said["stage"]]
        try:
            found = self.decode(body)
            if found.name not in source.records:
                raise ValueError(f"a {found.name} has no place in {source.name}")
            if source is RAW_EVENTS:
                self.accepted(found)
        except LASTING as error:
            raise LetterError(
                f"{_named(letter)}: this version can't take its bytes either ({error}), so they would be refused again: install "
                "one that can, or settle the letter"
            ) from error
        return found


def _demand_open(letter: Letter) -> None:
    last = letter.dealt
    if last is not None:
        raise LetterError(
            f"{_named(letter)} was {letter.state} by {last['by']} ({last['reason']}): --again puts its record in once more"
        )


def _of_answer(letter: Letter) -> str:
    uid = letter.connector or "UID"
    return (
        f"{_named(letter)} is what a source answered and no collector could read: there is no record to put in again. "
        f"`chatledger letters show {letter.name[:8]} --out FILE` has its bytes. With a version that reads them, "
        f"`chatledger reconcile {uid} --day DAY --fetch` collects that day's missing events anew; then settle the letter"
    )


def _of_former(letter: Letter) -> str:
    return (
        f"{_named(letter)} is from an earlier version, which had a stage {letter.said['stage']}: nothing reads topic "
        f"{letter.said['topic']} any more. The log has all that its mail is made of: `chatledger replay --connector "
        f"{letter.connector or 'UID'} --into store` makes what is missing; then settle the letter"
    )


def _of_control(letter: Letter, found: Decoded) -> str:
    told = {
        "watermark": "the next watermark of its lane says the same",
        "mapping": "`chatledger mapping apply` puts a mapping in force",
        "settings": "its collector states its settings when it is started",
        "lane_opened": "its collector states its lanes when it is started",
        "disposition": "`chatledger dispose order` gives the order again",
    }
    kind = found.value["kind"]
    advice = told.get(kind, "whoever gave it has to give it again")
    return (
        f"{_named(letter)} is a control record ({kind}), which speaks for the position where it stood: {advice}; then settle "
        "the letter"
    )


def _disposes(order: Order, letter: Letter, found: Decoded) -> bool:
    """Whether an order names this record: what stood below it in the log, or was on its way while it was carried out."""
    one = found.value
    named = (one["connector_uid"], one["conversation"], one["slice"], one["slice_start_ms"])
    if order.withdrawn or not order.scope.covers(*named):
        return False
    if found.name == "RawEvents" and not order.scope.names(one):
        return False
    place = (letter.said["partition"], letter.said["position"])
    if found.name == "ClosedSlice":
        place = (one["partition"], one["position"])
    partition, position = place
    below = order.positions.get(partition) if partition is not None else None
    if found.name == "RawEvents" and partition is not None:
        below = order.given_at.get(partition, below)
    return below is None or position is None or position < below


def _named(letter: Letter) -> str:
    return f"dead letter {letter.name[:8]} ({letter.said['origin']})"
