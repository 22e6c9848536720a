"""The log: one JSON object a line, turned over when it is large, readable by its owner alone, and without secrets.

    {"time": "2026-11-20T15:00:00.123456Z", "level": "INFO", "logger": "live.runner", "event": "order sent", …}

Code logs as everybody does, fields in `extra`: log.info("order sent", extra={"symbol": "AAPL", "lots": 3}).  What is
secret is hidden last, in the text that is about to be written, so that it does not matter how it came in: as a field,
in a message, in the text of somebody's exception.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from logging.handlers import RotatingFileHandler
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

LOG = logging.getLogger("live")
PRIVATE = 0o600
LARGEST = 20_000_000  # bytes of one file before it is turned over
KEPT = 10  # files beside the current one
SHORTEST = 4  # characters: a shorter secret is no secret, and hiding it would hide half of the log
LONG = 8  # characters of a value in the environment: TOKENIZERS_PARALLELISM=false is none
HIDDEN = "•••"
ADDRESSES = "LIVE_ALERTS"  # where alerts go: such addresses hold passwords and tokens

_NAME = (
    r"[\w.-]*(?:api[_-]?key|key[_-]?id|secret|token|passw(?:or)?d|passphrase|pwd|credential|private[_-]?key"
    r"|access[_-]?key)[\w-]*"
)
_VALUE = r"""(?:\\*"[^"\n]*"|\\*'[^'\n]*'|\\*["']?[^\s"',;&})\]]+)"""
SECRET_NAME = re.compile(rf"{_NAME}|(?:proxy-)?authorization|(?:set-)?cookie|signature|pass", re.IGNORECASE)
PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), HIDDEN),
    (re.compile(r"(?<![a-z0-9+.-])([a-z][a-z0-9+.-]*://)[^\s/\"']*@", re.IGNORECASE), rf"\g<1>{HIDDEN}@"),
    (re.compile(r"(//hooks\.slack\.com/services/|//discord(?:app)?\.com/api/webhooks/)[^\s\"']+"), rf"\g<1>{HIDDEN}"),
    (re.compile(r"\b(bearer|basic|digest)\s+[a-z0-9._~+/=-]{6,}", re.IGNORECASE), rf"\g<1> {HIDDEN}"),
    (
        re.compile(r"""((?:authorization|cookie)["']?\s*[:=,]\s*["']?)(?!bearer|basic|digest)[^\r\n"']+""", re.I),
        rf"\g<1>{HIDDEN}",
    ),
    (re.compile(rf"(--{_NAME}\s+)[^\s-]\S*", re.IGNORECASE), rf"\g<1>{HIDDEN}"),
    (
        re.compile(rf"""((?<![\w.-]){_NAME}(?:\\*["']\s*,|(?:\\*["'])?\s*[:=])\s*b?){_VALUE}""", re.IGNORECASE),
        rf"\g<1>{HIDDEN}",
    ),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+"), HIDDEN),  # a JSON web token
    (re.compile(r"\b[PAC]K[A-Z0-9]{18,24}\b"), HIDDEN),  # an Alpaca key
    (re.compile(r"\bA[KS]IA[A-Z0-9]{16}\b"), HIDDEN),  # an AWS key
)
COLOURED = "color_message"  # of uvicorn: the same words, for a terminal
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", COLOURED}


class Redactor:
    """Hides secrets in texts: known ones however they are spelled, and whatever looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {secret for secret in secrets if len(secret) >= SHORTEST}
        spelled = known | {quote(s, safe="") for s in known} | {json.dumps(s)[1:-1] for s in known}
        longest_first = sorted(spelled | {repr(s)[1:-1] for s in known}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for pattern, shown in PATTERNS:
            text = pattern.sub(shown, text)
        return text

    def __repr__(self) -> str:
        return "Redactor()"


def secrets_of(environment: Mapping[str, str]) -> set[str]:
    """The values of an environment whose names say that they are secret; of a list of addresses each one."""
    named = [value for name, value in environment.items() if SECRET_NAME.fullmatch(name) or name == ADDRESSES]
    return {word for value in named for word in (value, *value.split()) if len(word) >= LONG}


class Lines(logging.Formatter):
    """One JSON object for each record."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self.redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        said: dict[str, Any] = {"time": when, "level": record.levelname, "logger": record.name, "event": _event(record)}
        said |= {name: value for name, value in vars(record).items() if name not in STANDARD and name not in said}
        if record.exc_info and record.exc_info[0] is not None:
            said["error"] = "".join(traceback.format_exception(*record.exc_info))
        if record.stack_info:
            said["stack"] = record.stack_info
        return json.dumps(self._open(said), ensure_ascii=False)

    def _open(self, value: Any, name: str = "") -> Any:
        """What JSON takes, and everybody may read."""
        if SECRET_NAME.fullmatch(name) and value is not None:
            return HIDDEN
        if isinstance(value, Mapping):
            return {self.redact(str(n)): self._open(v, str(n)) for n, v in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._open(one) for one in value]
        if value is None or isinstance(value, (bool, int)):
            return value
        if isinstance(value, float):
            return value if isfinite(value) else None
        return self.redact(value if isinstance(value, str) else _text(value))


@contextmanager
def logging_to(path: Path, redact: Redactor, *, level: int = logging.INFO) -> Iterator[None]:
    """While inside, all that this process logs, warns of or dies from goes to this file.

    A file belongs to one process: two would turn it over under each other's hands.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _touch(str(path))
    handler = RotatingFileHandler(path, maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8")
    handler.rotator = _turned
    handler.setFormatter(Lines(redact))
    root, before = logging.getLogger(), logging.getLogger().level
    hook = threading.excepthook
    root.addHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(True)
    threading.excepthook = _thread_died
    try:
        yield
    except Exception:
        LOG.critical("died of an error", exc_info=True)
        sys.excepthook = partial(_told, redact)  # whoever does not catch it shows it with this
        raise
    finally:
        threading.excepthook = hook
        logging.captureWarnings(False)
        root.setLevel(before)
        root.removeHandler(handler)
        handler.close()


def _event(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # a message that does not fit its arguments is told as it is, never lost
        return f"{record.msg} {_text(record.args)}"


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # somebody's __str__ is broken: the line matters more
        return f"<{type(value).__name__} that cannot be written: {type(error).__name__}>"


def _touch(path: str) -> None:
    """A file that is there, and ours alone."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE))
    os.chmod(path, PRIVATE)


def _turned(source: str, target: str) -> None:
    os.replace(source, target)
    _touch(source)


def _told(redact: Redactor, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sys.stderr.write(redact(f"{kind.__name__}: {_text(error)}") + "\n")


def _thread_died(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is not None and not issubclass(told.exc_type, SystemExit):
        name = told.thread.name if told.thread else ""
        LOG.critical(
            "a thread died of an error that nobody caught",
            exc_info=(told.exc_type, told.exc_value, told.exc_traceback), extra={"thread_name": name},
        )  # fmt: skip
