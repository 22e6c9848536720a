"""The seat's API and page on 127.0.0.1: reading for viewers, acting for operators.

    with served("sessions/trend", 8787) as address: …     beside other work, in a thread of its own
    serve("sessions/trend", 8787)                         until Ctrl-C

Errors are JSON, {"error": "…"}; the tokens are in `tokens.json` of the session's folder.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from live.control import api_acts, api_login, api_reads, api_stream
from live.control.answers import Mistake
from live.control.guard import Guard
from live.control.seat import Allowed, Seat
from live.errors import LiveError, SeatError

PORT = 8787
LOOPBACK = "127.0.0.1"
PAGE = Path(__file__).parent / "page"
LONGEST = 500  # characters of an error
BACKLOG = 128
AT_ONCE = 64  # connections
STARTING = 10.0  # seconds that a server may take to start or stop
TOLD: dict[int | str, dict[str, Any]] = {
    status: {"model": Mistake, "description": why}
    for status, why in (
        (400, "no JSON"), (401, "no token, or a wrong one"), (403, "not allowed"), (408, "the body did not come"),
        (409, "to be confirmed"), (413, "too large"), (421, "another host"),
        (422, "a field that makes no sense"), (429, "too often"),
    )
}  # fmt: skip

log = logging.getLogger("live.seat")


def app_of(seat: Seat) -> ASGIApp:
    """The whole application of a seat, guarded."""
    return Guard(api_of(seat), seat.hosts)


def api_of(seat: Seat) -> FastAPI:
    """The application, unguarded: what its schema describes."""
    app = FastAPI(
        title="The operator's seat", version="1", docs_url=None, redoc_url=None, openapi_url=None, responses=TOLD,
        exception_handlers={
            HTTPException: _told, RequestValidationError: _unfit, LiveError: _failed, Exception: _broken,
        },
    )  # fmt: skip
    app.state.seat = seat
    for part in (api_login, api_reads, api_acts, api_stream):
        app.include_router(part.router)

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(PAGE / "index.html", headers={"cache-control": "no-cache"})

    app.mount("/page", StaticFiles(directory=PAGE))
    return app


def serve(folder: str | Path, port: int = PORT, **named: Any) -> None:
    """Serve a session's seat until Ctrl-C or a terminate signal.  Arguments are those of `served`."""
    listening = _listening(port)
    seat = Seat(Path(folder), listening.getsockname()[1], **named)
    with listening:
        _server(seat).run(sockets=[listening])


@contextmanager
def served(
    folder: str | Path, port: int = PORT, *, tokens: Path | None = None, hosts: Iterable[str] = (),
    allowed: Allowed | None = None, now: Callable[[], int] = time.time_ns,
    environment: Mapping[str, str] = os.environ,
) -> Iterator[str]:  # fmt: skip
    """Serve a session's seat in a thread while inside; its address.

    Args:
        folder: of the session; it need not be there yet.
        port: 0 takes a free one.
        tokens: the token file; by default `tokens.json` in the folder.
        hosts: `host:port` by which a proxy in front of it may be named.
        allowed: how often what may be done.
        now: wall clock, ns UTC.
        environment: names what no log may show, and the passphrase of a sealed journal.

    Raises:
        SeatError: if the port is taken or the token file cannot be trusted.
        ConfigError: if a passphrase is set that is none.
    """
    listening = _listening(port)
    with listening:
        port = listening.getsockname()[1]
        seat = Seat(Path(folder), port, tokens=tokens, hosts=hosts, allowed=allowed, now=now, environment=environment)
        server = _server(seat)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="seat", daemon=True)
        thread.start()
        try:
            _wait(lambda: server.started or not thread.is_alive())
            if not server.started:
                raise SeatError(f"seat: its server on port {port} did not start; the log says why")
            yield f"http://{LOOPBACK}:{port}"
        finally:
            server.should_exit = True
            thread.join(STARTING)


def refuse_taken(port: int) -> None:
    """Refuse a port that `served` could not have.

    Raises:
        SeatError: if another program listens on it.
    """
    _listening(port).close()


def _server(seat: Seat) -> uvicorn.Server:
    log.info("seat is served", extra={"port": seat.port, "folder": str(seat.folder)})
    return uvicorn.Server(
        uvicorn.Config(
            app_of(seat), log_config=None, access_log=False, server_header=False, date_header=False, lifespan="off",
            ws="websockets-sansio", ws_max_size=4096, limit_concurrency=AT_ONCE, timeout_graceful_shutdown=2,
            proxy_headers=False,
        )
    )  # fmt: skip


def _listening(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((LOOPBACK, port))
        listening.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        raise SeatError(f"seat: cannot listen on {LOOPBACK}:{port} ({error}); choose another port, 0 for any") from None
    return listening


def _wait(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + STARTING
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)


def _mistake(status: int, why: str, headers: Any = None) -> JSONResponse:
    clean = why.encode("utf-8", "replace").decode()[:LONGEST]
    return JSONResponse({"error": clean}, status, headers)


async def _told(request: Request, error: Exception) -> JSONResponse:
    """What a route or the framework refused."""
    if isinstance(error, HTTPException):
        return _mistake(error.status_code, str(error.detail), error.headers)
    return await _broken(request, error)


async def _unfit(request: Request, error: Exception) -> JSONResponse:
    """Fields that make no sense, by name; what was sent is not repeated."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    said = [f"{'.'.join(str(part) for part in one['loc'][1:]) or 'body'}: {one['msg']}" for one in found]
    return _mistake(422, "; ".join(said))


async def _failed(request: Request, error: Exception) -> JSONResponse:
    """The session's files do not allow it."""
    return _mistake(409, str(error))


async def _broken(request: Request, error: Exception) -> JSONResponse:
    log.error("a request was not answered", extra={"path": request.url.path}, exc_info=error)
    return _mistake(500, "seat: it could not answer; its log says why")
