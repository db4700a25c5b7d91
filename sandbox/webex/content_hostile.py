"""Input that no sane service would send; served only when the switch `hostile` is on."""

from sandbox.webex.script import Say, Space

_LINES = (
    Say("mon 08:00", "tom", "a lone surrogate: \ud83d here, and \udc00 there"),
    Say("mon 08:01", "tom", "ten megabytes " * 750_000),
    Say("mon 08:02", "katrin", "long before our time", trouble="past"),
    Say("mon 08:03", "katrin", "long after our time", trouble="future"),
    Say("mon 08:04", "tom", "nobody wrote this", trouble="no-person"),
    Say("mon 08:05", "tom", "in no space", trouble="no-room"),
    Say("mon 08:06", "tom", "the text is a number", trouble="number"),
    Say("mon 08:07", "tom", "the same id twice, with another body", trouble="twice"),
    Say("mon 08:08", "tom", "nothing but an id", trouble="bare"),
    Say("mon 08:09", "katrin", "and life goes on"),
)

SPACES = (Space("hostile", "Hostile input", ("tom", "katrin"), _LINES, hostile=True),)
