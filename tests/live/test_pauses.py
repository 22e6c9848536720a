"""The interpreter keeps its pauses short while a session trades, and is as before afterwards, even after an error."""

from __future__ import annotations

import gc
import sys

import pytest

from live.pauses import TURN, kept, short_turns


def interval() -> float:
    return sys.getswitchinterval()


def test_turns_are_short_inside_and_as_before_afterwards():
    before, inside = interval(), []

    def failing():
        with short_turns():
            inside.append(interval())
            raise KeyError

    with pytest.raises(KeyError):
        failing()
    assert inside == [pytest.approx(TURN)]
    assert interval() == before


def test_turns_that_are_shorter_already_stay_so():
    with short_turns(TURN / 2), short_turns():
        assert interval() == pytest.approx(TURN / 2)


def test_the_collector_passes_over_what_was_there_before_and_nothing_that_comes_later():
    inside = []

    def failing():
        with kept():
            inside.append(gc.get_freeze_count())
            later: list[object] = []
            later.append(later)
            inside.append(any(one is later for one in gc.get_objects()))
            raise KeyError

    with pytest.raises(KeyError):
        failing()
    assert inside[0] > 10_000
    assert inside[1] is True
    assert gc.get_freeze_count() == 0
