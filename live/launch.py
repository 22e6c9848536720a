"""What `python -m live` starts: paper trading where there are keys, else a demo of it through the loopback service.

demo     bundled or given bars -> loopback service -> real client -> runner -> pulse -> dashboard
paper    Alpaca                ->                     real client -> runner -> pulse -> dashboard
"""

from __future__ import annotations

import os
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

import backtest
from backtest.parity import Parity
from live.account import Account, account_of, confirmed, instruments_of, only_one
from live.aside import put_aside
from live.asked import refuse_foreign, refuse_speed
from live.brokers.alpaca import AlpacaBroker
from live.command import SESSIONS, brought_back, pairs, source_of, stop_on_signal, table_of
from live.control.api import refuse_taken, served
from live.control.auth import FILE as TOKENS
from live.control.logs import Redactor, logging_to, secrets_of
from live.control.metrics import PORT as METRICS
from live.errors import ConfigError
from live.feeds.alpaca import AlpacaFeed
from live.feeds.calendar import new_york
from live.feeds.settings import FeedSettings
from live.journal import read
from live.keeping import Keeping, keeping_of
from live.keys import Keys, keys_of
from live.loop import MarketHours
from live.operator import RUNNER
from live.parity import check
from live.private import private_folder
from live.references import strategy_of
from live.rehearsal import held_against, rehearse
from live.resealing import settled
from live.runner import Runner
from live.screen import Log, closing
from live.seal import Seal
from live.session import Summary, there
from live.trading import EXPECTED, Watch, named, trade
from live.watch.command import Served, supervised
from live.words import MAGIC, OPERATOR, action_of
from quantlib.desk.memory import instrument_records
from quantlib.strategy import Strategy
from quantlib.table import Table

CASH = 1_000_000.0
DEMO_BEGINS = "2017-01-01"  # of the bundled indices: two years of real days
OLDEST = 60.0  # seconds: a moment that is older has gone by
LOG = "runner.log"  # of the session's folder, as the dashboard follows it
LONGEST = 10_000  # rows to warm up on, for features that never forget
DEMO_LASTS = 60.0  # seconds, where someone is watching


def run(asked: Namespace, environment: Mapping[str, str] = os.environ) -> int:
    """Trade, or show how it would be; 1 if a demo that came to its end is not the backtest of its rows."""
    keys = keys_of(environment)
    console = Console(highlight=False, soft_wrap=True)
    if keys is not None and not asked.no_dashboard:
        return _watched(asked, console, keys)
    stop = stop_on_signal()
    params = pairs("--param", asked.param)
    keeping = keeping_of(environment)
    if keys is None:
        return _demo(asked, params, console, stop, keeping)
    done = _paper(asked, params, console, stop, keys, keeping)
    console.print(closing(done), highlight=False, soft_wrap=True)
    return 0


def _demo(
    asked: Namespace, params: dict[str, Any], console: Console, stop: Callable[[], bool], keeping: Keeping
) -> int:  # fmt: skip
    """Recorded bars through the loopback service, held against their backtest."""
    folder = asked.session or SESSIONS / "demo-wire"
    _demonstrable(asked, folder, keeping)
    if not asked.input and not asked.begin:
        asked.begin = DEMO_BEGINS
    asked.symbols = sorted(asked.symbols) if asked.symbols else None  # a feed gives the rows of a moment by symbol
    source = source_of(asked, None)
    table, one = table_of(source), strategy_of(asked.strategy or "trend", params)
    watched, speed, cash = console.is_terminal, asked.speed, CASH if asked.cash is None else asked.cash
    if speed is None:
        ts = table.columns["ts"]
        speed = float(ts[-1] - ts[0]) / 1e9 / DEMO_LASTS if watched else 0.0
    log = Log(console, each_fill=False)
    console.print(
        "no keys are set, so this is a demo: recorded bars through a loopback Alpaca and the real client.\n"
        "Set APCA_API_KEY_ID and APCA_API_SECRET_KEY to trade a paper account by the same command.\n"
    )
    with ExitStack() as opened:

        def began(runner: Runner) -> None:  # only now is there nothing left that could refuse it
            opened.enter_context(logging_to(folder / LOG, Redactor(secrets_of(os.environ))))
            opened.enter_context(_seat(asked, folder, console))
            log.began(runner)

        done = rehearse(
            asked.strategy or "trend", table, folder, cash=cash, params=params, speed=speed, stop=stop,
            watch=Watch(began, log.stepped), source=source, kind="demo", keeping=keeping,
        )  # fmt: skip
        console.print(closing(done, "begins anew"), highlight=False, soft_wrap=True)
        if done.stopped:
            return 0
        found = compared(folder, one, table, cash, keeping.seal)
        console.print(str(found))
        if watched and not asked.no_dashboard:
            console.print("the demo is over; the dashboard stays until Ctrl-C")
            while not stop():
                time.sleep(0.1)
    return 0 if found.parity.holds else 1


class Compared(NamedTuple):
    """What a demo was held against, and what came of it."""

    against: str
    parity: Parity

    def __str__(self) -> str:
        return f"against its {self.against}: {self.parity}"


def compared(folder: Path, strategy: Strategy, table: Table, cash: float, seal: Seal | None = None) -> Compared:
    """A demo against the backtest of its rows; one that an operator acted in against its rerun with those acts.

    Raises:
        LiveError: if the journal cannot be trusted.
    """
    frames = read(folder / "journal", MAGIC, seal=seal).frames
    acts = sum(frame.kind == OPERATOR and action_of(frame.payload).who != RUNNER for frame in frames)
    if not acts:
        result = backtest.run(strategy, table, cash=cash, costs=EXPECTED)
        return Compared("backtest", held_against(folder, result, seal))
    told = f"{acts} acts" if acts > 1 else "an act"
    return Compared(f"rerun with {told} of the operator", check(folder, strategy, seal))


