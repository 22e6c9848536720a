"""Features whose parameters are fitted anew at rows fixed by the data.

    refitted(garch, fit_garch, rows=1000, every=250)

is a feature like any other: the rows it is fitted on, the parameters it found and what the filter remembers all lie in
its memory.  So a backtest and a live session refit at the same rows, and any way of cutting the rows gives the same
bits.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import isfinite, nan
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.core import INTEGERS, Columns, Feature, typed
from quantlib.features.rows import FOREVER, row_count
from quantlib.jit import Kernel, kernel


class FitError(ValueError):
    """Rows that parameters cannot be fitted to; a refit then stays with those it has."""


class RefittingLoop:
    """The loop of a feature with its parameters in memory, and a fit every so many rows of a symbol."""

    def __init__(self, make: Callable[..., Feature], fit: Callable[[Columns], Any], rows: int, every: int) -> None:
        self.make, self.fit, self.rows, self.every = make, fit, rows, every
        self.inner = make()
        self.__name__ = f"refitted_{getattr(self.inner.kernel, '__name__', 'feature').strip('_')}"
        self.spelled = f"<refitted {_spelled(make)} {_spelled(self.inner.kernel)} {_spelled(fit)} {rows} {every}>"

    def __repr__(self) -> str:  # part of core.fingerprint, so the code is in it
        return self.spelled

    def blank(self) -> NDArray[Any]:
        """What one symbol remembers: rows seen, good fits, parameters, the filter's own, the rows."""
        fields: list[tuple[Any, ...]] = [
            ("seen", "i8"),
            ("fits", "i8"),
            ("params", "f8", (len(self.inner.params),)),
            ("inner", self.inner.blank.dtype),
            ("ring", "f8", (len(self.inner.inputs), self.rows)),
        ]
        blank = np.zeros((), fields)
        blank["params"], blank["inner"] = tuple(self.inner.params), self.inner.blank
        return blank

    def __call__(self, p: Any, memory: NDArray[Any], symbol: NDArray[Any], *columns: NDArray[Any]) -> None:
        count = len(self.inner.inputs)
        inputs, outputs = columns[:count], columns[count:]
        for column in outputs:
            column[:] = nan
        known = np.ones(symbol.size, bool)
        for column in inputs:
            known &= ~np.isnan(column)
        for code in np.unique(symbol[known]):
            mine = np.flatnonzero(known & (symbol == code))
            while mine.size:
                mine = mine[self._stretch(memory, code, mine, inputs, outputs) :]

    def _stretch(
        self,
        memory: NDArray[Any],
        code: int,
        mine: NDArray[Any],
        inputs: tuple[NDArray[Any], ...],
        outputs: tuple[NDArray[Any], ...],
    ) -> int:
        """Rows of one symbol up to its next fit, and the fit; how many they were."""
        seen = int(memory["seen"][code])
        due = self.rows - seen if seen < self.rows else self.every - (seen - self.rows) % self.every
        now = mine[:due]
        given = tuple(column[now] for column in inputs)
        if seen >= self.rows:
            written = self._filtered(memory, code, given)
            for column, values in zip(outputs, written, strict=False):
                column[now] = values
            outputs[-1][now] = memory["fits"][code]
        ring = memory["ring"][code]
        kept = slice(max(0, now.size - self.rows), None)
        places = (seen + np.arange(now.size)[kept]) % self.rows
        for line, values in zip(ring, given, strict=True):
            line[places] = values[kept]
        memory["seen"][code] = seen + now.size
        if now.size == due:
            self._fit(memory, code)
        return now.size

    def _fit(self, memory: NDArray[Any], code: int) -> None:
        seen = int(memory["seen"][code])
        first = seen % self.rows
        rows = tuple(np.concatenate((line[first:], line[:first])) for line in memory["ring"][code])
        try:
            memory["params"][code] = tuple(self.make(self.fit(dict(zip(self.inner.inputs, rows, strict=True)))).params)
            memory["fits"][code] += 1
        except FitError:
            pass  # the column of good fits says so
        if seen == self.rows:  # the filter starts where it would stand, had it known the parameters all along
            self._filtered(memory, code, rows)

    def _filtered(
        self, memory: NDArray[Any], code: int, given: tuple[NDArray[Any], ...]
    ) -> tuple[NDArray[np.float64], ...]:
        """The inner loop over rows of one symbol."""
        params = typed(type(self.inner.params)(*memory["params"][code].tolist()))
        record = memory["inner"][code : code + 1].copy()
        written = tuple(np.empty(given[0].size) for _ in self.inner.outputs)
        loop = self.inner.kernel.dispatcher if isinstance(self.inner.kernel, Kernel) else self.inner.kernel
        loop(params, record, np.zeros(given[0].size, np.int32), *given, *written)
        memory["inner"][code] = record[0]
        return written


def refitted(
    make: Callable[..., Feature], fit: Callable[[Columns], Any], *, rows: int = 1000, every: int = 250
) -> Feature:
    """A feature that is fitted anew every so many rows of a symbol, and filters on with its memory carried.

    The first fit is on the first `rows` rows of a symbol, each further one on its last `rows` rows, `every` rows later.
    Parameters are in use from the row after those they were fitted on.  At the first fit the filter is led over the
    rows of the fit, so that it starts warm; later fits change the parameters and leave what it remembers.

    Args:
        make: factory of the feature; takes what `fit` returns, and has defaults for everything: `garch`, or
            `partial(garch, ahead=10)`.
        fit: from the columns that the feature reads to what `make` takes: `fit_garch`. It gets (rows,) float64 arrays
            without NaN. If it raises FitError the parameters stay as they are: those of `make()` if no fit was good.
        rows: of a symbol, that each fit is on; at least 2.
        every: rows from one fit to the next, at least 1.

    Returns:
        A feature with the outputs of `make()`, NaN for the first `rows` rows of a symbol, and after them the column
        `<first output>_fits`: how many fits were good so far; 0 says that the parameters are those of `make()`.
        It never forgets: a start at another row would refit at other rows.

    Raises:
        ValueError: if a count is too small, the feature warms up for longer than `rows`, reads integer columns
            or sees whole timestamps.
    """
    rows, every = row_count("refitted", "rows", rows, 2), row_count("refitted", "every", every)
    loop = RefittingLoop(make, fit, rows, every)
    inner = loop.inner
    if inner.scope != "symbol" or any(name in INTEGERS for name in inner.inputs):
        raise ValueError(f"refitted: {loop.__name__} must see single symbols and float64 columns only")
    if inner.warmup > rows:
        raise ValueError(f"refitted: rows must be at least the warm-up of {inner.warmup}, got {rows}")
    if not all(isfinite(value) for value in inner.params):
        raise ValueError(f"refitted: the parameters of {loop.__name__} must be finite numbers, got {inner.params}")
    outputs = (*inner.outputs, f"{inner.outputs[0]}_fits")
    return Feature(loop, (), loop.blank(), inner.inputs, outputs, rows, FOREVER, inner.clock)


def _spelled(one: Any) -> str:
    """A function by its code, a partial by its function and arguments."""
    if isinstance(one, partial):
        return f"{_spelled(one.func)}{one.args}{sorted(one.keywords.items())}"
    if isinstance(one, Kernel):
        return one.fingerprint
    return kernel(one).fingerprint if isinstance(one, FunctionType) else repr(one)
