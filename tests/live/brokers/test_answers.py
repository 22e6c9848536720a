"""Answers of another shape than was asked for: whoever asked is told which call and what was wrong, and nobody dies."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from live.brokers import zerodha_answers
from live.brokers.alpaca_answers import check_of
from live.brokers.answers import each, number, record, whole, word
from live.brokers.breaker import Circuit
from live.brokers.errands import LOOK_UP, Errands
from live.brokers.inquiry import Inquiry
from live.brokers.ledger import Ledger
from live.brokers.orders import listings
from live.brokers.placing import Placing
from live.brokers.rest import Rest
from live.errors import BrokerError, Unanswered
from live.keys import Keys
from quantlib.desk.memory import instrument_records
from quantlib.desk.messages import ORDER
from tests.live.brokers import test_ibkr, test_zerodha
from tests.live.brokers.driving import asked
from tests.live.brokers.kite import KiteServer
from tests.live.brokers.tws import Tws

GOOD: dict[str, Any] = {
    "/v2/account": {"cash": "1000.5", "status": "ACTIVE"},
    "/v2/positions": [{"symbol": "AAA", "qty": "-3"}],
    "/v2/orders": [],
}


@contextmanager
def alpaca(said: dict[str, Any]) -> Iterator[Rest]:
    """The REST client before a server that answers 200 with this, by path."""

    class Says(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(said[self.path.partition("?")[0]]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Says)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    rest = Rest(Keys("key", "secret", trading=f"http://127.0.0.1:{server.server_port}"))
    rest._closing.set()  # no pause between two attempts
    try:
        yield rest
    finally:
        rest.close()
        server.shutdown()
        thread.join()
        server.server_close()


def parts(rest: Rest) -> tuple[Ledger, Inquiry]:
    ledger, lock = Ledger("test", listings(("AAA",), instrument_records(("AAA",), None))), threading.RLock()
    return ledger, Inquiry(rest, ledger, lock)


STRANGE = [
    ("/account", {}, r"no cash in \{\}"), ("/account", None, "None is no object"),
    ("/account", {"cash": "much", "status": "ACTIVE"}, "cash: 'much' is no number"),
    ("/positions", {}, r"\{\} is no list"), ("/positions", [{"symbol": "AAA"}], "no qty in"),
    ("/positions", [{"symbol": "AAA", "qty": "NaN"}], "qty: 'NaN' is no number"),
    ("/orders", {"message": "x"}, "is no list"), ("/orders", ["x"], "'x' is no object"),
    ("/orders", [{"id": "b1", "status": "new", "qty": "ten"}], "qty: 'ten' is no number"),
    ("/orders", [{"id": "b1", "status": "new", "submitted_at": "noon"}], "submitted_at: 'noon' is no instant"),
    ("/orders", [{"id": "b1", "status": "new", "legs": [{}]}], r"legs: no id in \{\}"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "wrong"), STRANGE)
def test_a_standing_of_another_shape_says_which_call_and_what_was_wrong(path: str, body: Any, wrong: str) -> None:
    with alpaca(GOOD | {f"/v2{path}": body}) as rest:
        _, inquiry = parts(rest)
        with pytest.raises(BrokerError, match=f"GET {path} was answered with what makes no sense .*{wrong}"):
            inquiry.standing()
        assert path in rest.trouble
        assert rest.failures == 4


def test_answers_that_cannot_be_read_do_not_open_the_circuit_for_orders() -> None:
    with alpaca(GOOD | {"/v2/positions": {}}) as rest:
        for _ in range(4):
            with pytest.raises(Unanswered):
                rest.told("/positions")
        assert rest.circuit.state == Circuit().state == "closed"
        assert rest.told("/account")["cash"] == "1000.5"


def test_a_standing_is_taken_from_answers_that_can_be_read() -> None:
    with alpaca(GOOD) as rest:
        standing = parts(rest)[1].standing()
        assert (standing.cash, standing.lots.tolist(), len(standing.working)) == (1000.5, [-3], 0)


def test_an_order_whose_answer_cannot_be_read_is_of_unknown_outcome_and_looked_up() -> None:
    with alpaca({"/v2/orders": {"ok": True}}) as rest:
        ledger, inquiry = parts(rest)
        errands = Errands(lambda: 0.0)
        placing = Placing(rest, ledger, inquiry, errands, threading.RLock(), 1.0, 1.0)
        placing.place("test-1", asked(1, 10)[0])
        assert errands.count(LOOK_UP) == 1
        assert [trouble.kind for trouble in ledger.incidents] == ["unknown"]
        assert "no id in {'ok': True}" in ledger.incidents[0].text


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("DELETE /orders/b1", None), ("DELETE /orders", None), ("DELETE /orders", [{"id": "b1", "status": 200}]),
        ("GET /clock", {"is_open": True}), ("GET /orders/b1", {"id": "b1", "status": "new", "legs": None, "qty": None}),
        ("PATCH /orders/b1", {"id": "b2", "status": "accepted", "limit_price": ""}),
    ],
)  # fmt: skip
def test_what_says_enough_is_taken_as_it_is(call: str, body: Any) -> None:
    assert check_of(call)(body) == ""


def test_checks_name_what_is_wrong_and_cut_it_short() -> None:
    check = record({"id": word, "rows": each(record({"lots": whole}), least=1)}, {"price": number})
    good = {"id": 7, "rows": [{"lots": "3"}], "price": None}
    assert check(good) == ""
    assert check(good | {"id": ""}) == "id: '' is no name"
    assert check(good | {"id": True}) == "id: True is no name"
    assert check(good | {"rows": []}) == "rows: [] is no list of 1 or more"
    assert check(good | {"rows": [{"lots": "3.5"}]}) == "rows: lots: '3.5' is no whole number"
    assert check(good | {"price": True}) == "price: True is no number"
    assert len(check(200 * ["x"])) < 100


def test_a_kite_that_answers_with_something_else_is_a_broker_that_did_not_answer() -> None:
    with KiteServer() as server, test_zerodha.connected(server) as broker:
        server.cash = "much"  # type: ignore[assignment]
        with pytest.raises(Unanswered, match=r"GET /user/margins .*available: cash: 'much' is no number"):
            broker.standing()
        server.cash, server.stale = 1e6, [{"order_id": "b1"}]
        with pytest.raises(Unanswered, match=r"GET /orders .*no status in"):
            broker.catch_up(test_zerodha.working(1, 10))
        server.stale = None
        assert broker.standing().cash == 1e6


def test_a_gtt_is_read_if_it_has_a_number_and_orders() -> None:
    assert zerodha_answers.check_of("POST /gtt/triggers")({}) == "no trigger_id in {}"
    gtt = {"id": 1, "status": "active", "created_at": "2026-11-20 09:15:00", "orders": []}
    gtt["condition"] = {"exchange": "NSE", "tradingsymbol": "AAA", "trigger_values": [95.0]}
    check = zerodha_answers.check_of("GET /gtt/triggers")
    assert check([gtt]) == "orders: [] is no list of 1 or more"
    order = {"transaction_type": "SELL", "quantity": 10, "result": None}
    assert check([gtt | {"orders": [order]}]) == ""
    assert check([gtt | {"orders": [order | {"result": "failed"}]}]) == "orders: result: 'failed' is no object"


def test_a_tws_whose_numbers_are_none_is_a_broker_that_did_not_answer() -> None:
    with Tws(test_ibkr.CONTRACTS) as tws, test_ibkr.connected(tws) as broker:
        tws.cash = "much"  # type: ignore[assignment]
        with pytest.raises(Unanswered, match="'much' is no number"):
            broker.standing()
        tws.cash, tws.units["AAA"] = 1e6, float("nan")
        with pytest.raises(Unanswered, match="position in AAA was answered"):
            broker.standing()
        tws.units["AAA"] = 0.0
        assert broker.standing().working.dtype == ORDER
