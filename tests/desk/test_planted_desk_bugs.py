"""Tests of the tests: the laws catch every planted bug, and acquit the desk as it is."""

from typing import Any

import numpy as np
import pytest
from desk_laws import LawBroken, account, differs, fills_follow_commands, hold, resume
from desk_machine import bytes_carried, opened, walk
from desk_worlds import World
from planted_bugs import BUGS, looking_ahead, machine

from backtest import Costs
from quantlib.desk import memory
from quantlib.desk.messages import CANCELLING, ENTRY
from quantlib.desk.policy import Exits, Limits, Policy, fixed_fraction

HALTS = ((20, "halt"), (40, "resume"), (60, "flatten"), (70, "resume"))
BUSY = Policy(
    enter=0.2, short=True, exits=Exits(stop=0.004, target=0.006), sizing=fixed_fraction(0.045),
    limits=Limits(daily_drawdown=0.5, gross=0.12, short_share=2.0, trades=1000, losses=0, stopless_move=0.0),
)  # fmt: skip
PATIENT = BUSY._replace(exits=Exits(stop=0.05), leave=-1.0, sizing=fixed_fraction(0.049))
COSTS = Costs(rate=1e-4, participation=0.05)
WORLDS = [
    World(seed=seed, rows=110, symbols=symbols, policy=policy, costs=costs, events=HALTS, scripted=scripted)
    for seed, symbols, scripted, policy, costs in [
        (1, 3, False, BUSY, COSTS),
        (2, 4, False, BUSY._replace(limit_ticks=30, gtc=True), Costs()),
        (3, 2, True, BUSY, COSTS),
        (4, 1, False, PATIENT, Costs(participation=0.02)),
    ]
]


def halt(world: World, made: Any) -> None:
    """Once the operator halts, every working entry is on its way out."""
    for moment in walk(world, made):
        if moment.desk.account["mode"][0] != memory.ACTIVE:
            live = moment.desk.orders[(moment.desk.orders["status"] <= 3) & (moment.desk.orders["id"] > 0)]
            left = live[(live["leg"] == ENTRY) & (live["change"] != CANCELLING)]
            hold("halt", [f"entry {o['id']} works on" for o in left], moment.end)


def every_world(made: Any) -> None:
    for world in WORLDS:
        account(world, made)
        halt(world, made)
        fills_follow_commands(world, made)


@pytest.mark.parametrize("bug", BUGS)
def test_the_laws_catch(bug):
    law, *change = BUGS[bug]
    with pytest.raises(LawBroken, match=law):
        every_world(machine(*change))


def test_the_laws_catch_fills_at_the_open_of_the_bar_that_decided():
    with pytest.raises(LawBroken, match="causality"):
        fills_follow_commands(WORLDS[0], looking_ahead())


def test_the_laws_acquit_the_desk_run_as_plain_python():
    every_world(machine())


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: f"seed {world.seed}")
def test_plain_python_and_compiled_code_agree_on_every_bit(world):
    *_, plain = walk(world, machine())
    *_, compiled = walk(world)
    assert len(compiled.kept.all_fills()) > 3
    assert not differs(np.asarray(plain.kept.all_fills()), compiled.kept.all_fills())
    assert not differs(plain.kept.equity[: plain.kept.groups], compiled.kept.equity[: compiled.kept.groups])
    assert not differs(np.asarray(plain.desk.account), compiled.desk.account)


@pytest.mark.parametrize(
    ("part", "lost"), [("account", "trades_today"), ("account", "pending_short"), ("holdings", "average")]
)
def test_resume_catches_memory_that_is_not_carried_over_a_cut(part, lost, monkeypatch):
    def forgetful(world: World) -> Any:
        whole = bytes_carried(world)

        def carry(desk: Any, venue: Any) -> Any:
            after, there = whole(desk, venue)
            getattr(after, part)[lost] = getattr(opened(world)[0], part)[lost]
            return after, there

        return carry

    monkeypatch.setattr("desk_laws.bytes_carried", forgetful)
    with pytest.raises(LawBroken, match="resume"):
        resume(WORLDS[0], (7,))
