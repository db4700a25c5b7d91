"""The quirks of the real API, switched under "switches" of a faults file; the defaults are realistic."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Switches:
    """Which quirks are on. Times are seconds of the simulated clock; `retry_after_s` is what clients wait.

    consent_page        /authorize answers a page with a link instead of redirecting at once
    rotate_refresh      a refresh brings a new refresh token, and the old one is refused from then on
    access_token_s      life of an access token; refresh_token_s that of an unused refresh token
    page_cap            what `max` is silently capped at
    lookback_days       an older `from` is answered with 403; 0 = the organisation has Pro Pack, no limit
    default_window_days the window of /events when `from` is left out
    edges_included      an event exactly at `from` or `to` is in the window
    order               of events: jumbled (newest first in blocks of 50, mixed inside), newest or oldest
    repeated            so many items of a page come again at the start of the next one
    empty_pages         each third page is empty and has a next link
    valueless           next links carry parameters without a value; max_null: they carry max=null
    endless             a next link leads to its own page, for ever
    cursor_life_s       a cursor older than that is refused; 0 = never
    event_delay_s       an event is visible so long after it happened
    late_every          one event in so many is visible only after late_s; 0 = none
    org_and_app         orgId and appId in events: mixed (absent, "null" or an id), absent or present
    parent_in_events    messages in events carry parentId; the real ones are said not to
    unknown_events      events of resources and types that no document lists
    created_text        what a message's created event shows after an edit: original or current
    kms_times           so often a message marked so is served as ciphertext with a kms_failure first
    kms_titles          so often a room's title is served as ciphertext first
    list_foreign        GET /messages?roomId= works for every room, not only for the officer's own
    retention_days      older messages and files are gone (404)
    deleted_readable    the officer still reads deleted messages and their files within retention
    retry_after_s       Retry-After of a 423
    gzip_hides_length   HEAD of a file has no Content-Length for clients that accept gzip
    allow_unscannable   ?allow=unscannable brings a file that could not be scanned
    hostile             spaces with input that no sane service would send are served too
    """

    consent_page: bool = False
    rotate_refresh: bool = True
    access_token_s: float = 1_209_600
    refresh_token_s: float = 7_776_000
    page_cap: int = 1000
    lookback_days: float = 90
    default_window_days: float = 25
    edges_included: bool = False
    order: str = "jumbled"
    repeated: int = 1
    empty_pages: bool = True
    valueless: bool = True
    max_null: bool = False
    endless: bool = False
    cursor_life_s: float = 0
    event_delay_s: float = 2
    late_every: int = 40
    late_s: float = 240
    org_and_app: str = "mixed"
    parent_in_events: bool = False
    unknown_events: bool = True
    created_text: str = "original"
    kms_times: int = 2
    kms_titles: int = 0
    list_foreign: bool = False
    retention_days: float = 360
    deleted_readable: bool = True
    retry_after_s: float = 1
    gzip_hides_length: bool = True
    allow_unscannable: bool = True
    hostile: bool = False
