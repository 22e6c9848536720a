"""How the wire spells things: money and quantities as strings, instants in RFC 3339, names as UUIDs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from live.errors import Denied

SECOND = 1_000_000_000
DECIMALS = 9  # of a quantity


def number(value: float) -> str:
    """A float as decimal digits that read back to the same bits: 190, 190.01, 0.00001."""
    text = repr(float(value))
    if "e" in text:
        return format(Decimal(text), "f")
    return text.removesuffix(".0")


def quantity(lots: int, lot: float) -> str:
    """Whole lots as units."""
    return number(round(lots * lot, DECIMALS))


def instant(ts: int) -> str | None:
    """ns UTC as RFC 3339 with nine digits; None for 0, which is never."""
    if ts == 0:
        return None
    whole = datetime.fromtimestamp(ts // SECOND, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{ts % SECOND:09d}Z"


def instant_of(text: str, field: str) -> int:
    """ns UTC of a date or an RFC 3339 instant, as a query has it.

    Raises:
        Denied: 422 if it is neither.
    """
    told = text.replace(" ", "+") if "T" in text else text  # a plus sign that was not quoted arrives as a space
    clock, _, rest = told.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    try:
        when = datetime.fromisoformat(clock + rest[len(digits) :])
    except ValueError:
        raise Denied(422, 40010001, f"{field}: {text} is no time") from None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return int(when.timestamp()) * SECOND + int(digits[:DECIMALS].ljust(DECIMALS, "0"))


def decimal(asked: Mapping[str, Any], field: str) -> float | None:
    """A number that may be sent as number or string; None if absent.

    Raises:
        Denied: 422 if it is no number.
    """
    value = asked.get(field)
    if value is None or value == "":
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = float("nan")
    if not abs(found) < float("inf"):
        raise Denied(422, 40010001, f"{field} must be a number, got {value!r}")
    return found


def yes(value: Any) -> bool:
    """Whether a query's or a body's word means true."""
    return str(value).lower() in ("true", "1", "t", "yes")


def name_of(*parts: object) -> str:
    """A UUID that is the same for the same parts."""
    return str(UUID(bytes=hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=16).digest(), version=4))


def asset_id(symbol: str) -> str:
    """The UUID of an asset."""
    return name_of("asset", symbol)


def asset_class(symbol: str) -> str:
    """us_equity, or crypto for a pair like BTC/USD."""
    return "crypto" if "/" in symbol else "us_equity"
