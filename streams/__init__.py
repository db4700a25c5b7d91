"""The Faust app: raw-events ─▶ assemble ─▶ archive. Start with `agents.py`."""
