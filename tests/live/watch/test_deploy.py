"""What lies in deploy/ names only what there is, and says of alerts what its own tests expect."""

import json
import os
import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from pulses import NOON, pulse

from live.control.metrics import PORT, Tallies, served
from live.pulse import beat
from live.watch.__main__ import parser

DEPLOY = Path(__file__).parents[3] / "deploy"
NAME = re.compile(r"\blive_[a-z_]+")
PROMTOOL = os.environ.get("PROMTOOL") or shutil.which("promtool")


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> dict[str, set[str]]:
    """The labels of every sample that a session and its seat export, by name."""
    import urllib.request

    folder, registry = tmp_path_factory.mktemp("session"), CollectorRegistry()
    tallies = Tallies(registry)
    for counted, labels in (
        (tallies.actions, ("halt",)), (tallies.alerts, ("sent",)), (tallies.jobs, ("nightly", "ok")),
    ):  # fmt: skip
        counted.labels(*labels).inc()
    tallies.firing.labels("warning").set(0)
    tallies.succeeded.labels("nightly").set(1)
    beat(folder, pulse())
    with (
        served(folder, 0, registry=registry, clock=lambda: NOON) as address,
        urllib.request.urlopen(address, timeout=10) as answer,
    ):
        families = list(text_string_to_metric_families(answer.read().decode()))
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


def expressions() -> dict[str, str]:
    """Every expression of the dashboard and of the rules, by where it stands."""
    board = json.loads((DEPLOY / "grafana" / "session.json").read_text("utf-8"))
    found = {f"{p['title']} {t['refId']}": t["expr"] for p in board["panels"] for t in p.get("targets", ())}
    found |= {a["name"]: a["expr"] for a in board["annotations"]["list"]}
    rules = (DEPLOY / "alerts.yml").read_text("utf-8")
    return found | dict(re.findall(r"- alert: (\w+)\n\s+expr: (.*)", rules))


def test_dashboard_and_rules_name_only_metrics_that_are_exported(exported):
    for where, expression in expressions().items():
        names = set(NAME.findall(expression))
        assert names or "up{" in expression, where
        assert names <= set(exported), f"{where}: {names - set(exported)}"


def test_they_ask_only_for_labels_that_there_are(exported):
    for where, expression in expressions().items():
        for name, inside in re.findall(r"\b(live_[a-z_]+)\{([^}]*)\}", expression):
            asked = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", inside)) - {"instance", "job"}
            assert asked <= exported[name], f"{where}: {name} has no {asked - exported[name]}"


def test_no_label_of_ours_is_one_that_prometheus_gives(exported):
    assert {name for name, labels in exported.items() if labels & {"job", "instance"}} == set()


def test_what_is_exported_is_shown_or_watched(exported):
    """Hardly anything is exported for nobody."""
    used = {name for expression in expressions().values() for name in NAME.findall(expression)}
    created = {name for name in exported if name.endswith("_created")}
    unused = {name for name in set(exported) - used - created if not name.startswith("live_submit_seconds")}
    assert unused <= {
        "live_begun", "live_steps_total", "live_session_info", "live_decided_timestamp_seconds", "live_position_lots",
        "live_position_profit", "live_feed_connected", "live_broker_connected", "live_decision_longest_seconds",
        "live_submit_longest_seconds", "live_process_threads", "live_process_open_files", "live_disk_used_ratio",
        "live_machine_memory_available_bytes", "live_watchdog_actions_total", "live_jobs_total",
        "live_decision_seconds_count", "live_decision_seconds_sum",
    }  # fmt: skip


def test_the_document_names_every_metric_with_its_labels(exported):
    text = (DEPLOY.parent / "docs" / "live_metrics.md").read_text("utf-8")
    told = {
        name: set(filter(None, labels.split(", ")))
        for name, labels in re.findall(r"\| `(live_\w+)` \| ([\w, ]*) \|", text)
    }
    parts = {f"{name}{end}": name for name in told for end in ("_bucket", "_sum", "_count")}
    for name, labels in exported.items():
        if not name.endswith("_created"):
            assert labels <= told[parts.get(name, name)], name
    assert set(told) <= {parts.get(name, name) for name in exported}


def test_panels_of_the_dashboard_do_not_overlap_and_have_ids_of_their_own():
    board = json.loads((DEPLOY / "grafana" / "session.json").read_text("utf-8"))
    cells: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        mine = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & mine, panel["title"]
        assert at["x"] + at["w"] <= 24
        cells |= mine
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))


def test_prometheus_asks_where_metrics_are():
    assert f"127.0.0.1:{PORT}" in (DEPLOY / "prometheus.yml").read_text("utf-8")


def test_the_service_runs_a_command_that_there_is():
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(DEPLOY / "quantlib-live@.service")
    words = unit["Service"]["ExecStart"].split()
    assert words[1:3] == ["-m", "live.watch"]
    asked = parser().parse_args(words[3 : words.index("--")])
    assert (asked.command, str(asked.session)) == ("run", "/var/lib/quantlib/%i")
    assert unit["Service"]["KillMode"] == "process"  # a runner outlives its supervisor
    assert unit["Service"]["UMask"] == "0077"


@pytest.mark.slow
@pytest.mark.skipif(not PROMTOOL, reason="promtool is not here: apt install prometheus, or set PROMTOOL")
@pytest.mark.parametrize(
    "words",
    [("check", "rules", "alerts.yml"), ("check", "config", "prometheus.yml"), ("test", "rules", "alerts_test.yml")],
    ids=" ".join,
)
def test_promtool_agrees(words):
    done = subprocess.run([PROMTOOL, *words], cwd=DEPLOY, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout + done.stderr
