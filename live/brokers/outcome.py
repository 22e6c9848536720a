"""What became of a call over HTTP that brought no answer: it never left, or nobody knows."""

from __future__ import annotations

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from live.errors import BrokerError, Unanswered, Unsent

TIMEOUT = (3.05, 10.0)  # seconds to connect, and of silence while reading
TRIES = 4  # of a question


def outcome(what: str, error: requests.RequestException | ValueError) -> BrokerError:
    """The error to raise for a call that ended in this one."""
    if isinstance(error, requests.ConnectTimeout):
        return Unsent(f"broker: {what} found no connection in time")
    if isinstance(error, requests.ConnectionError):
        cause = error.args[0] if error.args else None
        if isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError):
            return Unsent(f"broker: {what} found no connection; is the address right and the network up?")
        return Unanswered(f"broker: {what} lost its connection, so its outcome is unknown")
    kind = type(error).__name__
    return Unanswered(f"broker: {what} was not answered whole ({kind}), so its outcome is unknown")
