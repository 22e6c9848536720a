"""A loopback Alpaca: a server that speaks its wire, replays recorded rows, and matches with the project's own exchange.

    with Loopback(bars) as alpaca:            # live.sim.server: a thread, a free port of 127.0.0.1
        TradingClient(alpaca.keys.key, alpaca.keys.secret, url_override=alpaca.keys.trading)
        alpaca.match()                        # the next timestamp: orders fill, trade updates go out
        alpaca.publish()                      # and its rows go out on the data websockets

    python -m live.sim --input bars.parquet   # by itself

Data side:     market (rows, clock; track, messages) -> data_rest (history, timeframes, corporate)
               -> data_stream (connection, subscription); reference_rest (hours); `script` adds halts and the like
Both:          plan (what goes wrong, when) -> faults (hooks; distortions of messages)
Trading side:  intake (what an order asks) -> admission (may it) -> venue (the exchange, its clock, its account)
               -> trading_rest, trading_stream; `lifecycle` bends what happens to chosen orders
"""
