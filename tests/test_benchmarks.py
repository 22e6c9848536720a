"""Every benchmark runs at tiny size, and what it keeps has the promised shape."""

from __future__ import annotations

import io
import json
import os
import sys

import pytest
from rich.console import Console

from benchmarks import __main__ as bench
from benchmarks import peers, rows_peers, rows_processes, rows_wire, wire_session
from benchmarks.row import Row, Skipped, against, row, spelled, written
from benchmarks.rows_peers import Work, WrongResult
from benchmarks.timing import TINY, seconds
from benchmarks.workloads import Outcome
from quantlib import catalog

KEPT = {"name", "value", "unit", "runs", "peer", "peer_value", "ratio"}
UNITS = {"bars/s", "s", "s/row", "bytes", "1"}
FRESH = ("compile", "import", "memory", "backtest.first", "live.wire")
IN_PROCESS = [n for n in bench.BENCHES if not n.startswith((*FRESH, "feature."))]
PROCESSES = [n for n in bench.BENCHES if n.startswith(FRESH)]


def measured(names, tmp_path):
    said, path = io.StringIO(), tmp_path / "latest.json"
    code = bench.main([*names, "--tiny", "--json", str(path)], Console(file=said))
    assert code == 0, said.getvalue()
    return json.loads(path.read_text()), said.getvalue()


def well_shaped(rows):
    for one in rows:
        assert set(one) == KEPT
        assert one["unit"] in UNITS
        assert one["runs"]
        assert all(isinstance(r, float) and r > 0 for r in one["runs"])
        assert (one["peer"] == "") == (one["ratio"] is None) == (one["peer_value"] is None)


@pytest.mark.parametrize("name", IN_PROCESS)
def test_a_benchmark_runs_tiny_or_says_why_not(name, tmp_path):
    rows, said = measured([name], tmp_path)
    well_shaped(rows)
    assert name in said
    assert [r["name"] for r in rows].count(name) == 1 or "skipped" in said


FEATURES = [f"feature.{name}" for name in catalog.names()]


@pytest.mark.parametrize("names", [FEATURES[::20], pytest.param(FEATURES, marks=pytest.mark.slow)], ids=["some", "all"])
def test_catalogued_features_are_measured(names, tmp_path):
    rows, _ = measured(names, tmp_path)
    well_shaped(rows)
    assert [r["name"] for r in rows] == names


@pytest.mark.slow
@pytest.mark.parametrize("name", PROCESSES)
def test_a_benchmark_in_fresh_processes_runs_tiny(name, tmp_path):
    rows, _ = measured([name], tmp_path)
    well_shaped(rows)
    assert len(rows) == 1


def test_a_name_chooses_its_row_or_those_that_begin_with_it():
    assert bench.chosen(["backtest.A"]) == ["backtest.A"]
    assert bench.chosen(["live", "live.row"])[:4] == ["live.row", "live.500", "live.60", "live.60.500"]
    assert bench.chosen(["live.day"]) == ["live.day"]
    assert bench.chosen(["feature"]) == FEATURES
    assert bench.chosen([]) == list(bench.BENCHES)
    with pytest.raises(ValueError, match="no benchmark 'speed'"):
        bench.chosen(["speed"])


@pytest.mark.parametrize(("asked", "whole"), [(["live.row"], True), (["live"], False), (["live.row", "--tiny"], False)])
def test_a_row_is_measured_whole_if_it_is_asked_for_by_its_own_name(tmp_path, monkeypatch, asked, whole):
    seen = []
    for name in bench.chosen(["live"]):
        monkeypatch.setitem(
            bench.BENCHES, name, lambda scale, name=name: seen.append((name, scale.whole)) or row(name, "s", [1.0])
        )
    bench.main([*asked, "--json", str(tmp_path / "rows.json")], Console(file=io.StringIO()))
    assert ("live.row", whole) in seen
    assert {one for _, one in seen} == {whole}


def test_a_session_that_was_not_ready_in_time_is_a_skip_that_says_so(monkeypatch):
    took = dict.fromkeys(wire_session.Took._fields, 0) | {"early": -0.4}
    monkeypatch.setattr(rows_wire, "printed", lambda _: json.dumps(took))
    with pytest.raises(Skipped, match=r"ready -0\.4 s before the market"):
        rows_wire.wire("live.wire", TINY)


