"""Every catalogued feature on recorded markets: batch, pieces, single rows and memory from bytes agree to the bit."""

import numpy as np
import pytest
from real_rows import real

from quantlib import catalog, laws
from quantlib.core import Memory, advance, run, start
from quantlib.snapshot import dumped, loaded
from quantlib.tapes import Tape

SINGLE = 400  # rows fed one by one

every = pytest.mark.parametrize("name", catalog.names())


def edge(feature, rows, row):
    """The row, or the first of its timestamp for a feature that sees whole ones."""
    if feature.scope == "symbol" or row >= rows.rows:
        return row
    return int(np.searchsorted(rows.columns["ts"], rows.columns["ts"][row]))


@every
def test_pieces_and_one_call_agree(name):
    feature = catalog.feature(name)
    rows = real(feature)
    laws.resume(feature, rows, sorted(np.random.default_rng(0).integers(0, rows.rows, 7).tolist()))
    laws.silence(feature, rows)
    laws.separation(feature, rows)


@every
def test_single_rows_and_one_call_agree(name):
    feature = catalog.feature(name)
    rows = real(feature)
    begin = edge(feature, rows, rows.rows // 2)
    end = edge(feature, rows, begin + SINGLE)
    _, whole = run([feature], start([feature], rows.symbols), rows.only(slice(0, end)).columns)
    memory, _ = run([feature], start([feature], rows.symbols), rows.only(slice(0, begin)).columns)
    now = begin
    while now < end:
        after = now + 1 if feature.scope == "symbol" else edge_after(rows, now)
        seen = advance([feature], memory, rows.only(slice(now, after)).columns)
        for output in feature.outputs:
            assert seen[output].tobytes() == whole[output][now:after].tobytes(), (output, now)
        now = after


@every
def test_memory_comes_back_from_bytes(name):
    feature = catalog.feature(name)
    rows = real(feature)
    half = edge(feature, rows, rows.rows // 2)
    memory, _ = run([feature], start([feature], rows.symbols), rows.only(slice(0, half)).columns)
    again, _ = loaded([feature], dumped([feature], memory))
    assert isinstance(again, Memory)
    late = rows.only(slice(half, min(rows.rows, half + 2_000)))
    _, before = run([feature], memory, late.columns)
    _, after = run([feature], again, late.columns)
    for output in feature.outputs:
        assert before[output].tobytes() == after[output].tobytes()


@every
def test_outputs_are_finite_from_the_warmup_on(name):
    feature = catalog.feature(name)
    laws.warm_up(feature, real(feature))


def edge_after(rows: Tape, row: int) -> int:
    """The first row of the next timestamp."""
    return int(np.searchsorted(rows.columns["ts"], rows.columns["ts"][row], side="right"))
