"""The index of disposition, where what orders named is not what the ledger knows."""

from consumers.disposition.index import PAGE, Index


def test_mails_that_the_ledger_does_not_know_hide_no_others() -> None:
    """An order may have named a whole page of mails that were never stored; those behind them are looked at all the same."""
    named = [number.to_bytes(16, "big") for number in range(PAGE + 2)]
    stored = [(one, "u", "c", "s", 0, 1, 10, "p", "[]", 1) for one in named[-2:]]
    with Index() as index:
        index.db.executemany("INSERT INTO gone VALUES (?, 'd', 7, 0)", [(one,) for one in named])
        index.db.executemany("INSERT INTO mail VALUES (?,?,?,?,?,?,?,?,?,?)", stored)
        assert [mail.id for mail in index.gone(since_ms=5, disposal="d")] == named[-2:]
        assert not list(index.gone(since_ms=8))
