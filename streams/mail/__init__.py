"""Conversation to mail: pure functions from a closed slice to the bytes of its mails.

`render.render` is the way in, `assemble.mail_chunks` the way from its segments to bytes. Nothing here reads a
clock, a random number, a locale, the order of a set or the version of Python: the same slice and settings give the
same bytes for ever. A change of bytes needs a new format number (`render.RENDERERS`); the old one stays.
"""
