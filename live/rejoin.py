"""Joining a broker that lives by itself: at the first start, and after whatever became of the start before it.

1. A step whose inputs are in the journal is finished: the desk decides again what it decided.
2. Commands that never reached the broker are sent if they are fresh, and entries only if the kill switch was not thrown
   since; any other is answered for the broker: it never arrived, and the next row decides anew.
3. The broker must not know orders that come only after those: state of before them is too old to trade on.
4. The broker says what happened meanwhile, and the desk hears it.
5. Desk and broker must agree.  What is on its way settles in a moment; what does not settle is told, and nobody trades.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.brokers.protocol import WireBroker
from live.comparing import Clock, Looks, book, glance
from live.errors import ReconcileError
from live.fold import finished
from live.operator import HALT, LEAVE, REDUCE
from live.reconcile import refuse, working
from live.runner import Runner
from live.words import OUTPUT, declined, output_bytes, tickets
from quantlib.desk.memory import ACTIVE, NEVER_ARRIVED
from quantlib.desk.messages import CANCEL, COMMAND, ENTRY, SUBMIT

AHEAD = 4  # orders whose names are looked up: the first may have been a bracket's legs, which the broker names

Pause = Callable[[], None]


def rejoin(runner: Runner, broker: WireBroker, clock: Clock, pause: Pause, fresh: int) -> None:
    """Make desk and broker one again; the broker is connected.

    Args:
        runner: as `live.recovery.opened` left it.
        clock: what time it is, for reports between moments.
        pause: a short wait before the broker is looked at again.
        fresh: ns for which a command may still be sent.

    Raises:
        ReconcileError: showing both sides of every difference that does not settle, or if the state is too old.
        BrokerError: if the broker cannot be asked.
    """
    state, half = runner.state, runner.half
    runner.brake.shut = True
    if half is not None:
        runner.half = None
        output = finished(state, half)
        runner.journal.append(OUTPUT, output_bytes(output))
        runner.journal.sync()
    names = tickets(runner.config.name, state.last)
    unknown = np.array([not broker.knows(name) for name in names], bool)
    missing = state.last[unknown]
    late = _is_late(missing, _is_stern(runner, clock()), clock() - state.last_ts > fresh)
    if late.any():
        runner.notes += (f"{late.sum()} commands had never reached the broker and came too late to be sent",)
    if not late.all():
        runner.send(missing[~late])
        runner.notes += (f"{(~late).sum()} commands had not reached the broker: sent again",)
    answers = declined(missing[late], NEVER_ARRIVED)
    _refuse_old(runner, broker)
    runner.beat(clock(), np.concatenate([answers, broker.catch_up(working(state.desk))]))
    agree(runner, broker, clock, pause)


def _is_stern(runner: Runner, now: int) -> bool:
    """Whether the kill switch was thrown, or is about to be: words that were given while nobody ran the session."""
    waiting = {one.word for one in runner.hand.waiting if one.at is None or one.at <= now}
    return runner.state.desk.account["mode"][0] != ACTIVE or bool(waiting & {HALT, REDUCE, LEAVE})


def _is_late(missing: NDArray[Any], stern: bool, old: bool) -> NDArray[np.bool_]:
    """Which commands are not sent any more: old ones, and entries from before the kill switch was thrown.

    What takes an entry back is never too late.
    """
    entry, cancel = missing["leg"] == ENTRY, missing["kind"] == CANCEL
    return (entry & ~cancel & stern) | (old & ~(entry & cancel))


def _refuse_old(runner: Runner, broker: WireBroker) -> None:
    """The next orders' names must be free: else this state, of a copy or a backup, is of before they were used."""
    ahead = np.zeros(AHEAD, COMMAND)
    ahead["kind"], ahead["id"] = SUBMIT, int(runner.state.desk.account["next_id"][0]) + np.arange(AHEAD)
    used = [name for name in tickets(runner.config.name, ahead) if broker.knows(name)]
    if used:
        raise ReconcileError(
            f"reconcile: the broker knows {', '.join(used)}, which this state has not sent: it is older than what was "
            f"done. No trading; restore a newer state, or start afresh with --fresh"
        )


def agree(runner: Runner, broker: WireBroker, clock: Clock, pause: Pause) -> None:
    """Look at the broker until it agrees with the desk.

    Raises:
        ReconcileError: showing both sides, if it does not.
        BrokerError: if no answer comes.
    """

    def beat(reports: NDArray[Any]) -> None:
        runner.beat(clock(), reports)

    looks = Looks()
    while not looks.settles(seen := glance(runner, broker, clock, beat)):
        pause()
        beat(broker.catch_up(working(runner.state.desk)))
    refuse(seen.found)
    book(runner, looks.missing, clock, beat)
