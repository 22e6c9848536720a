"""What may be looked at."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from live.control import views
from live.control.answers import Equity, Health, Limits, Refusals, State, Trail
from live.control.api_person import TheSeat, viewer
from live.control.asks import Last, Nothing
from live.control.follow import Decision, Ended, Fill, Incident, Obeyed
from live.control.tail import Line

Some = Annotated[Last, Query()]
NoneAsked = Annotated[Nothing, Query()]

router = APIRouter(prefix="/api", tags=["look"], dependencies=[Depends(viewer)])


@router.get("/state")
def state(seat: TheSeat, asked: NoneAsked) -> State:
    """The session at this moment, whole."""
    return views.state(seat)


@router.get("/positions")
def positions(seat: TheSeat, asked: NoneAsked) -> list[dict[str, Any]]:
    """Symbols held: fields of `live.figures.Position`."""
    return views.part(seat, "positions") or []


@router.get("/orders")
def orders(seat: TheSeat, asked: NoneAsked) -> list[dict[str, Any]]:
    """Working orders: fields of `live.figures.Working`."""
    return views.part(seat, "orders") or []


@router.get("/signals")
def signals(seat: TheSeat, asked: NoneAsked) -> list[dict[str, Any]]:
    """The last decision on each symbol, with the values it saw."""
    return views.part(seat, "signals") or []


@router.get("/health")
def health(seat: TheSeat, asked: NoneAsked) -> Health:
    """Feed, broker and latencies."""
    return views.health(seat)


@router.get("/limits")
def limits(seat: TheSeat, asked: NoneAsked) -> Limits:
    """How much of each limit is used."""
    return views.limits(seat)


@router.get("/refusals")
def refusals(seat: TheSeat, asked: NoneAsked) -> Refusals:
    """How often the desk refused, by reason."""
    return views.refusals(seat)


@router.get("/equity")
def equity(seat: TheSeat, asked: NoneAsked) -> Equity:
    """The equity since the start."""
    return views.equity(seat)


@router.get("/fills")
def fills(seat: TheSeat, asked: Some) -> list[Fill]:
    """The last fills, each beside the price its order was decided at."""
    seat.follower.catch_up()
    return seat.follower.fills(asked.last)


@router.get("/ended")
def ended(seat: TheSeat, asked: Some) -> list[Ended]:
    """The last orders that have ended."""
    return views.kept(seat, "ended", asked.last)


@router.get("/decisions")
def decisions(seat: TheSeat, asked: Some) -> list[Decision]:
    """The last decisions that were not to do nothing."""
    return views.kept(seat, "decisions", asked.last)


@router.get("/incidents")
def incidents(seat: TheSeat, asked: Some) -> list[Incident]:
    """What happened around the session."""
    return views.kept(seat, "incidents", asked.last)


@router.get("/actions")
def actions(seat: TheSeat, asked: Some) -> list[Obeyed]:
    """The operator's actions that the session has obeyed."""
    return views.kept(seat, "obeyed", asked.last)


@router.get("/log")
def log(seat: TheSeat, asked: Some) -> list[Line]:
    """The last lines of the runner's and the seat's log, secrets hidden."""
    seat.follower.catch_up()
    return seat.follower.log(asked.last)


@router.get("/audit")
def audit(seat: TheSeat, asked: Some) -> Trail:
    """Who did what and why."""
    return views.trail(seat, asked.last)
