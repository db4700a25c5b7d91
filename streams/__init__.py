"""The Faust app: raw-events ─▶ assemble ─▶ render ─▶ route ─▶ store. Start with `agents.py`."""
