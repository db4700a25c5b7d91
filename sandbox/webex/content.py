"""The whole story: what is written by hand, and as much generated beside it as `scale` asks for."""

from collections.abc import Sequence

from sandbox.webex import (
    content_desks,
    content_generated,
    content_hostile,
    content_languages,
    content_odd,
    content_outside,
    large,
)
from sandbox.webex.content_people import PEOPLE, TEAMS
from sandbox.webex.script import Space, Story

WRITTEN = (
    *content_desks.SPACES,
    *content_languages.SPACES,
    *content_outside.SPACES,
    *content_odd.SPACES,
    *content_hostile.SPACES,
)


def story(scale: int = 1, seed: int = 1, large_mb: Sequence[int] = ()) -> Story:
    """Return people, teams and spaces.

    Scale 0 is only what is written by hand (some 20 spaces, 200 messages); 1 has the 3,000-message space too;
    each further unit brings 11 spaces with 300 messages each. `large_mb`: sizes of large files (sandbox.webex.large).
    """
    if scale < 1:
        return Story(PEOPLE, TEAMS, (*WRITTEN, *large.spaces(large_mb)))
    more: tuple[Space, ...] = (*content_generated.spaces(seed, scale - 1), *large.spaces(large_mb))
    people = (*PEOPLE, *content_generated.speakers(seed))
    return Story(people, TEAMS, (*WRITTEN, content_generated.blotter(seed), *more))
