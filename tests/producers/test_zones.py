"""Days and zones come from the pinned time zone data, whatever the system has (decision 9)."""

import re
import shutil
import zoneinfo
from collections.abc import Iterator
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from pydantic import ValidationError

from producers.lanes import day_start_ms, local_day
from producers.settings import ConnectorBase
from producers.webex.slices import day_slice
from schemas.zones import load_zone

ROOT = Path(__file__).resolve().parents[2]
HOUR_MS = 3_600_000
MIDNIGHT_MS = 1_772_665_200_000
"""2026-03-05 00:00 in Berlin."""


@pytest.fixture
def _another_system(tmp_path: Path) -> Iterator[None]:
    """A system on which Berlin has the time of Tokyo, and which knows a place that nobody else knows."""
    with as_file(files("tzdata").joinpath("zoneinfo", "Asia", "Tokyo")) as tokyo:
        for name in ("Europe/Berlin", "Made/Up"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            shutil.copy(tokyo, tmp_path / name)
    zoneinfo.reset_tzpath(to=[str(tmp_path)])
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath()
    zoneinfo.ZoneInfo.clear_cache()


@pytest.mark.usefixtures("_another_system")
def test_days_do_not_depend_on_the_system() -> None:
    """Neither a slice of Webex nor the beginning of a lane."""
    assert str(zoneinfo.ZoneInfo("Made/Up")) == "Made/Up", "the system has it"
    day = day_slice("R", MIDNIGHT_MS, load_zone("Europe/Berlin"))
    assert (day.label, day.start_ms) == ("2026-03-05", MIDNIGHT_MS)
    assert day_start_ms(date(2026, 3, 5), "Europe/Berlin") == MIDNIGHT_MS
    assert local_day(MIDNIGHT_MS - 1, "Europe/Berlin") == date(2026, 3, 4)
    assert local_day(MIDNIGHT_MS, "Europe/Berlin") == date(2026, 3, 5)


@pytest.mark.usefixtures("_another_system")
@pytest.mark.parametrize("zone", ["Made/Up", "Nowhere", "", "../Berlin", "Europe", "Europe/Berlin\0"])
def test_a_zone_that_mails_could_not_show_is_refused(zone: str) -> None:
    """What only the system knows would be collected and never be rendered."""
    with pytest.raises(ValidationError, match="is no IANA time zone"):
        ConnectorBase(uid="x", name="X", zone=zone)
    assert ConnectorBase(uid="x", name="X", zone="Europe/Berlin").zone == "Europe/Berlin"


def test_nobody_asks_the_system() -> None:
    """`ZoneInfo(name)` would; only the pinned data is read."""
    asking = [
        path.relative_to(ROOT).as_posix()
        for room in ("schemas", "stores", "producers", "streams", "consumers", "cli")
        for path in (ROOT / room).rglob("*.py")
        if re.search(r"\bZoneInfo\(", path.read_text(encoding="utf-8"))
    ]
    assert asking == []
