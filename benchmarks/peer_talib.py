"""TA-Lib doing jobs of `talib_jobs` in its own environment: `peer_talib.py ROWS.npz REPEAT JOB…`, one json line."""

import json
import sys
from time import perf_counter

import numpy as np
import talib  # type: ignore[import-not-found]
from talib_jobs import JOBS  # type: ignore[import-not-found]

path, repeat, names = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
rows = dict(np.load(path))
said = {}
for name in names:
    job = JOBS[name]
    function, columns = getattr(talib, job.function), [rows[column] for column in job.columns]
    columns_out = function(*columns, **job.parameters)
    columns_out = columns_out if isinstance(columns_out, (tuple, list)) else (columns_out,)
    runs = []
    for _ in range(repeat):
        begun = perf_counter()
        function(*columns, **job.parameters)
        runs.append(perf_counter() - begun)
    said[name] = {"runs": runs, "last": [float(column[-1]) for column in columns_out]}
print(json.dumps(said))
