"""A process that behaves like a runner, as far as a supervisor sees: it holds the session's lock and gives pulses.

    python runner_alike.py FOLDER HOW

HOW: steady, deaf (to SIGTERM), done, told (an error in one line), dies, dies-once, mute (no pulse), hangs (after one)
"""

import signal
import sys
import time
from pathlib import Path
from threading import Event

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "live")]

from pulses import pulse  # noqa: E402

from live.lock import alone  # noqa: E402
from live.pulse import beat  # noqa: E402

folder, how = Path(sys.argv[1]), sys.argv[2]
stop = Event()
signal.signal(signal.SIGTERM, (lambda *a: None) if how == "deaf" else (lambda *a: stop.set()))
if how == "told":
    sys.stderr.write("live: there is no strategy of that name\n")
    sys.exit(2)
if how == "dies":
    sys.exit("died of a made-up reason")
if how == "dies-once" and not (folder / "died").exists():
    (folder / "died").touch()
    sys.exit("died of a made-up reason")
with alone(folder):
    sys.stdout.write("up\n")
    sys.stdout.flush()
    step = 0
    while not stop.is_set() and how != "done":
        step += 1
        if how != "mute" and not (how == "hangs" and step > 1):
            beat(folder, pulse(at=time.time_ns(), kind="replay", step=step))
        stop.wait(0.02)
