"""How far a group has come, asked again and again."""

from collections.abc import Iterable, Iterator

from kafka.errors import KafkaTimeoutError

from consumers.disposition.passing import Watch
from schemas.topics import CONVERSATIONS, RAW_EVENTS, Topic


def test_what_was_reached_stays_so_while_kafka_is_away() -> None:
    """Else each silence would count as a step back, and then as progress: the wait would never end."""
    answers: Iterator[dict[int, int]] = iter([{0: 7, 1: 3}])

    def ask(topic: Topic, numbers: Iterable[int]) -> dict[int, int]:
        for answer in answers:
            return answer
        raise KafkaTimeoutError(topic.name)

    watch = Watch(ask)
    assert watch.reached(RAW_EVENTS, [0, 1]) == {0: 7, 1: 3}
    assert watch.reached(RAW_EVENTS, [0, 1]) == {0: 7, 1: 3}
    assert watch.reached(CONVERSATIONS, [0]) == {0: 0}
