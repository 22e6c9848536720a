"""Rows as they come give what all rows at once give, and a snapshot forgets nothing."""

import json
import struct
import zlib
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quantlib
from quantlib import snapshot
from quantlib.asof import hold, hold_start
from quantlib.core import FeatureError, Memory, fingerprint, run, start
from quantlib.features import depth_change, imbalance
from quantlib.own import feature, python_feature
from quantlib.schema import TableError
from quantlib.snapshot import SnapshotError, dumped, loaded
from quantlib.stream import Stream

SYMBOLS = ("A", "B")


@feature(memory={"mean": np.nan}, horizon=400)
def fading(m, close, weight=0.25):
    m.mean = close if np.isnan(m.mean) else m.mean + weight * (close - m.mean)
    return m.mean


@feature(memory={"last": np.nan}, warmup=1, horizon=1)
def change(m, fading):
    gone = fading - m.last
    m.last = fading
    return gone


@feature(clock="quote")
def spread(bid, ask):
    return ask - bid


@feature()
def cost(close, spread):
    return spread / close


@python_feature(memory={"count": 0.0})
def counted(m, close):
    m.count += 1.0
    if close > 50.0:
        raise RuntimeError("too dear")
    return m.count


FEATURES = (fading(), change(), fading(weight=0.5, close="change", out="faded_change"))
MIXED = (*FEATURES, spread(), cost())
HOLD = {"quote": ["spread", "bid"]}


def bar(ts, close=10.0, symbol="A", **more):
    return {"ts": ts, "symbol": symbol, "open": close, "high": close, "low": close, "close": close} | more


def quote(ts, bid=9.0, ask=11.0, symbol="A"):
    return {"ts": ts, "symbol": symbol, "bid": bid, "ask": ask, "bid_size": 1.0, "ask_size": 1.0}


def arrays(rows):
    """Rows as one dict of arrays."""
    made = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return made | {"symbol": [row["symbol"] for row in rows], "ts": made["ts"].astype(np.int64)}


@st.composite
def tapes(draw):
    """Bars and quotes of two symbols in their one order, some with missing values."""
    rows = []
    for ts in range(draw(st.integers(1, 12))):
        price = st.one_of(st.floats(1.0, 9.0), st.just(float("nan")))
        for symbol in SYMBOLS:
            if draw(st.booleans()):
                rows.append(("quote", quote(ts, draw(price), draw(price), symbol)))
        rows += [("bar", bar(ts, draw(price), symbol)) for symbol in SYMBOLS if draw(st.booleans())]
    return rows


@given(tape=tapes(), data=st.data())
@settings(deadline=None)
def test_any_way_of_cutting_rows_into_pushes_gives_the_bits_of_one_run(tape, data):
    quotes, bars = ([r for c, r in tape if c == clock] for clock in ("quote", "bar"))
    stream, got, queue = Stream(MIXED, SYMBOLS, HOLD), [], []
    for k, (clock, row) in enumerate(tape):
        queue.append(row)
        last = k + 1 == len(tape) or tape[k + 1][0] != clock
        if len(queue) == 1 and data.draw(st.booleans()):
            answer, queue = stream.push(queue.pop(), clock), []
        elif last or data.draw(st.booleans()):
            answer, queue = stream.push(arrays(queue), clock), []
        else:
            continue
        if clock == "bar":
            got.append({name: np.atleast_1d(value) for name, value in answer.items()})
        if data.draw(st.integers(0, 4)) == 0 and not queue:
            stream = Stream.restore(MIXED, stream.snapshot())
    if not bars:
        return
    wanted = in_one_run(quotes, bars)
    for name, column in wanted.items():
        np.testing.assert_array_equal(np.concatenate([g[name] for g in got]), column)


def coded(rows):
    made = arrays(rows)
    return made | {"symbol": np.array([SYMBOLS.index(s) for s in made["symbol"]], np.int32)}


def in_one_run(quotes, bars):
    """`run` and `hold` over everything at once."""
    left, names = coded(bars), HOLD["quote"]
    held = {name: np.full(len(bars), np.nan) for name in names}
    if quotes:
        source = coded(quotes)
        _, spreads = run([spread()], start([spread()], SYMBOLS), source)
        _, held = hold(hold_start(SYMBOLS, names), left, source | spreads)
    of_bars = [f for f in MIXED if f.clock == "bar"]
    _, written = run(of_bars, start(of_bars, SYMBOLS), left | held)
    return held | written


def test_one_row_answers_with_numbers_and_many_with_arrays():
    stream = Stream(FEATURES, SYMBOLS)
    assert stream.push(bar(1))["fading"] == 10.0
    assert stream.push(bar(1, 20.0, "B"))["fading"] == 20.0
    answer = stream.push(arrays([bar(2, 14.0), bar(2, 20.0, "B")]))
    np.testing.assert_array_equal(answer["fading"], [11.0, 20.0])
    frame = pl.DataFrame([bar(datetime(2024, 1, 2, tzinfo=UTC), 15.0)])
    np.testing.assert_array_equal(stream.push(frame)["fading"], [12.0])


