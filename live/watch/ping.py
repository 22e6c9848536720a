"""The broker's clock: how long it takes to answer, and how far ours is from it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from live.errors import LiveError, Refused, Unanswered
from live.keys import Keys
from live.tape import instant

SECOND = 1_000_000_000
TIMEOUT = 5.0  # seconds
SHOWN = 200  # characters of an answer that is no JSON


class _Stay(HTTPRedirectHandler):
    """Keys go where they were meant to go: a redirection is an answer like any other."""

    def redirect_request(self, *args: Any) -> None:
        return None


OPENER = build_opener(_Stay)


class Ping(NamedTuple):
    """One look at the broker's clock.

    at       ns UTC, ours
    seconds  that the answer took; half of them is what `skew` may be wrong by
    skew     seconds that our clock is ahead of the broker's
    trouble  why there is no answer, "" if there is one; then `failing` is since when, ns UTC
    """

    at: int
    seconds: float = 0.0
    skew: float = 0.0
    trouble: str = ""
    failing: int = 0


def asked(keys: Keys, path: str, timeout: float = TIMEOUT) -> Any:
    """What the broker answers to a GET, as JSON.

    Raises:
        Refused: if it says no.
        Unanswered: if it does not answer, or not in JSON.
    """
    headers = {"APCA-API-KEY-ID": keys.key, "APCA-API-SECRET-KEY": keys.secret, "Accept": "application/json"}
    request = Request(keys.trading + path, headers=headers)
    host = urlsplit(keys.trading).netloc
    try:
        with OPENER.open(request, timeout=timeout) as answer:
            body = answer.read()
        return json.loads(body)
    except HTTPError as error:
        with error:
            said = error.read(SHOWN).decode("utf-8", "replace").strip()
        kind = Unanswered if error.code >= 500 or error.code == 429 else Refused
        raise kind(f"broker: {host}{path} answered {error.code} {said}") from None
    except (URLError, OSError) as error:
        why = error.reason if isinstance(error, URLError) else error
        raise Unanswered(f"broker: {host}{path} does not answer ({why})") from None
    except ValueError:
        raise Unanswered(f"broker: {host}{path} answered what is no JSON: {body[:SHOWN]!r}") from None


def ping(
    keys: Keys, before: Ping | None = None, *, clock: Callable[[], int] = time.time_ns, timeout: float = TIMEOUT
) -> Ping:
    """Ask for the time; an error is part of the answer."""
    begun = clock()
    try:
        said = instant(str(asked(keys, "/v2/clock", timeout)["timestamp"]))
    except (LiveError, KeyError, TypeError) as error:
        failing = before.failing if before is not None and before.trouble else begun
        return Ping(begun, trouble=str(error), failing=failing)
    ended = clock()
    skew = (begun + ended) // 2 - (said or 0)
    return Ping(begun, (ended - begun) / SECOND, skew / SECOND)
