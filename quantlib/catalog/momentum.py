"""How fast the price moves."""

from quantlib.catalog.entry import Entry
from quantlib.features.momentum.aroon import aroon, aroon_oscillator
from quantlib.features.momentum.change import mom, roc, rocp, rocr
from quantlib.features.momentum.directional import minus_di, minus_dm, plus_di, plus_dm
from quantlib.features.momentum.directional_index import adx, adxr, dx
from quantlib.features.momentum.one_sided import cmo, rsi, tsi
from quantlib.features.momentum.oscillators import bop, cci, mfi
from quantlib.features.momentum.stochastic import stochastic, stochastic_fast, stochastic_rsi, williams_r
from quantlib.features.momentum.ultimate import ultimate_oscillator
from quantlib.features.momentum.vortex import vortex

MOMENTUM = {
    "rsi": Entry(rsi, {"n": 3}),
    "cmo": Entry(cmo, {"n": 3}),
    "tsi": Entry(tsi, {"slow": 4, "fast": 2}),
    "mom": Entry(mom, {"n": 4}),
    "roc": Entry(roc, {"n": 4}),
    "rocp": Entry(rocp, {"n": 4}),
    "rocr": Entry(rocr, {"n": 4}),
    "stochastic": Entry(stochastic, {"n": 5, "slowing": 2, "signal": 3}),
    "stochastic_fast": Entry(stochastic_fast, {"n": 5, "signal": 3}),
    "stochastic_rsi": Entry(stochastic_rsi, {"n": 2, "k": 3, "d": 2}),
    "williams_r": Entry(williams_r, {"n": 5}),
    "cci": Entry(cci, {"n": 7}),
    "mfi": Entry(mfi, {"n": 7}),
    "ultimate_oscillator": Entry(ultimate_oscillator, {"fast": 2, "middle": 4, "slow": 8}),
    "bop": Entry(bop, {}),
    "plus_dm": Entry(plus_dm, {"n": 3}),
    "minus_dm": Entry(minus_dm, {"n": 3}),
    "plus_di": Entry(plus_di, {"n": 3}),
    "minus_di": Entry(minus_di, {"n": 3}),
    "dx": Entry(dx, {"n": 3}),
    "adx": Entry(adx, {"n": 2}),
    "adxr": Entry(adxr, {"n": 2}),
    "aroon": Entry(aroon, {"n": 5}),
    "aroon_oscillator": Entry(aroon_oscillator, {"n": 5}),
    "vortex": Entry(vortex, {"n": 7}),
}
