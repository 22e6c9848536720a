"""The log: JSON lines that lose nothing and tell no secret, in files that nobody else may read."""

import json
import logging
import stat
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.control import logs
from live.control.logs import HIDDEN, Lines, Redactor, logging_to, secrets_of

SECRET = 'n0t/"so"\\fast é+1'
LOG = logging.getLogger("live.test")


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_line_says_when_how_bad_who_what_and_its_fields(tmp_path):
    path = tmp_path / "logs" / "runner.log"
    with logging_to(path, Redactor()):
        LOG.info(
            "order %s sent",
            7,
            extra={"symbol": "AAPL", "lots": 3, "price": float("nan"), "at": Path("x"), "color_message": "\x1b[36m"},
        )
        LOG.debug("too fine to be kept")
    (said,) = lines(path)
    assert said.pop("time").endswith("Z")
    assert said == {
        "level": "INFO", "logger": "live.test", "event": "order 7 sent", "symbol": "AAPL", "lots": 3, "price": None,
        "at": "x",
    }  # fmt: skip


def test_nothing_is_attached_any_more_afterwards(tmp_path):
    before = list(logging.getLogger().handlers), threading.excepthook
    with logging_to(tmp_path / "a.log", Redactor()):
        assert len(logging.getLogger().handlers) == len(before[0]) + 1
    assert (list(logging.getLogger().handlers), threading.excepthook) == before


def test_the_file_and_those_turned_over_are_their_owners_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "LARGEST", 2_000)
    path = tmp_path / "a.log"
    path.write_text("")
    path.chmod(0o644)
    with logging_to(path, Redactor()):
        for number in range(100):
            LOG.info("a line to fill it", extra={"number": number})
    found = sorted(tmp_path.iterdir())
    assert len(found) > 3
    assert {stat.S_IMODE(p.stat().st_mode) for p in found} == {0o600}
    numbers = [said["number"] for p in reversed(found) for said in lines(p)]
    assert numbers == sorted(numbers)[-len(numbers) :] or set(numbers) <= set(range(100))
    assert all(p.stat().st_size <= 2_000 for p in found)


@pytest.mark.parametrize(
    "way",
    [
        lambda s: LOG.info("key is " + s),
        lambda s: LOG.info("key is %s", s),
        lambda s: LOG.info("sent", extra={"header": {"X": [("a", s)]}}),
        lambda s: LOG.info("sent", extra={"body": json.dumps({"x": s})}),
        lambda s: LOG.info("sent", extra={"body": repr({"x": s})}),
        lambda s: LOG.info("asked for https://host/path?x=" + quote(s, safe="")),
        lambda s: LOG.info("asked %s", ValueError(f"refused {s}")),
        lambda s: LOG.info(s),
        lambda s: LOG.info("x", extra={s: 1}),
        lambda s: warnings.warn(f"old {s}", UserWarning, stacklevel=1),
    ],
    ids=range(10),
)
def test_a_known_secret_is_hidden_whatever_way_it_comes(tmp_path, way):
    with warnings.catch_warnings(), logging_to(tmp_path / "a.log", Redactor([SECRET])):
        warnings.simplefilter("always")
        way(SECRET)
    text = (tmp_path / "a.log").read_text("utf-8")
    assert len(lines(tmp_path / "a.log")) == 1
    assert HIDDEN in text
    assert not leaked(text, SECRET)


def leaked(text: str, secret: str) -> bool:
    return any(one in text for one in (secret, json.dumps(secret)[1:-1], quote(secret, safe=""), repr(secret)[1:-1]))


def test_a_known_secret_is_hidden_in_the_text_of_an_exception_and_of_its_causes(tmp_path):
    with logging_to(tmp_path / "a.log", Redactor([SECRET])):
        try:
            try:
                raise ValueError(f"inner {SECRET}")
            except ValueError as error:
                raise RuntimeError(f"outer {SECRET}") from error
        except RuntimeError:
            LOG.exception("it failed")
    (said,) = lines(tmp_path / "a.log")
    assert "inner" in said["error"]
    assert "outer" in said["error"]
    assert not leaked(json.dumps(said), SECRET)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer S3cr3tS3cr3t",
        "{'Authorization': 'Basic S3cr3tS3cr3t'}",
        "('authorization', 'S3cr3tS3cr3t')",
        "APCA-API-SECRET-KEY: S3cr3tS3cr3t",
        "{'APCA-API-SECRET-KEY': 'S3cr3tS3cr3t', 'x': 1}",
        "[(b'apca-api-secret-key', b'S3cr3tS3cr3t')]",
        '{"secret_key": "S3cr3tS3cr3t"}',
        '{\\"secret_key\\": \\"S3cr3tS3cr3t\\"}',
        'password="two S3cr3tS3cr3t words"',
        'password="S3cr3tS3cr3t with no end',
        "https://host/x?a=1&token=S3cr3tS3cr3t&b=2",
        "https://ann:S3cr3tS3cr3t@host/x",
        "mailtos://ann:p@S3cr3tS3cr3t@host",
        "POST https://hooks.slack.com/services/T000/B000/S3cr3tS3cr3t",
        "--api-token S3cr3tS3cr3t",
        "MASSIVE_API_KEY=S3cr3tS3cr3t",
        "Set-Cookie: session=S3cr3tS3cr3t; HttpOnly",
        "-----BEGIN EC PRIVATE KEY-----\nS3cr3tS3cr3t\n-----END EC PRIVATE KEY-----",
        "eyJhbGciOi.eyJzdWIi.S3cr3tS3cr3t",
        "Keys(key='x', secret='S3cr3tS3cr3t')",
    ],
)
def test_what_looks_like_a_secret_is_hidden_though_nobody_named_it(text):
    assert "S3cr3t" not in Redactor()(text)


