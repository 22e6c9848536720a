"""Whatever of TWS's words is lost, doubled or disordered, nothing is booked twice and nothing is missing in the end.

The words are TWS's own messages, read by the real client's decoder.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from ib_async.decoder import Decoder

from live.brokers.ibkr import IbkrLine, ibkr_broker
from live.brokers.ibkr_orders import Gateway
from live.brokers.line import Ear
from live.brokers.line_broker import LineBroker
from quantlib.desk.memory import instrument_records
from quantlib.desk.messages import ACCEPTED, CANCELLED, CARRY, FILL
from tests.live.brokers.driving import asked
from tests.live.brokers.tws import ACCOUNT, VERSION, Placed, Tws

FOREVER = 2**62
LEGS = "test-1-legs"


class Overheard(Tws):
    """A TWS whose words are written down instead of sent."""

    def __init__(self) -> None:
        self.frames: list[list[str]] = []
        super().__init__({"AAA": 101})
        self.client = 17

    def send(self, *fields: Any) -> None:
        self.frames.append([str(int(f) if isinstance(f, bool) else f) for f in fields])

    def words(self) -> list[list[str]]:
        """What was said since the last call."""
        said, self.frames = self.frames, []
        return said

    def looked_at(self) -> list[list[str]]:
        """What it says when it is asked for everything."""
        for kind, rest in ((16, ["1"]), (99, ["0"]), (7, ["3", "5"])):
            self._tell(kind, [str(kind), *rest])
        return self.words()


@contextmanager
def listening() -> Iterator[tuple[Overheard, LineBroker, Decoder]]:
    """A broker that hears what it is given, and no socket."""
    with Overheard() as tws:
        broker = ibkr_broker(Gateway(), "test", ("AAA",), instrument_records(("AAA",), None))
        line = broker.line
        assert isinstance(line, IbkrLine)
        line._book.symbols[101] = "AAA"
        line.link.client = line  # it is told of numbers that are taken
        line.updateReqId = lambda number: None  # type: ignore[attr-defined]
        line._ear = Ear(
            broker._show, broker._refuse, broker._charge, lambda: None, broker._heard, lambda: None,
            lambda reason: None, broker._tell,
        )  # fmt: skip
        yield tws, broker, Decoder(line.link, VERSION)


def placed(tws: Tws, number: int, ref: str, action: str, kind: str, parent: int = 0, group: str = "") -> Placed:
    price = {"LMT": ("110.0" if parent else "99.0", ""), "STP": ("", "95.0")}[kind]
    one = Placed(
        number, 17, 9000 + number, "AAA", 101, action, 10.0, kind, *price, "GTC", group, "2", ACCOUNT, ref, True,
        parent, "PreSubmitted" if parent else "Submitted",
    )  # fmt: skip
    tws.orders.append(one)
    return one


def happen(tws: Tws, parts: Sequence[int], out: str) -> None:
    """A bracket's life: its entry fills in parts, and one of its legs in two."""
    for one in [
        placed(tws, 1, "test-1", "BUY", "LMT"), placed(tws, 2, "test-2", "SELL", "STP", 1, LEGS),
        placed(tws, 3, "test-3", "SELL", "LMT", 1, LEGS),
    ]:  # fmt: skip
        tws.tell_open(one)
    for k, units in enumerate(parts):
        tws.fill("test-1", units, 98.0 + k / 4, fee=0.25 * (k + 1))
    if out == "cancelled":
        for ref in ("test-2", "test-3"):
            tws.end(ref)
    elif out:
        tws.fill(out, 4, 100.0, fee=0.5)
        tws.fill(out, 6, 101.0, fee=0.75)


def garbled(frames: list[list[str]], die: random.Random) -> list[list[str]]:
    """The same words, some lost, some said twice, some overtaken."""
    kept = [frame for frame in frames if die.random() > 0.25]
    kept += [frame for frame in frames if die.random() < 0.25]
    for k in range(len(kept) - 1):
        if die.random() < 0.3:
            j = die.randrange(k, len(kept))
            kept[k], kept[j] = kept[j], kept[k]
    return kept


@given(
    seed=st.integers(0, 10**9),
    parts=st.sampled_from([(10,), (4, 6), (3, 3, 4), (1, 2, 3, 4)]),
    out=st.sampled_from(["", "test-2", "test-3", "cancelled"]),
)
def test_a_brackets_life_is_booked_once_whatever_becomes_of_the_words(
    seed: int, parts: tuple[int, ...], out: str
) -> None:
    with listening() as (tws, broker, decoder):
        die = random.Random(seed)
        broker.ledger.sent("test-1", asked(1, 10, limit=9900, stop_leg=9500, target_leg=11000)[0])
        broker.line._book.sent("test-1", 17, 1)  # type: ignore[attr-defined]
        happen(tws, parts, out)
        for frame in garbled(tws.words(), die):
            decoder.interpret(frame)
        reports = list(broker.reports(0, ()))
        for _ in range(2):  # as after a reconnect
            for frame in tws.looked_at():
                decoder.interpret(frame)
            line: Any = broker.line
            line._book.looked([one.ref for one in tws.orders], FOREVER)
            for shown in line._book.all():
                broker._show(shown)
        reports += list(broker.reports(0, ()))
        assert_told(tws, reports, out)
        assert not [trouble for trouble in broker.incidents() if trouble.fatal]
        assert broker.ledger.lots.tolist() == [int(tws.units["AAA"])]


def assert_told(tws: Tws, reports: list[Any], out: str) -> None:
    """Fills, fees and ends are those that happened, each once and in an order that a desk can book."""
    for one in tws.orders:
        id = int(one.ref.rpartition("-")[2])
        mine = [r for r in reports if r["id"] == id]
        fills = [(int(r["lots"]), float(r["price"])) for r in mine if r["kind"] == FILL]
        assert fills == [(int(row[1]), row[2]) for row in one.executions]
        ended = one.status == "Cancelled"
        if ended and not mine and id > 1:
            continue  # a leg that had ended before it was heard of
        assert [r["kind"] for r in mine].count(ACCEPTED) == 1
        assert mine[0]["kind"] == ACCEPTED
        assert [r["kind"] for r in mine].count(CANCELLED) == int(ended)
        assert not ended or mine[-1]["kind"] == CANCELLED
    fees = sum(float(r["fee"]) for r in reports if r["kind"] in (FILL, CARRY))
    assert abs(fees - sum(sum(one.fees.values()) for one in tws.orders)) < 1e-9
