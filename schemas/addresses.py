"""When two ids or addresses name the same person: one rule for the mapping file, for routing and for the check of a file. Pure.

Letter case and surrounding blanks don't count, in all of the name. An international domain is the same in Unicode and in ASCII
(IDNA 2003, Python's `idna` codec). Everything else counts: a plus-tag, dots and the local part's accents make another address,
because whether they reach the same mailbox is each mail system's own business.
"""

from functools import lru_cache

from schemas.text import USUAL


def comparable(name: str) -> str:
    """The form in which ids and addresses are compared; names are the same if and only if their forms are."""
    return _comparable(name) if len(name) <= USUAL else _comparable.__wrapped__(name)


@lru_cache(maxsize=4096)
def _comparable(name: str) -> str:
    folded = name.strip().casefold()
    local, at, domain = folded.rpartition("@")
    return f"{local}@{comparable_domain(domain)}" if at else folded


@lru_cache(maxsize=4096)
def comparable_domain(domain: str) -> str:
    """The same for a domain alone; what can't be a domain name is compared as it is."""
    folded = domain.strip().casefold()
    try:
        return folded if folded.isascii() else folded.encode("idna").decode("ascii")
    except UnicodeError:
        return folded
