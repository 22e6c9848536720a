"""Books from diffs are the venue's own, whatever the snapshot's place, the gaps and the cuts."""

import numpy as np
import polars as pl
import pytest
import venue
from hypothesis import given
from hypothesis import strategies as st

from quantlib import books as door
from quantlib.rebuild import RebuildError, diffs
from quantlib.rebuild.frames import books

SEEDS = st.integers(0, 2**32 - 1)


def built(rows, symbols=("A",), **options):
    """Memory and books of rows at once."""
    return diffs.build(diffs.start(symbols, levels=venue.LEVELS, **options), venue.columns(rows, venue.DIFF))


def incidents(found):
    return found.incidents()["what"].cast(str).to_list()


def world(seed, previous):
    """Messages, and the rows they make with a snapshot of one of them arriving somewhere."""
    random = np.random.default_rng(seed)
    sent, truth, held = venue.diff_messages(random, 25, previous)
    of, place = random.integers(0, len(sent), 2)
    snapshot = venue.snapshot_rows(sent[of][1], held[sent[of][1]])
    rows = [row for message in sent[:place] for row in venue.diff_rows(message)] + snapshot
    rows += [row for message in sent[place:] for row in venue.diff_rows(message)]
    return sent, truth, held, rows, int(of), int(place)


@given(seed=SEEDS, previous=st.booleans())
def test_books_are_the_venues_own_wherever_its_snapshot_comes(seed, previous):
    sent, truth, _, rows, of, place = world(seed, previous)
    _, found = built(rows)
    newer = [m[1] for m in sent[max(of + 1, place) :]]
    assert found.books["id"].tolist() == [sent[max(of, place - 1)][1], *newer]
    np.testing.assert_array_equal(venue.written(found), [truth[k] for k in found.books["id"]])
    stale = len(sent[place : of + 1])
    assert incidents(found).count("stale") == stale
    assert len(found.books["id"]) + stale + incidents(found).count("unsynced") == len(sent) + 1


@given(seed=SEEDS, previous=st.booleans(), at=st.integers(2, 20))
def test_a_lost_message_is_a_gap_until_the_next_snapshot(seed, previous, at):
    sent, truth, held, _, _, _ = world(seed, previous)
    rows = venue.snapshot_rows(sent[0][1], held[sent[0][1]])
    rows += [row for message in sent[1:at] + sent[at + 1 :] for row in venue.diff_rows(message)]
    late = venue.snapshot_rows(sent[at + 2][1], held[sent[at + 2][1]])
    _, found = built(rows + late)
    assert incidents(found).count("gap") == 1
    assert found.books["id"].tolist() == [*(m[1] for m in sent[:at]), sent[-1][1]]
    np.testing.assert_array_equal(venue.written(found), [truth[k] for k in found.books["id"]])


def test_a_snapshot_from_before_the_first_change_at_hand_is_of_no_use():
    sent, _, held, _, _, _ = world(1, True)
    rows = [row for message in sent[5:] for row in venue.diff_rows(message)]
    _, found = built(rows + venue.snapshot_rows(sent[2][1], held[sent[2][1]]))
    assert "early" in incidents(found)
    assert len(found.books["id"]) == 0


def test_without_ids_a_run_of_snapshot_rows_resets_the_book():
    none = (-1, -1, -1)
    rows = [
        (0, *none, 0, 1, 9.0, 1.0, 1),
        (0, *none, 1, 1, 10.0, 1.0, 0),
        (0, *none, 1, -1, 11.0, 2.0, 1),
        (0, *none, 0, 1, 10.0, 0.0, 1),
        (0, *none, 1, 1, 8.0, 5.0, 1),
    ]
    _, found = built(rows)
    best = found.books["bid_0"], found.books["bid_size_0"], found.books["ask_0"]
    np.testing.assert_array_equal(best, [[10.0, np.nan, 8.0], [1.0, np.nan, 5.0], [11.0, 11.0, np.nan]])
    assert incidents(found) == ["unsynced"]


