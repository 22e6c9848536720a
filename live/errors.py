"""The errors of live, as the tree in `live` shows them."""


class LiveError(RuntimeError):
    """Something a user can read and act on; the command line prints it in one line."""


class JournalError(LiveError):
    """A file of frames that cannot be trusted."""


class ForeignFile(JournalError):
    """A file that is none of ours."""


class OtherVersion(JournalError):
    """A file written in another format."""


class Corrupted(JournalError):
    """A file damaged before its end."""


class SealError(LiveError):
    """Sealed state that cannot be opened: no passphrase, another one, or it was changed."""


class StoreError(LiveError):
    """A store of copies that does not answer, or holds what it should not."""


class StateError(LiveError):
    """A snapshot that is not of this session."""


class SessionError(LiveError):
    """What was asked does not fit the session in this folder."""


class SessionInUse(SessionError):
    """Another process runs this session."""


class ConfigError(LiveError):
    """A setting that is missing or makes no sense."""


class FeedError(LiveError):
    """Market data that will not come: bad keys, no entitlement, a symbol unknown."""


class HistoryError(FeedError):
    """No source gave bars of the past."""


class BrokerError(LiveError):
    """The broker was asked for what it cannot do."""


class Refused(BrokerError):
    """The broker said no, and will say it again."""


class Unanswered(BrokerError):
    """No answer came, so nobody knows yet whether the call had its effect."""


class Unsent(BrokerError):
    """The call never left, so it had no effect: no connection, or no room under the rate limit."""

    def __init__(self, text: str, after: float = 0.0) -> None:
        super().__init__(text)
        self.after = after  # seconds until it makes sense to try again


class Broken(BrokerError):
    """Too many calls failed: the circuit breaker is open, and no call is made until it closes."""


class ReconcileError(LiveError):
    """Desk and broker differ and nothing explains it."""


class AuditError(LiveError):
    """The audit log cannot be written or gone on with: nothing is done that it could not tell of."""


class SeatError(LiveError):
    """The operator's seat cannot be served: a port in use, a token file that others may read."""


class Denied(LiveError):
    """The loopback's answer is an HTTP error: status, the broker's code and message, and what else the body says."""

    def __init__(self, status: int, code: int, message: str, **more: object) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, object] = {"code": code, "message": message, **more}
