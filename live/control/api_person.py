"""Who asks: a bearer token, or the cookie of a log-in, which for acts must come from a page of ours."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from fastapi import Depends, HTTPException, Security
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.requests import HTTPConnection, Request

from live.control import audit
from live.control.auth import Person
from live.control.seat import Seat

PROOF = "x-seat-proof"
EVERYBODY = "everybody"
SAFE = ("GET", "HEAD", "OPTIONS")
BEARER = HTTPBearer(auto_error=False, description="A token of the token file.")
COOKIE = APIKeyCookie(name="seat", auto_error=False, description="A log-in's cookie; its name ends in _ and the port.")


class Caller(NamedTuple):
    """A person, and the cookie they came with ("" with a token)."""

    person: Person
    cookie: str


def seat_of(request: HTTPConnection) -> Seat:
    """The seat that is asked."""
    seat: Seat = request.app.state.seat
    return seat


TheSeat = Annotated[Seat, Depends(seat_of)]


def viewer(
    request: Request, seat: TheSeat, bearer: Annotated[Any, Security(BEARER)], cookie: Annotated[Any, Security(COOKIE)]
) -> Caller:
    """Whoever is known; the last two are for the schema alone."""
    caller = known(seat, request)
    if caller is None:
        raise HTTPException(
            401, "seat: show a token (Authorization: Bearer …) or log in", {"WWW-Authenticate": "Bearer"}
        )
    if caller.cookie and request.method not in SAFE and not _of_our_page(seat, request, caller.cookie):
        raise HTTPException(403, f"seat: a log-in acts only from its own page (Origin and {PROOF})")
    refuse_haste(seat, "looking", caller.person.name)
    return caller


Viewer = Annotated[Caller, Depends(viewer)]


def operator(request: Request, seat: TheSeat, caller: Viewer) -> Caller:
    """Whoever may act; others are noted."""
    person = caller.person
    if not person.may_act:
        refuse_haste(seat, "knocking", person.name)
        detail = {"path": request.url.path}
        audit.note(
            seat.audit, who=person.name, role=person.role, what="refused: may not act", detail=detail, at=seat.now()
        )
        raise HTTPException(403, f"seat: {person.name} is a {person.role} and may look, not act")
    return caller


Operator = Annotated[Caller, Depends(operator)]


def known(seat: Seat, request: HTTPConnection) -> Caller | None:
    """Who asks; None where neither token nor cookie is shown, or they are wrong."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme:
        person = seat.door.by_token(token.strip()) if scheme.lower() == "bearer" else None
        if person is None:
            refuse_haste(seat, "knocking", EVERYBODY)
        return Caller(person, "") if person else None
    cookie = request.cookies.get(seat.cookie, "")
    person = seat.door.by_cookie(cookie) if cookie else None
    return Caller(person, cookie) if person else None


def of_our_host(seat: Seat, request: HTTPConnection) -> bool:
    """Whether the page that asks is one of ours."""
    scheme, _, host = request.headers.get("origin", "").partition("://")
    same = host.lower() == request.headers.get("host", "").lower()
    return same and host.lower() in seat.hosts and scheme in ("http", "https")


def refuse_haste(seat: Seat, doing: str, who: str) -> None:
    """Count one more, and refuse it if there were too many."""
    seconds = seat.wait(doing, who)
    if seconds:
        raise HTTPException(429, f"seat: too often; again in {seconds} seconds", {"Retry-After": str(seconds)})


def _of_our_page(seat: Seat, request: Request, cookie: str) -> bool:
    given = request.headers.get(PROOF, "").encode("utf-8", "replace")
    return of_our_host(seat, request) and seat.door.proves(cookie, given)
