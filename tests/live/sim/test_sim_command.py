"""`python -m live.sim` refuses what makes no sense in one line, before anything listens."""

from __future__ import annotations

import socket

import pytest

from live.sim.__main__ import main

REFUSED = [
    (("--port", "99999"), "--port must be from 0 (any) to 65535, got 99999"),
    (("--port", "-1"), "--port must be from 0 (any) to 65535, got -1"),
    (("--crypto-tier", "99"), "--crypto-tier must be from 0 (no fees) to 8, got 99"),
    (("--crypto-tier", "-1"), "--crypto-tier must be from 0 (no fees) to 8, got -1"),
    (("--cash", "-1"), "--cash must be above 0, got -1.0; say what the account holds at the start"),
    (("--cash", "0"), "--cash must be above 0, got 0.0; say what the account holds at the start"),
    (("--cash", "inf"), "--cash must be finite, got inf; say what the account holds at the start"),
    (("--cash", "nan"), "--cash must be finite, got nan; say what the account holds at the start"),
    (("--limit", "0"), "--limit must be 1 or more, got 0; leave it out and no call is refused"),
    (("--limit", "-3"), "--limit must be 1 or more, got -3; leave it out and no call is refused"),
    (("--speed", "-1"), "--speed must be 0 (as fast as it goes) or a multiple of real time, got -1.0"),
    (("--speed", "nan"), "--speed must be 0 (as fast as it goes) or a multiple of real time, got nan"),
    (("--speed", "inf"), "--speed must be 0 (as fast as it goes) or a multiple of real time, got inf"),
    (("--now", "--speed", "60"), "--now plays at the speed of the clock, got --speed 60; leave it out"),
    (("--now", "--from", "2031-01-01"), "market: nothing is left to replay; give rows, and a begin before the last"),
    (("--symbols", "SPY"), "--symbols: no rows of 'SPY'. Did you mean 'SPX'? There are ['IXIC', 'SPX']"),
]


@pytest.mark.parametrize(("words", "told"), REFUSED, ids=lambda one: " ".join(one) if isinstance(one, tuple) else "")
def test_what_makes_no_sense_is_one_line_and_the_code_is_2(
    words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(list(words)) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"live.sim: {told}")
    assert printed.err.count("\n") == 1
    assert printed.err.count("live.sim:") == 1
    assert printed.out == ""


def test_a_port_that_is_taken_is_one_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 2
    error = capsys.readouterr().err
    assert f"cannot listen on 127.0.0.1:{port} (Address already in use); choose another --port, 0 for any" in error
    assert error.count("\n") == 1
