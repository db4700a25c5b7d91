"""The one error of this package."""


class EvidenceError(Exception):
    """Evidence can't be made or read; the message is a sentence that says what to do."""
