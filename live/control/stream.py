"""What has changed since somebody was last told: whole at first, then the fields that are new.

    state    fields of `live.control.answers.State`; of its pulse, too, only what changed
    fills    new ones;   log  new lines
    ended    orders, incidents, audit: the last ones, if there are others than before
    tick     the ages, with every message and when nothing has changed

A slow reader is told less often, never more at once than is kept; so nobody's screen can hold up anything.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from live.control import answers, audit, views
from live.control.seat import Seat

LISTS = ("ended", "incidents")
SHOWN = 100  # of such a list
LINES = 200  # of logs and the audit log, at most at once
AGES = ("age", "now")  # change always, so they are no news


class Watching:
    """One reader of a seat."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._state: dict[str, Any] = {}
        self._session: object = None
        self._filled = self._logged = self._audited = 0
        self._lasts: dict[str, Any] = {}

    def news(self) -> list[dict[str, Any]]:
        """Messages for this reader; the last one always tells the ages."""
        state = asdict(views.state(self._seat))
        ages = {name: state.pop(name) for name in AGES}
        found = [{"kind": "state", "state": changed}] if (changed := _changed(self._state, state)) else []
        self._state = state
        lists = [message for name in LISTS for message in self._list(name)]
        return [*found, *self._fills(), *lists, *self._log(), *self._audit(), {"kind": "tick", **ages}]

    def _fills(self) -> list[dict[str, Any]]:
        session = self._seat.follower.session
        if session is not self._session:  # begun afresh in the same folder
            self._session, self._filled = session, 0
        new = self._seat.follower.fills(LINES, self._filled)
        if not new:
            return []
        self._filled = new[-1].number
        return [{"kind": "fills", "fills": [asdict(fill) for fill in new]}]

    def _list(self, name: str) -> list[dict[str, Any]]:
        kept = views.kept(self._seat, name, SHOWN)
        last = kept[-1] if kept else None
        if last is self._lasts.get(name):
            return []
        self._lasts[name] = last
        return [{"kind": name, name: [asdict(one) for one in kept]}]

    def _log(self) -> list[dict[str, Any]]:
        follower = self._seat.follower
        with follower.lock:
            new = min(follower.logged - self._logged, LINES)
            self._logged = follower.logged
            lines = follower.log(new) if new else []
        return [{"kind": "log", "lines": [asdict(line) for line in lines]}] if lines else []

    def _audit(self) -> list[dict[str, Any]]:
        path = self._seat.audit
        size = path.stat().st_size if path.exists() else 0
        if size == self._audited:
            return []
        self._audited = size
        broken = self._seat.broken()
        lines = [asdict(answers.line(entry)) for entry in audit.entries(path, LINES)]
        return [{"kind": "audit", "entries": lines, "broken": f"line {broken.line}: {broken.what}" if broken else None}]


def _changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Fields that are not as they were; of a pulse the fields inside."""
    found = {name: value for name, value in after.items() if before.get(name, ...) != value}
    was, now = before.get("pulse"), found.get("pulse")
    if was and now:
        found["pulse"] = {name: value for name, value in now.items() if was.get(name, ...) != value}
    return found
