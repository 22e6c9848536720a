"""An account at Interactive Brokers: which one, what may be traded in it, and what it holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.brokers.answers import number, understood
from live.brokers.ibkr_link import Link
from live.brokers.ibkr_orders import Gateway, ib, stock
from live.brokers.line import CLOSING
from live.brokers.orders import Listing
from live.errors import BrokerError, Refused

PAPER = "D"  # accounts that begin so trade no money


class Account:
    """One account behind a link.

    Args:
        link, gateway: to TWS.
        listings: how the symbols are traded.
        real_money: whether an account that is no paper account may be traded.
    """

    def __init__(self, link: Link, gateway: Gateway, listings: Sequence[Listing], real_money: bool) -> None:
        self.link, self.gateway, self.listings, self.real_money = link, gateway, tuple(listings), real_money
        self.number = gateway.account
        self.contracts: dict[str, Any] = {}  # by symbol

    def choose(self) -> None:
        """Which account it is.

        Raises:
            BrokerError: if that is not clear, or it trades real money and may not.
        """
        accounts = self.link.accounts
        if self.number and self.number not in accounts:
            raise BrokerError(f"broker: this login has no account {self.number}; it has {', '.join(accounts)}")
        if not self.number and len(accounts) != 1:
            raise BrokerError(f"broker: which account? This login has {', '.join(accounts)}; give Gateway(account=…)")
        self.number = self.number or accounts[0]
        if not self.number.startswith(PAPER) and not self.real_money:
            raise BrokerError(
                f"broker: account {self.number} trades real money; log TWS in to a paper account, or say so "
                f"(real_money=True)"
            )

    def qualify(self, listing: Listing) -> int:
        """Find a symbol's contract, and see that ours are multiples of its price steps; its number.

        Raises:
            BrokerError: if there is none, or several, or its steps are others.
        """
        wanted = stock(listing.symbol, self.gateway)
        where = f"{listing.symbol} on {self.gateway.exchange} in {self.gateway.currency}"
        try:
            found = self.link.ask("contract", lambda client, number: client.reqContractDetails(number, wanted))
        except Refused as error:
            raise BrokerError(f"broker: there is no stock {where} ({error}); correct it, or leave it out") from error
        if len(found) != 1:
            raise BrokerError(f"broker: {len(found)} contracts are {where}; name its exchange, Gateway(exchange=…)")
        contract, step = found[0].contract, found[0].minTick
        steps = 1.0 / listing.per_tick / step
        if abs(steps - round(steps)) > 1e-6 or round(steps) < 1:
            raise BrokerError(f"broker: {listing.symbol} is quoted in steps of {step:g}; Instrument(tick={step:g})")
        contract.exchange = self.gateway.exchange
        self.contracts[listing.symbol] = contract
        return int(contract.conId)

    def lots(self) -> NDArray[np.int64]:
        """Signed lots by symbol."""
        found = np.zeros(len(self.listings), np.int64)
        for contract, units in self.positions():
            for code, listing in enumerate(self.listings):
                if self.contracts[listing.symbol].conId == contract.conId:
                    found[code] = listing.lots(understood(f"position in {listing.symbol}", format(units, "f"), number))
        return found

    def cash(self) -> float:
        """Cash in the currency that is traded."""
        numbers, tags = [], f"$LEDGER:{self.gateway.currency}"

        def send(client: Any, number: int) -> None:
            numbers.append(number)
            client.reqAccountSummary(number, "All", tags)

        rows = self.link.ask("account", send)
        self.link.call(lambda client: client.cancelAccountSummary(numbers[0]))
        for account, tag, value, currency in rows:
            if (account, tag, currency) == (self.number, "CashBalance", self.gateway.currency):
                return float(understood(f"{tag} of {account}", value, number))
        raise BrokerError(f"broker: TWS tells no cash in {self.gateway.currency} of account {self.number}")

    def positions(self) -> list[tuple[Any, float]]:
        """Contracts with their signed units."""
        rows = self.link.ask("positions", lambda client, number: client.reqPositions())
        self.link.call(lambda client: client.cancelPositions())
        found = [(contract, units) for account, contract, units in rows if account == self.number and units]
        for contract, _ in found:
            contract.exchange = self.gateway.exchange
        return found

    def opposite(self, units: float) -> Any:
        """The order that leaves a position."""
        side = "SELL" if units > 0 else "BUY"
        return ib.MarketOrder(side, abs(units), orderRef=CLOSING, account=self.number)
