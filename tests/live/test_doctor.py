"""`python -m live doctor` and `reconcile`: what they find, what they say to do, and that no secret is shown."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from test_wire_law import COSTS, day, momentum

from live import operate
from live.doctor import findings
from live.errors import SessionError
from live.rehearsal import rehearse
from live.sim.entry import BASIC
from live.sim.server import Loopback


def environment(loopback: Loopback, **changes: str) -> dict[str, str]:
    keys = loopback.keys
    return {
        "APCA_API_KEY_ID": keys.key, "APCA_API_SECRET_KEY": keys.secret, "APCA_API_BASE_URL": keys.trading,
        "APCA_API_DATA_URL": keys.data, "APCA_API_STREAM_URL": keys.stream,
    } | changes  # fmt: skip


def told(known: dict[str, str], folder: Path | None = None) -> dict[str, Any]:
    return {finding.check.name: finding for finding in findings(known, folder)}


def test_without_keys_the_doctor_says_that_there_is_a_demo():
    found = told({})
    assert found["keys"].check.good
    assert "demo" in found["keys"].check.text


def test_half_a_pair_of_keys_is_told_with_its_other_half():
    found = told({"APCA_API_KEY_ID": "PK1"})
    assert not found["keys"].check.good
    assert "APCA_API_SECRET_KEY is not set" in str(found["keys"])


def test_a_good_account_passes_all_but_the_clock_of_a_service_that_replays_the_past():
    with Loopback(day(3)) as loopback:
        found = told(environment(loopback))
    assert [name for name, one in found.items() if not one.check.good] == ["machine"]
    assert "ahead of the broker's" in found["machine"].check.text


def test_wrong_keys_are_told_with_their_cure_and_never_shown():
    with Loopback(day(3)) as loopback:
        found = told(environment(loopback, APCA_API_SECRET_KEY="not-the-secret-at-all"))
    for name in ("account", "data", "stream"):
        assert not found[name].check.good
        assert "set APCA_API_KEY_ID" in found[name].cure
    assert "not-the-secret-at-all" not in "".join(map(str, found.values()))


def test_a_plan_without_the_feed_that_is_asked_for_is_told():
    with Loopback(day(3), tier=BASIC) as loopback:
        found = told(environment(loopback, APCA_API_DATA_FEED="sip"))
    assert not found["data"].check.good
    assert "iex" in found["data"].cure


def test_a_service_that_is_gone_is_told_as_gone():
    with Loopback(day(3)) as loopback:
        known = environment(loopback)
    found = told(known)
    assert not found["account"].check.good
    assert "network" in found["account"].cure


def test_an_open_circuit_is_told_with_its_own_cure():
    with Loopback(day(3)) as loopback:
        known = environment(loopback)
    found = told(known)  # nobody listens there any more, and after some calls none is made
    assert "the circuit is open" in found["calendar"].check.text
    assert "exchange_calendars" not in found["calendar"].cure
    assert "ask again in a minute" in found["calendar"].cure


def test_a_session_that_there_is_none_of_is_told(tmp_path):
    (tmp_path / "a file").write_text("")
    (tmp_path / "a folder").mkdir()
    for name in ("nope", "a file", "a folder"):
        found = told({}, tmp_path / name)
        assert not found["session"].check.good
        assert f"there is no session in {tmp_path / name}" in str(found["session"])
        assert "mistyped" in found["session"].cure
        assert found["machine"].check.good, "what it takes to start one is looked at all the same"


def test_a_passphrase_that_makes_no_sense_does_not_end_the_look_at_the_rest(tmp_path):
    rehearse(momentum(), day(5), tmp_path / "s", cash=1e5, costs=COSTS)
    found = told({"QUANT_PASSPHRASE_FILE": ""}, tmp_path / "s")
    assert "QUANT_PASSPHRASE_FILE is empty" in found["state"].check.text
    assert "machine" in found
    with Loopback(day(3)) as loopback:
        found = told(environment(loopback, QUANT_PASSPHRASE="short"))
    assert found["account"].check.good


def test_files_that_others_may_read_are_told(tmp_path):
    rehearse(momentum(), day(5), tmp_path / "s", cash=1e5, costs=COSTS)
    (tmp_path / "s" / "journal").chmod(0o644)
    found = told({}, tmp_path / "s")
    assert "s/journal" in found["files"].check.text
    assert "chmod" in found["files"].cure


def test_reconcile_needs_keys_and_a_session(tmp_path, monkeypatch):
    rehearse(momentum(), day(5), tmp_path / "s", cash=1e5, costs=COSTS)
    monkeypatch.delenv("APCA_API_KEY_ID", raising=False)
    monkeypatch.delenv("APCA_API_SECRET_KEY", raising=False)
    with pytest.raises(SessionError, match="set APCA_API_KEY_ID"):
        operate.reconcile(Namespace(session=tmp_path / "s"))
    monkeypatch.setenv("APCA_API_KEY_ID", "PK")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "s")
    with pytest.raises(SessionError, match="there is none"):
        operate.reconcile(Namespace(session=tmp_path / "nowhere"))
