"""A feature under its price: what it reads above, what it writes below, and marks where it tells an event."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quantlib.core import Feature, inputs_of
from quantlib.event_rows import MARK
from quantlib.plots import theme
from quantlib.table import compute

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.floating[Any]]

PRICES = ("close", "price", "bid", "bid_0", "mid")  # what is drawn on top, the first that rows have
NEAR = 0.1  # outputs that mostly stay within this share of the price are drawn on it
ALIKE = 20.0
MANY = 40  # marks, beyond which they are drawn small
COLOURS = (theme.LINE, theme.SECOND, theme.GOOD, theme.BAD, theme.MUTE)


def panels(
    features: Feature | Sequence[Feature],
    rows: pl.DataFrame,
    *,
    outputs: Sequence[str] | None = None,
    width: float = 8.0,
) -> Figure:
    """A figure of rows and what features make of them.

    Outputs that lie among the prices are drawn on them, the others in a panel for each feature.  Where a feature
    tells an event, a mark stands at the price: up for numbers above zero, down for those below.

    Args:
        features: one or several of one clock, in dependency order.
        rows: a frame of one symbol that they can read (for a feature across symbols: of all of them); a few hundred
            rows are well to see, thousands are thinned.
        outputs: which of their columns to draw; by default all.
        width: inches.

    Raises:
        What `compute` raises.
    """
    features = (features,) if isinstance(features, Feature) else tuple(features)
    frame = rows if {n for f in features for n in f.outputs} <= set(rows.columns) else compute(features, rows)
    price = next((name for name in PRICES if name in frame.columns), inputs_of(features)[-1])
    wanted = [[n for n in f.outputs if outputs is None or n in outputs] for f in features]
    marks = [n for names in wanted for n in names if n.endswith(MARK)]
    lines = [[n for n in names if n not in marks] for names in wanted]
    across = any(f.scope == "cross" for f in features)
    level = _column(frame, price)
    upon = [n for names in lines for n in names if not across and _among(_column(frame, n), level)]
    below = [part for names in lines for part in _alike(frame, [n for n in names if n not in upon])]
    heights = [2.0, *([1.0] * len(below))]
    figure, axes = theme.canvas(
        width, 0.95 * sum(heights), len(heights), sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
    )
    every = [axes[k, 0] for k in range(len(heights))]
    for axis, names in zip(every, [[price, *upon], *below], strict=True):
        _drawn(axis, frame, names, across)
    for name in marks:
        _marked(every[0], frame, name, price)
    theme.dates(every[-1])
    return figure


def _column(frame: pl.DataFrame, name: str) -> Floats:
    return frame[name].cast(pl.Float64).to_numpy()


def _among(values: Floats, level: Floats) -> bool:
    """Whether values stay near the price, so that one axis shows both."""
    both = np.isfinite(values) & np.isfinite(level)
    if not both.any():
        return False
    return bool(np.median(np.abs(values[both] - level[both])) < NEAR * np.median(np.abs(level[both])))


def _alike(frame: pl.DataFrame, names: Sequence[str]) -> list[list[str]]:
    """The columns in groups that one axis can show: none is twenty times another of its group, unless one is all 0."""
    groups: list[tuple[float, list[str]]] = []
    for name in names:
        values = np.abs(_column(frame, name))
        size = float(np.max(values, where=np.isfinite(values), initial=0.0))
        near = [names for one, names in groups if min(size, one) == 0.0 or max(size, one) < ALIKE * min(size, one)]
        if near:
            near[0].append(name)
        else:
            groups.append((size, [name]))
    return [names for _, names in groups]


def _drawn(axis: Axes, frame: pl.DataFrame, names: Sequence[str], across: bool) -> None:
    """Lines, each symbol's own where the feature looks across symbols; their names stand above."""
    parts = frame.partition_by("symbol") if across else [frame]
    colours = cycle(COLOURS)
    for name in names:
        colour = theme.INK if name in PRICES and not across else next(colours)
        for part in parts[:5]:
            time, values = part["ts"].to_numpy(), _column(part, name)
            x, y = theme.thinned(time, values) if np.isfinite(values).all() else (time, values)
            axis.plot(x, y, color=next(colours) if across else colour, linewidth=1.0, label=name)
    handles, labels = axis.get_legend_handles_labels()
    known = dict(zip(labels, handles, strict=True))
    theme.heading(axis, names[0] if len(known) == 1 else " ")
    if len(known) > 1:
        legend = axis.legend(
            known.values(), _short(list(known)), loc="lower left", bbox_to_anchor=(0.0, 0.98), ncols=8, frameon=False,
            fontsize=theme.FONT, labelcolor=theme.MUTE, handlelength=1.0, borderpad=0.0, columnspacing=1.2,
        )  # fmt: skip
        legend.set_in_layout(False)  # a long one must not squeeze the lines


def _short(names: Sequence[str]) -> list[str]:
    """Names without the words that all of them begin with, but for the first; the price stands apart."""
    words = [name.split("_") for name in names if name not in PRICES]
    same = 0
    while len(words) > 2 and all(len(w) > same + 1 and w[same] == words[-1][same] for w in words[1:]):
        same += 1
    first = next((name for name in names if name not in PRICES), "")
    return [name if name in PRICES or name == first else "_".join(name.split("_")[same:]) for name in names]


def _marked(axis: Axes, frame: pl.DataFrame, name: str, price: str) -> None:
    """Marks at the price where events were told."""
    kind = _column(frame, name)
    for sign, mark, colour in ((1.0, "^", theme.GOOD), (-1.0, "v", theme.BAD)):
        at = np.sign(np.nan_to_num(kind)) == sign
        if at.any():
            part = frame.filter(pl.Series(at))
            size = 26.0 if part.height < MANY else 6.0
            axis.scatter(part["ts"].to_numpy(), _column(part, price), marker=mark, color=colour, s=size, zorder=3)
