"""`python -m live.sim --input bars.parquet`: the loopback by itself, for clients in other processes.

It prints the settings that point a client at it, and serves until it is interrupted.  With `--speed` the replay goes
on by the clock, else by POST /sim/match and POST /sim/publish.  With `--now` its clock is the wall's.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from live.asked import refuse_cash, refuse_repeats, refuse_speed, refuse_unless, rows_of
from live.errors import ConfigError, LiveError
from live.fees import TIERS
from live.sim.moved import moved
from live.sim.server import KEY, SECRET, Loopback
from live.sim.trading_day import new_york
from live.tape import instant
from quantlib.data.files import read
from quantlib.data.samples import indices
from quantlib.desk.memory import Instrument
from quantlib.table import bars

COIN = Instrument(tick=0.01, lot=1e-9)
ENDING = signal.SIGINT, signal.SIGTERM
HIGHEST = 65535  # port


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code: 0, or 2 for an error that is told."""
    asked = parser().parse_args(arguments)
    try:
        refuse_nonsense(asked)
        return serve(asked)
    except (LiveError, ValueError, OSError) as error:  # bad rows and files are ValueErrors
        sys.stderr.write(f"live.sim: {' '.join(str(error).split())}\n")
        return 2


def parser() -> argparse.ArgumentParser:
    """What may be asked for."""
    whole = argparse.ArgumentParser(prog="python -m live.sim", description="Serve a loopback Alpaca on 127.0.0.1.")
    whole.add_argument(
        "--input", type=Path, metavar="FILE", help="bars as parquet or CSV; default: two bundled indices"
    )
    whole.add_argument("--symbols", nargs="+", metavar="SYMBOL", help="only these")
    whole.add_argument("--from", dest="begin", metavar="TIME", help="first moment of the replay; before it is history")
    whole.add_argument("--cash", type=float, default=100_000.0, help="of the account; default 100,000")
    whole.add_argument("--port", type=int, default=0, help="default: a free one")
    whole.add_argument("--speed", type=float, metavar="X", help="seconds of the replay in one second; 0: no wait")
    whole.add_argument("--now", action="store_true", help="as if it were now: from the next whole minute, speed 1")
    whole.add_argument("--hours", action="store_true", help="stocks trade in New York's regular session only")
    whole.add_argument("--prompt", action="store_true", help="cancels and replacements happen at once, not at a bar")
    whole.add_argument("--limit", type=int, metavar="N", help="calls a minute beyond which the answer is 429")
    whole.add_argument("--crypto-tier", type=int, default=0, metavar="N", help="of crypto fees, 1 to 8; default: none")
    whole.add_argument("--seed", type=int, default=0, help="of ids and chances")
    return whole


def refuse_nonsense(asked: argparse.Namespace) -> None:
    """Refuse what makes no sense before anything begins.

    Raises:
        ConfigError: saying what must be, what was given, and the cure.
    """
    refuse_repeats(asked.symbols)
    refuse_cash(asked.cash)
    refuse_speed(asked.speed)
    refuse_unless(0 <= asked.port <= HIGHEST, "--port", f"from 0 (any) to {HIGHEST}", asked.port)
    tier, limit = asked.crypto_tier, asked.limit
    refuse_unless(0 <= tier <= len(TIERS), "--crypto-tier", f"from 0 (no fees) to {len(TIERS)}", tier)
    refuse_unless(limit is None or limit > 0, "--limit", "1 or more", limit, "leave it out and no call is refused")
    if asked.now and asked.speed not in (None, 1.0):
        raise ConfigError(f"--now plays at the speed of the clock, got --speed {asked.speed:g}; leave it out")


def serve(asked: argparse.Namespace, clock: Callable[[], int] = time.time_ns) -> int:
    """Serve until a signal comes; `clock` is the wall's, ns UTC."""
    frame = rows_of(read(asked.input) if asked.input else indices(), asked.symbols)
    table, begin = bars(frame, symbols=asked.symbols), instant(asked.begin)
    if asked.now:
        table, begin = moved(table, clock(), begin)
    loopback = Loopback(
        table, cash=asked.cash, port=asked.port, prompt=asked.prompt, limit=asked.limit,
        hours=new_york if asked.hours else None, seed=asked.seed, begin=begin, crypto_tier=asked.crypto_tier,
        instruments={symbol: COIN if "/" in symbol else Instrument() for symbol in table.symbols},
    )  # fmt: skip
    with listening(loopback) as alpaca:
        for name, value in settings(alpaca).items():
            sys.stdout.write(f"export {name}={value}\n")
        sys.stdout.flush()
        if asked.now and begin is not None:
            alpaca.play(1.0, wait=(begin - clock()) / 1e9)
        elif asked.speed is not None:
            alpaca.play(asked.speed)
        signal.sigwait(ENDING)
    return 0


@contextmanager
def listening(loopback: Loopback) -> Iterator[Loopback]:
    """The service, and the signals that end it held back for who waits for them.

    Raises:
        ConfigError: if another program listens on its port.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # before threads begin, so that none of them takes one
    with ExitStack() as running:
        try:
            running.enter_context(loopback)
        except OSError as error:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            why, where = os.strerror(error.errno) if error.errno else error, loopback.address.removeprefix("http://")
            raise ConfigError(f"cannot listen on {where} ({why}); choose another --port, 0 for any") from error
        yield loopback


def settings(alpaca: Loopback) -> dict[str, str]:
    """The environment that points `live.keys` here."""
    keys = alpaca.keys
    return {
        "APCA_API_KEY_ID": KEY, "APCA_API_SECRET_KEY": SECRET, "APCA_API_BASE_URL": keys.trading,
        "APCA_API_DATA_URL": keys.data, "APCA_API_STREAM_URL": keys.stream,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
