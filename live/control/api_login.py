"""Logging in and out of the page."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response

from live.control import audit
from live.control.answers import Alive, You
from live.control.api_person import EVERYBODY, TheSeat, Viewer, of_our_host, refuse_haste
from live.control.asks import Login
from live.control.auth import LOGGED_IN

router = APIRouter(prefix="/api", tags=["who"])


@router.get("/alive")
def alive() -> Alive:
    """Whether the seat answers; the only thing it says to strangers."""
    return Alive()


@router.post("/login")
def login(asked: Login, seat: TheSeat, request: Request, response: Response) -> You:
    """Change a token for a cookie that scripts cannot read and other sites cannot send."""
    if "origin" in request.headers and not of_our_host(seat, request):
        raise HTTPException(403, "seat: log in from its own page")
    person = seat.door.by_token(asked.token)
    if person is None:
        refuse_haste(seat, "knocking", EVERYBODY)
        audit.note(seat.audit, who="nobody", role="none", what="refused: log in with a wrong token", at=seat.now())
        raise HTTPException(401, "seat: that token is not known", {"WWW-Authenticate": "Bearer"})
    cookie = seat.door.cookie(person)
    audit.note(seat.audit, who=person.name, role=person.role, what="log in", at=seat.now())
    response.set_cookie(seat.cookie, cookie, LOGGED_IN, httponly=True, samesite="strict")
    return You(person.name, person.role, person.may_act, seat.door.proof(cookie))


@router.post("/logout")
def logout(seat: TheSeat, caller: Viewer, response: Response) -> Alive:
    """End this log-in."""
    if caller.cookie:
        seat.door.leave(caller.cookie)
        audit.note(seat.audit, who=caller.person.name, role=caller.person.role, what="log out", at=seat.now())
    response.delete_cookie(seat.cookie, httponly=True, samesite="strict")
    return Alive()


@router.get("/me")
def me(seat: TheSeat, caller: Viewer) -> You:
    """Who you are."""
    proof = seat.door.proof(caller.cookie) if caller.cookie else None
    return You(*caller.person, caller.person.may_act, proof)