@given(seed=SEEDS, cuts=st.lists(st.integers(0, 90), max_size=5).map(sorted))
def test_cut_anywhere_the_bits_are_the_same(seed, cuts):
    *_, rows, _, _ = world(seed, True)
    events = venue.columns(rows, venue.DIFF)
    whole, found = diffs.build(diffs.start(("A",), levels=venue.LEVELS), events)
    memory, parts = diffs.start(("A",), levels=venue.LEVELS), []
    for first, last in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        before = [field.tobytes() for field in memory[2:]]
        after, part = diffs.build(memory, {n: c[first:last] for n, c in events.items()})
        assert before == [field.tobytes() for field in memory[2:]]
        parts.append(part)
        memory = after
    depth = memory.depth
    for code in (0, 1):
        for name in ("key", "size", "mark"):
            ours, theirs = getattr(memory, name)[code, : depth[code]], getattr(whole, name)[code, : depth[code]]
            assert ours.tobytes() == theirs.tobytes()
    assert memory.head.tobytes() == whole.head.tobytes()
    np.testing.assert_array_equal(np.concatenate([venue.written(p) for p in parts]), venue.written(found))
    assert np.concatenate([p.what for p in parts]).tolist() == found.what.tolist()


@given(seed=SEEDS)
def test_a_symbol_does_not_see_another(seed):
    random = np.random.default_rng(seed)
    *_, rows, _, _ = world(seed, True)
    *_, others, _, _ = world(seed + 1, False)
    turn = np.sort(random.integers(0, len(rows) + 1, len(others)))
    mixed = sorted(
        [(k, 0, r) for k, r in enumerate(rows)] + [(k, 1, r) for k, r in zip(turn, others, strict=True)],
        key=lambda x: x[:2],
    )
    _, found = built([(code, *r[1:]) for _, code, r in mixed], ("A", "B"))
    for code, alone in enumerate((rows, others)):
        mine = found.books["symbol"] == code
        np.testing.assert_array_equal(venue.written(found)[mine], venue.written(built(alone)[1]))


def test_the_books_pass_the_door_and_a_crossed_one_is_told():
    rows = [(0, 1, 1, -1, 1, 1, 10.0, 1.0, 0), (0, 1, 1, -1, 1, -1, 11.0, 2.0, 1), (0, 2, 2, 1, 0, 1, 11.5, 1.0, 1)]
    _, found = built(rows)
    assert incidents(found) == ["crossed"]
    assert door(found.frame()).crossed == 1


def test_frames_give_the_same_books():
    *_, rows, _, _ = world(3, True)
    frame = pl.DataFrame(venue.columns(rows, venue.DIFF)).with_columns(
        symbol=pl.lit("A"), prev_id=pl.col("prev_id").replace(-1, None), size=pl.col("size").cast(pl.Int32)
    )
    again = books(frame, levels=venue.LEVELS)
    assert again.frame().equals(built(rows)[1].frame())
    assert again.frame().columns[:5] == ["ts", "ts_event", "symbol", "row", "id"]
    plain = pl.DataFrame({"ts": [1], "side": [1], "price": [2.0], "size": [3.0], "last": [1], "snapshot": [1]})
    assert books(plain).books["bid_0"].tolist() == [2.0]


def test_no_level_is_lost_when_there_is_no_room():
    rows = [(0, 1, 1, -1, 1, 1, float(p), 1.0, p == 5) for p in range(1, 6)]
    assert built(rows, capacity=5)[1].books["bid_0"].tolist() == [5.0]
    with pytest.raises(RebuildError, match=r"row 4 \(A, .*\) needs more than 4 levels on a side; start with a larger"):
        built(rows, capacity=4)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"side": 2}, r"row 0 has side 2, price 10.0, size 1.0; sides are 1, -1 or 0"),
        ({"price": np.nan}, r"row 0 has side 1, price nan"),
        ({"size": -1.0}, r"row 0 has side 1, price 10.0, size -1.0"),
        ({"symbol": 1}, r"its symbol code is not in 0 to 0"),
    ],
)
def test_a_row_that_cannot_be_is_refused(change, says):
    events = venue.columns([(0, 1, 1, -1, 1, 1, 10.0, 1.0, 1)], venue.DIFF)
    events |= {n: np.array([v], venue.KINDS[n]) for n, v in change.items()}
    with pytest.raises(RebuildError, match=says):
        diffs.build(diffs.start(("A",), levels=1), events)


