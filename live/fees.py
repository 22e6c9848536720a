"""What Alpaca takes of a trade in crypto: a share of what is received, coins of a buy and dollars of a sale.

Source: Alpaca, Crypto Spot Trading Fees, the schedule in force since 13 March 2023: tiers by the dollars traded in
crypto in the last 30 days.
"""

from __future__ import annotations

from decimal import ROUND_UP, Decimal
from typing import NamedTuple

DECIMALS = Decimal("1e-9")  # in which coins are counted


class Tier(NamedTuple):
    """Shares taken of what is received."""

    maker: Decimal  # of an order that rested until the market came to it
    taker: Decimal


TIERS = tuple(
    Tier(Decimal(maker), Decimal(taker))
    for maker, taker in (
        ("0.0015", "0.0025"), ("0.0012", "0.0022"), ("0.0010", "0.0020"), ("0.0008", "0.0018"), ("0.0005", "0.0015"),
        ("0.0002", "0.0013"), ("0.0002", "0.0012"), ("0", "0.0010"),
    )
)  # fmt: skip
HIGHEST = TIERS[0].taker


def tier(number: int) -> Tier:
    """The shares of an account's tier, from 1 on; of a number that is none, the highest."""
    return TIERS[number - 1] if 0 < number <= len(TIERS) else TIERS[0]


def coins(units: Decimal, share: Decimal) -> Decimal:
    """What is taken of the units bought, rounded up to what can be counted."""
    return (units * share).quantize(DECIMALS, ROUND_UP)
