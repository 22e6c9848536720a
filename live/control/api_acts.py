"""What may be done: less at once, more only after a confirmation and for a reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, HTTPException

from live.control import acts, views
from live.control.answers import Confirmed, Taken
from live.control.api_person import Caller, Operator, TheSeat, refuse_haste
from live.control.asks import Confirm, ConfirmOverride, Flatten, Limit, Override, Quick, Resume
from live.control.seat import CLOCKED, STALE, Seat
from live.errors import LiveError
from live.figures import LIMITS
from live.operator import OVERRIDE
from live.tape import instant

LONGEST = 7 * 86_400 * 10**9  # nanoseconds that an override may last

router = APIRouter(prefix="/api", tags=["act"])


@router.post("/confirmations")
def confirm(asked: Confirm, seat: TheSeat, caller: Operator) -> Confirmed:
    """A word for a critical act, and what that act will do."""
    refuse_haste(seat, "acting", caller.person.name)
    fields = _override(seat, asked) if isinstance(asked, ConfirmOverride) else {}
    given = seat.confirmations.issue(caller.person, asked.act, fields)
    return Confirmed(given.nonce, given.until, asked.act, views.told(seat, asked.act, fields))


@router.post("/acts/pause", status_code=202)
def pause(asked: Quick, seat: TheSeat, caller: Operator) -> Taken:
    """Open nothing and take back working entries; positions are left as their rules say."""
    return _act(seat, caller, "reduce", asked.why)


@router.post("/acts/halt", status_code=202)
def halt(asked: Quick, seat: TheSeat, caller: Operator) -> Taken:
    """The kill switch: open nothing, close nothing, take back working entries."""
    return _act(seat, caller, "halt", asked.why)


@router.post("/acts/resume", status_code=202)
def resume(asked: Resume, seat: TheSeat, caller: Operator) -> Taken:
    """Trade again; from any mode that is not known to be another than HALTED this must be confirmed."""
    pulse, age = seat.pulse()
    harmless = pulse is not None and age is not None and age <= STALE and pulse.mode != "HALTED"
    if asked.confirmation is not None or not harmless:
        _confirmed(seat, caller, "resume", asked.confirmation, {})
    return _act(seat, caller, "resume", asked.why)


@router.post("/acts/flatten", status_code=202)
def flatten(asked: Flatten, seat: TheSeat, caller: Operator) -> Taken:
    """Leave every position at the market, open none."""
    _confirmed(seat, caller, "flatten", asked.confirmation, {})
    return _act(seat, caller, "flatten", asked.why)


@router.post("/acts/override", status_code=202)
def override(asked: Override, seat: TheSeat, caller: Operator) -> Taken:
    """Set a limit to a value until a moment."""
    fields = _override(seat, asked)
    _confirmed(seat, caller, OVERRIDE, asked.confirmation, fields)
    return _act(seat, caller, OVERRIDE, asked.why, **fields)


def _override(seat: Seat, asked: Limit) -> dict[str, Any]:
    """The fields of an override, checked against the session's own time."""
    whole = not LIMITS[asked.limit][1]
    if whole and asked.value != int(asked.value):
        raise HTTPException(422, f"value: {asked.limit} counts in whole numbers, got {asked.value:g}")
    try:
        until = instant(asked.until) or 0
    except (LiveError, OverflowError) as error:
        raise HTTPException(422, f"until: {error}") from None
    seat.follower.catch_up()
    now = seat.moment()
    if not now < until <= now + LONGEST:
        which = "the tape's" if seat.follower.pulse and seat.follower.pulse.kind in CLOCKED else "the wall's"
        told = datetime.fromtimestamp(now // 10**9, UTC).isoformat()
        raise HTTPException(422, f"until: must lie within 7 days after now, by {which} clock {told}")
    return {"limit": asked.limit, "value": asked.value, "until": until}


def _confirmed(seat: Seat, caller: Caller, word: str, nonce: str | None, fields: dict[str, Any]) -> None:
    if nonce is None:
        raise HTTPException(409, f"seat: {word} must be confirmed; ask for a word at /api/confirmations")
    trouble = seat.confirmations.spend(nonce, caller.person, word, fields)
    if trouble:
        raise HTTPException(409, f"seat: {trouble}; ask for another at /api/confirmations")


def _act(seat: Seat, caller: Caller, word: str, why: str, **fields: Any) -> Taken:
    refuse_haste(seat, "halting" if word == "halt" else "acting", caller.person.name)
    done = acts.act(seat.folder, caller.person, word, why=why, now=seat.now(), **fields)
    return Taken(done.wanted.number, word, done.entry.number, done.obeyed)
