"""`python -m benchmarks.wire_service SYMBOLS SECONDS PACE RATE`: the loopback in real time, as a process of its own.

It says in a line of JSON where it is and when it begins, plays by the clock, and when its input ends says what it had
to do with orders.
"""

from __future__ import annotations

import json
import resource
import sys
import time

from benchmarks.wire_market import SECOND, Wire, made_up
from live.sim.server import Loopback

CASH = 10_000_000.0
LEAD = 15  # seconds that a client has to connect
ROOM = 4  # seconds that it takes to make the rows ready, for every 10 million of them
FRAME = 10  # messages of a frame
CALLS = 200  # a minute, as the broker allows


def main() -> None:
    """Serve until the input ends."""
    wire = Wire(*map(int, sys.argv[1:]))
    lead = LEAD + ROOM * wire.messages // 10_000_000
    begin = (time.time_ns() // SECOND + lead) * SECOND
    tables = made_up(wire, begin)
    with Loopback(*tables, cash=CASH, limit=CALLS, begin=begin, stream={"most": FRAME}) as alpaca:
        print(json.dumps({"keys": alpaca.keys._asdict(), "begin": begin}), flush=True)
        time.sleep(max(0.0, begin / SECOND - time.time()))
        late = time.time() - begin / SECOND
        alpaca.play(1.0)
        sys.stdin.read()
        spent = resource.getrusage(resource.RUSAGE_SELF)
        orders, calls = len(alpaca.venue.ledger.orders), alpaca.budget.calls
    print(json.dumps({"orders": orders, "calls": calls, "late": late, "cpu": spent.ru_utime + spent.ru_stime}))


if __name__ == "__main__":
    main()
