"""TA-Lib doing one job, run in its own environment: `peer_talib.py JOB ROWS.npz REPEAT` prints one json line."""

import json
import sys
from time import perf_counter

import numpy as np
import talib  # type: ignore[import-not-found]

job, path, repeat = sys.argv[1], sys.argv[2], int(sys.argv[3])
rows = np.load(path)
close = rows["close"]
JOBS = {
    "sma": lambda: (talib.SMA(close, 20),),
    "ema": lambda: (talib.EMA(close, 20),),
    "rsi": lambda: (talib.RSI(close, 14),),
    "atr": lambda: (talib.ATR(rows["high"], rows["low"], close, 14),),
    "bollinger": lambda: talib.BBANDS(close, 20, 2.0, 2.0),
    "macd": lambda: talib.MACD(close, 12, 26, 9),
}
rows = dict(rows)
last = [float(column[-1]) for column in JOBS[job]()]
runs = []
for _ in range(repeat):
    begun = perf_counter()
    JOBS[job]()
    runs.append(perf_counter() - begun)
print(json.dumps({"runs": runs, "last": last}))
