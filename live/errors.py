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


class StateError(LiveError):
    """A snapshot that is not of this session."""


class SessionError(LiveError):
    """What was asked does not fit the session in this folder."""


class SessionInUse(SessionError):
    """Another process runs this session."""


class BrokerError(LiveError):
    """The broker was asked for what it cannot do."""


class ReconcileError(LiveError):
    """Desk and broker differ and nothing explains it."""