def test_a_row_may_name_its_moment_and_symbol_in_several_ways():
    stream = Stream(FEATURES, SYMBOLS)
    for ts in (1, np.int64(2), datetime(2024, 1, 2, tzinfo=UTC), np.datetime64("2024-01-03", "ns")):
        assert stream.push(bar(ts))["fading"] == 10.0
    assert stream.push(bar(2**61, symbol=1))["fading"] == 10.0
    assert np.isnan(stream.push(bar(2**61, None))["fading"])
    assert Stream(FEATURES, ["A"]).push({n: v for n, v in bar(1).items() if n != "symbol"})["fading"] == 10.0


REFUSED = [
    (bar(4), TableError, r"bars: row 0 \(A, 1970.*\) goes back in time; bars up to .*005Z are in, push in order of ts"),
    (bar(5), TableError, r"repeats a bar of its symbol"),
    (bar(6, high=9.0), TableError, r"has high 9.0 below low 10.0"),
    (bar(6, symbol="C"), TableError, r"unknown symbol 'C'; known are A, B"),
    (bar(6, symbol=2), TableError, r"symbol code 2 is not in 0 to 1"),
    (bar(6, symbol=None), TableError, r"'symbol' is missing; the stream has 2 symbols"),
    (bar(6, close="10"), TableError, r"open must be a number, got '10'"),
    ({"ts": 6, "symbol": "A"}, TableError, r"column 'open' is missing"),
    ({"symbol": "A", "open": 1.0}, TableError, r"column 'ts' is missing"),
    (bar(None), TableError, r"row 0 has no ts"),
    (arrays([bar(6), bar(7), bar(6)]), TableError, r"row 2 .* goes back in time; bars up to .*007Z"),
]


@pytest.mark.parametrize(("rows", "error", "says"), REFUSED)
def test_a_refused_push_changes_nothing(rows, error, says):
    stream = Stream(FEATURES, SYMBOLS)
    stream.push(bar(5))
    before = stream.snapshot()
    with pytest.raises(error, match=says):
        stream.push(rows)
    assert stream.snapshot() == before
    assert stream.push(bar(6, 14.0))["fading"] == 11.0


def test_quotes_that_bars_should_have_known_are_refused():
    stream = Stream(MIXED, SYMBOLS, HOLD)
    stream.push(quote(3), "quote")
    assert stream.push(bar(5))["spread"] == 2.0
    before = stream.snapshot()
    with pytest.raises(FeatureError, match=r"quote of .*005Z comes after rows up to .*feed all clocks in order"):
        stream.push(quote(5), "quote")
    assert stream.snapshot() == before


def test_a_missing_column_is_named_before_anything_moves():
    stream = Stream((fading(), fading(close="vwap", out="second")), SYMBOLS)
    before = stream.snapshot()
    with pytest.raises(FeatureError, match="bars lack column 'vwap'"):
        stream.push(bar(1))
    with pytest.raises(FeatureError, match="bars lack column 'vwap'"):
        stream.push(arrays([bar(1)]))
    assert stream.snapshot() == before
    with pytest.raises(FeatureError, match="quotes lack column 'mid'"):
        Stream((), SYMBOLS, {"quote": ["mid"]}).push(quote(1), "quote")


def test_a_plain_python_feature_that_raises_changes_nothing():
    stream = Stream((fading(), counted()), SYMBOLS)
    stream.push(bar(1))
    before = stream.snapshot()
    with pytest.raises(RuntimeError, match="too dear"):
        stream.push(bar(2, 60.0))
    assert stream.snapshot() == before
    assert stream.push(bar(2))["counted"] == 2.0


def test_clocks_that_nothing_runs_on_are_refused():
    with pytest.raises(TableError, match="nothing runs on 'trade' rows; its clocks are"):
        Stream(FEATURES, SYMBOLS).push({"ts": 1}, "trade")
    for clock in ("bar", "tick"):
        with pytest.raises(TableError, match=f"got '{clock}'"):
            Stream(FEATURES, SYMBOLS, {clock: ["close"]})


def test_books_find_their_levels():
    @feature(clock="book")
    def depth(bid_size_0, bid_size_1):
        return bid_size_0 + bid_size_1

    levels = {f"{n}_{k}": v for k in (0, 1) for n, v in (("bid", 9.0 - k), ("ask", 10.0 + k))}
    sizes = {f"{n}_size_{k}": 2.0 for k in (0, 1) for n in ("bid", "ask")}
    stream = Stream([depth()], ["A"])
    assert stream.push({"ts": 1} | levels | sizes, "book") == {"depth": 4.0}
    with pytest.raises(TableError, match=r"has bid_1 9.5 not below bid_0 9.0; the levels of a book"):
        stream.push({"ts": 2} | levels | sizes | {"bid_1": 9.5}, "book")


