"""Starting again: snapshots that are refused, files that are not ours, locks, other strategies, other tapes."""

import os
from pathlib import Path
from typing import Any

import pytest
from scenes import COSTS, dying, end_of, played, scored, scoring

from backtest.costs import Costs
from live.errors import BrokerError, Corrupted, LiveError, ReconcileError, SessionError, SessionInUse
from live.lock import alone, is_held
from live.vault import generations, keep
from quantlib import snapshot
from quantlib.desk.wishes import enter_long
from quantlib.features import ema, roc
from quantlib.table import Table


def until(table: Table, rows: int) -> Table:
    """The first rows."""
    return Table(table.clock, table.symbols, {name: column[:rows] for name, column in table.columns.items()})


def half(folder: Path, **named: Any) -> None:
    """A session stopped in the middle, cleanly."""
    left = iter(range(25))
    assert played(folder, stop=lambda: next(left, None) is None, **named).stopped


def test_a_stopped_session_goes_on_where_it_was(tmp_path: Path) -> None:
    half(tmp_path / "a" / "s")
    done = played(tmp_path / "a" / "s")
    assert 0 < done.resumed < done.steps == done.of
    assert done.notes == (f"going on from the snapshot, step {done.resumed}, and 0 frames after it",)
    played(tmp_path / "b" / "s")
    assert end_of(tmp_path / "a" / "s") == end_of(tmp_path / "b" / "s")


def test_a_finished_session_does_nothing_more(tmp_path: Path) -> None:
    played(tmp_path / "s")
    before = (tmp_path / "s" / "journal").read_bytes()
    again = played(tmp_path / "s")
    assert again.resumed == again.steps
    assert (tmp_path / "s" / "journal").read_bytes() == before


def test_a_longer_tape_is_played_on(tmp_path: Path) -> None:
    table = scored()
    ts = table.columns["ts"]
    played(tmp_path / "a" / "s", until(table, int((ts <= ts[30]).sum())))
    played(tmp_path / "a" / "s", table)
    played(tmp_path / "b" / "s", table)
    assert end_of(tmp_path / "a" / "s") == end_of(tmp_path / "b" / "s")


def test_a_tape_that_had_ended_inside_a_timestamp_cannot_be_played_on(tmp_path: Path) -> None:
    table = scored()
    ts = table.columns["ts"]
    inside = next(k for k in range(30, 60) if ts[k] == ts[k - 1])
    played(tmp_path / "s", until(table, inside))
    with pytest.raises(SessionError, match="are not those that were played"):
        played(tmp_path / "s", table)


def spoil_version(data: bytes) -> bytes:
    """The same snapshot, said to be of version 9."""
    return data[:8] + (9).to_bytes(4, "little") + data[12:]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (spoil_version, "version 9"),
        (lambda data: data[: len(data) // 2], "checksum"),
        (lambda data: b"", "no snapshot"),
        (lambda data: data[:100] + b"\xff" + data[101:], "checksum"),
        (lambda data: b"hello" + data, "no snapshot"),
    ],
)
def test_a_bad_snapshot_is_told_and_the_one_before_takes_its_place(tmp_path: Path, spoil: Any, told: str) -> None:
    half(tmp_path / "a" / "s")
    place = tmp_path / "a" / "s" / "snapshot"
    place.write_bytes(spoil(place.read_bytes()))
    done = played(tmp_path / "a" / "s")
    assert told in done.notes[0]
    assert done.notes[1].startswith("going on from an older snapshot, step ")
    played(tmp_path / "b" / "s")
    assert end_of(tmp_path / "a" / "s") == end_of(tmp_path / "b" / "s")


def test_without_any_good_snapshot_the_journal_alone_is_enough(tmp_path: Path) -> None:
    half(tmp_path / "a" / "s")
    for name in ("snapshot", "snapshot.old", "broker/broker.snapshot", "broker/broker.snapshot.old"):
        (tmp_path / "a" / "s" / name).write_bytes(b"QUANTMEM")
    done = played(tmp_path / "a" / "s")
    assert any(note.startswith("going on from the journal alone, ") for note in done.notes)
    played(tmp_path / "b" / "s")
    assert end_of(tmp_path / "a" / "s") == end_of(tmp_path / "b" / "s")


def test_a_snapshot_of_another_session_is_not_used(tmp_path: Path) -> None:
    half(tmp_path / "a" / "s")
    played(tmp_path / "b" / "other", cash=5e5)
    (tmp_path / "a" / "s" / "snapshot").write_bytes((tmp_path / "b" / "other" / "snapshot").read_bytes())
    assert "of another session" in played(tmp_path / "a" / "s").notes[0]


