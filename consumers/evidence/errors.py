"""The errors of this package."""


class EvidenceError(Exception):
    """Evidence can't be made or read; the message is a sentence that says what to do."""


class OtherLeavesError(EvidenceError):
    """Leaves stand in the archive, and the log gives others for the plan."""
