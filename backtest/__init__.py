"""The event-driven backtest: the same compiled desk, talking to a simulated exchange."""
