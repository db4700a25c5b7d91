"""How a replay fails: with one sentence that says what to do."""


class ReplayError(RuntimeError):
    """The replay can't go on; the message says why. What was done stays done: started again, it goes on."""