def test_slips_are_told():
    events = venue.columns([(0, 1, 1, -1, 1, 1, 10.0, 1.0, 1)] * 2, venue.DIFF)
    memory = diffs.start(("A",), levels=1)
    with pytest.raises(RebuildError, match="column 'side' is missing"):
        diffs.build(memory, {n: c for n, c in events.items() if n != "side"})
    with pytest.raises(RebuildError, match="column 'price' must be float64 x 2, got int64 x 2"):
        diffs.build(memory, events | {"price": np.array([1, 2])})
    with pytest.raises(RebuildError, match="row 1 comes before the row above it"):
        diffs.build(memory, events | {"ts": np.array([1, 0])})
    with pytest.raises(RebuildError, match="symbols must be distinct"):
        diffs.start(("A", "A"))
    with pytest.raises(RebuildError, match="levels must be at least 1"):
        diffs.start(("A",), levels=0)


def test_rows_that_end_inside_a_message_say_so_and_in_pieces_it_waits():
    rows = [(0, 7, 7, -1, 1, 1, 10.0, 5.0, 1), (0, 8, 8, 7, 0, 1, 10.1, 2.0, 0), (0, 8, 8, 7, 0, 1, 10.2, 3.0, 1)]
    events = venue.columns(rows, venue.DIFF)
    cut = {name: column[:2] for name, column in events.items()}
    found = books(pl.DataFrame(cut).with_columns(symbol=pl.lit("A")), levels=1)
    assert found.incidents().rows() == [(1, "unfinished")]
    assert len(found.books["id"]) == 1
    assert books(pl.DataFrame(events).with_columns(symbol=pl.lit("A")), levels=1).incidents().is_empty()
    memory, first = diffs.build(diffs.start(("A",), levels=1), cut)
    _, rest = diffs.build(memory, {name: column[2:] for name, column in events.items()})
    assert incidents(first) == incidents(rest) == []
    assert rest.books["bid_0"].tolist() == [10.2]


def test_the_message_of_every_symbol_that_has_no_end_is_told_beside_what_was_told_of_it():
    gap = [(0, 7, 7, -1, 1, 1, 10.0, 5.0, 1), (1, 7, 7, -1, 1, 1, 10.0, 5.0, 0), (0, 9, 9, 8, 0, 1, 10.1, 2.0, 0)]
    events = pl.DataFrame(venue.columns(gap, venue.DIFF))
    told = books(events.with_columns(symbol=pl.Series(["A", "B", "A"]))).incidents().rows()
    assert told == [(1, "unfinished"), (2, "gap"), (2, "unfinished")]
    assert books(events.head(0).drop("symbol")).incidents().is_empty()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"side": np.nan}, "row 0 has no side"),
        ({"last": np.nan}, "row 0 has no last"),
        ({"side": 0.5}, "row 0 has side 0.5; it is a whole number from -128 to 127"),
        ({"side": 257}, "row 0 has side 257; it is a whole number"),
        ({"last_id": np.inf}, "row 0 has last_id inf; it is a whole number"),
    ],
)
def test_a_frame_whose_whole_numbers_are_none_is_refused(change, says):
    plain = {"ts": 1, "side": 1, "price": 2.0, "size": 3.0, "last": 1, "snapshot": 1}
    with pytest.raises(RebuildError, match=says):
        books(pl.DataFrame({name: [value] for name, value in (plain | change).items()}))


def test_an_id_that_is_nan_is_missing_as_null_is():
    plain = {"ts": [1], "side": [1.0], "price": [2.0], "size": [3.0], "last": [1], "snapshot": [1], "last_id": [np.nan]}
    assert books(pl.DataFrame(plain)).books["id"].tolist() == [-1]
