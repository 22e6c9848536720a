"""Before trading: what the desk believes against what the broker holds.

What is on its way explains a difference: commands that the broker never got are sent again (their tickets make that
harmless), and reports that the desk has not heard are heard by a copy of it.  Anything else refuses to trade.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.brokers.protocol import Broker, Standing
from live.errors import BrokerError, ReconcileError
from live.state import State
from live.words import tickets
from quantlib.desk.hear import hear_all
from quantlib.desk.memory import Desk, copied
from quantlib.desk.messages import CARRY, PARTIAL, REPORT

CASH_SLACK, TRADED_SLACK = 0.01, 1e-4  # quote currency, and of what was traded: fees that no report tells
TURNOVER = 10.0  # times the equity: more is not traded from one comparison to the next
ORDER_FIELDS = ("symbol", "side", "lots", "filled", "limit", "stop", "leg")


def resend(state: State, broker: Broker, session: str) -> int:
    """Send the last step's commands that the broker does not know; how many.

    Raises:
        BrokerError: if the broker is behind.
        ReconcileError: if the broker has gone on without them.
    """
    names = tickets(session, state.last)
    if broker.made is None:
        raise TypeError("reconcile: a broker that lives by itself is rejoined, not told again")
    if broker.made < state.step:
        raise BrokerError(
            f"broker: it has made only {broker.made} of {state.step} steps; its files are gone or of another session: "
            f"restore them, or start afresh with --fresh"
        )
    missing = [name for name in names if not broker.knows(name)]
    if not missing:
        return 0
    if broker.made > state.step:
        raise ReconcileError(
            f"reconcile: the broker took step {state.step} without {len(missing)} commands of the step before "
            f"({', '.join(missing[:3])}); its journal was changed: no trading"
        )
    broker.submit(names, state.last, state.last_ts)
    return len(missing)


def reconcile(state: State, broker: Broker) -> None:
    """Compare cash, positions and working orders, bit by bit.

    Raises:
        ReconcileError: showing both sides of every difference.
    """
    desk, standing = state.desk, broker.standing()
    unheard = broker.unheard(state.step)
    if len(unheard):
        desk = copied(desk)
        hear_all(desk, int(unheard["ts"].max()), unheard, len(unheard))
    refuse(differences(desk, state.symbols, standing))


def differences(desk: Desk, symbols: Sequence[str], standing: Standing, slack: float = 0.0) -> list[str]:
    """Both sides of everything that differs, but for orders that are on their way.

    Cash may differ by `slack`, quote currency, which no report explains (fees).  Where crypto costs a share of what is
    received, the broker may have more money and coins, by that share of what was traded lately: a fee may be lower
    than it was thought, or be taken later.  It may have fewer coins by twice that share of a position, of which the
    last fill or the exit tells the desk.
    """
    found = []
    spared = standing.coin_fee * lately(desk)
    if not -slack <= standing.cash - float(desk.account["cash"][0]) <= slack + spared:
        found.append(f"cash: desk {float(desk.account['cash'][0])!r}, broker {float(standing.cash)!r}")
    for s in np.flatnonzero(desk.holdings["lots"] != standing.lots):
        if (
            standing.coin_fee
            and "/" in symbols[int(s)]
            and _is_fee(desk, int(s), int(standing.lots[s]), standing.coin_fee)
        ):
            continue
        found.append(f"{symbols[int(s)]} lots: desk {desk.holdings['lots'][s]}, broker {standing.lots[s]}")
    return found + _orders(working(desk), standing.working, standing.pending)


def lately(desk: Desk) -> float:
    """The most that was traded since the last comparison, quote currency: it does not grow with a session's age."""
    account = desk.account[0]
    return float(min(account["traded"], TURNOVER * max(account["equity"], 0.0)))


def untold(desk: Desk, standing: Standing) -> float:
    """Cash that no report explains, once it was found to be within bounds: fees, as a rule; below 0 it came in.

    Where there are fees of crypto the broker's own comparison tells of them.
    """
    missing = float(desk.account["cash"][0]) - standing.cash
    return missing if abs(missing) > CASH_SLACK and not standing.coin_fee else 0.0


def fee_of(desk: Desk, missing: float, ts: int) -> NDArray[Any]:
    """A report of that cash, on a symbol without a position if there is one; the next comparison begins at nothing."""
    report = np.zeros(1, REPORT)
    report["ts"], report["kind"], report["fee"] = ts, CARRY, missing
    report["symbol"] = np.argmin(np.abs(desk.holdings["lots"]))
    return report


def refuse(found: list[str]) -> None:
    """No trading while desk and broker differ.

    Raises:
        ReconcileError: if there is a difference.
    """
    if found:
        raise ReconcileError(differing(found))


def differing(found: Sequence[str]) -> str:
    """Both sides of every difference, in words."""
    return (
        f"reconcile: desk and broker differ, and no command or report on its way explains it: {'; '.join(found)}. "
        f"No trading; find out why, or start afresh with --fresh"
    )


def working(desk: Desk) -> NDArray[Any]:
    """The desk's working orders by id."""
    slots = desk.orders[1:]
    live = slots[(slots["id"] > 0) & (slots["status"] <= PARTIAL)]
    return live[np.argsort(live["id"], kind="stable")]


def _is_fee(desk: Desk, s: int, lots: int, share: float) -> bool:
    """Whether fees explain that the broker has so many lots."""
    ours, unit = int(desk.holdings["lots"][s]), float(desk.instruments["unit"][s])
    if lots < ours:
        return ours - lots <= 1 + 2 * share * ours
    return (lots - ours - 1) * unit * float(desk.holdings["mark"][s]) <= share * lately(desk)


def _orders(ours: NDArray[Any], theirs: NDArray[Any], pending: frozenset[int]) -> list[str]:
    found = []
    left, right = _spelled(ours), _spelled(theirs)
    for id in sorted({*left, *right} - pending):
        if left.get(id) != right.get(id):
            found.append(f"order {id}: desk {left.get(id, 'none')}, broker {right.get(id, 'none')}")
    return found


def _spelled(orders: NDArray[Any]) -> dict[int, str]:
    spelled: dict[int, str] = {}
    for order in orders:
        words = " ".join(f"{name}={order[name]}" for name in ORDER_FIELDS)
        id = int(order["id"])
        spelled[id] = f"{spelled[id]} and {words}" if id in spelled else words
    return spelled