def test_the_generation_before_is_kept(tmp_path: Path) -> None:
    keep(tmp_path / "x", b"one")
    keep(tmp_path / "x", b"two")
    assert [data for _, data in generations(tmp_path / "x")] == [b"two", b"one"]


def test_a_torn_journal_is_told(tmp_path: Path) -> None:
    half(tmp_path / "s")
    with (tmp_path / "s" / "journal").open("ab") as file:
        file.write(b"\x10\x00\x00")
    assert "3 bytes cut off" in played(tmp_path / "s").notes[0]


def test_a_journal_damaged_in_the_middle_refuses_to_start_and_is_left_as_it_is(tmp_path: Path) -> None:
    half(tmp_path / "s")
    for name in ("snapshot", "snapshot.old"):
        (tmp_path / "s" / name).unlink()
    path = tmp_path / "s" / "journal"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(Corrupted, match="is damaged, though frame"):
        played(tmp_path / "s")
    assert path.read_bytes() == data


def test_another_strategy_is_refused_with_both_names(tmp_path: Path) -> None:
    half(tmp_path / "s")
    with pytest.raises(SessionError, match=r"other strategy \(was 'scoring' \w+, asked 'scoring' \w+\)"):
        played(tmp_path / "s", strategy=scoring(enter=0.9))


def test_of_other_features_it_is_said_which_and_in_what(tmp_path: Path) -> None:
    half(tmp_path / "s", strategy=scoring()._replace(features=(ema(20), roc(5))))
    for features, why in (
        ((ema(30), roc(5)), r": ema\(ema\) has weight=0.06\d+, .* has seed=30, in the record seed=20\)"),
        ((ema(20),), r": rate\(roc\) is only in the record\)"),
        ((), r": ema\(ema\) is only in the record, rate\(roc\) is only in the record\)"),
    ):
        with pytest.raises(SessionError, match=rf"other strategy \(was 'scoring' \w+, asked 'scoring' \w+{why}"):
            played(tmp_path / "s", strategy=scoring()._replace(features=features))


@pytest.mark.parametrize("other", [{"cash": 2e6}, {"costs": Costs()}])
def test_other_money_or_costs_are_refused(tmp_path: Path, other: dict[str, Any]) -> None:
    half(tmp_path / "s")
    with pytest.raises(SessionError, match=f"other {next(iter(other))}"):
        played(tmp_path / "s", **other)


def test_another_tape_is_refused(tmp_path: Path) -> None:
    half(tmp_path / "s")
    with pytest.raises(SessionError, match="are not those that were played"):
        played(tmp_path / "s", scored(seed=6, missing=0.0))
    with pytest.raises(SessionError, match="this tape has 5"):
        played(tmp_path / "s", until(scored(), 5))


def test_a_fresh_start_puts_the_old_session_aside(tmp_path: Path) -> None:
    half(tmp_path / "s")
    before = (tmp_path / "s" / "journal").read_bytes()
    played(tmp_path / "s", strategy=scoring(enter=0.9), fresh=True)
    assert (tmp_path / "s" / "before-1" / "journal").read_bytes() == before


