"""Where a symbol stands among the others."""

from quantlib.catalog.entry import Entry
from quantlib.features.cross.benchmark import benchmark_beta, of_symbol
from quantlib.features.cross.section import cross_zscore, rank, winsorised, winsorised_mad
from quantlib.features.cross.sector import sector_correlation, sector_neutral
from quantlib.features.cross.strength import cross_strength

CROSS = {
    "rank": Entry(rank, {}),
    "cross_zscore": Entry(cross_zscore, {}),
    "winsorised": Entry(winsorised, {"tail": 0.2}),
    "winsorised_mad": Entry(winsorised_mad, {"width": 1.0}),
    "cross_strength": Entry(cross_strength, {"n": 5}),
    "sector_neutral": Entry(sector_neutral, {}),
    "sector_correlation": Entry(sector_correlation, {"n": 5}),
    "benchmark_beta": Entry(benchmark_beta, {"n": 7}),
    "of_symbol": Entry(of_symbol, {"code": 1}),
}
