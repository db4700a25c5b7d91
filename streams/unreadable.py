"""Records that nobody can read in the topics that a worker remembers by: which may be passed over, and which may not.

A newer record of a key replaces the one that stood there. So in `closings` an unreadable record under a key that is none of ours
hides nothing, and one under a key of ours may be all that is left of what was archived. In `mappings` a record
says itself which version it is: what can't be read hides nothing as long as each version that is asked for is found.
"""

from schemas.live import LIVE_GROUP
from schemas.topics import CLOSINGS, MAPPINGS
from streams.readback import Kept
from streams.refusals import DependencyError

OURS = f"{LIVE_GROUP}|".encode()


class UnreadableError(DependencyError):
    """A record that may hide something; the message says where it stands, and what to do."""


def pass_over(partition: int, kept: Kept, error: Exception) -> None:
    """Return if this record of topic closings hides nothing; UnreadableError otherwise."""
    if kept.key is not None and not kept.key.startswith(OURS):
        return
    key = "no key" if kept.key is None else f"the key {kept.key.decode(errors='backslashreplace')[:200]}"
    msg = (
        f"{CLOSINGS.name}/{partition}, position {kept.position}: a record with {key} can't be read ({error}): it may hide what "
        "was archived, which would be archived again; stop all workers and see Lost closings in docs/backup.md"
    )
    raise UnreadableError(msg)


def lost_mapping(version: str, unreadable: list[Kept]) -> UnreadableError:
    """The error where a version isn't found, and one of these records may be it."""
    places = ", ".join(str(kept.position) for kept in unreadable[:5])
    return UnreadableError(
        f"user mapping {version} is not in topic {MAPPINGS.name}, but may be what nobody can read there, position {places}: put "
        "the file with which it was made in force once more with `chatledger mapping apply`, then the present one"
    )