def test_two_processes_cannot_run_one_session(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    with alone(tmp_path / "s"):
        assert is_held(tmp_path / "s")
        with pytest.raises(SessionInUse, match=f"is run by process {os.getpid()}"):
            played(tmp_path / "s")
    assert not is_held(tmp_path / "s")
    played(tmp_path / "s")


def test_a_lost_broker_is_refused_where_it_cannot_be_made_again(tmp_path: Path) -> None:
    half(tmp_path / "s")
    for path in (tmp_path / "s" / "broker").iterdir():
        path.unlink()
    with pytest.raises(BrokerError, match="it has made only 0"):
        played(tmp_path / "s")


def test_a_broker_that_lost_its_last_steps_makes_them_again(tmp_path: Path, monkeypatch: Any) -> None:
    half(tmp_path / "a" / "s")
    played(tmp_path / "b" / "s")
    path = tmp_path / "a" / "s" / "broker"
    for name in ("broker.snapshot", "broker.snapshot.old"):
        (path / name).unlink()
    for name in ("snapshot", "snapshot.old"):
        (tmp_path / "a" / "s" / name).unlink()
    data = (path / "broker.journal").read_bytes()
    (path / "broker.journal").write_bytes(data[: len(data) // 2])
    done = played(tmp_path / "a" / "s")
    assert any("made again" in note for note in done.notes)
    assert end_of(tmp_path / "a" / "s") == end_of(tmp_path / "b" / "s")


def test_an_account_that_was_changed_refuses_to_trade_and_shows_both_sides(tmp_path: Path) -> None:
    from live.brokers.simulated import SimulatedBroker
    from live.config import config_of
    from live.recovery import opened
    from live.tape import Tape

    half(tmp_path / "s")
    table, strategy = scored(), scoring()
    config = config_of(tmp_path / "s", strategy, table, costs=COSTS)

    def tampered(change: Any) -> str:
        from quantlib.desk.memory import instrument_records

        records = instrument_records(table.symbols, config.instrument_map)
        broker = SimulatedBroker(tmp_path / "s" / "broker", table.symbols, records, COSTS, 1e6, config.layout)
        change(broker)
        with pytest.raises(ReconcileError, match="no command or report on its way explains it") as error:
            opened(tmp_path / "s", config, strategy, Tape(table), broker=broker)
        broker.close()
        return str(error.value)

    def poorer(broker: SimulatedBroker) -> None:
        broker.cash -= 1.0

    def longer(broker: SimulatedBroker) -> None:
        broker.exchange.books["lots"][1] += 7

    def busier(broker: SimulatedBroker) -> None:
        broker.exchange.orders[9]["id"], broker.exchange.orders[9]["status"] = 12345, 2

    assert "cash: desk" in tampered(poorer)
    assert "BBB lots: desk" in tampered(longer)
    assert "order 12345: desk none, broker" in tampered(busier)


def test_an_empty_tape_is_refused(tmp_path: Path) -> None:
    table = until(scored(), 0)
    with pytest.raises(LiveError, match="no rows"):
        played(tmp_path / "s", table)


def test_nothing_is_acted_on_before_it_is_on_the_disk(tmp_path: Path, monkeypatch: Any) -> None:
    from live.brokers.simulated import SimulatedBroker
    from live.journal import Journal

    synced: dict[str, int] = {}
    seen = []
    sync, submit = Journal.sync, SimulatedBroker.submit

    def watched(self: Journal) -> None:
        sync(self)
        synced[self.path.name] = self.place.sequence

    def asked(self: SimulatedBroker, tickets: Any, commands: Any, ts: int) -> None:
        data = (tmp_path / "s" / "journal").stat().st_size
        seen.append((synced.get("journal"), data))
        submit(self, tickets, commands, ts)

    monkeypatch.setattr(Journal, "sync", watched)
    monkeypatch.setattr(SimulatedBroker, "submit", asked)
    with dying(monkeypatch, 0):
        played(tmp_path / "s")
    assert len(seen) > 10
    assert all(sequence is not None for sequence, _ in seen)
    assert [s for s, _ in seen] == sorted({s for s, _ in seen})  # a new sync before each


def test_a_snapshot_names_its_version() -> None:
    assert snapshot.VERSION == 2


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a session but its lock."""
    kept = (path for path in folder.rglob("*") if path.is_file() and path.name != "lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in kept}


@pytest.mark.parametrize(
    "asked", [{"costs": Costs(rate=0.5)}, {"speed": -1.0}, {"costs": Costs(rate=-1.0)}, {"cash": 0.0}]
)
def test_a_start_that_is_refused_changes_no_file(tmp_path: Path, asked: dict[str, Any]) -> None:
    half(tmp_path / "s")
    with (tmp_path / "s" / "journal").open("ab") as journal:
        journal.write(b"torn")
    before = files(tmp_path / "s")
    with pytest.raises((LiveError, ValueError)):
        played(tmp_path / "s", **asked)
    assert files(tmp_path / "s") == before


@pytest.mark.parametrize("asked", [{"speed": -1.0}, {"costs": Costs(rate=-1.0)}, {"cash": 0.0}])
def test_a_fresh_start_that_is_refused_puts_nothing_aside(tmp_path: Path, asked: dict[str, Any]) -> None:
    half(tmp_path / "s")
    before = files(tmp_path / "s")
    with pytest.raises((LiveError, ValueError)):
        played(tmp_path / "s", fresh=True, **asked)
    assert files(tmp_path / "s") == before


def test_a_first_start_that_is_refused_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="rate must be 0 or more"):
        played(tmp_path / "s", costs=Costs(rate=-1.0))
    assert not (tmp_path / "s").exists()


def test_an_edited_plain_decision_is_another_strategy(tmp_path: Path) -> None:
    def early(view: Any) -> Any:
        return enter_long(3) if view.position == 0 and view.close > 90.0 else None

    def late(view: Any) -> Any:
        return enter_long(3) if view.position == 0 and view.close > 95.0 else None

    late.__name__, late.__qualname__ = early.__name__, early.__qualname__
    left = iter(range(25))
    played(tmp_path / "s", strategy=scoring()._replace(decide=early), stop=lambda: next(left, None) is None)
    with pytest.raises(LiveError, match="strategy"):
        played(tmp_path / "s", strategy=scoring()._replace(decide=late))
