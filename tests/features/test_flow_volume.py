"""Volume against the profile of its time of day."""

import numpy as np
import pytest
from flow_rows import SECOND, outputs, trades

from quantlib.features.flow.volume_ratio import volume_ratio

NAMES = ("", "_volume", "_mean", "_deviation", "_zscore", "_percentile", "_event")


def slow(rows, width, cells, days, n, threshold, least):
    """Each output of each row, with the profile kept in plain lists of past volumes."""
    past = {k: [] for k in range(cells)}
    ratios, result = [], []
    cell = volume = mean = wide = None
    told = False
    for ts, size in zip(rows["ts"], rows["size"], strict=True):
        now = ts // width
        if now != cell:
            if cell is not None:
                past[cell % cells].append(volume)
                if mean > 0.0:
                    ratios.append(volume / mean)
            cell, volume, told = now, 0.0, False
            mean, wide = exponential(past[now % cells], days)
        volume += size
        ratio = volume / mean if mean > 0.0 else 1.0
        z = (volume - mean) / wide if wide > 0.0 else 0.0
        among = ratios[-n:]
        percentile = np.mean([r <= ratio for r in among]) if among else 0.5
        event = float(z >= threshold and not told and len(past[now % cells]) >= least)
        told = told or bool(event)
        result.append((ratio, volume, mean, wide, z, percentile, event))
    return np.array(result).T


def exponential(volumes, days):
    """(mean, deviation) with weights that are equal up to `days` values and then fade."""
    weights = []
    for k in range(len(volumes)):
        w = 1.0 / min(k + 1, days)
        weights = [old * (1.0 - w) for old in weights] + [w]
    if not volumes:
        return 0.0, 0.0
    mean = float(np.dot(weights, volumes))
    return mean, float(np.sqrt(np.dot(weights, (np.array(volumes) - mean) ** 2)))


@pytest.mark.parametrize("days", [2, 4, 50])
def test_volume_is_compared_with_the_same_time_on_days_before(days):
    rows = trades(4000, seed=2, rate=2.0)
    got = outputs(volume_ratio(10.0, days, 30, 1.5, least=2, day=120.0), rows)
    wanted = slow(rows, 10 * SECOND, 12, days, 30, 1.5, 2)
    for name, column in zip(NAMES, wanted, strict=True):
        np.testing.assert_allclose(got[f"volume_ratio{name}"], column, rtol=1e-7, atol=1e-7)
    assert got["volume_ratio_event"].sum() > 3


def test_an_anomaly_is_told_once_and_at_the_trade_that_makes_it():
    minute, day = 60 * SECOND, 1440 * 60 * SECOND
    ts = np.concatenate([d * day + np.array([0, 1, 2, 3]) * SECOND for d in range(12)]).astype(np.int64) + minute
    size = np.concatenate([np.full(4, 10.0 + d % 3) for d in range(12)])
    size[-3] = 100.0
    got = outputs(volume_ratio(), {"ts": ts, "size": size})
    assert np.flatnonzero(got["volume_ratio_event"]).tolist() == [len(ts) - 3]
    assert got["volume_ratio_percentile"][-1] == 1.0
    assert got["volume_ratio_mean"][-1] == pytest.approx(np.mean([4 * (10.0 + d % 3) for d in range(11)]))


def test_a_time_of_day_that_never_traded_is_usual():
    got = outputs(volume_ratio(), {"ts": np.array([0, 90], np.int64) * SECOND, "size": np.array([5.0, 7.0])})
    assert got["volume_ratio"].tolist() == [1.0, 1.0]
    assert got["volume_ratio_zscore"].tolist() == [0.0, 0.0]
    assert got["volume_ratio_percentile"].tolist() == [0.5, 0.5]


def test_cells_must_fill_a_day():
    with pytest.raises(ValueError, match="volume_ratio: seconds must divide a day into at most 4096 cells, got 7"):
        volume_ratio(7)
    with pytest.raises(ValueError, match="at most 4096 cells, got 1"):
        volume_ratio(1)
    with pytest.raises(ValueError, match="least must be at most days, got least=5 and days=3"):
        volume_ratio(days=3)
