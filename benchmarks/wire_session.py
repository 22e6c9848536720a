"""`python -m benchmarks.wire_session SYMBOLS SECONDS PACE RATE`: a session against the service, and what it took.

Feed, broker, runner and strategy are those that trade; the last line it prints is JSON of `Took`.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from benchmarks.timing import ROOT
from benchmarks.wire_market import HISTORY, SECOND, Wire, day
from live.brokers.alpaca import AlpacaBroker
from live.errors import FeedError
from live.feeds.alpaca import AlpacaFeed
from live.feeds.hours import ALL
from live.feeds.protocol import Heard, Moment
from live.feeds.settings import FeedSettings
from live.keys import Keys
from live.runner import Runner
from live.session import replay
from live.trading import Watch, trade
from live.words import Output
from quantlib.desk.memory import instrument_records
from quantlib.desk.policy import Exits, Limits, Policy, fixed_fraction
from quantlib.features import roc
from quantlib.sets import named
from quantlib.strategy import Strategy

CASH = 10_000_000.0
PATIENCE = 10.0  # seconds after the last message in which all must have been heard
PAGE = os.sysconf("SC_PAGE_SIZE")


class Took(NamedTuple):
    """What a session took.

    latency   seconds from a moment's first frame to its commands on the disk, of each moment
    lost      messages that were told and not heard
    growth    bytes of memory from the first fifth of the time to the end
    cpu       seconds of processor time, of the session and of the service
    early     seconds that the session was ready before the first moment; below 0: it missed some of it
    late      seconds by which the service began after its time
    """

    latency: list[float]
    heard: int
    lost: int
    refused: int
    late_rows: int
    decided: int
    commands: int
    fills: int
    orders: int
    trouble: str
    growth: int
    memory: int
    cpu: float
    service_cpu: float
    early: float
    late: float


def strategy(pace: int) -> Strategy:
    """The sixty features of the named set; of five hundred symbols about thirty orders a minute."""
    policy = Policy(
        enter=0.5 if pace < 30 else 0.4, short=True, sizing=fixed_fraction(0.001),
        exits=Exits(stop=0.004, target=0.004, anchored=True), limits=Limits.off(),
    )  # fmt: skip
    return Strategy((*named("classic_60").features, roc(n=3, out="score")), policy, name="wire")


class Timed:
    """A feed that remembers when the last moment's first frame came."""

    def __init__(self, feed: AlpacaFeed) -> None:
        self.feed, self.arrived = feed, 0
        self.clocks, self.symbols, self.market = feed.clocks, feed.symbols, feed.market
        self.begin, self.health, self.close = feed.begin, feed.health, feed.close

    def next(self, patience: float) -> Heard | None:
        """The next thing heard."""
        heard = self.feed.next(patience)
        if isinstance(heard, Moment):
            self.arrived = heard.arrived
        return heard


class Noting:
    """Notes how long each moment took, and how much memory there is."""

    def __init__(self, feed: Timed) -> None:
        self.feed = feed
        self.latency: list[float] = []
        self.memory: list[tuple[float, int]] = []  # seconds of the monotonic clock, bytes
        self.decided = 0
        self.began = 0.0  # wall clock, seconds

    def begun(self, runner: Runner) -> None:
        """Both sides are connected."""
        self.began = time.time()

    def stepped(self, runner: Runner, output: Output) -> None:
        """After each step."""
        self.memory.append((time.monotonic(), resident()))
        if len(output.decision):
            self.latency.append((runner.decided - self.feed.arrived) / SECOND)
            self.decided += len(output.decision)

    def growth(self, seconds: float) -> int:
        """Bytes from a fifth of the time to its end."""
        begun = self.memory[0][0]
        settled = [bytes for at, bytes in self.memory if at - begun >= seconds / 5]
        return settled[-1] - settled[0] if settled else 0


def traded(wire: Wire, folder: Path) -> Took:
    """Trade what the service plays, to its end."""
    one = strategy(wire.pace)
    replay(one, day(3, wire.symbols, SECOND), folder / "warm")
    with service(wire) as (keys, begin, said):
        settings = FeedSettings(timeframe=wire.pace * SECOND, trades=True, hours=ALL, horizon=HISTORY)
        feed = Timed(AlpacaFeed(keys, wire.names, settings))
        broker = AlpacaBroker(keys, "wire", wire.names, instrument_records(wire.names, None))
        noting, end = Noting(feed), begin / SECOND + wire.seconds

        def over() -> bool:
            now = time.time()
            return now > end and (feed.health().messages >= wire.messages or now > end + PATIENCE)

        spent = resource.getrusage(resource.RUSAGE_SELF)
        done = trade(
            one, folder / "wire", feed, broker, cash=CASH, watch=Watch(noting.begun, noting.stepped), stop=over
        )
        used = resource.getrusage(resource.RUSAGE_SELF)
    health, service_said = feed.health(), said()
    return Took(
        noting.latency, health.messages, wire.messages - health.messages, health.refused, health.late, noting.decided,
        done.commands, done.fills, service_said["orders"], health.trouble or broker.health().trouble,
        noting.growth(wire.seconds), resident(), used.ru_utime + used.ru_stime - spent.ru_utime - spent.ru_stime,
        service_said["cpu"], begin / SECOND - noting.began, service_said["late"],
    )  # fmt: skip


@contextmanager
def service(wire: Wire) -> Iterator[tuple[Keys, int, Callable[[], dict[str, Any]]]]:
    """The service: where it is, when it begins, and, once it is over, what it has to say."""
    asked = [sys.executable, "-m", "benchmarks.wire_service", *map(str, wire)]
    with subprocess.Popen(asked, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise FeedError("wire: the service did not begin; see what it said above")
        where = json.loads(line)
        last: list[str] = []
        yield Keys(**where["keys"]), where["begin"], lambda: dict(json.loads(last[0]))
        last.append(process.communicate()[0])


def resident() -> int:
    """Bytes of memory that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def main() -> None:
    """Measure, and say it."""
    wire = Wire(*map(int, sys.argv[1:]))
    with TemporaryDirectory() as folder:
        print(json.dumps(traded(wire, Path(folder))._asdict()))


if __name__ == "__main__":
    main()
