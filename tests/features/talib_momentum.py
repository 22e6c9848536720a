"""TA-Lib's columns and ours: momentum."""

from quantlib.features.momentum.aroon import aroon, aroon_oscillator
from quantlib.features.momentum.change import mom, roc
from quantlib.features.momentum.directional import minus_di, minus_dm, plus_di, plus_dm
from quantlib.features.momentum.directional_index import adx, adxr, dx
from quantlib.features.momentum.one_sided import cmo, rsi
from quantlib.features.momentum.oscillators import bop, cci, mfi
from quantlib.features.momentum.stochastic import stochastic, stochastic_rsi, williams_r
from quantlib.features.momentum.ultimate import ultimate_oscillator
from quantlib.features.momentum.vortex import vortex

MOMENTUM = {
    "RSI_14": (rsi(14), "rsi"),
    "CMO_14": (cmo(14), "cmo"),
    "ROC_10": (roc(10), "roc"),
    "MOM_10": (mom(10), "mom"),
    "PLUS_DM_14": (plus_dm(14), "plus_dm"),
    "MINUS_DM_14": (minus_dm(14), "minus_dm"),
    "PLUS_DI_14": (plus_di(14), "plus_di"),
    "MINUS_DI_14": (minus_di(14), "minus_di"),
    "DX_14": (dx(14), "dx"),
    "ADX_14": (adx(14), "adx"),
    "ADXR_14": (adxr(14), "adxr"),
    "STOCH_k_14_3_3": (stochastic(14, 3, 3), "stochastic_k"),
    "STOCH_d_14_3_3": (stochastic(14, 3, 3), "stochastic_d"),
    "STOCHRSI_k": (stochastic_rsi(14, 5, 3), "stochastic_rsi_k"),
    "STOCHRSI_d": (stochastic_rsi(14, 5, 3), "stochastic_rsi_d"),
    "WILLR_14": (williams_r(14), "williams_r"),
    "CCI_20": (cci(20), "cci"),
    "MFI_14": (mfi(14), "mfi"),
    "AROON_down_14": (aroon(14), "aroon_down"),
    "AROON_up_14": (aroon(14), "aroon_up"),
    "AROONOSC_14": (aroon_oscillator(14), "aroon_oscillator"),
    "ULTOSC": (ultimate_oscillator(), "ultimate_oscillator"),
    "BOP": (bop(), "bop"),
    "VORTEX_14_0": (vortex(14), "vortex_plus"),
    "VORTEX_14_1": (vortex(14), "vortex_minus"),
}

# Where a mean of zeros stands the reference holds what its running sums left of them; ours is zero.
SMOOTHED = dict.fromkeys(("STOCH_k_14_3_3", "STOCH_d_14_3_3", "STOCHRSI_k", "STOCHRSI_d"), 2e-12)
