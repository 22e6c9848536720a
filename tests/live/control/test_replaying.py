"""A replay gives pulses, so that whoever watches it sees it and never takes it for hung."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scenes import played, scored
from seats import Each

from live.journal import read
from live.pulse import FILE, felt
from live.replaying import Pulsing
from live.runner import Runner
from live.words import MAGIC, OUTPUT, Output, output_of


def test_a_replay_gives_a_pulse_before_its_first_step_after_each_and_while_its_tape_is_silent(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("live.beating.EVERY", 0.0)
    folder, steps, silences = tmp_path / "s", list[int](), list[int]()

    def stepped(runner: Runner, output: Output) -> None:
        pulse = felt(folder)  # that of before this step
        assert pulse is not None
        assert pulse.kind == "replay"
        steps.append(pulse.step)

    def silent(runner: Runner) -> None:
        (folder / FILE).unlink()
        pulsing.waited(runner)
        silences.append(runner.state.step)
        assert (folder / FILE).exists()

    pulsing = Pulsing(Each(stepped))
    done = played(folder, observer=pulsing, idle=silent, speed=1e6, stop=lambda: len(silences) >= 3)
    pulsing.beat(now=True)
    pulse = felt(folder)
    assert steps == list(range(done.steps))
    assert len(silences) >= 3
    assert pulse is not None
    assert (pulse.step, pulse.steps, pulse.equity, pulse.mode) == (done.steps, done.of, done.equity, done.mode)
    assert (pulse.feed.connected, pulse.feed.rows, pulse.broker.name) == (True, done.rows, "simulated")
    assert {signal["symbol"] for signal in pulse.signals} == {"AAA", "BBB"}


def test_a_replay_that_gives_pulses_ends_as_one_that_gives_none(tmp_path: Path) -> None:
    plain = played(tmp_path / "a" / "s", scored(60))
    pulsing = Pulsing(Each(lambda runner, output: None))
    watched = played(tmp_path / "b" / "s", scored(60), observer=pulsing, idle=pulsing.waited)
    assert (tmp_path / "a/s/journal").read_bytes() == (tmp_path / "b/s/journal").read_bytes()
    assert (plain.fills, plain.equity) == (watched.fills, watched.equity)
    pulsing.beat(now=True)
    pulse = felt(tmp_path / "b" / "s")
    assert pulse is not None
    assert pulse.fills == plain.fills
    assert pulse.statuses["filled"] > 0
    assert sum(pulse.decisions.values()) == scored(60).rows
    assert pulse.decisions["refused"] == sum(
        decision < 0
        for frame in read(tmp_path / "a/s/journal", MAGIC).frames
        if frame.kind == OUTPUT
        for decision in output_of(frame.payload).decision
    )
    assert pulse.decisions["enter short"] > 0
    assert pulse.decisions["replace"] == 0
