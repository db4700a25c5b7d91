"""A change of keys: the old key vouches for the new one in the chain itself, so that verifiers follow without being told."""

import time
import uuid
from pathlib import Path

from consumers.evidence.close import Closer
from consumers.evidence.errors import EvidenceError
from consumers.evidence.keys import ROTATION, Signer, load_key, new_key, next_path, put_in_force
from consumers.evidence.statement import Manifest
from consumers.orders import audit, say
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.records import Audit


async def rotate(
    closer: Closer, kafka: KafkaSettings, codec: Codec, key_file: Path, by: str, reason: str
) -> Manifest:
    """Let a new key follow on the present one, and close the manifest that says so; that is the last of the old key.

    Killed in the middle, the next call goes on: the new key waits beside the old one until the chain knows it.
    """
    await closer.close()  # what was begun is finished, and signed, before anything changes
    waiting = next_path(key_file)
    new = load_key(waiting) if waiting.exists() else new_key(waiting)
    say(kafka, codec, [_record(load_key(key_file), new, by, reason)])
    made = await closer.close()
    if made is None or made.statement.next_key != new.public:
        raise EvidenceError("the new key did not get into the chain; give the command again")
    if waiting.exists():  # else the manifest was closed before, and the key moved with it
        put_in_force(key_file)
    return made


def _record(old: Signer, new: Signer, by: str, reason: str) -> Audit:
    signature = old.sign(ROTATION + bytes.fromhex(new.public))
    return audit(
        uuid.uuid4().hex, "key", at_ms=int(time.time() * 1000), by=by, reason=reason,
        details={"public_key": new.public, "signature": signature, "former": old.public},
    )  # fmt: skip
