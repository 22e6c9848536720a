"""Imported by the campaign's fork server alone: what is imported and compiled here, every life of a runner has."""

from __future__ import annotations

import numpy as np

from live.feeds.door import ready
from live.feeds.history import BARS
from live.state import State
from live.words import Beat
from quantlib.desk.memory import copied, opened, to_bytes
from quantlib.desk.messages import REPORT
from tests.live.campaign_child import OPENED, calendar
from tests.live.campaign_plan import MINUTE, STYLES, SYMBOLS


def warm() -> None:
    """Take a few steps with every strategy."""
    ready()
    calendar()
    reports = np.zeros(1, REPORT)
    reports["kind"] = 2
    for one in STYLES.values():
        state = State(one, SYMBOLS, opened(one.policy, SYMBOLS, 1e5, None))
        for step in range(6):
            rows = np.zeros(1, BARS)
            rows["ts"] = OPENED + step * MINUTE
            for name in ("open", "high", "low", "close"):
                rows[name] = 100 + step
            state.advance(rows, reports[:0])
        state.desk.account["flatten"] = 1
        state.beat(Beat(int(rows["ts"][0]), reports))
        to_bytes(copied(state.desk))


warm()
