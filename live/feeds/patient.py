"""A session of `requests` that does not wait for ever: their default has no time limit at all."""

from __future__ import annotations

from typing import Any

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter


class Timeout(HTTPAdapter):
    """Carries requests that bring no time limit of their own."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        super().__init__()

    def send(self, request: PreparedRequest, *given: Any, **named: Any) -> Response:
        """Send, and wait at most so long for a connection and between two bytes."""
        if named.get("timeout") is None:
            named["timeout"] = self._seconds
        return super().send(request, *given, **named)


def patient(session: Session, seconds: float) -> None:
    """Limit every wait of a session."""
    for scheme in ("https://", "http://"):
        session.mount(scheme, Timeout(seconds))
