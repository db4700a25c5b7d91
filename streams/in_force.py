"""What a control record puts in force from its position on (rules 21, 23): for the live workers and every replay. Pure."""

from typing import Literal

from schemas.records import Control, MappingInForce, SettingsInForce
from streams.memory import Memory

Fact = tuple[Literal["SettingsInForce"], SettingsInForce] | tuple[Literal["MappingInForce"], MappingInForce]
"""A record of topic closings by name."""


def in_force(control: Control, group: str, partition: int, position: int) -> list[Fact]:
    """Settings and user mapping of this control record, as the closings of a group have them."""
    facts: list[Fact] = []
    if control["settings"] is not None:
        settings: SettingsInForce = {
            "group": group, "connector_uid": control["connector_uid"], "partition": partition, "position": position,
            "settings": control["settings"],
        }  # fmt: skip
        facts.append(("SettingsInForce", settings))
    if control["kind"] == "mapping":
        mapping: MappingInForce = {
            "group": group, "partition": partition, "position": position,
            "version": control["details"].get("version", ""),
        }  # fmt: skip
        facts.append(("MappingInForce", mapping))
    return facts


def fact_key(fact: Fact) -> bytes:
    """Under which key topic closings keeps it: a repeat replaces itself."""
    record = fact[1]
    what = f"settings|{fact[1]['connector_uid']}" if fact[0] == "SettingsInForce" else "mapping"
    return f"{record['group']}|{what}|{record['partition']}|{record['position']:020d}".encode()


def learn(memory: Memory, fact: Fact) -> None:
    """Remember what came in force; a repeat replaces itself."""
    if fact[0] == "SettingsInForce":
        memory.add_settings(fact[1])
    else:
        memory.add_mapping(fact[1])
