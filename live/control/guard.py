"""What every request meets before anything of ours reads it: whose host it names, how large it is, what answers forbid.

another Host     421   a page elsewhere whose name was made to point here (DNS rebinding) names its own
too large        413   before it is read whole
too slow         408
a field twice    422   readers of JSON differ in which of the two they take
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 16_384  # bytes of a body
PATIENCE = 10.0  # seconds for a body to come
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)


class Guard:
    """Wraps the whole application.

    Args:
        app: what is guarded.
        hosts: `host:port` as browsers may name it.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self.app, self.hosts = app, frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or websocket."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        answer = _sealed(send)
        if header(scope, b"host").lower() not in self.hosts:
            return await _refuse(scope, answer, 421, f"seat: it answers to {', '.join(sorted(self.hosts))} only")
        if scope["type"] == "websocket":
            return await self.app(scope, receive, send)
        try:
            async with asyncio.timeout(PATIENCE):
                body = await _body(scope, receive)
        except TimeoutError:
            return await _refuse(scope, answer, 408, f"seat: a body must come within {PATIENCE:g} seconds")
        if body is None:
            return await _refuse(scope, answer, 413, f"seat: a body may have {LARGEST} bytes")
        if (twice := _twice(body)) is not None:
            return await _refuse(scope, answer, 422, f"seat: a body names each field once, got {twice[:80]!r} twice")
        await self.app(scope, _again(body, receive), answer)


def hosts_of(port: int, more: Iterable[str] = ()) -> frozenset[str]:
    """The hosts that name a seat on this port; `more` are names under which a proxy passes it on."""
    return frozenset({*(f"{host}:{port}" for host in LOOPBACK), *more})


def header(scope: Scope, name: bytes) -> str:
    """One header of a request, "" if it is not there; one that is there twice is none."""
    found = [value for key, value in scope["headers"] if key == name]
    return found[0].decode("latin-1") if len(found) == 1 else ""


async def _body(scope: Scope, receive: Receive) -> bytes | None:
    """All of it; None if it is too large."""
    told = header(scope, b"content-length")
    if told.isdigit() and (len(told) > 9 or int(told) > LARGEST):
        return None
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LARGEST:
            return None
    return body


def _twice(body: bytes) -> str | None:
    """A field that an object of the body names twice; None also where it is no JSON, which the framework refuses."""
    found: list[str] = []

    def fields(pairs: list[tuple[str, Any]]) -> None:
        found.extend(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)

    try:
        json.loads(body, object_pairs_hook=fields)
    except (ValueError, RecursionError):
        return None
    return found[0] if found else None


def _again(body: bytes, receive: Receive) -> Receive:
    """The body that was read, once more."""
    given = False

    async def told() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return told


def _sealed(send: Send) -> Send:
    """Answers carry the headers that forbid what no page of ours does; what the application says itself stays."""

    async def sealed(message: Message) -> None:
        if message["type"] == "http.response.start":
            said = {name for name, _ in message["headers"]}
            added = [(name, value) for name, value in HEADERS if name not in said]
            if b"cache-control" not in said:
                added.append((b"cache-control", b"no-store"))
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return sealed


async def _refuse(scope: Scope, send: Send, status: int, why: str) -> None:
    if scope["type"] == "websocket":
        closing: dict[str, Any] = {"type": "websocket.close", "code": 4403, "reason": why[:120]}
        return await send(closing)
    body = json.dumps({"error": why}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
