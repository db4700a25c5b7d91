"""What stands in records where it is about everyday work, and not about a back-fill or a replay."""

from typing import Final

LIVE_GROUP: Final = "live"
"""The workers' closings; each replay has a group of its own (rule 18)."""
LIVE_LANE: Final = "live"
"""Owns every slice that no other lane does (rule 10)."""
