"""The report of a day agrees with the session's own numbers, on the page and in the JSON."""

import json
import re
import stat
from datetime import date

import pytest
from pulses import pulse
from scenes import played, scored, scoring

from live.config import recorded
from live.errors import SessionError
from live.journal import read
from live.operator import want
from live.pulse import beat
from live.session import replay
from live.watch.page import page, write
from live.watch.report import Verdict, as_json, daily, date_of, moments_of
from live.words import MAGIC


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A session of a preset, so that it can be compared with its backtest."""
    folder = tmp_path_factory.mktemp("sessions") / "trend"
    done = replay("trend", scored(150), folder, params={"fast": 3, "slow": 9})
    assert done.fills > 10
    beat(folder, pulse(session="trend", kind="paper", account="PA1"))
    return folder


def days(folder) -> list[date]:
    return sorted({date_of(ts) for ts, _ in whole(folder)})


def whole(folder):
    contents = read(folder / "journal", MAGIC)
    return list(moments_of(contents, recorded(folder / "journal", contents.identity)))


def each(folder):
    """The report of each day, not compared."""
    return [daily(folder, day, compared=lambda folder: Verdict(True, "", [])) for day in days(folder)]


def test_profits_of_all_days_sum_to_that_of_the_session(folder):
    reports = each(folder)
    assert reports[0].opened == 1_000_000.0
    assert [b.opened for b in reports[1:]] == [a.closed for a in reports[:-1]]
    assert reports[-1].closed == whole(folder)[-1][1]
    assert sum(r.profit for r in reports) == pytest.approx(reports[-1].closed - 1_000_000.0)
    done = replay("trend", scored(150), folder, params={"fast": 3, "slow": 9})
    assert sum(len(r.fills) for r in reports) == done.fills
    assert sum(sum(r.refusals.values()) for r in reports) == sum(done.refusals.values())


def test_the_last_day_is_the_one_that_is_meant(folder):
    assert daily(folder).day == str(days(folder)[-1])
    assert [r.day for r in each(folder)] == [str(day) for day in days(folder)]


def test_fills_stand_beside_what_was_expected_of_them(folder):
    report = next(r for r in each(folder) if r.fills)
    for fill in report.fills:
        assert fill.expected is not None
        side = 1 if fill.side == "buy" else -1
        assert fill.slippage == pytest.approx(side * (fill.price - fill.expected) * fill.lots)
    assert report.slippage == pytest.approx(sum(f.slippage for f in report.fills))
    assert report.fees == pytest.approx(sum(f.fee for f in report.fills))


def test_parity_is_part_of_it(folder):
    report = daily(folder)
    assert report.parity.holds
    assert report.parity.text == f"parity: 0 differences in {scored(150).rows} decisions"


def test_a_session_that_cannot_be_compared_says_why(tmp_path):
    played(tmp_path / "s", scored(30), scoring())
    report = daily(tmp_path / "s")
    assert not report.parity.holds
    assert "give it again" in report.parity.text
    assert "give it again" in page(report)


def test_operators_actions_and_refusals_are_told(tmp_path):
    want(tmp_path / "s" / "operator", "halt", who="ann", why="a <bad> day")
    played(tmp_path / "s", scored(30), scoring())
    first = daily(tmp_path / "s", date_of(int(scored(30).columns["ts"][0])))
    assert [(a.word, a.who, a.why) for a in first.actions] == [("halt", "ann", "a <bad> day")]
    assert "a &lt;bad&gt; day" in page(first)
    assert "<bad>" not in page(first)


def test_the_report_is_left_as_a_page_and_as_json_that_nobody_else_reads(folder):
    report = daily(folder)
    shown, data = write(folder, report)
    assert (shown.name, data.name) == (f"{report.day}.html", f"{report.day}.json")
    assert {stat.S_IMODE(path.stat().st_mode) for path in (shown, data)} == {0o600}
    said = json.loads(data.read_text())
    assert said == json.loads(as_json(report))
    assert (said["closed"], said["profit"], said["parity"]["holds"]) == (report.closed, report.profit, True)
    assert said["decision"]["number"] == 4
    assert [p.name for p in shown.parent.iterdir() if p.name.startswith(".")] == []


def test_the_page_holds_all_it_needs_and_asks_nobody(folder):
    text = page(next(r for r in each(folder) if len(r.fills) > 1))
    assert "default-src 'none'" in text
    assert "<script" not in text
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", text)
    for heading in ("Equity of the day", "Fills against expectation", "Refused by the desk", "Parity", "Incidents"):
        assert f"<h2>{heading}" in text


def test_a_folder_without_a_session_or_a_decision_has_no_report(tmp_path):
    with pytest.raises(SessionError, match="no session"):
        daily(tmp_path)
    played(tmp_path / "s", stop=lambda: True)
    with pytest.raises(SessionError, match="decided on nothing"):
        daily(tmp_path / "s")
