"""The supervisor keeps a runner alive whatever becomes of it, and neither needs the other to live.

Real processes, real signals; every wait is for something that happens.
"""

import json
import logging
import os
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Thread

import psutil
import pytest
from prometheus_client import CollectorRegistry
from pulses import NOON, pulse

from live.control import audit
from live.control.alerts import INFO, Message
from live.control.alerts import Terms as AlertTerms
from live.control.courier import Courier, Sink
from live.control.logs import Redactor
from live.control.metrics import Tallies, served
from live.errors import SeatError, SessionInUse
from live.lock import alone, is_held
from live.operator import wanted_in
from live.pulse import beat, felt
from live.watch.child import Child
from live.watch.restarts import AGAIN, DONE, FATAL, Patience, verdict, wait
from live.watch.supervisor import FOLDER, STATE, Supervisor, Terms
from live.watch.tending import LOOPING, RUNNING
from live.watch.watchdogs import Thresholds

ALIKE = Path(__file__).with_name("runner_alike.py")
QUICK = Patience(first=0.01, most=0.05, deaths=4, within=600.0)


class Told:
    """Alerts that were told."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        sink = Sink("test", INFO, lambda message: self.messages.append(message) is None)
        self.courier = Courier([sink], Redactor(), terms=AlertTerms(calm=0.2), most=1000)

    @property
    def titles(self) -> set[str]:
        return {message.title for message in self.messages}


@pytest.fixture
def told() -> Iterator[Told]:
    one = Told()
    yield one
    one.courier.close()


@pytest.fixture(autouse=True)
def every_line_of_the_log(caplog):
    """Lines that nobody asks for are made too, so that one that cannot be made fails its test."""
    caplog.set_level(logging.DEBUG)


@contextmanager
def supervised(folder: Path, how: str, told: Told, **named) -> Iterator[Supervisor]:
    """A supervisor that runs in a thread; stopped at the end."""
    named = {"patience": QUICK, "terms": Terms(look=0.02, ping=0.05, stop=5.0)} | named
    words = (sys.executable, str(ALIKE), str(folder), how)
    with Supervisor(folder, words, told.courier, **named) as supervisor:
        thread = Thread(target=supervisor.run)
        thread.start()
        try:
            yield supervisor
        finally:
            while thread.is_alive():
                supervisor.stop()
                thread.join(10)


def until(what: Callable[[], object], patience: float = 60.0) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + patience
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


def pid(folder: Path) -> int | None:
    found = felt(folder)
    return found.pid if found else None


def test_a_runner_is_started_seen_and_stopped_cleanly(tmp_path, told):
    with supervised(tmp_path, "steady", told) as supervisor:
        until(lambda: pid(tmp_path))
        until(lambda: supervisor.state.runner.name == RUNNING)
        runner = pid(tmp_path)
        assert supervisor.state.runner.pid == runner
        assert json.loads((tmp_path / FOLDER / STATE).read_text())["runner"]["pid"] == runner
    assert not psutil.pid_exists(runner)
    assert (supervisor.state.runner.name, supervisor.state.runner.code) == (DONE, 0)
    assert (tmp_path / FOLDER / "runner.out").read_text() == "up\n"
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / FOLDER).iterdir()}
    assert (modes["runner.out"], modes[STATE]) == (0o600, 0o600)


def test_a_killed_runner_is_started_again_and_told(tmp_path, told):
    registry = CollectorRegistry()
    with supervised(tmp_path, "steady", told, tallies=Tallies(registry)) as supervisor:
        until(lambda: pid(tmp_path))
        first = pid(tmp_path)
        os.kill(first, signal.SIGKILL)
        until(lambda: pid(tmp_path) != first)
        until(lambda: supervisor.state.runner.restarts == 1)
        until(lambda: "runner died" in told.titles)
    assert registry.get_sample_value("live_runner_restarts_total") == 1.0


def test_a_runner_that_dies_once_goes_on(tmp_path, told):
    with supervised(tmp_path, "dies-once", told) as supervisor:
        until(lambda: pid(tmp_path))
        assert supervisor.state.runner.restarts == 1
    assert any("made-up reason" in message.text for message in told.messages)


def test_a_crash_loop_is_left_and_told(tmp_path, told):
    with supervised(tmp_path, "dies", told, stay=False) as supervisor:
        until(lambda: supervisor.state.runner.name == LOOPING)
        assert supervisor.state.runner.restarts == QUICK.deaths - 1
        until(lambda: "session down" in told.titles)
    assert any("died 4 times" in message.text for message in told.messages)


def test_an_error_that_was_told_is_not_tried_again(tmp_path, told):
    with supervised(tmp_path, "told", told) as supervisor:
        until(lambda: supervisor.state.runner.name == FATAL)
        until(lambda: "session down" in told.titles)
        assert supervisor.state.runner.restarts == 0
    assert any("no strategy of that name" in message.text for message in told.messages)


@pytest.mark.parametrize(("how", "code"), [("done", 0), ("told", 2), ("dies", 1)])
def test_without_staying_the_exit_code_says_how_it_ended(tmp_path, told, how, code):
    words = (sys.executable, str(ALIKE), str(tmp_path), how)
    with Supervisor(
        tmp_path, words, told.courier, patience=QUICK, terms=Terms(look=0.02), stay=False
    ) as supervisor:  # fmt: skip
        assert supervisor.run() == code


def test_a_command_that_is_not_there_is_fatal(tmp_path, told):
    with Supervisor(tmp_path, ("/nowhere/at/all",), told.courier, stay=False, terms=Terms(look=0.02)) as supervisor:
        assert supervisor.run() == 1
    assert supervisor.state.runner.name == FATAL


def test_a_runner_that_is_deaf_is_killed_after_its_time(tmp_path, told):
    with supervised(tmp_path, "deaf", told, terms=Terms(look=0.02, stop=0.3)) as supervisor:
        until(lambda: pid(tmp_path))
        runner = pid(tmp_path)
        supervisor.stop()
        until(lambda: not psutil.pid_exists(runner))
    assert supervisor.state.runner.code == -signal.SIGKILL


def test_a_runner_that_hangs_is_killed_and_started_again(tmp_path, told):
    limits = Thresholds(pulse_late=0.2, pulse_gone=0.5)
    with supervised(tmp_path, "hangs", told, thresholds=limits) as supervisor:
        until(lambda: supervisor.state.runner.restarts == 1)
        until(lambda: "runner hung" in told.titles)


def test_a_runner_that_never_gives_a_sign_is_killed(tmp_path, told):
    with supervised(tmp_path, "mute", told, thresholds=Thresholds(starting=0.3)) as supervisor:
        until(lambda: supervisor.state.runner.restarts == 1)
        until(lambda: supervisor.state.runner.name == LOOPING)  # again and again is a crash loop
    assert "runner hung" in told.titles


def test_a_runner_that_grows_too_large_is_renewed_cleanly_and_is_no_death(tmp_path, told):
    with supervised(tmp_path, "steady", told, thresholds=Thresholds(runner_memory=1e6)) as supervisor:
        until(lambda: supervisor.state.runner.restarts >= 1)
    assert "runner died" not in told.titles
    assert "runner large" in told.titles


def test_the_runner_outlives_its_supervisor_and_the_next_one_takes_it_on(tmp_path, told):
    with supervised(tmp_path, "steady", told) as first:
        until(lambda: pid(tmp_path))
        runner = pid(tmp_path)
        first.leave()
    assert is_held(tmp_path)
    step = felt(tmp_path).step
    until(lambda: felt(tmp_path).step > step)  # it goes on alone
    with supervised(tmp_path, "steady", told) as second:
        until(lambda: second.state.runner.name == RUNNING)
        assert (second.state.runner.pid, second.state.runner.adopted) == (runner, True)
        os.kill(runner, signal.SIGKILL)  # and is kept alive by the next
        until(lambda: second.state.runner.restarts == 1)
        until(lambda: pid(tmp_path) != runner)
        assert not second.state.runner.adopted
    assert not is_held(tmp_path)
    assert first.tending.child.end() is not None  # the first was its parent


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_reach_the_runner_and_a_supervisor_that_is_killed_leaves_it_alone(tmp_path, number):
    code = (
        "import sys; from pathlib import Path; from live.control.courier import Courier\n"
        "from live.control.logs import Redactor; from live.watch.supervisor import Supervisor, Terms\n"
        "courier = Courier([], Redactor())\n"
        "with Supervisor(Path(sys.argv[1]), sys.argv[2:], courier, terms=Terms(look=0.02)) as s: sys.exit(s.run())\n"
    )
    words = (sys.executable, "-c", code, str(tmp_path), sys.executable, str(ALIKE), str(tmp_path), "steady")
    root = Path(__file__).parents[3]
    seat = psutil.Popen(words, cwd=root)
    until(lambda: pid(tmp_path))
    runner = psutil.Process(pid(tmp_path))
    seat.kill()
    seat.wait(20)
    step = felt(tmp_path).step
    until(lambda: felt(tmp_path).step > step)
    seat = psutil.Popen(words, cwd=root)
    until(lambda: json.loads((tmp_path / FOLDER / STATE).read_text())["runner"]["adopted"])
    seat.send_signal(number)
    assert seat.wait(30) == 0
    until(lambda: not runner.is_running() or runner.status() == psutil.STATUS_ZOMBIE)


def test_one_session_has_one_supervisor(tmp_path, told):
    with supervised(tmp_path, "steady", told), pytest.raises(SessionInUse):
        Supervisor(tmp_path, ("x",), told.courier).__enter__()


def test_watchdogs_act_through_the_operators_folder_and_the_audit_log(tmp_path, told):
    """A pulse of a paper session, from this process, whose feed is silent since three minutes."""
    with alone(tmp_path):
        words = (sys.executable, str(ALIKE), str(tmp_path), "steady")
        with Supervisor(
            tmp_path, words, told.courier, clock=lambda: NOON, hours=lambda now: 0, thresholds=Thresholds(starting=1e12)
        ) as supervisor:  # fmt: skip
            supervisor.tending.child = Child.adopt(os.getpid())
            assert supervisor.tending.child is not None
            supervisor.tending.child.started = 0
            for age in (10.0, 180.0, 180.0, 10.0, 180.0):
                beat(tmp_path, pulse(feed={"age": age}))
                supervisor.look()
            assert "feed gone: no market data for 180 s" in " ".join(supervisor.state.findings)
    halts = wanted_in(tmp_path / "operator")
    assert [(one.word, one.who) for one in halts] == [("halt", "watchdog")] * 2
    lines = audit.entries(tmp_path / audit.FILE)
    assert [(one.what, one.who, one.role) for one in lines] == [("halt", "watchdog", "seat")] * 2
    assert audit.verified(tmp_path / audit.FILE) is None


def test_services_live_as_long_as_the_supervisor_and_a_broken_one_does_not_stop_it(tmp_path, told):
    def broken():
        raise SeatError("seat: its port is taken")

    services = {"metrics": lambda: served(tmp_path, 0), "page": broken, "other": lambda: nullcontext("there")}
    with supervised(tmp_path, "steady", told, services=services) as supervisor:
        until(lambda: pid(tmp_path))
        assert supervisor.state.services["metrics"].startswith("http://127.0.0.1:")
        assert supervisor.state.services["other"] == "there"
        until(lambda: "not served (page)" in told.titles)


@pytest.mark.parametrize(
    ("code", "meaning"),
    [(0, DONE), (130, DONE), (-15, DONE), (2, FATAL), (1, AGAIN), (-9, AGAIN), (-11, AGAIN), (None, AGAIN)],
)
def test_an_end_means_what_its_code_says(code, meaning):
    assert verdict(code) == meaning


def test_the_wait_doubles_up_to_its_most_and_ends_in_a_crash_loop():
    p = Patience(first=1, most=8, deaths=6, within=100)
    waits, deaths = [], []
    for n in range(6):
        deaths.append(float(n))
        waits.append(wait(deaths, float(n), p))
    assert waits == [1, 2, 4, 8, 8, None]
    assert wait(deaths, 101.0, p) == 8  # those of long ago are forgotten
    assert wait(deaths, 1000.0, p) == 1
