"""Webex messaging as a source: the organisation's events feed, read with a compliance officer's rights."""
