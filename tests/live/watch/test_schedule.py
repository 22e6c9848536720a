"""Jobs run at their hours, one at a time, and whatever becomes of them is known afterwards."""

import json
import os
import stat
import sys
from datetime import datetime, time
from threading import Condition, Event, Thread
from zoneinfo import ZoneInfo

import pytest
from pulses import SECOND

from live.control.logs import HIDDEN, Redactor
from live.errors import SessionError
from live.lock import alone
from live.watch.history import FAILED, INTERRUPTED, MISSED, OK, RUNNING, TIMED_OUT, History, Ran
from live.watch.hours import AfterClose, Hour
from live.watch.schedule import FOLDER, Job, Schedule

HOUR = 3600 * SECOND
WEDNESDAY = int(datetime(2024, 6, 12, 12, tzinfo=ZoneInfo("America/New_York")).timestamp()) * SECOND  # noon


def job(code: str, name: str = "a", **changes) -> Job:
    return Job(name, "a job", Hour(time(8, 30)), (sys.executable, "-c", code))._replace(**changes)


class Heard:
    """What a schedule told, to wait for."""

    def __init__(self) -> None:
        self.runs, self.changed = [], Condition()

    def __call__(self, ran: Ran) -> None:
        with self.changed:
            self.runs.append(ran)
            self.changed.notify_all()

    def wait(self, count: int) -> list[Ran]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.runs) >= count, 30), self.runs
            return list(self.runs)


def test_a_job_runs_by_hand_and_leaves_what_it_said(tmp_path):
    jobs = Schedule(tmp_path, [job("print('checked'); print('key sesame-street')")], redact=Redactor(["sesame-street"]))
    ran = jobs.run("a")
    assert (ran.outcome, ran.code, ran.tail) == (OK, 0, f"checked\nkey {HIDDEN}\n")
    assert jobs.history.runs() == [ran]
    assert jobs.listed()[0].last == ran
    path = tmp_path / FOLDER / "jobs.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [json.loads(line)["outcome"] for line in path.read_text().splitlines()] == [RUNNING, OK]


@pytest.mark.parametrize(
    ("made", "outcome", "code", "tail"),
    [
        (job("import sys; sys.exit('no keys')"), FAILED, 1, "no keys"),
        (job("input()", words=("/nowhere/at/all",)), FAILED, 127, "No such file"),
        (job("import threading; threading.Event().wait()", timeout=0.3), TIMED_OUT, -15, ""),
        (
            job(
                "import signal, threading; signal.signal(15, lambda *a: print('dying', flush=True) or exit(3));"
                "print('up', flush=True); threading.Event().wait()",
                timeout=2.0,
            ),
            TIMED_OUT, 3, "up\ndying",
        ),
    ],
)  # fmt: skip
def test_a_job_that_fails_or_takes_too_long_says_so(tmp_path, made, outcome, code, tail):
    ran = Schedule(tmp_path, [made]).run("a")
    assert (ran.outcome, ran.code) == (outcome, code)
    assert tail in ran.tail


def test_only_the_end_of_what_a_job_says_is_kept(tmp_path):
    ran = Schedule(tmp_path, [job("print('é' * 100_000 + 'end')")]).run("a")
    assert len(ran.tail) == 8_000
    assert ran.tail.endswith("end\n")


def test_a_job_gives_way_to_whoever_trades(tmp_path):
    ran = Schedule(tmp_path, [job("import os; print(os.nice(0))")]).run("a")
    assert int(ran.tail) >= os.nice(0) + 10


def test_two_jobs_never_run_at_once_in_whatever_processes(tmp_path):
    jobs = Schedule(tmp_path, [job("print(1)")])
    (tmp_path / FOLDER).mkdir()
    with alone(tmp_path / FOLDER), pytest.raises(SessionError, match="another job runs"):
        jobs.run("a")
    assert jobs.run("a").outcome == OK


def test_jobs_begun_together_run_one_after_the_other(tmp_path):
    heard = Heard()
    code = f"""
import os
path = {str(tmp_path / "inside")!r}
file = os.open(path, os.O_CREAT | os.O_EXCL)
[sum(range(10_000)) for _ in range(300)]
os.unlink(path)
"""
    jobs = Schedule(tmp_path, [job(code, "a"), job(code, "b")], told=heard)
    jobs.start()
    for name in ("a", "b", "a", "b"):
        jobs.begin(name)
    runs = heard.wait(4)
    jobs.close()
    assert [(r.job, r.outcome) for r in runs] == [("a", OK), ("b", OK), ("a", OK), ("b", OK)]


