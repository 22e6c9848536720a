"""Columns that features write for one symbol."""

import numpy as np

from quantlib.core import run, start


def written(features, **columns):
    """All columns that the features write, in their order; numbers may be lists."""
    features = features if isinstance(features, (list, tuple)) and not hasattr(features, "kernel") else [features]
    rows = {name: np.asarray(column, np.float64) for name, column in columns.items()}
    return run(features, start(features, ["X"]), rows)[1]


def output(feature, **columns):
    """The one column that a feature writes."""
    (column,) = written(feature, **columns).values()
    return column


def bars(rows, seed=0, scale=0.01):
    """Open, high, low, close and volume of a random walk."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, scale, rows)))
    opened = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(opened, close) * (1.0 + rng.random(rows) * scale)
    low = np.minimum(opened, close) * (1.0 - rng.random(rows) * scale)
    return {"open": opened, "high": high, "low": low, "close": close, "volume": np.round(rng.lognormal(5.0, 1.0, rows))}