def test_a_stream_restored_goes_on_as_if_nothing_had_happened():
    stream = Stream(MIXED, SYMBOLS, HOLD)
    stream.push(quote(3), "quote")
    stream.push(bar(5))
    again = Stream.restore(MIXED, stream.snapshot(), SYMBOLS)
    assert again.symbols == SYMBOLS
    assert again.snapshot() == stream.snapshot()
    assert again.push(bar(6, 12.0)) == stream.push(bar(6, 12.0))
    with pytest.raises(TableError, match="goes back in time"):
        again.push(bar(5))


def test_a_snapshot_of_other_features_code_or_symbols_is_refused():
    data = Stream(FEATURES, SYMBOLS).snapshot()
    with pytest.raises(SnapshotError, match=r"it holds \['fading.*got features \['fading\(fading\)'\]"):
        Stream.restore(FEATURES[:1], data)
    other = (fading(weight=0.3), *FEATURES[1:])
    with pytest.raises(SnapshotError, match=r"fading\(fading\) had other parameters or other code"):
        Stream.restore(other, data)
    with pytest.raises(SnapshotError, match=r"it is of symbols \['A', 'B'\], got \['A'\]"):
        Stream.restore(FEATURES, data, ["A"])
    with pytest.raises(SnapshotError, match="features alone and no stream"):
        Stream.restore(FEATURES, dumped(FEATURES, start(FEATURES, SYMBOLS)))


@given(data=st.data())
@settings(deadline=None)
def test_a_snapshot_cut_short_or_damaged_is_refused(data):
    whole = Stream(FEATURES, SYMBOLS).snapshot()
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(SnapshotError):
        Stream.restore(FEATURES, whole[:cut])
    flipped = bytearray(whole)
    flipped[cut] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SnapshotError):
        Stream.restore(FEATURES, bytes(flipped))


def test_a_snapshot_of_another_version_says_so():
    whole = bytearray(Stream(FEATURES, SYMBOLS).snapshot()[:-4])
    whole[8:12] = struct.pack("<I", snapshot.VERSION + 1)
    with pytest.raises(SnapshotError, match=r"it is of version 3, this library reads version 2; .* warm up afresh"):
        Stream.restore(FEATURES, bytes(whole) + struct.pack("<I", zlib.crc32(whole)))


def test_memory_comes_back_from_bytes_with_what_was_laid_beside_it():
    memory = start(FEATURES, SYMBOLS)
    memory.records[0]["mean"] = [1.5, np.nan]
    data = dumped(FEATURES, memory, {"desk": b"abc", "empty": b""})
    back, extra = loaded(FEATURES, data)
    assert back.symbols == SYMBOLS
    assert extra == {"desk": b"abc", "empty": b""}
    for ours, theirs in zip(back.records, memory.records, strict=True):
        assert ours.tobytes() == theirs.tobytes()
        assert ours.flags.writeable
    with pytest.raises(SnapshotError, match="memory is of 3 features, got 1"):
        dumped(FEATURES[:1], memory)
    with pytest.raises(SnapshotError, match="memory does not fit"):
        dumped(FEATURES, Memory(SYMBOLS, memory.records[1:] + memory.records[:1]))


def test_a_snapshot_names_its_features_in_plain_text():
    data = dumped(FEATURES, start(FEATURES, SYMBOLS))
    _, _, length = snapshot.HEAD.unpack_from(data)
    header = json.loads(data[snapshot.HEAD.size : snapshot.HEAD.size + length])
    assert header["features"][0] == ["fading(fading)", fingerprint(FEATURES[:1])]


def test_ladders_of_several_heights_see_every_single_row():
    features = [imbalance(1, out="best"), imbalance(3, out="deep"), depth_change(2), spread_of_levels()]
    rng = np.random.default_rng(4)
    rows = {"ts": np.arange(1, 41)}
    for k in range(3):
        rows |= {f"bid_{k}": np.full(40, 9.0 - k), f"ask_{k}": np.full(40, 10.0 + k)}
        rows |= {f"{side}_size_{k}": rng.integers(0, 5, 40) * 1.0 for side in ("bid", "ask")}
    whole = quantlib.compute(features, rows)
    stream = Stream(features, ["X"])
    for i in range(40):
        seen = stream.push({name: column[i].item() for name, column in rows.items()}, "book")
        assert list(map(repr, seen.values())) == [repr(whole[name][i]) for name in seen]


@feature(clock="book")
def spread_of_levels(bid_size_0, ask_size_2):
    return ask_size_2 - bid_size_0


def test_words_that_nobody_reads_are_left_out_of_single_rows_as_of_many():
    rows = pl.DataFrame({"ts": [1, 2, 3], "open": 1.0, "high": 3.0, "low": 1.0, "close": [1.0, 2.0, 3.0], "id": "t1"})
    stream = Stream([fading()], ["A"])
    seen = [stream.push(row)["fading"] for row in rows.iter_rows(named=True)]
    assert seen == quantlib.compute(fading(), rows)["fading"].to_list()
    with pytest.raises(TableError, match="close must be a number, got 't1'"):
        stream.push({"ts": 4, "open": 1.0, "high": 3.0, "low": 1.0, "close": "t1"})
