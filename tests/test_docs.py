"""Documents tell the truth: their examples run, their links lead somewhere, and they speak of nothing local."""

import doctest
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|<img[^>]*src=\"([^\"]+)\"")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
REGISTRIES = ("py" + "pi.org", "python" + "hosted", "ana" + "conda.org", "index" + "-url", "find" + "-links")
LOCAL = re.compile("(?<![\\w.])/(wo" + "rk|ro" + "ot|ho" + "me|op" + "t|Us" + "ers)/\\w")
TEXT = {".md", ".py", ".toml", ".txt", ".yml", ".yaml", ".svg", ".css", ".ipynb", ".json", ""}


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@cache
def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout, so there is no list of tracked files")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ +(.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [p for p in PAGES if ">>> " in p.read_text("utf-8")], ids=named)
def test_the_examples_of_a_page_run_and_print_what_it_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told: list[str] = []
    test = doctest.DocTestParser().get_doctest(page.read_text("utf-8"), {}, named(page), str(page), 0)
    result = doctest.DocTestRunner().run(test, out=told.append)
    assert result.attempted > 0
    assert result.failed == 0, "".join(told)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_the_links_of_a_page_lead_somewhere(page):
    for match in LINK.finditer(CODE.sub("", page.read_text("utf-8"))):
        target = match[1] or match[2]
        if re.match(r"[a-z]+:", target):
            continue  # another site, which no test asks
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{named(page)} links to {target}, which is not there"
        assert not anchor or there.suffix != ".md" or anchor in anchors(there), (
            f"{named(page)}: no heading for {target}"
        )


def test_nothing_tracked_names_a_registry_or_a_local_path():
    found = []
    for path in tracked():
        if path.suffix not in TEXT or path.name == "LICENSE":
            continue
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if LOCAL.search(line) or any(word in line for word in REGISTRIES):
                found.append(f"{named(path)}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


def test_pins_are_versions_and_nothing_else():
    pins = [line for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if not line.startswith("#")]
    strange = [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9][\w.\-]*==[\w.+!]+", pin)]
    assert pins
    assert not strange


def test_every_page_is_in_the_site_once():
    site = (ROOT / "mkdocs.yml").read_text("utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        name = str(page.relative_to(ROOT / "docs"))
        assert site.count(f" {name}\n") == 1, f"{name} belongs in the nav of mkdocs.yml, once"
