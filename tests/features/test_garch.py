"""GARCH agrees with `arch` on real prices, with published vectors, and with itself under refits."""

import json
from functools import partial
from math import log, pi, sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlib import laws
from quantlib.core import fingerprint, run, start
from quantlib.data import sp500
from quantlib.features.models.garch import TYPICAL, Garch, fit_garch, fit_garch_returns, garch
from quantlib.features.models.refit import FitError, refitted
from quantlib.stream import Stream
from quantlib.table import compute
from quantlib.tapes import tape

VECTORS = Path(__file__).parents[2].parent / "shared" / "reference" / "micro_vectors.json"


@pytest.fixture(scope="module")
def closes():
    return sp500()["close"].to_numpy()


@pytest.fixture(scope="module")
def vector():
    if not VECTORS.exists():
        pytest.skip("the vectors are not here (../shared/reference/micro_vectors.json)")
    return json.loads(VECTORS.read_text())["garch"]


def filtered(feature, close):
    return run([feature], start([feature], ["X"]), {"close": close})[1]


def simulated(seed, params, n):
    """Returns of the vectors: h starts at 1."""
    omega, alpha, beta = params
    returns, h = np.empty(n), 1.0
    for t, z in enumerate(np.random.default_rng(seed).standard_normal(n)):
        h = h if t == 0 else omega + alpha * returns[t - 1] ** 2 + beta * h
        returns[t] = sqrt(h) * z
    return returns


def prices_of(returns):
    return np.exp(np.concatenate(([0.0], np.cumsum(returns))))


def log_likelihood(returns, params):
    h, total = params.omega + (params.alpha + params.beta) * params.backcast, 0.0
    for r in returns:
        total -= 0.5 * (log(2.0 * pi) + log(h) + r * r / h)
        h = params.omega + params.alpha * r * r + params.beta * h
    return total


@pytest.mark.parametrize("mean", ["zero", "constant"])
def test_the_filter_is_the_conditional_variance_of_arch(closes, mean):
    from arch import arch_model

    params = fit_garch({"close": closes}, mean=mean)
    seen = filtered(garch(params, ahead=10), closes)
    returns = np.diff(np.log(closes))
    size = sqrt(np.mean(returns**2))  # arch wants returns around one
    model = arch_model(returns / size, mean=mean.capitalize(), rescale=False)
    known = model.fix([params.mean / size][: mean == "constant"] + [params.omega / size**2, params.alpha, params.beta])
    np.testing.assert_allclose(seen["garch"][1:] ** 2, (known.conditional_volatility * size) ** 2, rtol=1e-12)
    np.testing.assert_allclose(seen["garch_annual"], seen["garch"] * sqrt(252.0), rtol=1e-14)
    np.testing.assert_allclose(seen["garch_surprise"][1:], known.std_resid, rtol=1e-9, atol=1e-12)
    ahead = known.forecast(horizon=10).variance.to_numpy()[-1] * size**2
    assert seen["garch_ahead"][-1] ** 2 == pytest.approx(ahead[-1], rel=1e-12)
    assert seen["garch_over"][-1] ** 2 == pytest.approx(ahead.sum(), rel=1e-12)


def test_the_filter_and_its_forecasts_are_those_of_the_vectors(vector):
    returns = simulated(vector["seed"], vector["params"], 1500)
    params = Garch(*vector["params"], vector["backcast"])
    prices = prices_of(returns)
    for k, h in enumerate(vector["h"], 1):
        ahead = filtered(garch(params, ahead=k), prices)["garch_ahead"][-1]
        assert ahead**2 == pytest.approx(h, rel=1e-12)


def test_the_fit_is_that_of_the_vectors(vector):
    returns = simulated(vector["seed"], vector["params"], 1500)
    found = fit_garch_returns(returns)
    assert found.backcast == pytest.approx(vector["backcast"], rel=1e-12)
    np.testing.assert_allclose(found[:3], vector["mle"], rtol=5e-4)  # as flat as the likelihood is at its top
    assert log_likelihood(returns, found) >= vector["loglik"] - 1e-6


def test_the_fit_does_not_ask_for_the_unit_of_returns():
    returns = simulated(3, (0.02, 0.08, 0.9), 800)
    one, other = fit_garch_returns(returns), fit_garch_returns(returns * 1e-5)
    np.testing.assert_allclose(other[1:3], one[1:3], rtol=1e-6)
    np.testing.assert_allclose([other.omega, other.backcast], np.array([one.omega, one.backcast]) * 1e-10, rtol=1e-6)


def test_forecasts_go_to_the_variance_of_the_long_run(closes):
    params = Garch(2e-6, 0.1, 0.85, 1e-4)
    far = filtered(garch(params, ahead=2000), closes)["garch_ahead"][1:]
    np.testing.assert_allclose(far**2, params.omega / (1.0 - params.alpha - params.beta), rtol=1e-9)


def test_one_row_ahead_is_the_volatility_of_the_next_row(closes):
    seen = filtered(garch(ahead=1), closes)
    np.testing.assert_allclose(seen["garch_ahead"][1:-1], seen["garch"][2:], rtol=1e-15)
    np.testing.assert_array_equal(seen["garch_over"], seen["garch_ahead"])


