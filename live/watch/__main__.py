"""`python -m live.watch`: a session with all that watches it.

python -m live.watch run sessions/trend-paper -- python -m live --symbols AAPL MSFT --no-dashboard
python -m live.watch jobs sessions/trend-paper
python -m live.watch job sessions/trend-paper end-of-day
"""

from __future__ import annotations

import argparse
import shlex
import sys
from datetime import date
from pathlib import Path

from rich.console import Console

from live.asked import refuse_unknown
from live.control import api, metrics
from live.errors import LiveError
from live.watch import command
from live.watch.watchdogs import Thresholds

COMMANDS = ("run", "job", "jobs", "history", "report")


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code: 2 for an error that is told in one line."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    cut = given.index("--") if "--" in given else len(given)
    console = Console(highlight=False)
    try:
        if cut and not given[0].startswith("-"):
            refuse_unknown(given[0], COMMANDS)
        asked = parser().parse_args(given[:cut])
        if asked.command == "run":
            return _run(asked, given[cut + 1 :])
        if asked.command == "job":
            return command.run_job(asked.session, asked.job, shlex.split(asked.nightly))
        if asked.command == "report":
            return command.report(asked.session, console, asked.day)
        if asked.command == "history":
            command.list_runs(asked.session, console, asked.job)
        else:
            command.list_jobs(asked.session, console)
        return 0
    except (LiveError, OSError) as error:
        sys.stderr.write(f"live.watch: {' '.join(str(error).split())}\n")
        return 2


def parser() -> argparse.ArgumentParser:
    """What may be asked for."""
    whole = argparse.ArgumentParser(prog="python -m live.watch", description="A session with all that watches it.")
    commands = whole.add_subparsers(dest="command", required=True, metavar="command")
    run = _word(commands, "run", "run a session: -- COMMAND… runs it, and goes on with it")
    run.add_argument("--port", type=int, default=api.PORT, help="of the page on 127.0.0.1; -1: none")
    run.add_argument("--metrics", type=int, default=metrics.PORT, help="of the metrics on 127.0.0.1; -1: none")
    run.add_argument("--rhythm", type=float, default=0.0, help="seconds between two messages of a feed that is well")
    run.add_argument("--leave", action="store_true", help="end when the session has ended")
    job = _word(commands, "job", "run a job now")
    job.add_argument("job", metavar="JOB", help="premarket, end-of-day or nightly")
    for one in (run, job):
        one.add_argument("--nightly", default="", metavar="COMMAND", help="a command that is run at night, as one word")
    _word(commands, "jobs", "list jobs: when they are due, and how they last went")
    _word(commands, "history", "list the last runs of jobs").add_argument("--job", metavar="JOB", help="only this one")
    report = _word(commands, "report", "write the report of a day")
    report.add_argument("--day", type=date.fromisoformat, metavar="DATE", help="in New York; default the last")
    return whole


def _word(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, told: str
) -> argparse.ArgumentParser:  # fmt: skip
    one = commands.add_parser(name, help=told, description=told)
    one.add_argument("session", type=Path, metavar="SESSION", help="its folder")
    return one


def _run(asked: argparse.Namespace, words: list[str]) -> int:
    if not words:
        sys.stderr.write("live.watch: which command runs the session? give it after --\n")
        return 2
    ports = command.Served(*(port if port >= 0 else None for port in (asked.port, asked.metrics)))
    return command.supervised(
        asked.session, words, ports=ports, nightly=shlex.split(asked.nightly), stay=not asked.leave,
        thresholds=Thresholds(rhythm=asked.rhythm),
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
