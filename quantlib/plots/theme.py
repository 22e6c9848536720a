"""How figures look: one palette, quiet axes, and SVG that takes the colours of the page it stands in.

Figures are made without pyplot, so nothing is kept that must be closed and no window system is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from io import StringIO
from math import floor, log10
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quantlib.formats import number, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.floating[Any]]

INK = "#1c1e24"
MUTE = "#6d727c"
RULE = "#dedbd2"
LINE = "#2456a6"
SECOND = "#b4761c"
GOOD = "#1d7d5a"
BAD = "#c23b36"
VARIABLES = {INK: "ink", MUTE: "mute", RULE: "rule", LINE: "line", SECOND: "second", GOOD: "good", BAD: "bad"}
FONT = 9.0  # points, where a figure is 10 inches wide
PIXELS = 500  # columns of a full-width curve, each drawn by its lowest and highest value


def canvas(width: float, height: float, rows: int = 1, columns: int = 1, **grid: Any) -> tuple[Figure, Any]:
    """An empty figure in inches and its axes, in the style of the house."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    engine = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.04, hspace=0.06)
    figure = Figure(figsize=(width, height), layout=engine, facecolor="none")
    axes = figure.subplots(rows, columns, **grid)
    for one in np.atleast_1d(axes).ravel():
        quiet(one)
    return figure, axes


def quiet(axes: Axes) -> None:
    """Only a base line and a pale horizontal grid."""
    axes.set_facecolor("none")
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set(color=RULE, linewidth=0.8)
    axes.tick_params(length=0, colors=MUTE, labelsize=FONT, pad=4)
    axes.grid(axis="y", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.margins(x=0.005)


def dates(axes: Axes) -> None:
    """Dates along the base line, as short as they can be."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=9)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.xaxis.get_offset_text().set(color=MUTE, fontsize=FONT)


def percents(axis: Any) -> None:
    """Fractions written as percent, with as many digits as the ticks need."""
    _written(axis, lambda value, step: percent(value, digits(step * 100)))


def numbers(axis: Any) -> None:
    """Plain numbers with thousands separators, with as many digits as the ticks need."""
    _written(axis, lambda value, step: number(value, digits(step)))


def digits(step: float) -> int:
    """Digits after the point that numbers `step` apart need."""
    return max(0, -floor(log10(step) + 1e-9)) if step > 0 else 2


def _written(axis: Any, text: Callable[[float, float], str]) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    def tick(value: float, _: int) -> str:
        places = axis.get_majorticklocs()
        return text(value, float(places[1] - places[0]) if len(places) > 1 else 0.0)

    axis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(tick))


def heading(axes: Axes, text: str) -> None:
    """What an axes shows, above its upper left corner."""
    axes.set_title(text, loc="left", fontsize=FONT, color=MUTE, pad=6)


def note(axes: Axes, text: str) -> None:
    """Say why there is nothing to see."""
    axes.set(xticks=[], yticks=[])
    axes.text(0.5, 0.5, text, ha="center", va="center", color=MUTE, fontsize=FONT, transform=axes.transAxes)


def thinned(x: NDArray[Any], y: Floats, columns: int = PIXELS) -> tuple[NDArray[Any], Floats]:
    """The points that a curve needs to look the same: first, lowest, highest and last of each of `columns` stretches.

    Args:
        x, y: (n,) arrays of one length.
        columns: stretches of about equal numbers of rows.

    Returns:
        At most 4 points per stretch, in their order; everything if there are fewer rows than that.
    """
    if y.size <= 4 * columns:
        return x, y
    size = y.size // columns
    blocks = y[: size * columns].reshape(columns, size)
    starts = np.arange(columns) * size
    parts = [starts, starts + size - 1, starts + blocks.argmin(1), starts + blocks.argmax(1)]
    rest = y[size * columns :]
    if rest.size:
        parts.append(size * columns + np.array([rest.argmin(), rest.argmax(), rest.size - 1]))
    keep = np.unique(np.concatenate(parts))
    return x[keep], y[keep]


def svg(figure: Figure, name: str, label: str) -> str:
    """A figure as an `<svg>` element for a page.

    Colours of the palette become CSS variables (`--ink` and so on), fonts that of the page, ids are unique to `name`,
    and nothing in it refers to any other file.

    Args:
        figure: from this package.
        name: unique in the page, letters only.
        label: what readers who do not see it are told.
    """
    from matplotlib import rc_context

    text = StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "path.simplify_threshold": 0.2}):
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    drawn = text.getvalue()
    drawn = drawn[drawn.index("<svg") :].replace("xlink:href", "href")
    drawn = re.sub(r"<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>", "", drawn, flags=re.S)
    drawn = re.sub(r'<g id="[^"]*"/>| transform="rotate\(-0 [^"]*"', "", drawn)
    drawn = re.sub(r'<g id="[^"]*">', "<g>", drawn)
    drawn = re.sub(r'( id="|url\(#|href="#)', rf"\1{name}-", drawn)
    drawn = re.sub(
        r"<svg [^>]*?(viewBox=\"[^\"]*\")[^>]*>", rf'<svg \1 role="img" aria-label="{escape(label)}">', drawn
    )
    drawn = re.sub(r"(\d+\.\d\d)\d+", r"\1", drawn)
    drawn = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", drawn)  # how older matplotlibs write it
    drawn = re.sub(r"font-family: [^;\"]*;? ?", "", drawn)
    for colour, variable in VARIABLES.items():
        drawn = drawn.replace(colour, f"var(--{variable})")
    return re.sub(r"\s*\n\s*", "\n", drawn).replace("\nL ", "L").replace("\nz\n", "z")
