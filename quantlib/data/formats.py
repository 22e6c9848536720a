"""The table of formats: the first that knows a file reads it."""

from quantlib.data import (
    alpaca,
    binance,
    binance_stream,
    bitstamp,
    cboe,
    databento,
    dbn,
    generic,
    lean,
    lean_options,
    lobster,
    tardis,
)
from quantlib.data.format import Format

FORMATS: tuple[Format, ...] = (
    *binance_stream.FORMATS,
    *bitstamp.FORMATS,
    *dbn.FORMATS,
    *databento.FORMATS,
    *tardis.FORMATS,
    *lobster.FORMATS,
    *lean.FORMATS,
    *lean_options.FORMATS,
    *cboe.FORMATS,
    *alpaca.FORMATS,
    *binance.FORMATS,
    *generic.FORMATS,
)
