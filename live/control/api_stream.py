"""The websocket that tells what changes.

closed with   4401  not logged in, or no longer
              4403  another page, or another host
              4429  too many readers
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from fastapi import APIRouter, HTTPException, WebSocket, WebSocketDisconnect
from starlette.concurrency import run_in_threadpool

from live.control.api_person import TheSeat, known, of_our_host
from live.control.seat import SOCKETS, Seat
from live.control.stream import Watching

EVERY = 0.25  # seconds between two looks at the session
QUIET = 1.0  # seconds after which even no news are told
PATIENCE = 5.0  # seconds for a reader to take a message

router = APIRouter()


@router.websocket("/api/stream")
async def stream(socket: WebSocket, seat: TheSeat) -> None:
    """All that changes, until the reader goes or may no longer look."""
    if refused := _refused(seat, socket) or _crowded(seat):
        await socket.accept()
        return await socket.close(*refused)
    seat.sockets += 1
    try:
        await socket.accept()
        await _until_gone(seat, socket)
    except (WebSocketDisconnect, TimeoutError, RuntimeError):
        pass  # the reader went, or is too slow to be one
    finally:
        seat.sockets -= 1


async def _until_gone(seat: Seat, socket: WebSocket) -> None:
    gone = asyncio.create_task(_gone(socket))
    try:
        await _told(seat, socket, gone)
    finally:
        gone.cancel()
        with suppress(asyncio.CancelledError):
            await gone


def _refused(seat: Seat, socket: WebSocket) -> tuple[int, str] | None:
    """Browsers send cookies with any page's websocket, but tell whose page it is."""
    try:
        caller = known(seat, socket)
    except HTTPException as error:
        return 4429, str(error.detail)
    if caller is None:
        return 4401, "seat: show a token or log in"
    if caller.cookie and not of_our_host(seat, socket):
        return 4403, "seat: it streams to its own page only"
    return None


def _crowded(seat: Seat) -> tuple[int, str] | None:
    return (4429, f"seat: {SOCKETS} readers are the most") if seat.sockets >= SOCKETS else None


async def _told(seat: Seat, socket: WebSocket, gone: asyncio.Task[None]) -> None:
    watching, silent = Watching(seat), QUIET
    while not gone.done():
        if refused := _refused(seat, socket):  # a log-in may end while it reads
            return await socket.close(*refused)
        news = await run_in_threadpool(watching.news)
        if len(news) > 1 or silent >= QUIET:
            for message in news:
                async with asyncio.timeout(PATIENCE):
                    await socket.send_text(json.dumps(message, allow_nan=False))
            silent = 0.0
        await asyncio.wait((gone,), timeout=EVERY)
        silent += EVERY
    return None


async def _gone(socket: WebSocket) -> None:
    """Ends when the reader goes; what it says is not listened to."""
    with suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await socket.receive_text()
