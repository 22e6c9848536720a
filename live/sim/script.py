"""What happens in the market beside its rows, when the replay gets there: halts, bands, corrections, news.

script.halt("AAPL", begin, end)             # no rows of it in between, and the status messages that say so
script.at(ts, "stocks", {"T": "l", "S": "AAPL", "u": 191.0, "d": 189.0, "i": "B", "z": "C"})
"""

from __future__ import annotations

from bisect import insort
from typing import Any, NamedTuple

from aiohttp import web

from live.errors import ConfigError
from live.sim.distortions import Message
from live.sim.market import Market
from live.sim.messages import moment

STREAMS = ("stocks", "crypto", "news")
HALTED = {"sc": "H", "sm": "Trading Halt", "rc": "T12", "rm": "Trading Halted; For information requested by NASDAQ"}
RESUMED = {"sc": "T", "sm": "Trading Resumption", "rc": "", "rm": ""}
STAMPED = ("created_at", "updated_at")  # moments of news


class Happening(NamedTuple):
    """A message that is sent when the replay has come to `ts`; `number` keeps those of one moment in order."""

    ts: int
    number: int
    stream: str
    message: Message


class Script:
    """What is still to happen in a market; from other threads it is written between timestamps."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self._ahead: list[Happening] = []
        self._count = 0

    def at(self, ts: int, stream: str, message: Message) -> None:
        """Send a message at a time, ns UTC; it gets its `t`, and news their moments, unless it has them.

        Raises:
            ConfigError: if there is no such stream.
        """
        if stream not in STREAMS:
            raise ConfigError(f"script: streams are {', '.join(STREAMS)}, got {stream!r}")
        names = STAMPED if stream == "news" else ("t",)
        stamped = dict.fromkeys(names, ts) | message
        ready = stamped | {name: moment(stamped[name]) for name in names}
        self._count += 1
        insort(self._ahead, Happening(ts, self._count, stream, ready), key=lambda one: one[:2])

    def halt(self, symbol: str, begin: int, end: int) -> None:
        """Between two moments, ns UTC, a stock is halted: it has no rows, fills no order, and all are told.

        Raises:
            ConfigError: if there is no such symbol.
        """
        self.market.halt(symbol, begin + 1, end + 1)  # the row that ends as the halt begins was still traded
        self.at(begin, "stocks", {"T": "s", "S": symbol, **HALTED, "z": "C"})
        self.at(end, "stocks", {"T": "s", "S": symbol, **RESUMED, "z": "C"})

    def band(self, symbol: str, ts: int, lower: float, upper: float) -> None:
        """The limit-up limit-down band of a stock is told."""
        self.at(ts, "stocks", {"T": "l", "S": symbol, "u": upper, "d": lower, "i": "B", "z": "C"})

    def corrected(self, symbol: str, ts: int, number: int, was: tuple[float, int], now: tuple[float, int]) -> None:
        """A trade is told anew: its number, and price and size as they were and as they are."""
        sides = {
            "oi": number,
            "op": was[0],
            "os": was[1],
            "oc": ["@"],
            "ci": number,
            "cp": now[0],
            "cs": now[1],
            "cc": ["@"],
        }
        self.at(ts, "stocks", {"T": "c", "S": symbol, "x": "V", **sides, "z": "C"})

    def cancelled(self, symbol: str, ts: int, number: int, price: float, size: int) -> None:
        """A trade is taken back."""
        self.at(ts, "stocks", {"T": "x", "S": symbol, "i": number, "x": "V", "p": price, "s": size, "a": "C", "z": "C"})

    def due(self, ts: int) -> list[Happening]:
        """What has happened by `ts` and was not told yet; now it is."""
        past = next((k for k, one in enumerate(self._ahead) if one.ts > ts), len(self._ahead))
        come, self._ahead = self._ahead[:past], self._ahead[past:]
        return come

    def routes(self) -> list[web.RouteDef]:
        """POST /sim/happenings: {"halt": symbol, "begin", "end"}, or {"ts", "stream", "message"}; times in ns UTC."""

        async def written(request: web.Request) -> web.Response:
            try:
                self._write(await request.json())
            except (ConfigError, KeyError, TypeError, ValueError) as error:
                return web.json_response({"message": str(error)}, status=422)
            return web.Response(status=204)

        return [web.post("/sim/happenings", written)]

    def _write(self, asked: dict[str, Any]) -> None:
        if "halt" in asked:
            self.halt(asked["halt"], int(asked["begin"]), int(asked["end"]))
        else:
            self.at(int(asked["ts"]), asked["stream"], dict(asked["message"]))
