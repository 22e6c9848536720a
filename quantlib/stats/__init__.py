"""Statistics of returns, drawdowns and trades: plain numpy, one function per formula."""
