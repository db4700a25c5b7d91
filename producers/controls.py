"""Control records of a lane, and the settings that a connector's configuration means. Pure."""

from producers.lanes import Lane
from producers.settings import ConnectorBase
from schemas.ids import with_version
from schemas.products import MAIL_FORMAT, product_of
from schemas.records import Control, Settings


def to_settings(connector: ConnectorBase, source: str) -> Settings:
    """Return what of this configuration changes mails or closings, with the version that names it."""
    return with_version({
        "version": "",
        "name": connector.name,
        "source": source,
        "folder": connector.folder or product_of(source).folder,
        "zone": connector.zone,
        "grace_ms": round(connector.grace_minutes * 60_000),
        "stall_ms": round(connector.stall_hours * 3_600_000),
        "format": MAIL_FORMAT,
        "max_mail_bytes": round(connector.max_mail_mb * 1_000_000),
        "part_events": connector.part_events,
        "part_bytes": round(connector.part_mb * 1_000_000),
        "headers": [{"name": name, "value": value} for name, value in connector.headers.items()],
    })  # fmt: skip


def settings_control(uid: str, settings: Settings, now_ms: int) -> Control:
    """State that these settings hold from here on."""
    return _control(uid, "settings", "", now_ms) | {"settings": settings}


def lane_opened(uid: str, lane: Lane, settings: Settings, now_ms: int) -> Control:
    """State that this lane owns its range from here on."""
    opened = _control(uid, "lane_opened", lane.name, now_ms)
    return opened | {"from_ms": lane.from_ms, "to_ms": lane.to_ms, "settings": settings}


def watermark(uid: str, lane: str, watermark_ms: int, now_ms: int) -> Control:
    """State that every event of the lane with own time up to this is confirmed (rule 9)."""
    return _control(uid, "watermark", lane, now_ms) | {"watermark_ms": watermark_ms}


def lane_closed(uid: str, lane: Lane, now_ms: int) -> Control:
    """State that the lane's range belongs to live from here on."""
    closed = _control(uid, "lane_closed", lane.name, now_ms)
    return closed | {"from_ms": lane.from_ms, "to_ms": lane.to_ms}


def _control(uid: str, kind: str, lane: str, now_ms: int) -> Control:
    return {
        "connector_uid": uid,
        "kind": kind,
        "lane": lane,
        "from_ms": None,
        "to_ms": None,
        "watermark_ms": None,
        "settings": None,
        "recorded_at_ms": now_ms,
        "details": {},
    }
