"""Hostile input: what a source or a topic may say at its worst, and whether any of it is ever lost."""
