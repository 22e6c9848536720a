"""The demo ends as the README says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_demo_prints_what_the_readme_says_and_writes_its_tear_sheets(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "live.demo"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout.splitlines()
    assert re.fullmatch(r"parity: 0 differences in \d{4,} decisions", printed[-1])
    promised = re.search(r"```text\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    for line in promised[1].splitlines():
        assert line == "…" or line in printed, f"the README promises {line!r}, printed was:\n{done.stdout}"
    for name in ("trend", "dip"):
        page = (tmp_path / f"tearsheet-{name}.html").read_text("utf-8")
        assert "0 differences in 10,062 decisions" in page