def test_keys_of_alpaca_and_aws_are_known_by_their_looks():
    shown = Redactor()("keys PKABCDEFGHIJ0123456789 and AKIAIOSFODNN7EXAMPLE")
    assert shown == f"keys {HIDDEN} and {HIDDEN}"


def test_what_is_no_secret_stays_as_it_is():
    for text in (
        "order AAPL buy 3 at 101.25", "ws://127.0.0.1:8123/v2/iex answered", "keys: APCA_API_KEY_ID is not set",
        "trend-17-cancel-1600041600000000000", "https://data.alpaca.markets/v2/stocks/bars?symbols=AAPL&limit=5",
    ):  # fmt: skip
        assert Redactor()(text) == text


def test_fields_with_a_secret_name_are_hidden_whatever_they_hold():
    record = logging.makeLogRecord({"msg": "x", "api_token": ["plain"], "password": 12345, "note": {"Cookie": "a=b"}})
    said = json.loads(Lines(Redactor()).format(record))
    assert (said["api_token"], said["password"], said["note"]) == (HIDDEN, HIDDEN, {"Cookie": HIDDEN})


@given(st.text(min_size=logs.SHORTEST), st.text(), st.text())
def test_no_known_secret_survives_in_any_text(secret, before, after):
    shown = Redactor([secret])(before + secret + after)
    assert secret not in shown or secret in before + HIDDEN + after


def test_hiding_takes_time_in_proportion_to_the_text():
    long = "a-" * 100_000 + "token" * 50_000 + "://" * 1_000
    assert Redactor(["unseen"])(long)  # a pattern that backtracks would not end


def test_secrets_are_found_in_an_environment_by_their_names():
    found = secrets_of(
        {"APCA_API_SECRET_KEY": "abcdefgh", "HOME": "/nowhere", "TOKENIZERS_PARALLELISM": "false", "X_TOKEN": "",
         "LIVE_ALERTS": "slack://aaaaaaaaa/b json://hhhhhhhh"}
    )  # fmt: skip
    assert found == {"abcdefgh", "slack://aaaaaaaaa/b json://hhhhhhhh", "slack://aaaaaaaaa/b", "json://hhhhhhhh"}
    assert "abcdefgh" not in repr(Redactor(found))


class Mute:
    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize(
    ("said", "event"),
    [
        ({"msg": "met %s", "args": (Mute(),)}, "met %s (<"),
        ({"msg": "met %d %d", "args": (SECRET,)}, f"met %d %d ('{HIDDEN}',)"),
    ],
)
def test_a_message_that_does_not_fit_is_told_anyway_and_without_secrets(said, event):
    line = Lines(Redactor([SECRET])).format(logging.makeLogRecord(said))
    assert json.loads(line)["event"].startswith(event)
    assert not leaked(line, SECRET)


def test_a_field_that_cannot_be_written_is_named(tmp_path):
    said = json.loads(Lines(Redactor()).format(logging.makeLogRecord({"msg": "met", "who": Mute()})))
    assert said["who"] == "<Mute that cannot be written: ValueError>"


def test_a_process_that_dies_of_an_error_leaves_it_in_the_log_and_no_secret_on_its_screen(tmp_path):
    code = (
        "import sys, threading; from pathlib import Path; from live.control.logs import *\n"
        "with logging_to(Path(sys.argv[1]), Redactor([sys.argv[2]])):\n"
        "    t = threading.Thread(target=lambda: 1 / 0, name='feed'); t.start(); t.join()\n"
        "    raise RuntimeError('bad key ' + sys.argv[2])\n"
    )
    root = Path(__file__).parents[3]
    path = tmp_path / "a.log"
    words = [sys.executable, "-c", code, path, SECRET]
    done = subprocess.run(words, capture_output=True, text=True, cwd=root, timeout=60)
    thread, main = lines(path)
    assert (thread["level"], thread["thread_name"]) == ("CRITICAL", "feed")
    assert "ZeroDivisionError" in thread["error"]
    assert "RuntimeError" in main["error"]
    assert done.returncode == 1
    assert done.stderr == f"RuntimeError: bad key {HIDDEN}\n"
    assert not leaked(path.read_text("utf-8"), SECRET)
