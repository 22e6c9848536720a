"""A TWS of loopback: enough of its socket protocol, version 176, for the real client; what happens is scripted.

It keeps the state of orders over connections, as TWS does, and answers as the client's decoder wants it.
"""

from __future__ import annotations

import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import Any

VERSION = 176
ACCOUNT = "DU1234567"
DONE = ("Filled", "Cancelled", "Inactive")


@dataclass
class Placed:
    """One order at TWS."""

    number: int
    client: int
    perm: int
    symbol: str
    con: int
    action: str
    quantity: float
    kind: str
    limit: str
    stop: str
    tif: str
    group: str
    group_type: str
    account: str
    ref: str
    transmit: bool
    parent: int
    status: str = "PreSubmitted"
    filled: float = 0.0
    value: float = 0.0
    executions: list[list[Any]] = field(default_factory=list)
    fees: dict[str, float] = field(default_factory=dict)

    @property
    def average(self) -> float:
        return self.value / self.filled if self.filled else 0.0


class Tws:
    """A scripted TWS.

    deaf       orders that arrive are lost
    silent     orders are taken, and nothing is said of them
    reject     code and text of the error that answers the next order of a kind (MKT, LMT, STP) or "*"
    """

    def __init__(self, symbols: dict[str, int], accounts: str = ACCOUNT, tick: str = "0.01") -> None:
        self.symbols, self.accounts, self.tick = symbols, accounts, tick
        self.orders: list[Placed] = []
        self.received: list[list[str]] = []
        self.cash, self.units = 1e6, dict.fromkeys(symbols, 0.0)
        self.deaf = self.silent = self.mute = False
        self.reject: dict[str, tuple[int, str]] = {}
        self.reject_changes: tuple[int, str] | None = None
        self.late_fees = False
        self.next = 1
        self._client: socket.socket | None = None
        self._lock = threading.RLock()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._over = False
        self.connections = 0
        self.heard = threading.Condition()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self) -> Tws:
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self.drop()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5.0)
        assert not self._thread.is_alive()

    # What the test lets happen.

    def order(self, ref: str) -> Placed:
        """The last order of this name."""
        return [one for one in self.orders if one.ref == ref][-1]

    def fill(self, ref: str, units: float, price: float, fee: float = 1.0, told: bool = True) -> str:
        """An execution, told now (or later, when asked); its id."""
        with self._lock:
            one = self.order(ref)
            one.filled += units
            one.value += units * price
            self._move(one, units, price, fee)
            exec_id = f"0001.{one.perm}.{len(one.executions) + 1}.01"
            row = [exec_id, units, price, one.filled]
            one.executions.append(row)
            one.fees[exec_id] = fee
            if one.filled >= one.quantity:
                one.status = "Filled"
                self._wake_siblings(one)
            for child in self.orders:
                if child.parent == one.number and child.status == "PreSubmitted" and child.kind == "LMT":
                    child.status = "Submitted"
            if told:
                self.tell_execution(one, row)
                self.tell_status(one)
            return exec_id

    def tell_execution(self, one: Placed, row: list[Any], request: int = -1, fee: bool = True) -> None:
        """execDetails and, unless it is late, its commission."""
        side = "BOT" if one.action == "BUY" else "SLD"
        self.send(11, request, one.number, one.con, one.symbol, "STK", "", 0.0, "", "", "ISLAND", "USD", one.symbol,
                  "NMS", row[0], "20261120 10:30:00 US/Eastern", one.account, "ISLAND", side, row[1], row[2],
                  one.perm, one.client, 0, row[3], one.average, one.ref, "", 0.0, "", 1)  # fmt: skip
        if fee and not (self.late_fees and request == -1):
            self.tell_fee(one, row[0])

    def tell_fee(self, one: Placed, exec_id: str) -> None:
        self.send(59, 1, exec_id, one.fees[exec_id], "USD", "", "", "")

    def tell_status(self, one: Placed) -> None:
        left = one.quantity - one.filled
        self.send(
            3, one.number, one.status, one.filled, left, one.average, one.perm, one.parent, 0.0, one.client, "", 0.0
        )

    def tell_open(self, one: Placed) -> None:
        """openOrder and orderStatus."""
        self.send(*open_order(one))
        self.tell_status(one)

    def end(self, ref: str, status: str = "Cancelled", told: bool = True) -> None:
        """An order ends by itself."""
        with self._lock:
            one = self.order(ref)
            one.status = status
            if told:
                self.tell_status(one)

    def error(self, number: int, code: int, text: str) -> None:
        self.send(4, 2, number, code, text, "")

    def drop(self) -> None:
        """Cut the connection."""
        client = self._client
        if client is not None:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                return

    def send(self, *fields: Any) -> None:
        """One message, if anyone is there."""
        body = "".join(f"{int(f) if isinstance(f, bool) else f}\0" for f in fields).encode()
        client = self._client
        if client is not None:
            try:
                client.sendall(struct.pack(">I", len(body)) + body)
            except OSError:
                return

    # What it does by itself.

    def _move(self, one: Placed, units: float, price: float, fee: float) -> None:
        sign = 1 if one.action == "BUY" else -1
        self.units[one.symbol] += sign * units
        self.cash -= sign * units * price + fee

    def _wake_siblings(self, one: Placed) -> None:
        for other in self.orders:
            if other is not one and one.group and other.group == one.group and other.status not in DONE:
                other.status = "Cancelled"
                self.tell_status(other)

    def _accept(self) -> None:
        while not self._over:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            try:
                self._serve(client)
            except (OSError, ConnectionError, struct.error):
                pass
            finally:
                self._client = None
                client.close()

    def _serve(self, client: socket.socket) -> None:
        assert self._exactly(client, 4) == b"API\0"
        self._message(client)
        hello = f"{VERSION}\x0020261120 14:30:00 UTC\0".encode()
        client.sendall(struct.pack(">I", len(hello)) + hello)
        self._client = client
        self.connections += 1
        while True:
            fields = self._message(client)
            with self._lock:
                self.received.append(fields)
                self._answer(fields)
            with self.heard:
                self.heard.notify_all()

    def _message(self, client: socket.socket) -> list[str]:
        size = struct.unpack(">I", self._exactly(client, 4))[0]
        return self._exactly(client, size).decode().split("\0")[:-1]

    def _exactly(self, client: socket.socket, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = client.recv(size - len(data))
            if not more:
                raise ConnectionError("closed")
            data += more
        return data

    def _answer(self, fields: list[str]) -> None:
        kind = int(fields[0])
        if kind == 71:
            self.client = int(fields[2])
            self.send(15, 1, self.accounts)
            self.send(9, 1, self.next)
        elif kind == 3:
            self._place(fields)
        elif kind == 4:
            self._cancel(int(fields[2]))
        elif kind == 58:
            for one in self.orders:
                if one.status not in DONE:
                    self.end(one.ref)
        elif kind == 49:
            self.send(49, 1, 1795185000)
        elif not self.mute:
            self._tell(kind, fields)

    def _tell(self, kind: int, fields: list[str]) -> None:
        if kind == 16:
            for one in self.orders:
                if one.status not in DONE:
                    self.tell_open(one)
            self.send(53, 1)
        elif kind == 99:
            for one in self.orders:
                if one.status in DONE:
                    self.send(*completed_order(one))
            self.send(102)
        elif kind == 7:
            for one in self.orders:
                for row in one.executions:
                    self.tell_execution(one, row, int(fields[2]))
            self.send(55, 1, fields[2])
        elif kind == 61:
            for symbol, units in self.units.items():
                self.send(61, 3, self.accounts.split(",")[0], self.symbols[symbol], symbol, "STK", "", 0.0, "", "",
                          "NASDAQ", "USD", symbol, "NMS", units, 0.0)  # fmt: skip
            self.send(62, 1)
        elif kind == 62:
            self.send(63, 1, fields[2], self.accounts.split(",")[0], "CashBalance", self.cash, "USD")
            self.send(64, 1, fields[2])
        elif kind == 9:
            self._contract(fields)

    def _contract(self, fields: list[str]) -> None:
        request, symbol = fields[2], fields[4]
        if symbol not in self.symbols:
            self.error(int(request), 200, "No security definition has been found for the request")
            return
        self.send(10, request, symbol, "STK", "", 0.0, "", "SMART", "USD", symbol, "NMS", "NMS", self.symbols[symbol],
                  self.tick, "", "ACTIVETIM", "SMART,ISLAND", 1, 0, f"{symbol} INC", "NASDAQ", "", "", "", "",
                  "US/Eastern", "", "", "", 0, 0, 1, "", "", "26", "", "COMMON", 1, 1, 100)  # fmt: skip
        self.send(52, 1, request)

    def _place(self, f: list[str]) -> None:
        number, kind = int(f[1]), f[18]
        self.next = max(self.next, number + 1)
        if self.deaf:
            return
        before = [one for one in self.orders if one.number == number and one.client == self.client]
        if before:
            self._change(before[0], f)
            return
        refusal = self.reject.pop(kind, None) or self.reject.pop("*", None)
        if refusal is not None:
            self.error(number, *refusal)
            return
        one = Placed(
            number, self.client, 9000 + number, f[3], int(f[2]), f[16], float(f[17]), kind, f[19], f[20], f[21], f[22],
            f[47], f[23], f[26], f[27] == "1", int(f[28]),
        )  # fmt: skip
        self.orders.append(one)
        if one.transmit:
            for part in self._bracket(one):
                part.transmit = True
                part.status = "PreSubmitted" if part.parent or part.kind.startswith("STP") else "Submitted"
                if not self.silent:
                    self.tell_open(part)

    def _bracket(self, last: Placed) -> list[Placed]:
        top = last.parent or last.number
        return [one for one in self.orders if top in (one.number, one.parent)]

    def _change(self, one: Placed, f: list[str]) -> None:
        if one.status in DONE:
            self.error(one.number, 104, "Cannot modify a filled order.")
        elif self.reject_changes is not None:
            self.error(one.number, *self.reject_changes)
        else:
            one.quantity, one.limit, one.stop = float(f[17]), f[19], f[20]
            if not self.silent:
                self.tell_open(one)

    def _cancel(self, number: int) -> None:
        found = [one for one in self.orders if one.number == number]
        if not found:
            self.error(number, 10147, f"OrderId {number} that needs to be cancelled is not found.")
        elif found[0].status in DONE:
            self.error(
                number, 10148, f"OrderId {number} that needs to be cancelled cannot be cancelled, state: Filled."
            )
        else:
            for one in self._bracket(found[0]) if not found[0].parent else found:
                if one.status not in DONE:
                    one.status = "Cancelled"
                    if not self.silent:
                        self.tell_status(one)
                        self.error(one.number, 202, "Order Canceled - reason:")


def _priced(one: Placed) -> list[Any]:
    return [one.action, one.quantity, one.kind, one.limit or 0.0, one.stop or 0.0, one.tif, one.group, one.account]


def _contract_of(one: Placed) -> list[Any]:
    return [one.con, one.symbol, "STK", "", 0.0, "?", "", "SMART", "USD", one.symbol, "NMS"]


def open_order(one: Placed) -> list[Any]:
    """An openOrder message, in the order in which its decoder reads it."""
    head = [5, one.number, *_contract_of(one), *_priced(one), "O", 0, one.ref, one.client, one.perm, 0, 0, 0, "", ""]
    advisors = ["", "", "", ""]  # faGroup, faMethod, faPercentage, faProfile
    model = ["", "", "", "", "", 0, "", -1, 0, "", "", "", "", "", "", 0, 0, 0, "", one.group_type or 0, 0, 0, ""]
    parent = [one.parent, 0, "", 0, "", ""]  # parentId, triggerMethod, volatility, its type, delta neutral
    rest = [0, 0, "", "", "", "", ""]  # continuousUpdate .. comboLegsDescrip
    counts = [0, 0, 0]  # combo legs, order legs, parameters
    scale = ["", "", ""]
    tail = ["", 0, "", "", 0, 0, ""]  # hedgeType, optOut, clearing, intent, notHeld, delta neutral, algo
    state = [0, 0, one.status, *[""] * 9, "", "", "", "", "", 0, 0]  # solicited, whatIf, state, randomize
    conditions = [0]
    adjusted = ["", "", "", "", "", "", "", 0, "", "", "", "", 0, 0, 0, 0]
    newer = [0, 0, 0, "", "", "", "", ""]  # duration, postToAts, autoCancelParent, minTradeQty ..
    return [*head, *advisors, *model, *parent, *rest, *counts, *scale, *tail, *state, *conditions, *adjusted, *newer]


def completed_order(one: Placed) -> list[Any]:
    """A completedOrder message."""
    head = [101, *_contract_of(one), *_priced(one), "O", 0, one.ref, one.perm, 0, 0, 0, ""]
    advisors = ["", "", "", ""]
    model = ["", "", "", "", "", 0, "", -1, "", "", "", "", "", 0, 0, 0, "", one.group_type or 0, 0]
    volatility = ["", 0, "", ""]
    rest = [0, 0, "", "", "", 0, 0, 0, "", "", ""]  # continuousUpdate .. combo, counts, scale
    tail = ["", "", "", 0, 0, ""]  # hedgeType, clearing, intent, notHeld, delta neutral, algo
    state = [0, one.status, 0, 0]  # solicited, status, randomize
    conditions = [0]
    end = ["", "", "", 0, 0, "", one.filled, 0, 0, "", 0, 0, 0, "20261120 10:31:00 US/Eastern", "done"]
    newer = ["", "", "", "", ""]
    return [*head, *advisors, *model, *volatility, *rest, *tail, *state, *conditions, *end, *newer]
