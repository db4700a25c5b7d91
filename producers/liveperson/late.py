"""Files of LivePerson that turn up after their message was archived.

What is owed is learnt from the log alone, together with what was sent: whoever captured the message, and whatever became
of the memory, the file is asked for.
"""

from collections.abc import Callable, Iterable, Iterator

from producers.late import Late, LateFiles
from producers.liveperson.cache import Cache, Sent
from producers.liveperson.content import File
from producers.liveperson.draft import SURVEY
from producers.liveperson.files import Files
from producers.liveperson.settings import LivePersonSettings
from producers.owed import Owed
from producers.source import Captured
from schemas.records import Attachment


class LivePersonLateFiles(LateFiles):
    """`now_ms` is LivePerson's clock."""

    order = SURVEY - 1

    def __init__(
        self, settings: LivePersonSettings, cache: Cache, files: Files, now_ms: Callable[[], int]
    ) -> None:
        super().__init__(settings.uid, settings.late_file_days, cache.owed, self._skill)
        self._cache, self._files, self._now_ms = cache, files, now_ms

    def learnt(self, earlier: Iterable[Captured]) -> Iterator[Captured]:
        """The same; notes which files of these could not be had, and which turned up."""
        for each in earlier:
            for event in each.events:
                for file in event["attachments"]:
                    # A second message of one id is a repeat: what the first one lacks is owed all the same.
                    if event["kind"] != "message" or file["outcome"] != "stored":
                        self._owed.note(each.slice, event, file["source_key"], file, each.captured_ms)
            yield each

    def again(self, one: Owed) -> Attachment:
        """Ask for the file, once; SourceError."""
        return self._files.fetch(File(one.url, one.name, one.content_type), patient=False)

    def known(self, late: Late) -> bool:
        """Whether the log has it, or this poll has handed it over."""
        return late.key in self._cache.known(late.owed.day.conversation)

    def sending(self, late: Late) -> None:
        """It counts as sent with the next confirmation."""
        self._cache.add([Sent(late.owed.day.conversation, late.key, late.id, None, self._now_ms())])

    def _skill(self, conversation: str) -> dict[str, str]:
        """Where it began: the subject of a supplement says it too."""
        skill = self._cache.skill(conversation)
        return {"skill": skill} if skill else {}
