"""Signals beside the pulse: what was decided of each symbol is read as it was written, and only a step changes it."""

from __future__ import annotations

import json
from math import nan

import numpy as np
import pytest

from live.errors import StateError
from live.pulse import beat, felt
from live.signals import FILE, HEAD, Signals, told
from quantlib.desk.memory import REASONS
from tests.live.pulses import pulse

COOLING = REASONS.index("cooldown")


def columns(codes, ts=7, **values):
    there = {"ts": np.full(len(codes), ts), "symbol": np.array(codes, np.int32)}
    return there | {name: np.array(column, float) for name, column in values.items()}


def test_each_symbol_shows_its_last_decision_and_the_values_it_was_decided_on(tmp_path):
    signals = Signals(("AAA", "BBB", "CCC"))
    signals.see(columns([0, 2], close=[1.5, 3.5], score=[0.25, nan]), np.array([0, -COOLING], np.int8))
    signals.see(columns([2], 8, close=[4.5], score=[0.75]), np.array([1], np.int8))
    signals.write(tmp_path)
    assert told(tmp_path) == [
        {"symbol": "AAA", "ts": 7, "decision": "nothing", "values": {"close": 1.5, "score": 0.25}},
        {"symbol": "CCC", "ts": 8, "decision": "enter long", "values": {"close": 4.5, "score": 0.75}},
    ]
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_refusal_says_its_reason_and_a_value_that_is_no_number_is_null(tmp_path):
    signals = Signals(("AAA",))
    signals.see(columns([0], close=[1.5], score=[nan]), np.array([-COOLING], np.int8))
    signals.write(tmp_path)
    (one,) = told(tmp_path)
    assert one["decision"] == "refused: cooldown"
    assert json.dumps(one["values"], allow_nan=False) == '{"close": 1.5, "score": null}'


def test_the_file_is_written_at_first_and_then_only_after_a_step(tmp_path):
    signals = Signals(("AAA",))
    signals.write(tmp_path)  # an earlier session's file is put out of the way
    assert told(tmp_path) == []
    (tmp_path / FILE).unlink()
    signals.write(tmp_path)
    assert not (tmp_path / FILE).exists()
    signals.see(columns([0], close=[1.0]), np.zeros(1, np.int8))
    signals.write(tmp_path)
    assert [one["symbol"] for one in told(tmp_path)] == ["AAA"]


def test_who_feels_the_pulse_finds_the_signals_in_it(tmp_path):
    signals = Signals(("AAA",))
    signals.see(columns([0], close=[1.0]), np.zeros(1, np.int8))
    signals.write(tmp_path)
    beat(tmp_path, pulse(signals=[]))
    assert felt(tmp_path).signals == told(tmp_path) != []


@pytest.mark.parametrize("data", [b"", b"xy", HEAD.pack(9) + b"[]", HEAD.pack(10) + b'[["a"],["b"]]' + bytes(4)])
def test_a_file_that_is_none_of_ours_is_refused_by_name(tmp_path, data):
    (tmp_path / FILE).write_bytes(data)
    with pytest.raises(StateError, match=r"signals: .* is not of this version"):
        told(tmp_path)
