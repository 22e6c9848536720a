"""Bars of the past: three vendors' clients against their own JSON, and one source taking over from another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
import pytest
from aiohttp import web
from feed_rows import MINUTE, OPEN, SECOND
from served import answering

from live.errors import FeedError, HistoryError
from live.feeds.alpaca_history import AlpacaHistory
from live.feeds.failover import Failover
from live.feeds.history import BARS, DAY, FRAME, HOUR, checked, frame_of, records
from live.feeds.massive_history import MassiveHistory
from live.feeds.tiingo_history import TiingoHistory
from live.keys import Keys
from quantlib.schema import moment
from quantlib.table import bars as bar_table

SECRET = "very-secret-key"


def keys(address: str, feed: str = "iex") -> Keys:
    return Keys(SECRET, SECRET, f"http://{address}", f"http://{address}", f"ws://{address}", feed)


def alpaca_bar(minute: int, close: float = 100.0) -> dict[str, Any]:
    stamp = moment(OPEN + (minute - 1) * MINUTE)
    return {"t": stamp, "o": close, "h": close + 1, "l": close - 1, "c": close, "v": 1000, "n": 10, "vw": close}


def expected(*of: tuple[int, str], length: int = MINUTE) -> pl.DataFrame:
    """The frame of bars that end so many minutes after the opening."""
    return frame_of([(OPEN + m * MINUTE - length, s, 100.0, 101.0, 99.0, 100.0, 1000.0) for m, s in of], length)


def test_alpaca_gives_stocks_and_crypto_of_all_pages_in_one_frame() -> None:
    asked: list[dict[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append({"path": request.path} | dict(request.query))
        if request.path == "/v1beta3/crypto/us/bars":
            return web.json_response({"bars": {"BTC/USD": [alpaca_bar(1)]}, "next_page_token": None})
        if request.query.get("page_token") == "more":
            return web.json_response({"bars": {"MSFT": [alpaca_bar(2)]}, "next_page_token": None})
        return web.json_response({"bars": {"AAPL": [alpaca_bar(1), alpaca_bar(2)]}, "next_page_token": "more"})

    with answering(answer) as server:
        frame = AlpacaHistory(keys(server.address)).bars(["AAPL", "MSFT", "BTC/USD"], OPEN, OPEN + 2 * MINUTE, MINUTE)
    assert frame.equals(expected((1, "AAPL"), (2, "AAPL"), (2, "MSFT"), (1, "BTC/USD")))
    first = asked[0]
    assert (first["symbols"], first["timeframe"], first["feed"], first["adjustment"]) == (
        "AAPL,MSFT", "1Min", "iex", "raw"
    )  # fmt: skip
    assert first["start"].startswith("2024-07-01T13:29:00")
    assert first["end"].startswith("2024-07-01T13:31:00")


def test_alpaca_takes_recent_bars_of_iex_where_the_plan_has_no_recent_consolidated_ones() -> None:
    asked: list[tuple[str, str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        feed, start, end = (request.query[name][:16] for name in ("feed", "start", "end"))
        asked.append((feed, start, end))
        if feed == "sip" and end > "2024-07-01T14:14":
            text = "subscription does not permit querying recent SIP data"
            return web.json_response({"code": 42210000, "message": text}, status=403)
        return web.json_response({"bars": {"AAPL": [alpaca_bar(1 if feed == "sip" else 60)]}, "next_page_token": None})

    with answering(answer) as server:
        history = AlpacaHistory(keys(server.address, "sip"))
        frame = history.bars(["AAPL"], OPEN - MINUTE, OPEN + 60 * MINUTE, MINUTE)
    assert frame.equals(expected((1, "AAPL"), (60, "AAPL")))
    assert [one[0] for one in asked] == ["sip", "sip", "iex"]
    assert asked[1][2] == asked[2][1] == "2024-07-01T14:13"


def test_massive_gives_bars_of_all_pages() -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path_qs)
        assert request.headers["Authorization"] == f"Bearer {SECRET}"
        start = (OPEN + (MINUTE if "cursor" in request.query else 0)) // 10**6
        body = {
            "status": "OK",
            "results": [{"o": 100.0, "h": 101.0, "l": 99.0, "c": 100.0, "v": 1000, "vw": 1.0, "t": start, "n": 5}],
        }
        if "AAPL" in request.path and "cursor" not in request.query:
            body["next_url"] = f"https://api.massive.com{request.path}?cursor=abc"
        return web.json_response(body)

    with answering(answer) as server:
        history = MassiveHistory(SECRET, f"http://{server.address}")
        frame = history.bars(["AAPL", "BTC/USD"], OPEN, OPEN + 2 * MINUTE, MINUTE)
    assert frame.equals(expected((1, "AAPL"), (2, "AAPL"), (1, "BTC/USD")))
    begin, end = (OPEN - MINUTE) // 10**6, (OPEN + MINUTE) // 10**6
    assert asked[0].startswith(f"/v2/aggs/ticker/AAPL/range/1/minute/{begin}/{end}?")
    assert "adjusted=False" in asked[0] or "adjusted=false" in asked[0]
    assert "/ticker/X:BTCUSD/" in asked[2]


def test_tiingo_gives_intraday_daily_and_crypto_bars() -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path_qs)
        assert request.headers["Authorization"] == f"Token {SECRET}"
        values = {"open": 100.0, "high": 101.0, "low": 99.0, "close": 100.0, "volume": 1000}
        stamp = "2024-07-01T13:30:00.000Z" if "daily" not in request.path else "2024-07-01T00:00:00.000Z"
        if "crypto" in request.path:
            stamp = "2024-07-01T13:30:00+00:00"
            return web.json_response([{"ticker": "btcusd", "priceData": [values | {"date": stamp, "tradesDone": 1}]}])
        return web.json_response([values | {"date": stamp}])

    with answering(answer) as server:
        history = TiingoHistory(SECRET, f"http://{server.address}")
        frame = history.bars(["AAPL", "BTC/USD"], OPEN, OPEN + MINUTE, MINUTE)
        daily = history.bars(["AAPL"], OPEN - DAY, OPEN, DAY)
        history.bars(["AAPL"], OPEN - 30 * DAY, OPEN, HOUR)
        with pytest.raises(HistoryError, match="no bars of 2 days"):
            history.bars(["AAPL"], OPEN, OPEN, 2 * DAY)
    assert frame.equals(expected((1, "AAPL"), (1, "BTC/USD")))
    assert daily["ts_event"].to_list() == [OPEN - 13 * HOUR - 30 * MINUTE]
    assert asked[0].startswith("/iex/AAPL/prices?")
    assert "startDate=2024-07-01&endDate=2024-07-01" in asked[0]
    assert "volume" in asked[0]
    assert asked[1].startswith("/tiingo/crypto/prices?tickers=btcusd&")
    pieces = [one for one in asked if "resampleFreq=1hour" in one]
    assert len(pieces) == 2
    assert "startDate=2024-06-01&endDate=2024-06-20" in pieces[0]
    assert "startDate=2024-06-21&endDate=2024-07-01" in pieces[1]


SOURCES: dict[str, Callable[[str], Any]] = {
    "alpaca": lambda address: AlpacaHistory(keys(address), timeout=0.5),
    "massive": lambda address: MassiveHistory(SECRET, f"http://{address}", timeout=0.5),
    "tiingo": lambda address: TiingoHistory(SECRET, f"http://{address}", timeout=0.5),
}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("fault", ["500", "401", "page", "shape", "hang"])
def test_a_vendor_that_fails_is_one_error_without_its_key(name: str, fault: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        if fault == "hang":
            await asyncio.sleep(30)
        if fault == "page":
            return web.Response(text="<html>proxy</html>", content_type="text/html", status=502)
        if fault == "shape":
            return web.json_response({"bars": {"AAPL": [{"t": 5}]}, "results": [7], "next_page_token": None})
        return web.json_response({"message": "no"}, status=int(fault))

    with answering(answer) as server:
        history = SOURCES[name](server.address)
        with pytest.raises(HistoryError, match=f"{name}: gave no bars of AAPL") as caught:
            history.bars(["AAPL"], OPEN, OPEN + MINUTE, MINUTE)
    assert SECRET not in str(caught.value)


class Source:
    """Bars out of memory."""

    def __init__(self, name: str, frame: pl.DataFrame | HistoryError) -> None:
        self.name, self.frame, self.asked = name, frame, list[Sequence[str]]()

    def bars(self, symbols: Sequence[str], begin: int, end: int, timeframe: int) -> pl.DataFrame:
        self.asked.append(list(symbols))
        if isinstance(self.frame, HistoryError):
            raise self.frame
        return self.frame.filter(pl.col("symbol").is_in(list(symbols)))


def asked_of(*sources: Source) -> tuple[pl.DataFrame, list[str]]:
    failover = Failover(sources)
    frame = failover.bars(["A", "B"], OPEN, OPEN + 5 * MINUTE, MINUTE)
    return frame, [str(attempt) for attempt in failover.attempts]


def test_the_first_source_that_has_all_is_the_only_one_asked() -> None:
    whole = expected((1, "A"), (1, "B"), (2, "A"))
    second = Source("second", whole)
    frame, told = asked_of(Source("first", whole), second)
    assert frame.equals(whole)
    assert told == ["first gave 3 bars of 2 symbols"]
    assert not second.asked


def test_the_next_source_takes_over_from_one_that_fails_and_is_told() -> None:
    whole = expected((1, "A"), (1, "B"))
    frame, told = asked_of(Source("first", HistoryError("no plan")), Source("second", whole))
    assert frame.equals(whole)
    assert told == ["first gave 0 bars of 2 symbols: no plan", "second gave 2 bars of 2 symbols"]


def test_the_next_source_is_asked_only_for_symbols_of_which_the_first_has_nothing() -> None:
    second = Source("second", expected((1, "A"), (2, "A"), (1, "B")))
    frame, _ = asked_of(Source("first", expected((1, "A"))), second)
    assert second.asked == [["B"]]
    assert frame.equals(expected((1, "A"), (1, "B")))


def test_a_source_of_impossible_rows_is_passed_over() -> None:
    broken = expected((1, "A"), (1, "B")).with_columns(high=pl.lit(1.0))
    frame, told = asked_of(Source("first", broken), Source("second", expected((1, "A"), (1, "B"))))
    assert frame.height == 2
    assert (
        "2 of 2 rows are impossible, the first: bar of A, 2024-07-01T13:31:00Z, has high 1.0 below low 99.0" in told[0]
    )


def test_suspect_rows_are_told_and_kept() -> None:
    rows = [(OPEN + k * MINUTE, "A", *(4 * [100.0 + k % 3]), 5.0) for k in range(-1, 40)]
    rows[20] = (rows[20][0], "A", *(4 * [9000.0]), 5.0)
    failover = Failover([Source("first", frame_of(rows, MINUTE))])
    assert failover.bars(["A"], OPEN - MINUTE, OPEN + 50 * MINUTE, MINUTE).height == 41
    assert "robust standard deviations" in str(failover.attempts[0])


def test_no_source_at_all_is_an_error_with_what_each_said_but_nothing_to_tell_is_none() -> None:
    with pytest.raises(HistoryError, match=r"no source gave bars: a gave .*: no; b gave .*: never"):
        asked_of(Source("a", HistoryError("no")), Source("b", HistoryError("never")))
    with pytest.raises(FeedError, match="no source is given"):
        Failover([])
    frame, told = asked_of(Source("a", HistoryError("no")), Source("b", expected()))
    assert frame.height == 0
    assert told[1] == "b gave 0 bars of 2 symbols: it has none"


def test_only_rows_that_were_asked_for_pass_the_door_each_once_and_in_order() -> None:
    answer = expected((3, "B"), (2, "B"), (2, "A"), (2, "A"), (0, "A"), (9, "A"), (2, "C"))
    passed = checked(answer, ["A", "B"], OPEN, OPEN + 5 * MINUTE)
    assert passed.frame.equals(expected((2, "A"), (2, "B"), (3, "B")))
    assert passed.refused == ()
    made = records(passed.frame, {"A": 0, "B": 1}, BARS)
    assert made["symbol"].tolist() == [0, 1, 1]
    assert made["ts"].tolist() == [OPEN + 2 * MINUTE, OPEN + 2 * MINUTE, OPEN + 3 * MINUTE]


def test_what_passes_the_door_passes_the_library_s_own() -> None:
    frame = expected(*((k, s) for k in range(1, 30) for s in "AB"))
    table = bar_table(checked(frame, ["A", "B"], OPEN, OPEN + DAY).frame)
    assert table.rows == 58
    assert list(FRAME) == frame.columns


def test_a_length_that_a_vendor_does_not_have_is_refused() -> None:
    with pytest.raises(FeedError, match=r"has no bars of 0\.5 seconds"):
        MassiveHistory(SECRET).bars(["AAPL"], OPEN, OPEN, SECOND // 2)