def _demonstrable(asked: Namespace, folder: Path, keeping: Keeping) -> None:
    """Refuse what is no demo before anything is touched, above all the session of an account whose keys are not set."""
    refuse_speed(asked.speed)
    refuse_foreign(folder)
    if asked.metrics is not None:
        raise ConfigError("run: --metrics is of an account's supervisor, a demo serves none; leave it out")
    if not asked.no_dashboard:
        refuse_taken(asked.port)
    if asked.live or asked.account:
        raise ConfigError("run: --live and --account need keys; set APCA_API_KEY_ID and APCA_API_SECRET_KEY")
    known = there(folder, keeping.seal)
    if known is not None and not known.source.get("demo"):
        raise ConfigError(
            f"run: the session in {folder} is no demo; set APCA_API_KEY_ID and APCA_API_SECRET_KEY to go on with it, "
            f"or give the demo another --session"
        )


def _paper(
    asked: Namespace, params: dict[str, Any], console: Console, stop: Callable[[], bool], keys: Keys, keeping: Keeping
) -> Summary:  # fmt: skip
    """The account of these keys, in this process."""
    account, kind = _account(asked, keys)
    symbols, folder = tuple(sorted(asked.symbols)), _folder(asked, kind)
    instruments = instruments_of(keys, symbols)
    if not asked.fresh:
        brought_back(folder, keeping, console)
    known = None if asked.fresh else there(folder, keeping.seal)
    name, cash = named(folder, asked.fresh, keeping.seal), known.cash if known is not None else account.cash
    one = strategy_of(asked.strategy or "trend", params)
    feed = AlpacaFeed(keys, symbols, FeedSettings(horizon=min(one.horizon, LONGEST), oldest=OLDEST))
    broker = AlpacaBroker(keys, name, symbols, instrument_records(symbols, instruments))
    log, hours = Log(console, each_fill=True), _hours(symbols)
    console.print(f"{kind} account {account.number}: cash {account.cash:,.2f}, equity {account.equity:,.2f}")
    redact = Redactor(secrets_of(os.environ))
    with only_one(account.number), logging_to(private_folder(folder) / LOG, redact):
        return trade(
            asked.strategy or "trend", folder, feed, broker, cash=cash, name=name, params=params,
            instruments=instruments, kind=kind, account=account.number, market_open=hours.is_open,
            next_close=hours.next_close, fresh=asked.fresh, stop=stop, watch=Watch(log.began, log.stepped),
            keeping=keeping,
        )  # fmt: skip


def _watched(asked: Namespace, console: Console, keys: Keys) -> int:
    """The account of these keys, in a process of its own that is watched, started again, and shown."""
    strategy_of(asked.strategy or "trend", pairs("--param", asked.param))  # refused before anything is touched
    keeping_of(os.environ)
    account, kind = _account(asked, keys)
    folder = private_folder(_folder(asked, kind))
    if asked.fresh:
        with settled(folder):
            put_aside(folder)
    words = [word for word in asked.given if word != "--fresh"]
    metrics = METRICS if asked.metrics is None else asked.metrics
    console.print(
        f"{kind} account {account.number}: cash {account.cash:,.2f}, equity {account.equity:,.2f}\n"
        f"dashboard {_at(asked.port, folder)}, log in with a token of {folder / TOKENS}\n"
        f"metrics   {_at(metrics, folder)}\n"
        f"logs      {folder / LOG} and {folder / 'seat.log'}; Ctrl-C stops the session, its orders and positions stay"
    )
    ports = Served(asked.port, metrics)
    return supervised(folder, [sys.executable, "-m", "live", *words, "--no-dashboard"], ports=ports, stay=False)


def _at(port: int, folder: Path) -> str:
    """Where something will be served."""
    return f"http://127.0.0.1:{port}" if port else f"on a free port, which {folder / 'seat' / 'state.json'} tells"


def _account(asked: Namespace, keys: Keys) -> tuple[Account, str]:
    """Whose account it is, once what was asked for makes sense; and whether it is paper."""
    if not asked.symbols:
        raise ConfigError("run: which symbols? give --symbols AAPL MSFT …")
    if asked.input or asked.begin or asked.end or asked.speed is not None or asked.cash is not None:
        raise ConfigError(
            "run: --input, --from, --to, --speed and --cash are for the demo; an account trades what happens now, with "
            "the cash it has. Size smaller by the strategy's policy"
        )
    account = account_of(keys)
    return account, confirmed(keys, account, asked.live, asked.account or "")


def _folder(asked: Namespace, kind: str) -> Path:
    """Of the session."""
    strategy = asked.strategy or "trend"
    folder: Path = asked.session or SESSIONS / f"{strategy.rpartition(':')[2]}-{kind.replace(' ', '-')}"
    refuse_foreign(folder)
    return folder


def _hours(symbols: tuple[str, ...]) -> MarketHours:
    """When the symbols trade: crypto always does."""
    if any("/" in symbol for symbol in symbols):
        return MarketHours(lambda ts: True, None)
    calendar = new_york(time.time_ns())
    return MarketHours(calendar.is_open, calendar.next_close)


@contextmanager
def _seat(asked: Namespace, folder: Path, console: Console) -> Iterator[None]:
    """The dashboard, unless it is not wanted."""
    if asked.no_dashboard:
        yield
        return
    with served(folder, asked.port) as address:
        console.print(f"dashboard {address}, log in with {folder / TOKENS}")
        yield
