"""The seat over HTTP: it shows what the session says, viewers do not act, what is critical is asked twice."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from scenes import played, scored, scoring
from seats import lived

from live.control.acts import act
from live.control.api import served
from live.control.audit import entries, verified
from live.control.auth import OPERATOR, Person
from live.control.guard import LARGEST
from live.control.seat import Allowed
from live.errors import SeatError
from live.lock import alone
from live.operator import wanted_in
from live.pulse import Pulse, beat

MANY = Allowed("1000/minute", "10000/minute", "1000/minute", "1000/minute")


class Sitting(NamedTuple):
    """A served session, with a client of each kind."""

    folder: Path
    address: str
    pulse: Pulse
    operator: httpx.Client
    viewer: httpx.Client
    stranger: httpx.Client

    def words(self) -> list[str]:
        """What the session was told to do."""
        return [wanted.word for wanted in wanted_in(self.folder / "operator")]

    def confirmed(self, act: str, **fields: Any) -> str:
        """A word for an act."""
        answer = self.operator.post("/api/confirmations", json={"act": act, **fields})
        assert answer.status_code == 200, answer.text
        return answer.json()["nonce"]

    def fresh(self, **changes: Any) -> None:
        """A pulse of now."""
        beat(self.folder, self.pulse._replace(at=time.time_ns(), **changes))


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Iterator[Sitting]:
    folder = tmp_path_factory.mktemp("seat") / "one"
    pulse = lived(folder, scoring(), scored(), 30)
    with served(folder, 0, allowed=MANY) as address:
        tokens = json.loads((folder / "tokens.json").read_text())
        shown = {name: {"Authorization": f"Bearer {one['token']}"} for name, one in tokens.items()}
        with (
            httpx.Client(base_url=address, headers=shown["operator"]) as operator,
            httpx.Client(base_url=address, headers=shown["viewer"]) as viewer,
            httpx.Client(base_url=address) as stranger,
        ):
            yield Sitting(folder, address, pulse, operator, viewer, stranger)


@pytest.fixture
def seat(whole) -> Sitting:
    for path in (whole.folder / "operator").glob("*"):
        path.unlink()
    whole.fresh()
    whole.stranger.cookies.clear()
    return whole


READS = [
    "me", "state", "positions", "orders", "signals", "health", "limits", "refusals", "equity", "fills", "ended",
    "decisions", "incidents", "actions", "log", "audit",
]  # fmt: skip
ACTS = {
    "halt": {}, "pause": {}, "resume": {"why": "go on"}, "flatten": {"why": "too much", "confirmation": "x"},
    "override": {
        "limit": "gross", "value": 0.4, "until": "2030-01-01T00:00:00Z", "why": "a wide day", "confirmation": "x",
    },
}  # fmt: skip


@pytest.mark.parametrize("path", READS)
def test_only_those_who_are_known_may_look(seat, path):
    forged = f"seat_{seat.address.rsplit(':')[-1]}=operator.9999999999.x.{'0' * 64}"
    assert seat.stranger.get(f"/api/{path}").status_code == 401
    assert seat.stranger.get(f"/api/{path}", headers={"Authorization": "Bearer nonsense"}).status_code == 401
    assert seat.stranger.get(f"/api/{path}", headers={"Authorization": "Basic bm86bm8="}).status_code == 401
    assert seat.stranger.get(f"/api/{path}", headers={"Cookie": forged}).status_code == 401
    assert seat.viewer.get(f"/api/{path}").status_code == 200
    assert "error" in seat.stranger.get(f"/api/{path}").json()


@pytest.mark.parametrize("act", ACTS)
def test_a_viewer_may_not_act_and_the_attempt_is_noted(seat, act):
    answer = seat.viewer.post(f"/api/acts/{act}", json=ACTS[act])
    assert answer.status_code == 403
    assert "look, not act" in answer.json()["error"]
    assert seat.words() == []
    last = entries(seat.folder / "audit.jsonl")[-1]
    assert (last.who, last.what, last.detail) == ("viewer", "refused: may not act", {"path": f"/api/acts/{act}"})


def test_the_state_is_the_pulse_and_says_how_old_it_is(seat):
    said = seat.viewer.get("/api/state").json()
    assert said["pulse"]["equity"] == seat.pulse.equity
    assert said["pulse"]["mode"] == "ACTIVE"
    assert said["fresh"] is True
    assert said["running"] is False
    assert said["moment"] == seat.pulse.ts  # a replay's time is the tape's
    assert said["trouble"] == {}
    beat(seat.folder, seat.pulse._replace(at=time.time_ns() - 6 * 10**9))
    said = seat.viewer.get("/api/state").json()
    assert said["fresh"] is False
    assert said["age"] > 6


def test_what_the_pulse_tells_can_be_asked_for_by_its_parts(seat):
    assert seat.viewer.get("/api/positions").json() == seat.pulse.positions
    assert [o["id"] for o in seat.viewer.get("/api/orders").json()] == [o["id"] for o in seat.pulse.orders]
    assert {s["symbol"] for s in seat.viewer.get("/api/signals").json()} == {s["symbol"] for s in seat.pulse.signals}
    health = seat.viewer.get("/api/health").json()
    assert health["feed"]["messages"] == seat.pulse.feed.messages
    assert health["broker"]["calls"] == seat.pulse.broker.calls
    assert len(health["bounds"]) == len(health["decision"]["counts"])
    refused = seat.viewer.get("/api/refusals").json()["refusals"]
    assert {one["reason"]: one["count"] for one in refused} == seat.pulse.refusals
    limits = seat.viewer.get("/api/limits").json()
    assert len(limits["used"]) == len(seat.pulse.limits)
    gross = next(one for one in limits["overridable"] if one["limit"] == "gross")
    assert gross["value"] == next(u["limit"] for u in seat.pulse.limits if u["name"] == "gross exposure")


def test_fills_stand_beside_the_price_decided_on(seat):
    fills = seat.viewer.get("/api/fills", params={"last": 3}).json()
    assert len(fills) == 3
    for fill in fills:
        side = 1 if fill["side"] == "buy" else -1
        assert fill["slippage"] == pytest.approx(side * (fill["price"] - fill["expected"]) * fill["lots"])
    whole = seat.viewer.get("/api/fills").json()
    assert [fill["number"] for fill in whole] == list(range(1, seat.pulse.fills + 1))
    assert whole[-3:] == fills


def test_the_curve_ends_where_the_session_is(seat):
    said = seat.viewer.get("/api/equity").json()
    assert said["begun"] == seat.pulse.begun
    assert said["points"][-1]["equity"] == seat.pulse.equity
    assert said["points"][-1]["ts"] == seat.pulse.ts


def test_halt_needs_no_confirmation_and_reaches_the_session_with_who_and_why(seat):
    answer = seat.operator.post("/api/acts/halt", json={"why": "it looks odd"})
    assert answer.status_code == 202
    wanted = wanted_in(seat.folder / "operator")
    assert [(w.word, w.who, w.why) for w in wanted] == [("halt", "operator", "it looks odd")]
    last = entries(seat.folder / "audit.jsonl")[-1]
    assert (last.number, last.who, last.role, last.what, last.why) == (
        answer.json()["audit"], "operator", "operator", "halt", "it looks odd",
    )  # fmt: skip
    assert [one["word"] for one in seat.viewer.get("/api/state").json()["waiting"]] == ["halt"]
    assert verified(seat.folder / "audit.jsonl") is None


def test_an_act_is_answered_with_when_it_is_obeyed_and_refused_where_nobody_will(seat):
    later = seat.operator.post("/api/acts/halt", json={}).json()["obeyed"]
    assert later == "before the session's next step, once it is started again; not if that begins anew (--fresh)"
    with alone(seat.folder):
        assert seat.operator.post("/api/acts/halt", json={}).json()["obeyed"] == "before the session's next step"
    seat.fresh(kind="demo")
    answer = seat.operator.post("/api/acts/halt", json={})
    assert answer.status_code == 409
    assert "is over, and the next one begins anew, so nothing would obey" in answer.json()["error"]
    assert seat.words() == ["halt", "halt"]
    with alone(seat.folder):
        assert seat.operator.post("/api/acts/halt", json={}).status_code == 202


@pytest.mark.parametrize(("fresh", "mode"), [(False, "HALTED"), (True, "ACTIVE")])
def test_an_act_before_the_first_start_is_carried_out_as_it_was_answered(tmp_path, fresh, mode):
    done = act(tmp_path / "s", Person("ann", OPERATOR), "halt", why="not yet")
    assert done.obeyed == "before the session's next step, once it is started again; not if that begins anew (--fresh)"
    assert played(tmp_path / "s", fresh=fresh).mode == mode
    assert (tmp_path / "s" / "before-1" / "operator").exists() is fresh


def test_pause_is_reduce(seat):
    assert seat.operator.post("/api/acts/pause", json={}).status_code == 202
    assert seat.words() == ["reduce"]


def test_flatten_needs_a_reason_and_a_confirmation_that_is_good_once(seat):
    assert seat.operator.post("/api/acts/flatten", json={"why": "too much"}).status_code == 422
    assert seat.operator.post("/api/acts/flatten", json={"why": "too much", "confirmation": "x"}).status_code == 409
    nonce = seat.confirmed("flatten")
    assert seat.operator.post("/api/acts/flatten", json={"why": "  ", "confirmation": nonce}).status_code == 422
    assert seat.operator.post("/api/acts/flatten", json={"why": "too much", "confirmation": nonce}).status_code == 202
    again = seat.operator.post("/api/acts/flatten", json={"why": "too much", "confirmation": nonce})
    assert again.status_code == 409
    assert seat.words() == ["flatten"]


def test_a_confirmation_says_what_the_act_will_do(seat):
    says = seat.operator.post("/api/confirmations", json={"act": "flatten"}).json()["says"]
    assert says[0].startswith(f"Leaves {len(seat.pulse.positions)} position")
    assert all(any(one["symbol"] in line for line in says) for one in seat.pulse.positions)


@pytest.mark.parametrize("mode", ["HALTED", "REDUCING"])
def test_resuming_from_halted_must_be_confirmed_and_from_reducing_not(seat, mode):
    seat.fresh(mode=mode)
    bare = seat.operator.post("/api/acts/resume", json={"why": "all is well"})
    assert bare.status_code == (409 if mode == "HALTED" else 202)
    nonce = seat.confirmed("resume")
    sure = seat.operator.post("/api/acts/resume", json={"why": "all is well", "confirmation": nonce})
    assert sure.status_code == 202
    assert set(seat.words()) == {"resume"}


def test_resuming_what_has_not_said_its_mode_lately_must_be_confirmed(seat):
    beat(seat.folder, seat.pulse._replace(at=time.time_ns() - 60 * 10**9, mode="REDUCING"))
    assert seat.operator.post("/api/acts/resume", json={"why": "all is well"}).status_code == 409
    assert seat.words() == []


def until(seat: Sitting, **after: float) -> str:
    return (datetime.fromtimestamp(seat.pulse.ts // 10**9, UTC) + timedelta(**after)).isoformat().replace("+00:00", "Z")


def test_an_override_is_of_the_very_limit_value_and_time_that_were_confirmed(seat):
    asked = {"limit": "gross", "value": 0.4, "until": until(seat, hours=2)}
    nonce = seat.confirmed("override", **asked)
    other = seat.operator.post(
        "/api/acts/override", json={**asked, "value": 0.9, "why": "a wide day", "confirmation": nonce}
    )
    assert other.status_code == 409
    nonce = seat.confirmed("override", **asked)
    done = seat.operator.post("/api/acts/override", json={**asked, "why": "a wide day", "confirmation": nonce})
    assert done.status_code == 202
    wanted = wanted_in(seat.folder / "operator")[-1]
    assert (wanted.word, wanted.limit, wanted.value, wanted.until) == (
        "override", "gross", 0.4, seat.pulse.ts + 2 * 3600 * 10**9,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"until": {"hours": -1}}, "within 7 days"), ({"until": {"days": 8}}, "within 7 days"),
        ({"limit": "positions", "value": 2.5}, "whole"), ({"limit": "nonsense"}, "limit"), ({"value": -1.0}, "value"),
    ],
)  # fmt: skip
def test_an_override_that_makes_no_sense_is_refused(seat, change, why):
    asked = {"limit": "gross", "value": 0.4, "until": until(seat, hours=2)} | change
    if isinstance(asked["until"], dict):
        asked["until"] = until(seat, **asked["until"])
    answer = seat.operator.post("/api/confirmations", json={"act": "override", **asked})
    assert answer.status_code == 422
    assert why in answer.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'{"why": 1}', b'{"why": "x", "more": 1}', b'{"why": "\xff"}', b'{"why": NaN}',
        b'{"why": "a\\u0000b"}', b'{"why": "\\ud800"}', b"[" * 8000, b'{"why": "' + b"y" * 401 + b'"}',
        b"1" * 5000, b'{"why": "x"} trailing',
    ],
)  # fmt: skip
def test_what_is_not_asked_to_the_letter_is_refused_in_json(seat, body):
    answer = seat.operator.post("/api/acts/halt", content=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert list(answer.json()) == ["error"]
    assert seat.words() == []


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("acts/halt", '{"why": "a look", "why": "nothing"}', "why"),
        ("acts/halt", '{"why": "a look", "wh\\u0079": "nothing"}', "why"),
        ("confirmations", '{"act": "resume", "act": "flatten"}', "act"),
        ("login", '{"token": "one", "token": "two"}', "token"),
        ("acts/halt", '{"why": "", "more": {"a": 1, "a": 2}}', "a"),
    ],
)
def test_a_field_that_is_named_twice_is_refused_and_nothing_is_done(seat, path, body, field):
    answer = seat.operator.post(f"/api/{path}", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["error"] == f"seat: a body names each field once, got {field!r} twice"
    assert "content-security-policy" in answer.headers
    assert seat.words() == []


def test_json_that_does_not_say_so_is_refused(seat):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = seat.operator.post("/api/acts/halt", content=b"{}", headers={"content-type": kind})
        assert answer.status_code in (400, 415, 422)
    assert seat.words() == []


def test_a_body_that_is_too_large_is_not_read(seat):
    large = b'{"why": "' + b"x" * LARGEST + b'"}'
    headers = {"content-type": "application/json"}
    assert seat.operator.post("/api/acts/halt", content=large, headers=headers).status_code == 413
    pieces = (large[k : k + 1000] for k in range(0, len(large), 1000))
    assert seat.operator.post("/api/acts/halt", content=pieces, headers=headers).status_code == 413
    assert seat.words() == []


def test_a_host_that_is_not_ours_is_refused_whatever_it_shows(seat):
    for host in ("evil.example", f"evil.example:{seat.address.rsplit(':')[-1]}", "127.0.0.1", "127.0.0.1:1", ""):
        answer = seat.operator.get("/api/state", headers={"host": host})
        assert answer.status_code in (400, 421)
    port = seat.address.rsplit(":")[-1]
    assert seat.operator.get("/api/state", headers={"host": f"localhost:{port}"}).status_code == 200


def test_every_answer_carries_the_headers_that_forbid(seat):
    for path in ("/", "/page/main.js", "/api/alive", "/api/state", "/nonsense"):
        headers = seat.stranger.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "server" not in headers
    assert seat.stranger.get("/api/alive").headers["cache-control"] == "no-store"


def logged_in(seat: Sitting, role: str = "operator") -> tuple[dict[str, str], dict[str, Any]]:
    token = json.loads((seat.folder / "tokens.json").read_text())[role]["token"]
    answer = seat.stranger.post("/api/login", json={"token": token})
    assert answer.status_code == 200
    said = answer.headers["set-cookie"].lower()
    assert "httponly" in said
    assert "samesite=strict" in said
    assert token not in said
    return {"Origin": seat.address, "X-Seat-Proof": answer.json()["proof"]}, answer.json()


def test_a_log_in_acts_only_from_its_own_page(seat):
    ours, me = logged_in(seat)
    assert (me["name"], me["may_act"]) == ("operator", True)
    assert seat.stranger.get("/api/state").status_code == 200
    for headers in (
        {}, {"Origin": ours["Origin"]}, {"X-Seat-Proof": ours["X-Seat-Proof"]},
        {**ours, "Origin": "http://evil.example"}, {**ours, "Origin": "null"}, {**ours, "X-Seat-Proof": "x"},
        {**ours, "Origin": ours["Origin"].replace("127.0.0.1", "localhost")},
    ):  # fmt: skip
        assert seat.stranger.post("/api/acts/halt", json={}, headers=headers).status_code == 403
    assert seat.words() == []
    assert seat.stranger.post("/api/acts/halt", json={}, headers=ours).status_code == 202
    assert seat.words() == ["halt"]
    assert seat.stranger.post("/api/logout", json={}, headers=ours).status_code == 200
    assert seat.stranger.get("/api/state").status_code == 401


def test_a_log_in_from_another_page_is_refused(seat):
    token = json.loads((seat.folder / "tokens.json").read_text())["operator"]["token"]
    answer = seat.stranger.post("/api/login", json={"token": token}, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_no_answer_and_no_audit_line_holds_a_token(seat):
    tokens = [one["token"] for one in json.loads((seat.folder / "tokens.json").read_text()).values()]
    seat.stranger.post("/api/login", json={"token": tokens[0] + "x"})
    (seat.folder / "runner.log").write_text(json.dumps({"time": "", "event": f"shown {tokens[1]}"}) + "\n")
    said = "".join(seat.operator.get(f"/api/{path}").text for path in READS)
    said += (seat.folder / "audit.jsonl").read_text()
    assert "shown •••" in said
    assert not [token for token in tokens if token in said]


def test_knocking_is_slowed_down_and_holds_up_nobody_who_is_known(tmp_path):
    with served(tmp_path, 0, allowed=Allowed("3/minute", "5/minute", "2/minute", "4/minute")) as address:
        token = json.loads((tmp_path / "tokens.json").read_text())["operator"]["token"]
        with httpx.Client(base_url=address) as stranger:
            wrong = [stranger.post("/api/login", json={"token": "w" * 30}).status_code for _ in range(4)]
            assert wrong == [401, 401, 401, 429]
            refused = stranger.get("/api/me", headers={"Authorization": "Bearer nonsense"})
            assert refused.status_code == 429
            assert 0 < int(refused.headers["retry-after"]) <= 60
            assert len(entries(tmp_path / "audit.jsonl")) == 3  # what is slowed down does not fill the log
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}) as operator:
            paused = [operator.post("/api/acts/pause", json={}).status_code for _ in range(3)]
            assert paused == [202, 202, 429]
            assert operator.post("/api/acts/halt", json={}).status_code == 202  # never held up by other acts
            assert operator.get("/api/me").status_code == 200
            assert operator.get("/api/me").status_code == 429


def test_a_broken_audit_chain_is_told_and_nothing_is_done_that_it_could_not_tell_of(tmp_path):
    with served(tmp_path, 0) as address:
        token = json.loads((tmp_path / "tokens.json").read_text())["operator"]["token"]
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}) as operator:
            operator.post("/api/acts/halt", json={})
            path = tmp_path / "audit.jsonl"
            path.write_bytes(path.read_bytes().replace(b"halt", b"hald"))
            assert operator.get("/api/audit").json()["broken"].startswith("line 1")
            path.write_bytes(b"nonsense\n")
            answer = operator.post("/api/acts/halt", json={})
            assert answer.status_code == 409
            assert "audit" in answer.json()["error"]
            assert len(wanted_in(tmp_path / "operator")) == 1


def test_a_seat_is_served_before_its_session_is_there(tmp_path):
    with served(tmp_path / "none", 0) as address, httpx.Client(base_url=address) as client:
        token = json.loads((tmp_path / "none" / "tokens.json").read_text())["viewer"]["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        said = client.get("/api/state").json()
        assert (said["pulse"], said["fresh"], said["age"]) == (None, False, None)
        for path in READS:
            assert client.get(f"/api/{path}").status_code == 200


def test_spoilt_files_are_told_and_never_an_error_of_the_seat(tmp_path):
    (tmp_path / "pulse.json").write_text("spoilt")
    (tmp_path / "journal").write_bytes(b"spoilt as well, and long enough to have a head")
    with served(tmp_path, 0) as address, httpx.Client(base_url=address) as client:
        token = json.loads((tmp_path / "tokens.json").read_text())["viewer"]["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        for path in READS:
            assert client.get(f"/api/{path}").status_code == 200
        assert set(client.get("/api/state").json()["trouble"]) == {"pulse", "journal"}


def test_it_listens_on_the_loopback_alone_and_a_port_in_use_is_said(tmp_path):
    with served(tmp_path, 0) as address:
        port = int(address.rsplit(":")[-1])
        with pytest.raises(SeatError, match="choose another port"), served(tmp_path, port):
            pass
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.2", port)) != 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
