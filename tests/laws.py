"""Tapes and cuts for hypothesis; the laws themselves are `quantlib.laws`, which users have too."""

from hypothesis import strategies as st

from quantlib.core import Feature
from quantlib.tapes import KINDS, Tape, tape

SEEDS = st.integers(0, 2**32 - 1)


def tapes(feature: Feature, least: int = 0, most: int = 200, kinds: tuple[str, ...] = KINDS) -> st.SearchStrategy[Tape]:
    """Rows that the feature can read: any kind, one to four symbols, none to a third of the rows missing a value."""
    return st.builds(
        lambda rows, symbols, kind, missing, seed: tape(feature, rows, symbols, kind=kind, missing=missing, seed=seed),
        st.integers(least, most),
        st.integers(1, 4),
        st.sampled_from(kinds),
        st.sampled_from([0.0, 0.05, 0.3]),
        SEEDS,
    )


def cuts(given: Tape, most: int = 6) -> st.SearchStrategy[list[int]]:
    """Rows at which to cut a tape, ascending; the same row twice is a call without rows."""
    return st.lists(st.integers(0, given.rows), max_size=most).map(sorted)


def row(given: Tape) -> st.SearchStrategy[int]:
    """A row of a tape, or its end."""
    return st.integers(0, given.rows)
