"""What a source's own retries are about, said once and put into the status: a request may be tried again for minutes."""

import threading
from typing import TYPE_CHECKING

from stamina import instrumentation

if TYPE_CHECKING:
    from producers.waiting import Waiting

PATIENCE_S = 10.0
"""What is over by then is no news."""


def tell_retries(waiting: "Waiting") -> None:
    """From now on, a call that is tried again for longer than PATIENCE_S says why, as every wait of a collector does."""
    home = threading.get_ident()

    def tell(details: instrumentation.RetryDetails) -> None:
        # Helpers of a poll retry too; the status belongs to the thread that polls, which waits for them.
        if details.waited_so_far + details.wait_for > PATIENCE_S and threading.get_ident() == home:
            waiting.say(str(details.caused_by))

    instrumentation.set_on_retry_hooks([tell])
