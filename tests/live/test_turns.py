"""Threads of a session take short turns, and leave no trace of it."""

from __future__ import annotations

import sys

import pytest

from live.turns import TURN, short_turns


def test_turns_are_short_inside_and_as_before_afterwards_even_after_an_error():
    before = sys.getswitchinterval()
    with pytest.raises(KeyError), short_turns():
        assert sys.getswitchinterval() == pytest.approx(TURN)
        raise KeyError
    assert sys.getswitchinterval() == before


def test_turns_that_are_shorter_already_stay_so():
    before = sys.getswitchinterval()
    with short_turns(TURN / 2), short_turns():
        assert sys.getswitchinterval() == pytest.approx(TURN / 2)
    assert sys.getswitchinterval() == before
