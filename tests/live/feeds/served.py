"""A web application on a free port of this machine, in a thread of its own, for as long as a test needs it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web


class Served:
    """Where it is, and a way into its loop."""

    def __init__(self, app: web.Application) -> None:
        self.app, self.address = app, ""
        self.loop = asyncio.new_event_loop()
        self._ready, self._stop = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def begin(self) -> None:
        self._thread.start()
        assert self._ready.wait(10)

    def call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run something in the server's loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def end(self) -> None:
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    async def _serve(self) -> None:
        runner = web.AppRunner(self.app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.address = f"127.0.0.1:{runner.addresses[0][1]}"
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()


@contextmanager
def served(app: web.Application) -> Iterator[Served]:
    """The application, reachable while inside."""
    one = Served(app)
    one.begin()
    try:
        yield one
    finally:
        one.end()


@contextmanager
def answering(answer: Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]]) -> Iterator[Served]:
    """An application that gives every request to one function."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    with served(app) as one:
        yield one
