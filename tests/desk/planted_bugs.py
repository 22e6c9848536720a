"""Desks and exchanges with one bug each: their sources with one line changed, run as plain Python.

`machine(...)` executes the modules of desk and exchange again, beside the real ones and without a compiler.
"""

import importlib.util
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from quantlib import jit

MODULES = (
    "quantlib.desk.orders", "quantlib.desk.portfolio", "quantlib.desk.gates", "quantlib.desk.sizing",
    "quantlib.desk.risk", "quantlib.desk.execute", "quantlib.desk.decide", "quantlib.desk.hear",
    "quantlib.desk.consult", "quantlib.desk.turn", "backtest.exchange", "backtest.filling", "backtest.matching",
    "backtest.loop",
)  # fmt: skip


def dressed(part: Any) -> Any:
    """Arrays of records as numpy shows them to plain Python: with their fields as attributes."""
    if isinstance(part, np.ndarray):
        return part.view(np.recarray) if part.dtype.names else part
    return type(part)(*(dressed(p) for p in part)) if isinstance(part, tuple) else part


def machine(module: str = "", line: str = "", instead: str = "") -> Any:
    """What `desk_machine.walk` drives, with one line of one module changed."""
    before = {name: sys.modules.pop(name, None) for name in MODULES}
    kernel, block = jit.kernel, jit.block
    jit.kernel = jit.block = lambda function: function
    try:
        made = {name: _executed(name, line if name == module else "", instead) for name in MODULES}
    finally:
        jit.kernel, jit.block = kernel, block
        for name, real in before.items():
            if real is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = real
    loop, turn = made["backtest.loop"], made["quantlib.desk.turn"]
    return SimpleNamespace(
        match_rows=loop.match_rows, turned=turn.turned, conclude=loop.conclude,
        operate=made["quantlib.desk.decide"].operate, dressed=dressed,
    )  # fmt: skip


def _executed(name: str, line: str, instead: str) -> ModuleType:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    with open(spec.origin, encoding="utf-8") as file:
        source = file.read()
    assert source.count(line) == 1 or not line, f"{name} has {source.count(line)} times {line!r}"
    source = source.replace(line, instead) if line else source
    source = source.replace("account.flatten", 'account["flatten"]')  # numpy's records have a method of that name
    module = ModuleType(name)
    sys.modules[name] = module
    exec(compile(source, spec.origin, "exec"), module.__dict__)
    return module


def looking_ahead() -> Any:
    """An exchange that fills new orders at the open of the bar on which they were decided."""
    made = machine()
    honest, conclude, last = made.match_rows, made.conclude, []

    def match_rows(*args: Any) -> None:
        last[:] = args
        honest(*args)

    def conclude_and_fill(*args: Any) -> None:
        conclude(*args)
        honest(*last)

    made.match_rows, made.conclude = match_rows, conclude_and_fill
    return made


BUGS = {
    "an order beyond a limit": (
        "limits", "quantlib.desk.risk",
        "reserved(orders, holding) + notional >= policy.limits_position * equity",
        "reserved(orders, holding) + notional >= 2 * policy.limits_position * equity",
    ),
    "working entries that are not counted": (
        "limits", "quantlib.desk.risk", "account.long + account.pending_long + short", "account.long + short",
    ),
    "cash that leaks": (
        "account", "quantlib.desk.portfolio", "    account.cash -= side * notional\n",
        "    account.cash -= side * notional * (1 + 1e-7)\n",
    ),
    "a fee that is not booked": (
        "account", "quantlib.desk.portfolio", "    account.cash -= fee\n", "    account.cash -= 0.0\n",
    ),
    "a fill booked twice": (
        "account", "quantlib.desk.hear", "        _book_fill(desk, o, r)\n",
        "        _book_fill(desk, o, r)\n        if o.status <= PARTIAL:\n            _book_fill(desk, o, r)\n",
    ),
    "a halted desk that opens": (
        "limits", "quantlib.desk.gates", "    if account.mode != ACTIVE:\n", "    if account.mode == 99:\n",
    ),
    "a halt that leaves entries working": (
        "halt", "quantlib.desk.decide", "    if account.mode != ACTIVE:\n        cancel_entries(desk, ts)\n", "",
    ),
    "a reservation that is never given back": (
        "account", "quantlib.desk.hear", "        reserve(account, o, 0.0)\n", "        pass\n",
    ),
    "a position counted twice as busy": (
        "account", "quantlib.desk.hear", "    if before == 0 and holding.entries == 0:\n", "    if before == 0:\n",
    ),
    "an order that fills beyond its lots": (
        "account", "backtest.filling", "    lots = o.lots - o.filled\n    if o.reduce",
        "    lots = o.lots\n    if o.reduce",
    ),
    "an exit that goes through zero": (
        "account", "backtest.filling", "        lots = min(lots, held)\n", "        lots = lots + held\n",
    ),
}  # fmt: skip
