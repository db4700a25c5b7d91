"""When refusing goes too far, and what a dead letter keeps."""

from pathlib import Path

import pytest

from streams.refusals import (
    LASTING,
    LONGEST_REASON,
    DependencyError,
    RefusalLimit,
    TooManyRefusalsError,
    dead_letter,
    dependency,
)


def test_half_of_a_window_is_too_much() -> None:
    """The limit looks at the last records only, and not before it has seen a window of them."""
    limit = RefusalLimit(window=10)
    for _ in range(20):
        limit.note("archive", refused=True) if _ % 5 == 0 else limit.note("archive", refused=False)
    for _ in range(3):
        limit.note("archive", refused=True)
    with pytest.raises(TooManyRefusalsError, match="of the last 10"):
        limit.note("archive", refused=True)


def test_the_first_records_of_a_process_may_all_be_bad() -> None:
    """One bad record at the head of a quiet topic must not stop the worker."""
    limit = RefusalLimit(window=10)
    for _ in range(9):
        limit.note("archive", refused=True)


def test_errors_of_a_dependency_never_look_like_those_of_bytes() -> None:
    """Whatever a client library raises, the record isn't refused for it."""
    for kind in LASTING:
        with pytest.raises(DependencyError, match="Kafka"), dependency("Kafka"):
            raise kind("x")
    assert not issubclass(DependencyError, LASTING)
    with pytest.raises(OSError, match="x"), dependency("Kafka"):
        raise OSError("x")


def test_a_letter_says_what_where_and_why() -> None:
    """Original bytes and key verbatim; the reason is one that can be written, and not endless."""
    letter = dead_letter("archive", "mails", 3, 7, b"\x00k", b"\xffv", ValueError("\ud800" + "x" * 9999))

    assert (letter["key"], letter["value"], letter["origin"]) == (b"\x00k", b"\xffv", "mails/3/7")
    assert letter["reason"].startswith("mails/3/7: \ufffdxxx")
    assert len(letter["reason"]) == LONGEST_REASON
    assert letter["error"] == "ValueError"


def test_healthy_stages_do_not_hide_one_that_refuses_everything() -> None:
    """Each stage counts for itself: a broken renderer is stopped however many raw events are fine."""
    limit = RefusalLimit(window=10)
    for _ in range(9):
        limit.note("archive", refused=True)
        for _ in range(20):
            limit.note("assemble", refused=False)

    with pytest.raises(TooManyRefusalsError, match="archive"):
        limit.note("archive", refused=True)


def life(kept: Path, outcomes: list[bool], stage: str = "archive") -> int:
    """How many records of these a worker refuses before it is stopped; -1 if it is not."""
    limit = RefusalLimit(window=20, kept=kept)
    for count, refused in enumerate(outcomes):
        try:
            limit.note(stage, refused=refused)
        except TooManyRefusalsError:
            return count
    return -1


def test_a_bad_deploy_that_is_started_again_and_again_does_not_refuse_a_window_each_time(
    tmp_path: Path,
) -> None:
    """A supervisor would drain the topic into the dead letters, a window a life."""
    kept = tmp_path / "state"

    assert [life(kept, [True] * 100) for _ in range(5)] == [19, 1, 1, 1, 1]


def test_after_a_bad_deploy_a_sound_one_goes_on_and_forgets(tmp_path: Path) -> None:
    """Also when the first record is one that is really at fault; later lives owe nothing any more."""
    kept = tmp_path
    life(kept, [True] * 100)

    assert life(kept, [True] + [False] * 30) == -1
    assert not list(kept.iterdir())
    assert life(kept, [True] * 19) == -1


@pytest.mark.parametrize("text", ["", "[]", "7", "{}", "{"])
def test_a_file_that_says_nothing_counts_for_nothing(tmp_path: Path, text: str) -> None:
    """It is a memory, and no reason not to start."""
    (tmp_path / "refusals-archive.json").write_text(text)

    assert life(tmp_path, [True] * 100) == 19


def test_a_worker_leaves_alone_what_the_others_of_its_host_counted(tmp_path: Path) -> None:
    """Neither a healthy stage nor a healthy worker of the same stage takes back what stopped another one."""
    healthy = RefusalLimit(window=20, kept=tmp_path)
    healthy.note("archive", refused=False)
    assert life(tmp_path, [True] * 100) == 19
    assert life(tmp_path, [True] * 100, "another") == 19
    for _ in range(40):
        healthy.note("archive", refused=False)
        healthy.note("assemble", refused=False)

    assert [life(tmp_path, [True] * 100, stage) for stage in ("archive", "another")] == [1, 1]
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "refusals-another.json",
        "refusals-archive.json",
    ]
