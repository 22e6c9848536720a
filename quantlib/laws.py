"""The laws of a feature, each one a function that raises `LawBroken`; `check` holds a feature to all of them.

    resume       cut the rows anywhere and carry memory across as bytes: not one bit of any output changes
    causality    changing or deleting later rows changes no earlier output
    silence      a row with a missing value gives NaN and leaves memory untouched
    separation   interleaving symbols changes nothing for any of them
    warm_up      outputs are NaN before the row `warmup` of a symbol and finite from it on
    horizon      rows more than `horizon` rows ago are forgotten: bit for bit, or to 1e-9 if the feature is recursive
    one_compile  a kernel has one compiled signature per shape of memory, whatever its parameters and rows
    purity       the rows and the memory given are left as they were, and the same call gives the same bits again

Rows are compared by their bits, where any NaN equals any NaN.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.core import Columns, Feature, Memory, inputs_of, run, start, title
from quantlib.jit import Kernel
from quantlib.tapes import KINDS, Tape, tape

FADED = 1e-9  # of the largest output: what a recursive feature may still remember beyond its horizon


class LawBroken(ValueError):
    """A feature broke a law: `law`, and where that has a place `row`, `column`, `got` and `wanted`."""

    def __init__(
        self,
        law: str,
        feature: Feature,
        says: str,
        row: int | None = None,
        column: str | None = None,
        got: float | None = None,
        wanted: float | None = None,
    ) -> None:
        self.law, self.row, self.column, self.got, self.wanted = law, row, column, got, wanted
        finite = "a finite number" if wanted is None else repr(wanted)
        place = "" if row is None else f": column {column!r} of row {row} is {got!r}, wanted {finite}"
        super().__init__(f"{law}: {title(feature)}: {says}{place}")


def check(feature: Feature, given: Tape | None = None, *, rows: int = 400, seed: int = 0) -> None:
    """Hold a feature to every law.

    Args:
        feature: any, also one of a plain Python function.
        given: rows to try it on; by default rows made up by the meaning of its columns (`quantlib.tapes`). Give your
            own if it reads columns of other names that must be, say, positive.
        rows: how many to make up, at least; enough to go beyond the horizon are made if that is below 5,000 rows.
        seed: another one makes up other rows.

    Raises:
        LawBroken: at the first law that is broken.
    """
    rows = max(rows, 6 * min(feature.horizon, 5_000))
    made = [tape(feature, rows, 3, kind=kind, seed=seed) for kind in KINDS]
    for one in made if given is None else [given]:
        cuts = np.random.default_rng(seed).integers(0, one.rows + 1, 5)
        for cut in cuts:
            causality(feature, one, int(cut))
        warm_up(feature, one)
        silence(feature, one)
        resume(feature, one, sorted(int(c) for c in cuts))
        separation(feature, one)
        purity(feature, one)
        if not feature.recursive or one is made[0] or one is given:
            horizon(feature, one, one.rows // 3)
        one_compile([feature], one)


def resume(feature: Feature, given: Tape, cuts: Sequence[int]) -> None:
    """Rows cut at `cuts`, memory carried across as bytes, against one long call."""
    memory, whole = _run(feature, given)
    edges = [0, *(_edge(feature, given, cut) for cut in cuts), given.rows]
    now = start([feature], given.symbols)
    parts = []
    for first, end in pairwise(edges):
        if end < first:
            raise ValueError(f"resume: cuts must ascend, got {list(cuts)}")
        carried = np.frombuffer(now.records[0].tobytes(), now.records[0].dtype).copy()
        now, written = _run(feature, given.only(slice(first, end)), Memory(now.symbols, (carried,)))
        parts.append(written)
    joined = {name: np.concatenate([part[name] for part in parts]) for name in feature.outputs}
    says = f"cut at rows {edges[1:-1]} it gives other outputs than in one call"
    _same("resume", feature, joined, whole, np.arange(given.rows), says)
    _same_memory("resume", feature, now, memory, f"cut at rows {edges[1:-1]} it remembers other things")


def causality(feature: Feature, given: Tape, row: int) -> None:
    """Rows from `row` on deleted, or replaced by others, against the tape as it is."""
    row = _edge(feature, given, row)
    _, whole = _run(feature, given)
    before = np.arange(row)
    _, short = _run(feature, given.only(slice(0, row)))
    _same("causality", feature, short, whole, before, f"deleting the rows from {row} on changes what came before")
    changed = {name: column.copy() for name, column in given.columns.items()}
    for name in inputs_of([feature]):
        if changed[name].dtype == np.float64:
            changed[name][row:] = 2.0 * given.columns[name][row:][::-1]
    _, other = _run(feature, Tape(changed, given.symbols))
    _same("causality", feature, other, whole, before, f"changing the rows from {row} on changes what came before")


def silence(feature: Feature, given: Tape) -> None:
    """Rows with a missing value give NaN, and the others know nothing of them."""
    memory, whole = _run(feature, given)
    known = _known(feature, given)
    nothing = {name: np.full(given.rows, np.nan) for name in feature.outputs}
    _same("silence", feature, whole, nothing, np.flatnonzero(~known), "a row with a missing value gives a number")
    after, without = _run(feature, given.only(known))
    left = {name: column[known] for name, column in whole.items()}
    rows = np.arange(int(known.sum()))
    _same("silence", feature, left, without, rows, "rows with a missing value change later outputs")
    _same_memory("silence", feature, memory, after, "rows with a missing value change memory")


def separation(feature: Feature, given: Tape) -> None:
    """Each symbol alone gives what it gives among the others; a feature across symbols is excused."""
    if feature.scope == "cross":
        return
    memory, whole = _run(feature, given)
    for code, symbol in enumerate(given.symbols):
        mine = np.flatnonzero(given.columns["symbol"] == code)
        columns = given.only(mine).columns
        columns["symbol"] = np.zeros(len(mine), np.int32)
        alone, written = _run(feature, Tape(columns, (symbol,)))
        together = {name: column[mine] for name, column in whole.items()}
        says = f"{symbol} among other symbols gives other outputs than alone"
        _same("separation", feature, together, written, np.arange(len(mine)), says)
        mixed = Memory((symbol,), (memory.records[0][code : code + 1],))
        _same_memory("separation", feature, mixed, alone, f"{symbol} among other symbols is remembered differently")


def warm_up(feature: Feature, given: Tape) -> None:
    """Among the rows of a symbol that miss nothing, outputs are NaN before row `warmup` and finite from it on."""
    _, whole = _run(feature, given)
    known = _known(feature, given)
    for name, column in whole.items():
        wrong = known & np.where(_ordinal(given, known) >= feature.warmup, ~np.isfinite(column), ~np.isnan(column))
        if wrong.any():
            row = int(np.argmax(wrong))
            count = int(_ordinal(given, known)[row])
            says = f"warmup is {feature.warmup}, this is row {count} of its symbol, counting from 0"
            early = count < feature.warmup
            wanted = np.nan if early else None
            raise LawBroken("warm_up", feature, says, row, name, float(column[row]), wanted)


def horizon(feature: Feature, given: Tape, row: int) -> None:
    """A run begun at `row` gives the outputs of the whole run once `horizon` rows of a symbol have passed.

    A feature across symbols promises it for timestamps at which that is so of every symbol there.  A recursive feature
    promises it for rows that move alike: `check` spares it tapes that stand still or leap.
    """
    row = _edge(feature, given, row)
    _, whole = _run(feature, given)
    late = given.only(slice(row, given.rows))
    _, fresh = _run(feature, late)
    known = _known(feature, late)
    passed = known & (_ordinal(late, known) >= feature.horizon)
    if feature.scope == "cross":
        ts = late.columns["ts"]
        passed &= ~np.isin(ts, ts[known & ~passed])
    settled = np.flatnonzero(passed)
    rest = {name: column[row:] for name, column in whole.items()}
    says = f"begun at row {row} it gives other outputs after its horizon of {feature.horizon} rows"
    _same("horizon", feature, fresh, rest, settled, says, row, FADED if feature.recursive else 0.0)


def one_compile(features: Sequence[Feature], given: Tape) -> None:
    """Features of one kernel, run on all rows, one row, none, and rows that do not lie side by side in memory."""
    copied = given.only(np.arange(given.rows))
    for feature in features:
        for rows in (slice(None), slice(0, 1), slice(0, 0), slice(None, None, 2)):
            run([feature], start([feature], given.symbols), copied.only(rows).columns)
        loop = feature.kernel
        if isinstance(loop, Kernel):
            shapes = Counter(signature[1] for signature in loop.dispatcher.signatures)
            if max(shapes.values()) > 1:
                says = f"its kernel compiled {max(shapes.values())} signatures for one shape of memory"
                raise LawBroken("one_compile", feature, says)


def purity(feature: Feature, given: Tape) -> None:
    """The rows and the memory given stay as they are, and a second call gives the same bits."""
    memory = start([feature], given.symbols)
    copies = {name: column.copy() for name, column in given.columns.items()}
    blank = memory.records[0].tobytes()
    after, first = run([feature], memory, given.columns)
    for name, column in given.columns.items():
        changed = np.flatnonzero(~_equal(column, copies[name]))
        if len(changed):
            row = int(changed[0])
            got, wanted = float(column[row]), float(copies[name][row])
            column[:] = copies[name]
            raise LawBroken("purity", feature, "it overwrites a column that it reads", row, name, got, wanted)
    if memory.records[0].tobytes() != blank:
        raise LawBroken("purity", feature, "it changes the memory that was given to `run`")
    again, second = run([feature], memory, given.columns)
    _same("purity", feature, second, first, np.arange(given.rows), "a second call gives other outputs")
    _same_memory("purity", feature, again, after, "a second call remembers other things")


def _run(feature: Feature, given: Tape, memory: Memory | None = None) -> tuple[Memory, Columns]:
    """Run on a copy of the rows, so that a feature that overwrites them spoils no other law."""
    columns = {name: column.copy() for name, column in given.columns.items()}
    return run([feature], memory or start([feature], given.symbols), columns)


def _known(feature: Feature, given: Tape) -> NDArray[Any]:
    """Rows that miss none of the values which the feature reads."""
    known = np.ones(given.rows, bool)
    for name in inputs_of([feature]):
        known &= given.columns[name] == given.columns[name]
    return known


def _ordinal(given: Tape, known: NDArray[Any]) -> NDArray[Any]:
    """How many known rows of its symbol lie before each row."""
    count = np.zeros(given.rows, np.int64)
    for code in range(len(given.symbols)):
        mine = given.columns["symbol"] == code
        count[mine] = (np.cumsum(known & mine) - (known & mine))[mine]
    return count


def _edge(feature: Feature, given: Tape, row: int) -> int:
    """The row itself, or the first of its timestamp if the feature sees whole timestamps."""
    if feature.scope != "cross" or row >= given.rows:
        return row
    return int(np.searchsorted(given.columns["ts"], given.columns["ts"][row]))


def _equal(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    if a.dtype != np.float64:
        return np.asarray(a == b)
    same = np.ascontiguousarray(a).view(np.int64) == np.ascontiguousarray(b).view(np.int64)
    return np.asarray(same | ((a != a) & (b != b)))


def _same(
    law: str,
    feature: Feature,
    got: Columns,
    wanted: Columns,
    rows: NDArray[Any],
    says: str,
    offset: int = 0,
    tolerance: float = 0.0,
) -> None:
    for name in feature.outputs:
        a, b = got[name][rows], wanted[name][rows]
        same = _equal(a, b)
        if tolerance and not same.all():
            scale = float(np.nanmax(np.abs(wanted[name])))
            same |= np.abs(a - b) <= tolerance * scale
        if not same.all():
            worst = int(np.argmin(same))
            row = int(rows[worst]) + offset
            raise LawBroken(law, feature, says, row, name, float(a[worst]), float(b[worst]))


def _same_memory(law: str, feature: Feature, got: Memory, wanted: Memory, says: str) -> None:
    if got.records[0].tobytes() != wanted.records[0].tobytes():
        raise LawBroken(law, feature, says)
