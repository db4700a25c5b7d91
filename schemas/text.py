"""Text that can be written down: what Avro, mail and JSON need of a string."""

USUAL = 320
"""Characters of a name, id or address: what is worked out of longer ones is not remembered, however often it is asked for."""


def well_formed(text: str) -> str:
    """The text with lone surrogates replaced by U+FFFD: UTF-8 cannot carry them, the raw bytes still do."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
