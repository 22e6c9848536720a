"""A snapshot's own bytes can be revised without its features, and nothing else of it changes."""

from __future__ import annotations

import pytest

from quantlib.core import start
from quantlib.features.trend.exponential import ema
from quantlib.snapshot import SnapshotError, dumped, loaded, revised

FEATURES = [ema(5)]


def snapshot() -> bytes:
    return dumped(FEATURES, start(FEATURES, ("A", "B")), {"first": b"one", "meta": b"{}", "last": b"three"})


@pytest.mark.parametrize("other", [b"", b"{}", b"something much longer"])
def test_one_name_is_revised_and_the_rest_stays(other: bytes) -> None:
    memory, extra = loaded(FEATURES, snapshot())
    found, changed = loaded(FEATURES, revised(snapshot(), "meta", lambda meta: other))
    assert changed == extra | {"meta": other}
    assert found.symbols == memory.symbols
    assert [r.tobytes() for r in found.records] == [r.tobytes() for r in memory.records]


def test_revised_to_what_it_was_it_is_the_same_bytes() -> None:
    assert revised(snapshot(), "meta", lambda meta: meta) == snapshot()


def test_damaged_bytes_and_names_that_are_not_there_are_refused() -> None:
    with pytest.raises(SnapshotError, match="has no 'mta'"):
        revised(snapshot(), "mta", lambda meta: meta)
    with pytest.raises(SnapshotError, match="checksum"):
        revised(snapshot()[:-9] + b"x" + snapshot()[-8:], "meta", lambda meta: meta)
