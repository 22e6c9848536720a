"""The door: tokens from a private file, log-ins that outlive a restart, words that confirm one act once."""

import json
import os
import stat

import pytest

from live.control.auth import LOGGED_IN, Door, Person
from live.control.confirm import SECONDS, Confirmations
from live.errors import SeatError

NS = 10**9
ANN, BOB = Person("ann", "operator"), Person("bob", "viewer")


class Clock:
    """A wall clock that stands until it is moved."""

    def __init__(self) -> None:
        self.ns = 1_800_000_000 * NS

    def __call__(self) -> int:
        return self.ns


@pytest.fixture
def clock():
    return Clock()


def written(path, people):
    path.write_text(json.dumps(people))
    path.chmod(0o600)
    return path


def two(tmp_path, clock):
    people = {"ann": {"role": "operator", "token": "a" * 40}, "bob": {"role": "viewer", "token": "b" * 40}}
    return Door(written(tmp_path / "tokens.json", people), clock)


def test_the_first_start_makes_a_private_file_with_a_token_for_each_role(tmp_path):
    path = tmp_path / "new" / "tokens.json"
    Door(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    made = json.loads(path.read_text())
    assert {name: one["role"] for name, one in made.items()} == {"operator": "operator", "viewer": "viewer"}
    assert len({one["token"] for one in made.values()}) == 2
    before = path.read_bytes()
    Door(path)
    assert path.read_bytes() == before


def test_a_token_says_who_it_is_and_nothing_else_does(tmp_path, clock):
    door = two(tmp_path, clock)
    assert door.by_token("a" * 40) == ANN
    assert door.by_token("b" * 40) == BOB
    for wrong in ("", "a" * 39, "a" * 41, "c" * 40, "ä" * 40, "\ud800"):
        assert door.by_token(wrong) is None


def test_a_file_that_others_may_read_is_refused(tmp_path, clock):
    two(tmp_path, clock)
    (tmp_path / "tokens.json").chmod(0o640)
    with pytest.raises(SeatError, match="chmod 600"):
        Door(tmp_path / "tokens.json")


@pytest.mark.parametrize(
    ("people", "why"),
    [
        ({"ann": {"role": "king", "token": "a" * 40}}, "a role"),
        ({"ann": {"role": "viewer", "token": "short"}}, "20"),
        ({"an.n": {"role": "viewer", "token": "a" * 40}}, "names are"),
        ({"ann": {"role": "viewer"}}, "no file of tokens"),
        ([], "no file of tokens"),
        ({"a": {"role": "viewer", "token": "a" * 40}, "b": {"role": "viewer", "token": "a" * 40}}, "two people"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_without_a_word_of_its_tokens(tmp_path, people, why):
    with pytest.raises(SeatError, match=why) as refused:
        Door(written(tmp_path / "tokens.json", people))
    assert "a" * 40 not in str(refused.value)


def test_another_token_in_the_file_holds_at_once_and_ends_log_ins(tmp_path, clock):
    door = two(tmp_path, clock)
    cookie = door.cookie(ANN)
    people = {"ann": {"role": "operator", "token": "z" * 40}}
    os.replace(written(tmp_path / "next.json", people), tmp_path / "tokens.json")
    assert door.by_token("a" * 40) is None
    assert door.by_token("z" * 40) == ANN
    assert door.by_cookie(cookie) is None


def test_a_file_spoilt_while_the_seat_runs_lets_nobody_in(tmp_path, clock):
    door = two(tmp_path, clock)
    os.replace(written(tmp_path / "next.json", {}), tmp_path / "tokens.json")
    (tmp_path / "tokens.json").chmod(0o666)
    assert door.by_token("a" * 40) is None


def test_a_log_in_outlives_a_restart_and_ends_after_its_time(tmp_path, clock):
    cookie = two(tmp_path, clock).cookie(ANN)
    door = two(tmp_path, clock)
    assert door.by_cookie(cookie) == ANN
    clock.ns += LOGGED_IN * NS - NS
    assert door.by_cookie(cookie) == ANN
    clock.ns += 2 * NS
    assert door.by_cookie(cookie) is None


def test_a_log_in_that_was_left_is_over(tmp_path, clock):
    door = two(tmp_path, clock)
    cookie, other = door.cookie(ANN), door.cookie(ANN)
    door.leave(cookie)
    door.leave("nonsense")
    assert door.by_cookie(cookie) is None
    assert door.by_cookie(other) == ANN


def test_no_changed_cookie_is_a_log_in(tmp_path, clock):
    door = two(tmp_path, clock)
    cookie = door.cookie(BOB)
    assert door.by_cookie(cookie) == BOB
    for at in range(len(cookie)):
        changed = cookie[:at] + ("x" if cookie[at] != "x" else "y") + cookie[at + 1 :]
        assert door.by_cookie(changed) is None
    for odd in ("", ".", "...", "bob.1.2.3", cookie + ".x", cookie.replace("bob", "ann"), "bob.²." + cookie, "\ud800"):
        assert door.by_cookie(odd) is None


def test_what_proves_a_page_is_of_one_log_in_alone(tmp_path, clock):
    door = two(tmp_path, clock)
    cookie, other = door.cookie(ANN), door.cookie(ANN)
    assert door.proves(cookie, door.proof(cookie).encode())
    assert not door.proves(cookie, door.proof(other).encode())
    assert not door.proves(cookie, b"")
    assert door.proof(cookie) not in cookie


def test_a_confirmation_is_for_one_act_of_one_person_once(clock):
    words = Confirmations(clock)
    fields = {"limit": "gross", "value": 0.5, "until": 7}
    given = words.issue(ANN, "override", fields)
    assert given.until == clock.ns + SECONDS * NS
    assert words.spend(given.nonce, ANN, "override", fields) == ""
    assert "spent" in words.spend(given.nonce, ANN, "override", fields)
    assert "never given" in words.spend("nonsense", ANN, "flatten", {})


@pytest.mark.parametrize(
    ("who", "act", "fields", "why"),
    [
        (BOB, "override", {"value": 0.5}, "somebody else"),
        (ANN, "flatten", {}, "another act"),
        (ANN, "override", {"value": 0.6}, "another act"),
    ],
)
def test_a_confirmation_for_another_act_is_none_and_is_spent(clock, who, act, fields, why):
    words = Confirmations(clock)
    given = words.issue(ANN, "override", {"value": 0.5})
    assert why in words.spend(given.nonce, who, act, fields)
    assert "spent" in words.spend(given.nonce, ANN, "override", {"value": 0.5})


def test_a_confirmation_ends_after_a_minute_and_there_are_never_many(clock):
    words = Confirmations(clock)
    given = words.issue(ANN, "flatten", {})
    clock.ns += SECONDS * NS
    assert "over" in words.spend(given.nonce, ANN, "flatten", {})
    first = words.issue(ANN, "flatten", {})
    last = [words.issue(ANN, "flatten", {}) for _ in range(400)][-1]
    assert "never given" in words.spend(first.nonce, ANN, "flatten", {})
    assert words.spend(last.nonce, ANN, "flatten", {}) == ""