def test_what_fell_due_while_nobody_kept_the_hours_runs_within_its_grace(tmp_path):
    heard = Heard()
    History(tmp_path / FOLDER / "jobs.jsonl").note(Ran("a", WEDNESDAY - 24 * HOUR, 1, 2, OK, 0))
    jobs = Schedule(tmp_path, [job("print(1)", grace=4 * 3600.0)], told=heard, clock=lambda: WEDNESDAY)
    jobs.start()
    (ran,) = heard.wait(1)[:1]
    jobs.close()
    assert (ran.outcome, ran.due) == (OK, WEDNESDAY - HOUR * 7 // 2)  # 08:30


def test_what_fell_due_too_long_ago_is_missed_each_time(tmp_path):
    heard = Heard()
    History(tmp_path / FOLDER / "jobs.jsonl").note(Ran("a", WEDNESDAY - 72 * HOUR, 1, 2, OK, 0))  # Sunday
    jobs = Schedule(tmp_path, [job("print(1)", grace=60.0)], told=heard, clock=lambda: WEDNESDAY)
    jobs.start()
    runs = heard.wait(3)
    jobs.close()
    assert [(r.outcome, (WEDNESDAY - r.due) / HOUR) for r in runs[:3]] == [
        (MISSED, 51.5),
        (MISSED, 27.5),
        (MISSED, 3.5),
    ]
    assert [r.tail for r in runs[:3]] == ["the next one had come"] * 2 + ["it came up later than its grace"]


def test_a_job_that_never_ran_has_missed_nothing(tmp_path):
    jobs = Schedule(tmp_path, [job("print(1)")], clock=lambda: WEDNESDAY + 300 * 24 * HOUR)
    assert jobs.listed()[0].last is None
    assert jobs.history.runs() == []


def test_a_job_runs_when_its_hour_comes_and_its_next_hour_is_kept(tmp_path):
    """By the schedule's clock it is a moment of 2024, so that its next hour has come for every timer."""
    now, heard, done = [WEDNESDAY], Heard(), Event()

    def told(ran: Ran) -> None:
        now[0] = ran.due + 1  # the job took no time
        if len(heard.runs) < 3:
            heard(ran)
        else:
            done.set()

    made = job("print(1)", when=AfterClose(1800))
    jobs = Schedule(tmp_path, [made], told=told, clock=lambda: now[0])
    jobs.start()
    assert done.wait(60)
    jobs.close()
    hours = [(ran.due - WEDNESDAY) / HOUR for ran in heard.runs]
    assert hours == [4.5, 28.5, 52.5]  # 16:30 on Wednesday, Thursday, Friday
    assert {ran.outcome for ran in heard.runs} == {OK}


def test_closing_ends_the_job_that_runs(tmp_path):
    heard = Heard()
    flag = tmp_path / "flag"
    os.mkfifo(flag)
    code = f"open({str(flag)!r}, 'w').close(); import threading; threading.Event().wait()"
    jobs = Schedule(tmp_path, [job(code)], told=heard)
    jobs.start()
    jobs.begin("a")
    with open(flag):
        pass  # it runs
    jobs.close()
    assert [ran.outcome for ran in heard.runs] == [INTERRUPTED]


def test_a_run_whose_seat_died_is_called_interrupted_at_the_next_start(tmp_path):
    history = History(tmp_path / FOLDER / "jobs.jsonl")
    history.note(Ran("a", 5, 6))
    with history.path.open("ab") as file:
        file.write(b'{"job": "a", "due"')  # torn when the machine stopped
    jobs = Schedule(tmp_path, [job("print(1)")])
    jobs.start()
    jobs.close()
    first = jobs.history.runs("a")[0]
    assert (first.outcome, first.began) == (INTERRUPTED, 6)


def test_histories_of_several_writers_are_whole(tmp_path):
    history = History(tmp_path / "jobs.jsonl")
    threads = [Thread(target=lambda n=n: [history.note(Ran(f"{n}", k, k)) for k in range(50)]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {n: len(history.runs(n)) for n in "0123"} == dict.fromkeys("0123", 50)


def test_unknown_jobs_and_names_taken_twice_are_refused(tmp_path):
    with pytest.raises(SessionError, match=r"no 'premark'\. Did you mean 'premarket'"):
        Schedule(tmp_path, [job("", "premarket")]).run("premark")
    with pytest.raises(SessionError, match="a name of its own"):
        Schedule(tmp_path, [job("", "a"), job("", "a")])
    with pytest.raises(SessionError, match="not kept here"):
        Schedule(tmp_path, [job("", "a")]).begin("a")
