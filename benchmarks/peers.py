"""Peers: each in a Python environment of its own under .peers/, made when first asked for, its versions pinned.

The scripts that do the peers' work lie outside the project, in ../shared/peers; where they are absent, these rows skip.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.row import Skipped
from benchmarks.timing import ROOT

SCRIPTS = ROOT.parent / "shared" / "peers"
HOME = ROOT / ".peers"
DATA = HOME / "data"
PINS = ROOT / "benchmarks" / "peers.txt"
MADE = "bars_1000000.parquet", "bars_100000.parquet", "bars_20x100000.parquet"
PATIENCE = 900.0  # seconds that a peer's run or its installation may take


class Peer(NamedTuple):
    """What a peer needs."""

    packages: tuple[str, ...]
    python: str = "3.11"  # the version that it runs on


PEERS = {
    "vectorbt": Peer(("vectorbt", "vectorbt-rust", "pyarrow")),
    "backtesting": Peer(("backtesting", "pyarrow")),
    "backtrader": Peer(("backtrader", "pandas", "pyarrow")),
    "nautilus2": Peer(("nautilus_trader", "pandas", "pyarrow"), python="3.12"),
    "talib": Peer(("TA-Lib", "numpy")),
}


def scripts() -> Path:
    """Where the peers' scripts lie.

    Raises:
        Skipped: if they are absent.
    """
    if not (SCRIPTS / "peer_common.py").exists():
        raise Skipped(f"the peers' scripts are absent ({SCRIPTS.relative_to(ROOT.parent)})")
    return SCRIPTS


def definitions(name: str) -> dict[str, Any]:
    """The names that one of the peers' scripts defines; it is read, and leaves nothing where it lies."""
    path = scripts() / f"{name}.py"
    HOME.mkdir(exist_ok=True)
    names: dict[str, Any] = {"__file__": str(HOME / path.name), "__name__": name}
    exec(compile(path.read_text(), str(path), "exec"), names)
    return names


def python_of(name: str) -> Path:
    """The Python of a peer's environment, made now if it is absent or its pins have changed.

    Raises:
        Skipped: if no fitting Python is here or a package cannot be had.
    """
    peer, folder = PEERS[name], HOME / name
    python, stamp = folder / "bin" / "python", folder / "pins"
    digest = hashlib.sha256(PINS.read_bytes() + repr(peer).encode()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == digest:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    HOME.mkdir(exist_ok=True)
    _called([_base(peer.python), "-m", "venv", str(folder)], name)
    _called([str(python), "-m", "pip", "install", "--quiet", "--pre", "-c", str(PINS), *peer.packages], name)
    stamp.write_text(digest)
    return python


def answer(name: str, script: str, arguments: Sequence[str]) -> dict[str, Any]:
    """What a peer's script says of itself: the last line that it prints, as json.

    Raises:
        Skipped: if it cannot be installed or fails.
    """
    path = scripts() / script
    python = python_of(name)
    _data()
    return dict(_json(_called([str(python), str(path), *arguments], name)))


def spoken(name: str, program: Path, arguments: Sequence[str]) -> dict[str, Any]:
    """The same for a program of ours that runs in a peer's environment."""
    return dict(_json(_called([str(python_of(name)), str(program), *arguments], name)))


def _data() -> None:
    """Make the rows that all engines read: the script writes beside itself, so a copy of it does."""
    if all((DATA / name).exists() for name in MADE):
        return
    copy = HOME / "gen_data.py"
    shutil.copyfile(scripts() / copy.name, copy)
    _called([str(python_of("vectorbt")), str(copy)], "vectorbt")


def _base(wanted: str) -> str:
    """A Python of that version: on the path, or among those that pyenv keeps."""
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [*sorted(map(str, kept.glob(f"{wanted}*/bin/python")), reverse=True), f"python{wanted}", "python3"]
    rule = f"import sys; raise SystemExit(sys.version_info[:2] != {tuple(map(int, wanted.split('.')))})"
    for python in found:
        if shutil.which(python) and subprocess.run([python, "-c", rule], capture_output=True).returncode == 0:
            return python
    raise Skipped(f"no Python {wanted} is here")


def _called(command: list[str], name: str) -> str:
    environment = os.environ | {"PEER_DATA": str(DATA), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise Skipped(f"{name} took more than {PATIENCE:.0f} s") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise Skipped(f"{name}: {last}")
    return done.stdout


def _json(printed: str) -> Any:
    return json.loads(printed.strip().splitlines()[-1])