def test_a_session_that_lost_a_message_is_no_benchmark(monkeypatch):
    took = dict.fromkeys(wire_session.Took._fields, 0) | {"latency": [0.01] * 4, "decided": 80, "trouble": ""}
    for name, value in {"lost": 1, "late_rows": 2, "refused": 3, "trouble": "stale", "decided": 79}.items():
        said = json.dumps(took | {name: value})
        monkeypatch.setattr(rows_wire, "printed", lambda _, said=said: said)
        with pytest.raises(WrongResult, match=r"live\.wire: "):
            rows_wire.wire("live.wire", TINY)


def test_value_is_the_median_of_runs_and_ratio_is_ours_by_theirs(tmp_path):
    beside = against(row("x", "s", [1.0, 9.0, 2.0]), "peer", [4.0, 3.0, 99.0])
    assert (beside.value, beside.runs, beside.peer_value, beside.ratio) == (2.0, (1.0, 9.0, 2.0), 4.0, 0.5)
    written([beside._replace(note="not kept")], tmp_path / "rows.json")
    assert set(json.loads((tmp_path / "rows.json").read_text())[0]) == KEPT


def test_numbers_are_spelled_with_three_digits_and_a_prefix():
    assert spelled(17_234_567.0, "bars/s") == "17.2 Mbars/s"
    assert spelled(4.2e-5, "s") == "42 µs"
    assert spelled(835e6, "bytes") == "835 MB"
    assert spelled(0.98, "1") == "0.980"


def test_a_wrong_result_is_no_benchmark(tmp_path, monkeypatch):
    wrong = Work("A", 10, 10, lambda: Outcome(3, 1.0), Outcome(4, 1.0), "")
    with pytest.raises(WrongResult, match="the exact reference says"):
        rows_peers.beside_vectorbt("backtest.A", lambda scale: wrong, TINY)

    def broken(scale):
        raise WrongResult("backtest.A: it lost a fill")

    monkeypatch.setitem(bench.BENCHES, "backtest.A", broken)
    said = io.StringIO()
    assert bench.main(["backtest.A", "--json", str(tmp_path / "rows.json")], Console(file=said)) == 1
    assert "it lost a fill" in said.getvalue()
    assert json.loads((tmp_path / "rows.json").read_text()) == []


def test_equity_agrees_to_the_cents_that_sums_of_accounts_round():
    assert Outcome(2, 10.01).agrees(Outcome(2, 10.0), accounts=20)
    assert not Outcome(2, 10.01).agrees(Outcome(2, 10.0), accounts=1)
    assert not Outcome(3, 10.0).agrees(Outcome(2, 10.0), accounts=20)


def test_where_the_peers_are_absent_their_rows_skip_visibly_and_the_others_run(tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "SCRIPTS", peers.ROOT.parent / "shared" / "nowhere")
    rows, said = measured(["backtest.A", "backtest.desk"], tmp_path)
    assert [r["name"] for r in rows] == ["backtest.desk"]
    assert "peers' scripts are absent (shared/nowhere)" in said


def test_a_peer_that_cannot_be_had_is_a_skip_that_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "HOME", tmp_path)
    monkeypatch.setattr(peers, "_base", lambda wanted: sys.executable)
    monkeypatch.setitem(peers.PEERS, "nobody", peers.Peer(("--no-such-option",)))
    with pytest.raises(Skipped, match="nobody: "):
        peers.python_of("nobody")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds no process to a core")
def test_a_process_can_be_bound_to_one_core():
    code = "import os; from benchmarks.timing import on_one_core; on_one_core(); print(len(os.sched_getaffinity(0)))"
    assert rows_processes.printed(["-c", code]) == "1"


def test_polars_beside_ours_may_have_no_more_threads_than_we():
    with pytest.raises(Skipped, match="polars has 2 threads"):
        rows_processes.printed(["-m", "benchmarks.polars_turns", "100", "1", "1"], POLARS_MAX_THREADS="2")


def test_work_is_timed_after_it_was_warmed():
    calls = []
    assert len(seconds(lambda: calls.append(1), 3)) == 3
    assert len(calls) == 4
    assert isinstance(row("x", "s", [1.0]), Row)
