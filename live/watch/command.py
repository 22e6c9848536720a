"""What `python -m live.watch` does: a session with all that watches it, put together; its jobs; its report."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from live.asked import refuse_foreign
from live.control import api, metrics
from live.control.alerts import WARNING, Alert
from live.control.courier import Courier, addresses_of, sinks_of
from live.control.logs import Redactor, logging_to, secrets_of
from live.control.metrics import Tallies
from live.errors import SessionError
from live.feeds.calendar import NEW_YORK
from live.keys import keys_of
from live.private import private_folder
from live.seal import seal_of
from live.watch.history import FAILED, INTERRUPTED, OK, Ran
from live.watch.hours import SECOND
from live.watch.jobs import standard
from live.watch.page import write
from live.watch.report import daily
from live.watch.schedule import Schedule
from live.watch.supervisor import Service, Supervisor, Terms
from live.watch.watchdogs import Thresholds

LOG = "seat.log"
CHATTY = ("apscheduler", "uvicorn.error")  # what they say of themselves is no news
NEVER = "--fresh"  # a word that would throw the session away at each start


class Served(NamedTuple):
    """Ports on this machine; 0 takes a free one, None serves nothing."""

    page: int | None = api.PORT
    metrics: int | None = metrics.PORT


def supervised(
    folder: Path, words: Sequence[str], *, ports: Served | None = None, nightly: Sequence[str] = (),
    thresholds: Thresholds | None = None, terms: Terms | None = None, stay: bool = True,
    environment: Mapping[str, str] = os.environ,
) -> int:  # fmt: skip
    """Run a session with its watchdogs, jobs, alerts, metrics and page, until it is over or a signal ends it.

    Args:
        folder: of the session.
        words: the command that runs it in that folder, and goes on with it.
        ports: of page and metrics.
        nightly: words of a command that is run at night.
        thresholds, terms: of watchdogs and supervisor.
        stay: whether to go on serving when the session has ended.
        environment: where keys, passphrase and addresses of alerts are.

    Returns:
        The exit code of `Supervisor.run`.

    Raises:
        LiveError: if the seat is taken, or what the environment says makes no sense.
    """
    if NEVER in words:
        raise SessionError(f"supervisor: {NEVER} would begin anew at each start; begin once by hand, then supervise")
    refuse_foreign(folder)
    private_folder(folder)
    addresses, keys, seal = addresses_of(environment), keys_of(environment), seal_of(environment)
    redact = Redactor({*secrets_of(environment), *addresses})
    ports, registry = ports or Served(), CollectorRegistry()
    tallies = Tallies(registry)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    with logging_to(folder / LOG, redact):
        courier = Courier(
            sinks_of(addresses, title=f"{folder.name}: "), redact,
            told=lambda outcome: tallies.alerts.labels(outcome).inc(),
        )  # fmt: skip
        try:
            schedule = Schedule(folder, standard(folder, nightly), redact=redact, told=partial(_ran, courier, tallies))
            with Supervisor(
                folder, words, courier, schedule=schedule, keys=keys, tallies=tallies, thresholds=thresholds,
                terms=terms, stay=stay, seal=seal, services=_services(folder, ports, registry),
            ) as supervisor:  # fmt: skip
                return supervisor.run()
        finally:
            courier.close()


def run_job(folder: Path, name: str, nightly: Sequence[str] = (), environment: Mapping[str, str] = os.environ) -> int:
    """Run a job now, and say what it said; its exit code, 1 if it has none."""
    redact = Redactor({*secrets_of(environment), *addresses_of(environment)})
    ran = Schedule(folder, standard(folder, nightly), redact=redact).run(name)
    sys.stdout.write(ran.tail)
    return ran.code if ran.code is not None else 1


def list_jobs(folder: Path, console: Console) -> None:
    """Show all jobs: when they are due, and how they last went."""
    shown = Table("job", "does", "hours", "next", "last", "outcome", box=SIMPLE_HEAD)
    for job in Schedule(folder, standard(folder)).listed():
        last, outcome = (_told(job.last.began), job.last.outcome) if job.last is not None else ("–", "–")
        shown.add_row(job.name, job.told, job.hours, _told(job.next), last, outcome)
    console.print(shown)


def list_runs(folder: Path, console: Console, job: str | None = None, most: int = 20) -> None:
    """Show the last runs of jobs."""
    shown = Table("job", "due", "began", "took", "outcome", "code", box=SIMPLE_HEAD)
    for ran in Schedule(folder, standard(folder)).history.runs(job)[-most:]:
        took = f"{(ran.ended - ran.began) / SECOND:.1f} s" if ran.ended else "–"
        code = "–" if ran.code is None else str(ran.code)
        shown.add_row(ran.job, _told(ran.due), _told(ran.began), took, ran.outcome, code)
    console.print(shown)


def report(folder: Path, console: Console, day: date | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """Write the report of a day; 1 unless the session equals its backtest."""
    found = daily(folder, day, seal=seal_of(environment))
    for path in write(folder, found):
        console.print(str(path), soft_wrap=True)
    console.print(found.parity.text)
    return 0 if found.parity.holds else 1


def _told(ts: int) -> str:
    """A moment as people in New York read it."""
    return datetime.fromtimestamp(ts // SECOND, NEW_YORK).strftime("%a %d %b %H:%M")


def _services(folder: Path, ports: Served, registry: CollectorRegistry) -> dict[str, Service]:
    found: dict[str, Service] = {}
    if ports.metrics is not None:
        found["metrics"] = partial(metrics.served, folder, ports.metrics, registry=registry)
    if ports.page is not None:
        found["page"] = partial(api.served, folder, ports.page)
    return found


def _ran(courier: Courier, tallies: Tallies, ran: Ran) -> None:
    """Count a run, and tell of one that was not well."""
    tallies.jobs.labels(ran.job, ran.outcome).inc()
    if ran.outcome == OK:
        tallies.succeeded.labels(ran.job).set(ran.ended / SECOND)
    elif ran.outcome != INTERRUPTED:
        last = ran.tail.strip().splitlines()[-1:] if ran.outcome == FAILED else [ran.tail]
        courier.tell(Alert(f"job {ran.outcome}", WARNING, f"{ran.job}: {''.join(last)}", ran.job))
