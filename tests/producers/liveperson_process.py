"""A LivePerson collector as a process of its own that dies in the worst moment: URL STATE_DIR BOOTSTRAP PREFIX.

SIGKILL strikes when Kafka has confirmed all events of a poll, before anything remembers that.
"""

import os
import signal
import sys
from pathlib import Path

from producers.liveperson.collector import LivePersonSource
from schemas.broker import KafkaSettings
from tests.producers.liveperson_rig import Account, collect


class Dying(LivePersonSource):
    """Lives until its first poll is confirmed."""

    def confirmed(self) -> None:
        """The end."""
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Collect until killed."""
    url, state_dir, bootstrap, prefix = sys.argv[1:]
    account = Account(url, Path(state_dir))
    collect(account, KafkaSettings(bootstrap=bootstrap, partitions=3, topic_prefix=prefix), Dying)


if __name__ == "__main__":
    main()
