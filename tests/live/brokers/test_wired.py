"""What every broker at the end of a wire does alike: told once, whatever the wire."""

from __future__ import annotations

import numpy as np
import pytest

from live.brokers.alpaca import AlpacaBroker
from live.brokers.zerodha import zerodha_broker
from live.brokers.zerodha_orders import Kite
from live.errors import BrokerError
from live.sim.plan import Fault
from live.sim.server import Loopback
from live.words import tickets
from quantlib.desk.memory import NEVER_ARRIVED, instrument_records
from quantlib.desk.messages import ACCEPTED, CANCEL, CANCELLED, FILL, REJECTED, REPLACE, REPLACED, SENT, SUBMIT
from tests.live.brokers import test_ibkr, test_zerodha
from tests.live.brokers.driving import QUICK, asked, connected, sent, until
from tests.live.brokers.kite import KiteServer
from tests.live.brokers.test_alpaca_faults import flat, step, trading
from tests.live.brokers.test_zerodha import heard, kinds, send, working
from tests.live.brokers.tws import Tws
from tests.live.scenes import scored

LATE = QUICK._replace(hold=0.0)  # no time for anything on the spot


def test_what_never_arrived_is_refused_for_that_reason_on_every_wire() -> None:
    record = working(1, 5, status=SENT)
    with trading() as (_, alpaca), Tws(test_ibkr.CONTRACTS) as tws, test_ibkr.connected(tws) as ibkr:
        for broker in (alpaca, ibkr):
            reports = broker.catch_up(record)
            assert [(int(r["kind"]), int(r["id"]), int(r["reason"])) for r in reports] == [(REJECTED, 1, NEVER_ARRIVED)]


def test_an_order_of_unknown_outcome_is_pending_in_the_standing_of_a_line() -> None:
    with Tws(test_ibkr.CONTRACTS) as tws, test_ibkr.connected(tws, answer=3.0) as broker:
        tws.silent = True
        send(broker, asked(1, 10, limit=9900))
        assert broker.standing().pending == {1}
        until(lambda: broker.standing().pending == frozenset())


def test_a_standing_in_doubt_is_taken_after_what_was_missed() -> None:
    drops = [Fault("drop", f"trading/{event}/*", rate=1.0) for event in ("new", "fill")]
    with trading(*drops) as (alpaca, broker):
        sent(broker, asked(1, 10))
        step(alpaca, broker, hearing=False)
        broker.keeper.doubt()
        assert broker.standing().lots.tolist() == [10]
        assert FILL in broker.unheard(0)["kind"]


def test_an_order_for_which_there_is_no_time_is_taken_back_unsent_by_its_cancel() -> None:
    with KiteServer() as server, test_zerodha.connected(server, patience=LATE) as broker:
        with broker._sending:  # the keeper waits
            send(broker, asked(1, 10, limit=2000))
            assert server.orders == {}
            assert broker.errands.about() == {1}
            send(broker, asked(1, 0, kind=CANCEL, ts=1))
        assert kinds(heard(broker, 1)) == [(CANCELLED, 1)]
        until(lambda: not broker.errands.about())
        assert server.orders == {}


@pytest.mark.parametrize(("kind", "told"), [(CANCEL, CANCELLED), (REPLACE, REPLACED)])
def test_a_change_for_which_there_is_no_time_is_made_by_the_keeper(kind: int, told: int) -> None:
    with KiteServer() as server, test_zerodha.connected(server, patience=LATE) as broker:
        send(broker, asked(1, 10, limit=2000))
        assert kinds(heard(broker, 1)) == [(ACCEPTED, 1)]
        until(lambda: not broker.errands.about())
        with broker._sending:
            before = dict(server.order())
            send(broker, asked(1, 7, kind=kind, limit=1900, ts=1))
            assert server.order() == before
            assert broker.errands.about() == {1}
        assert kinds(heard(broker, 1)) == [(told, 1)]


def test_a_stream_that_was_lost_is_told_once_and_that_it_is_back() -> None:
    with KiteServer() as server, test_zerodha.connected(server) as broker:
        broker._lost("closed")
        broker._lost("closed again")
        assert broker.health().trouble == "the broker does not tell of orders (closed again)"
        broker._began()
        broker._began()
        assert [trouble.kind for trouble in broker.incidents()] == ["lost", "connected"]
        assert broker.health().trouble == ""


def test_a_session_whose_name_is_too_long_for_its_orders_is_refused() -> None:
    records = instrument_records(("AAA",), None)
    with KiteServer() as server, Loopback(scored(2, ("AAA",))) as alpaca:
        kite = Kite("key", "token", root=server.root, ticker=server.ticker)
        with pytest.raises(BrokerError, match="must have 1 to 60 characters, got 61"):
            zerodha_broker(kite, 61 * "s", ("AAA",), records)
        with pytest.raises(BrokerError, match="must have 1 to 78 characters, got 79"):
            AlpacaBroker(alpaca.keys, 79 * "s", ("AAA",), records)


@pytest.mark.parametrize("session", ["plain", "no-cancel-bot", "ends-in-cancel", "a-replace-7"])
def test_what_has_arrived_is_known_again_whatever_the_session_is_called(session: str) -> None:
    commands = np.concatenate(
        [
            asked(id, 10, limit=9000, kind=kind)
            for id, kind in ((1, SUBMIT), (4, SUBMIT), (4, CANCEL), (1, CANCEL), (7, SUBMIT))
        ]
    )
    with Loopback(flat()) as alpaca:
        alpaca.match()
        with connected(alpaca, ("AAA",), session=session) as broker:
            sent(broker, commands[:3])
            alpaca.match()
        with connected(alpaca, ("AAA",), session=session) as broker:
            assert [broker.knows(ticket) for ticket in tickets(session, commands)] == [True] * 3 + [False] * 2


@pytest.mark.parametrize("session", ["plain", "no-cancel-bot", "ends-in-cancel", "a-replace-7"])
def test_an_amendment_on_a_line_never_counts_as_known_and_its_order_does(session: str) -> None:
    with KiteServer() as server, test_zerodha.connected(server, session=session) as broker:
        commands = np.concatenate([asked(1, 10, limit=2000), asked(1, 8, kind=REPLACE, limit=1900, ts=5)])
        send(broker, commands[:1])
        broker._done.clear()
        assert [broker.knows(ticket) for ticket in tickets(session, commands)] == [True, False]
