"""Corporate actions: what the service tells of them, and prices as they would have been without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.errors import ConfigError, Denied
from live.feeds.calendar import NEW_YORK
from live.sim.wire import SECOND, name_of

KINDS = (
    "forward_splits", "reverse_splits", "unit_splits", "stock_dividends", "cash_dividends", "spin_offs", "cash_mergers",
    "stock_mergers", "stock_and_cash_mergers", "redemptions", "name_changes", "worthless_removals",
    "rights_distributions",
)  # fmt: skip
NAMED = ("symbol", "old_symbol", "new_symbol", "source_symbol", "acquirer_symbol", "acquiree_symbol")
SPLITS = ("forward_splits", "reverse_splits")
MOST = 1000  # actions of a page
ADJUSTMENTS = ("raw", "split", "dividend", "all")


class Actions:
    """Corporate actions by kind, each a dict as the wire has it; one without an `id` gets one.

    Raises:
        ConfigError: if a kind is none, or an action has no process date.
    """

    def __init__(self, by_kind: Mapping[str, Sequence[Mapping[str, Any]]] | None = None) -> None:
        self.listed: list[tuple[str, dict[str, Any]]] = []
        for kind, actions in (by_kind or {}).items():
            if kind not in KINDS or any("process_date" not in action for action in actions):
                raise ConfigError(f"corporate actions: want {', '.join(KINDS)}, each with process_date; got {kind!r}")
            for action in actions:
                self.listed.append((kind, {"id": name_of(kind, sorted(action.items()))} | dict(action)))
        self.listed.sort(key=lambda pair: (pair[1]["process_date"], pair[1]["id"]))

    def page(self, query: Mapping[str, str]) -> dict[str, Any]:
        """What GET /v1/corporate-actions says: filtered, in the order of process dates, at most `limit` of them.

        Raises:
            Denied: 400 if a number or a token is none.
        """
        found = [(kind, action) for kind, action in self.listed if _asked(kind, action, query)]
        if query.get("sort") == "desc":
            found.reverse()
        limit, first = query.get("limit") or "100", query.get("page_token") or "0"
        if not (limit.isdecimal() and 1 <= int(limit) <= MOST and first.isdecimal()):
            raise Denied(400, 40010000, f"limit must be from 1 to {MOST}, and page_token one that this service gave")
        begin, past = int(first), int(first) + int(limit)
        said: dict[str, list[dict[str, Any]]] = {}
        for kind, action in found[begin:past]:
            said.setdefault(kind, []).append(action)
        more = str(past) if past < len(found) else None
        return {"corporate_actions": said, "next_page_token": more}

    def adjusted(
        self, columns: dict[str, NDArray[Any]], symbol: str, adjustment: str, now: int
    ) -> dict[str, NDArray[Any]]:
        """Bars before an ex-date that has come, as if the split or dividend had always been.

        Before a split prices are multiplied by old/new and volumes by new/old; before a dividend of d prices are
        multiplied by 1 - d / p, where p is the last close before the ex-date.
        """
        factor, shares = np.ones(len(columns["t"])), np.ones(len(columns["t"]))
        for kind, action in self.listed:
            if action.get("symbol") != symbol or _ex(action) > now:
                continue
            before = int(np.searchsorted(columns["t"], _ex(action)))
            if kind in SPLITS and adjustment in ("split", "all"):
                ratio = float(action["new_rate"]) / float(action["old_rate"])
                factor[:before] /= ratio
                shares[:before] *= ratio
            elif kind == "cash_dividends" and adjustment in ("dividend", "all") and before:
                factor[:before] *= 1 - float(action["rate"]) / float(columns["close"][before - 1])
        if adjustment == "raw" or np.all(factor == 1):
            return columns
        prices = {name: columns[name] * factor for name in ("open", "high", "low", "close", "vwap")}
        return columns | prices | {"volume": columns["volume"] * shares}


def _asked(kind: str, action: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    symbols, kinds, ids, cusips = (
        set(query[name].split(",")) if query.get(name) else None for name in ("symbols", "types", "ids", "cusips")
    )
    day = action["process_date"]
    return (
        (symbols is None or any(action.get(name) in symbols for name in NAMED))
        and (kinds is None or kind.removesuffix("s") in kinds)
        and (ids is None or action["id"] in ids)
        and (cusips is None or any(value in cusips for name, value in action.items() if "cusip" in name))
        and query.get("start", day) <= day <= query.get("end", day)
    )


def _ex(action: Mapping[str, Any]) -> int:
    day = date.fromisoformat(action.get("ex_date", action["process_date"]))
    return int(datetime(day.year, day.month, day.day, tzinfo=NEW_YORK).timestamp()) * SECOND
