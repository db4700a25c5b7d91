"""Settings of a connector whose settings record was never written: fixed, since bytes of mails depend on them."""

from schemas.ids import with_version
from schemas.products import MAIL_FORMAT, product_of
from schemas.records import Settings


def default_settings(connector_uid: str, source: str) -> Settings:
    """What holds until a control record says otherwise."""
    return with_version({
        "version": "", "name": connector_uid, "source": source, "folder": product_of(source).folder, "zone": "UTC",
        "grace_ms": 600_000, "stall_ms": 172_800_000, "format": MAIL_FORMAT, "max_mail_bytes": 150_000_000, "part_events": 5000,
        "part_bytes": 8_000_000, "headers": [],
    })  # fmt: skip