def test_parameters_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"garch: omega must be positive and finite, got 0.0"):
        garch(TYPICAL._replace(omega=0.0))
    with pytest.raises(ValueError, match=r"nor their sum above 1, got 0.2 and 0.9"):
        garch(TYPICAL._replace(alpha=0.2))
    with pytest.raises(ValueError, match="garch: ahead must be at least 1, got 0"):
        garch(ahead=0)
    with pytest.raises(ValueError, match=r"garch: rows_per_year must be positive and finite, got 0.0"):
        garch(rows_per_year=0.0)
    with pytest.raises(ValueError, match="fit_garch: mean must be 'zero' or 'constant', got 'ar'"):
        fit_garch_returns(np.ones(60), mean="ar")


def test_returns_that_tell_nothing_are_not_fitted():
    with pytest.raises(FitError, match="wants at least 50 returns, got 49"):
        fit_garch({"close": np.arange(1.0, 51.0)})
    with pytest.raises(FitError, match="do not vary"):
        fit_garch({"close": np.full(200, 7.0)})


# ---- refits ----


def test_refits_are_the_fits_one_would_make_by_hand(closes):
    rows, every = 600, 500
    seen = filtered(refitted(partial(garch, ahead=3), fit_garch, rows=rows, every=every), closes)
    assert np.isnan(seen["garch"][:rows]).all()
    feature, memory = None, None
    for first in range(rows, closes.size, every):
        feature = garch(fit_garch({"close": closes[first - rows : first]}), ahead=3)
        if memory is None:
            memory, _ = run([feature], start([feature], ["X"]), {"close": closes[:first]})
        memory, by_hand = run([feature], memory, {"close": closes[first : first + every]})
        for name in by_hand:
            np.testing.assert_array_equal(seen[name][first : first + every], by_hand[name])
    np.testing.assert_array_equal(seen["garch_fits"][rows:], 1 + np.arange(closes.size - rows) // every)


def test_batch_and_stream_refit_at_the_same_rows():
    frame = sp500().head(1300)
    feature = refitted(garch, fit_garch, rows=400, every=250)
    whole = compute(feature, frame)
    for size in (1, 333):
        stream, start_row = Stream([feature], ["SPX"]), 0
        parts = {name: [] for name in feature.outputs}
        while start_row < frame.height:
            if start_row == 666:
                stream = Stream.restore([feature], stream.snapshot())
            rows = frame.slice(start_row, size)
            written = stream.push(rows.row(0, named=True) if size == 1 else rows)
            for name, values in parts.items():
                values.append(np.atleast_1d(written[name]))
            start_row += size
        for name, values in parts.items():
            np.testing.assert_array_equal(np.concatenate(values), whole[name].to_numpy())


def plain_moments(columns):
    """A fit that is quick: half of the variance is the last squared return's."""
    returns = np.diff(np.log(columns["close"]))
    variance = float(np.mean(returns**2))
    if not variance > 0.0:
        raise FitError("nothing moved")
    return Garch(0.1 * variance, 0.4, 0.5, variance)


@pytest.mark.parametrize("law", ["resume", "causality", "silence", "separation", "warm_up", "purity"])
@given(data=st.data())
def test_a_refitted_feature_is_lawful(law, data):
    feature = refitted(garch, plain_moments, rows=20, every=data.draw(st.sampled_from([1, 7, 30])))
    kind, symbols = data.draw(st.sampled_from(["calm", "flat", "wild"])), data.draw(st.integers(1, 3))
    rows = tape(feature, data.draw(st.integers(0, 150)), symbols, kind=kind, seed=data.draw(st.integers(0, 999)))
    cuts = sorted(data.draw(st.lists(st.integers(0, rows.rows), min_size=1, max_size=5)))
    more = {"resume": (cuts,), "causality": (cuts[0],)}.get(law, ())
    getattr(laws, law)(feature, rows, *more)


@settings(max_examples=5)
@given(seed=st.integers(0, 99), kind=st.sampled_from(["calm", "flat", "wild"]))
def test_refits_by_arch_are_lawful_too(seed, kind):
    feature = refitted(garch, fit_garch, rows=60, every=50)
    laws.check(feature, tape(feature, 250, 2, kind=kind, seed=seed))


def test_a_fit_that_fails_leaves_the_parameters_and_says_so():
    close = np.concatenate((np.full(40, 5.0), 5.0 * np.exp(0.01 * np.sin(np.arange(60.0)))))
    seen = filtered(refitted(garch, plain_moments, rows=20, every=20), close)
    assert set(seen["garch_fits"][20:60]) == {0.0}  # nothing moved yet
    np.testing.assert_array_equal(seen["garch"][21:41], filtered(garch(), close)["garch"][21:41])
    assert set(seen["garch_fits"][60:80]) == {1.0}


def test_another_fit_is_another_feature():
    prints = {
        fingerprint([refitted(make, fit, rows=rows, every=every)])
        for make in (garch, partial(garch, ahead=2))
        for fit in (fit_garch, plain_moments)
        for rows in (60, 70)
        for every in (5, 6)
    }
    assert len(prints) == 16
    assert fingerprint([refitted(garch, fit_garch)]) == fingerprint([refitted(garch, fit_garch)])


def test_what_cannot_be_refitted_is_refused():
    with pytest.raises(ValueError, match="refitted: rows must be at least 2, got 1"):
        refitted(garch, fit_garch, rows=1)
    with pytest.raises(ValueError, match="refitted: every must be at least 1, got 0"):
        refitted(garch, fit_garch, every=0)
