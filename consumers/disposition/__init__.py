"""Disposition: what is past its retention, or is to be erased, leaves archive, content store and replay, on record (rule 28)."""
