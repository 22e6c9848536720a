"""What a process costs, and what is left of the machine it runs on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import psutil

SECOND = 1_000_000_000


class Usage(NamedTuple):
    """What one process uses: processor seconds since its start, resident bytes, threads, file descriptors."""

    cpu: float
    memory: int
    threads: int
    files: int


class Machine(NamedTuple):
    """What is left: bytes, and fractions used; load is that of a minute, of each processor."""

    memory_available: int
    memory_used: float
    disk_free: int
    disk_used: float
    load: float


def usage(pid: int, since: int | None = None) -> Usage | None:
    """What a process uses; None if it is gone, or began after `since` (ns UTC) and so is another one of that number."""
    try:
        process = psutil.Process(pid)
        if since is not None and process.create_time() * SECOND > since:
            return None
        with process.oneshot():
            times = process.cpu_times()
            return Usage(times.user + times.system, process.memory_info().rss, process.num_threads(), process.num_fds())
    except psutil.Error:
        return None


def machine(folder: Path) -> Machine:
    """The machine as it is now; the disk is the one that `folder` lies on."""
    memory, disk = psutil.virtual_memory(), psutil.disk_usage(str(folder))
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    return Machine(memory.available, memory.percent / 100, disk.free, disk.percent / 100, load)
