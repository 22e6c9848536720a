"""The page in a real browser: what it shows, what it does, and that what is old never looks fresh."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Page, Route, expect, sync_playwright
from scenes import scored, scoring
from seats import lived

from live.control.api import served
from live.control.audit import entries
from live.operator import wanted_in
from live.pulse import Pulse, beat
from quantlib.formats import money, percent

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here, so the page is not looked at"),
]
AT = 1_800_000_000_000_000_000  # when the pulse was written
SECOND = 10**9


class Clock:
    """The seat's wall clock: it stands until a test moves it."""

    def __init__(self) -> None:
        self.ns = AT + SECOND

    def __call__(self) -> int:
        return self.ns


class Desk(NamedTuple):
    """A session that is watched."""

    folder: Path
    address: str
    pulse: Pulse
    clock: Clock

    def token(self, role: str = "operator") -> str:
        """To log in with."""
        return json.loads((self.folder / "tokens.json").read_text())[role]["token"]

    def words(self) -> list[str]:
        """What the session was told."""
        return [wanted.word for wanted in wanted_in(self.folder / "operator")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def lived_once(tmp_path_factory) -> tuple[Path, Pulse]:
    folder = tmp_path_factory.mktemp("page") / "one"
    return folder, lived(folder, scoring(), scored(), 30, at=AT)


@pytest.fixture
def desk(lived_once, tmp_path) -> Iterator[Desk]:
    folder, clock = tmp_path / "one", Clock()
    shutil.copytree(lived_once[0], folder)
    with served(folder, 0, now=clock) as address:
        yield Desk(folder, address, lived_once[1], clock)


@pytest.fixture
def page(browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    yield context.new_page()
    context.close()


def entered(page: Page, desk: Desk, role: str = "operator") -> None:
    """Log in, and wait until the page knows the session."""
    page.goto(desk.address)
    page.get_by_label("Token").fill(desk.token(role))
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#mode")).to_have_text(desk.pulse.mode)


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens in files."""
    nap = threading.Event()
    for _ in range(400):
        if condition():
            return
        nap.wait(0.025)
    raise TimeoutError(condition)


def test_a_wrong_token_is_refused_and_a_right_one_shows_the_session(page, desk):
    page.goto(desk.address)
    page.get_by_label("Token").fill("nonsense")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert").first).to_contain_text("not known")
    expect(page.locator("#seat")).to_be_hidden()
    entered(page, desk)
    p = desk.pulse
    expect(page.locator("#equity")).to_have_text(money(p.equity))
    expect(page.locator("#day")).to_have_text(money(p.day, signed=True))
    expect(page.locator("#drawdown")).to_have_text(percent(p.drawdown))
    expect(page.locator("#positions tbody tr")).to_have_count(len(p.positions))
    expect(page.locator("#orders tbody tr")).to_have_count(len(p.orders))
    expect(page.locator("#fills tbody tr")).to_have_count(p.fills)
    expect(page.locator("#signals tbody tr")).to_have_count(len(p.signals))
    expect(page.locator("#limits .gauge")).to_have_count(len(p.limits))
    expect(page.locator("#feed")).to_contain_text(f"{p.feed.messages:,}")
    expect(page.locator("#broker")).to_contain_text(f"{p.broker.calls:,}")
    expect(page.locator("#audit")).to_contain_text("log in")
    expect(page.locator("#chain")).to_have_text("the chain holds ✓")
    expect(page.locator("canvas")).to_have_count(4)
    expect(page.locator("#banner")).to_be_hidden()


def test_what_changes_is_shown_without_asking(page, desk):
    entered(page, desk)
    beat(desk.folder, desk.pulse._replace(mode="REDUCING", why="by hand", equity=123_456.0))
    expect(page.locator("#mode")).to_have_text("REDUCING")
    expect(page.locator("#why")).to_contain_text("by hand")
    expect(page.locator("#equity")).to_have_text("123,456")


def test_h_halts_after_a_confirmation_and_escape_does_not(page, desk):
    entered(page, desk)
    page.keyboard.press("h")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert desk.words() == []
    page.keyboard.press("h")
    page.keyboard.type("it looks odd, hh")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("halt: noted")
    assert desk.words() == ["halt"]
    assert wanted_in(desk.folder / "operator")[0].why == "it looks odd, hh"
    expect(page.locator("#waiting")).to_contain_text("halt waits")
    expect(page.locator("#audit")).to_contain_text("it looks odd, hh")


def test_flattening_says_what_it_does_and_wants_a_reason(page, desk):
    entered(page, desk)
    page.get_by_role("button", name="Flatten").click()
    expect(page.locator("#dialog-says")).to_contain_text(f"Leaves {len(desk.pulse.positions)} position")
    page.locator("#dialog-do").click()
    expect(page.locator("#dialog-error")).to_contain_text("say why")
    assert desk.words() == []
    page.get_by_label("Why").fill("the market is closing early")
    page.locator("#dialog-do").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    until(lambda: desk.words() == ["flatten"])


def test_a_limit_is_overridden_in_the_units_that_the_page_shows(page, desk):
    entered(page, desk)
    page.get_by_role("button", name="Override a limit").click()
    page.get_by_label("Limit", exact=True).select_option("gross")
    page.get_by_label("Value").fill("40")
    page.get_by_label("minutes").fill("90")
    page.get_by_label("Why").fill("a wide day")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#dialog-says")).to_contain_text("gross exposure to 40% until")
    page.get_by_role("button", name="Override", exact=True).click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    wanted = wanted_in(desk.folder / "operator")[0]
    assert (wanted.word, wanted.limit, wanted.value) == ("override", "gross", 0.4)
    assert wanted.until == desk.pulse.ts + 90 * 60 * SECOND


def test_an_answer_to_a_closed_dialog_arms_no_other(page, desk):
    entered(page, desk)
    held: list[Route] = []
    page.route("**/api/confirmations", lambda route: held.append(route))
    page.get_by_role("button", name="Flatten").click()
    page.wait_for_function("document.getElementById('dialog').open")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Resume").click()
    page.wait_for_function("document.getElementById('dialog-title').textContent.startsWith('Resume')")
    until(lambda: bool(page.evaluate("1")) and len(held) == 2)
    with page.expect_response("**/api/confirmations"):
        held[0].continue_()
    page.get_by_label("Why").fill("all is well")
    expect(page.locator("#dialog-do")).to_be_disabled()
    expect(page.locator("#dialog-says")).not_to_contain_text("Leaves")
    page.keyboard.press("Enter")
    assert desk.words() == []
    held[1].continue_()
    expect(page.locator("#dialog-do")).to_be_enabled()


def test_a_viewer_sees_everything_and_has_no_button(page, desk):
    entered(page, desk, "viewer")
    expect(page.locator("#fills tbody tr")).to_have_count(desk.pulse.fills)
    expect(page.locator("#acts")).to_have_text("You may look, not act.")
    assert page.locator("#acts button").count() == 0
    page.keyboard.press("h")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.mouse.wheel(0, 3000)
    expect(page.locator("#bar-halt")).to_be_hidden()


def test_a_pulse_that_is_old_is_said_loudly_and_nothing_looks_fresh(page, desk):
    entered(page, desk)
    desk.clock.ns = AT + 5 * 60 * SECOND
    expect(page.locator("#banner")).to_be_visible()
    expect(page.locator("#banner")).to_contain_text("not running")
    expect(page.locator("#mode-kicker")).to_have_text("Mode it was in")
    expect(page.locator("#age")).to_contain_text("old")
    assert page.title().startswith("⚠")
    faded = page.evaluate("getComputedStyle(document.querySelector('.cards')).opacity")
    assert float(faded) <= 0.5
    beat(desk.folder, desk.pulse._replace(at=desk.clock.ns))
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("#mode-kicker")).to_have_text("Mode")


def test_when_the_seat_is_gone_the_page_says_so(page, lived_once, tmp_path):
    folder, clock = tmp_path / "one", Clock()
    shutil.copytree(lived_once[0], folder)
    page.clock.install()
    with served(folder, 0, now=clock) as address:
        entered(page, Desk(folder, address, lived_once[1], clock))
    page.clock.run_for(7000)
    expect(page.locator("#banner")).to_contain_text("No word from the seat")


def test_a_broken_audit_chain_is_said_loudly(page, desk):
    entered(page, desk)
    path = desk.folder / "audit.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"log in"', b'"log on"') + b"\n")
    expect(page.locator("#banner")).to_contain_text("chain is broken")
    expect(page.locator("#chain")).to_contain_text("line 1")


def test_nothing_comes_from_outside_and_nothing_is_read_as_markup(page, desk):
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console", lambda said: wrong.append(said.text) if said.type == "error" and "401" not in said.text else None
    )
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    evil = "<img src=x onerror=alert(1)>"
    beat(
        desk.folder, desk.pulse._replace(title=evil, why=evil, positions=[{**desk.pulse.positions[0], "symbol": evil}])
    )
    (desk.folder / "runner.log").write_text(json.dumps({"time": "2026-01-01T00:00:00Z", "event": evil}) + "\n")
    entered(page, desk)
    expect(page.locator("#title")).to_have_text(evil)
    expect(page.locator("#positions")).to_contain_text(evil)
    expect(page.locator("#log")).to_contain_text(evil)
    assert page.locator("img").count() == 0
    assert wrong == []
    assert asked
    assert all(url.startswith((desk.address, desk.address.replace("http", "ws"))) for url in asked)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 768, 1440])
def test_it_fits_every_width_in_both_colours_and_can_be_read(browser, desk, scheme, width, tmp_path):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    entered(page, desk)
    expect(page.locator("#fills tbody tr")).to_have_count(desk.pulse.fills)
    page.screenshot(path=tmp_path / f"{scheme}-{width}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    box = page.locator("#act-halt").bounding_box()
    assert box["y"] + box["height"] < 900
    for place in (".mute", "td", "th", "#mode", "#equity-change", ".gauge span", "button.solid.danger", ".badge"):
        assert 4.5 <= page.evaluate(CONTRAST, place) < 99, place
    unnamed = page.evaluate(UNNAMED)
    assert unnamed == []
    context.close()


def test_the_switch_changes_the_colours_and_is_remembered(page, desk):
    entered(page, desk)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Light or dark").click()
    dark = page.evaluate(ground)
    assert light != dark
    page.reload()
    expect(page.locator("#mode")).to_have_text("ACTIVE")
    assert page.evaluate(ground) == dark


def test_logging_out_ends_it(page, desk):
    entered(page, desk)
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Token")).to_be_visible()
    expect(page.locator("#seat")).to_be_hidden()
    assert entries(desk.folder / "audit.jsonl")[-1].what == "log out"


UNNAMED = """[...document.querySelectorAll('button, input, select')].filter(
  (e) => !e.textContent.trim() && !e.labels?.length && !e.getAttribute('aria-label') && !e.hidden
).map((e) => e.outerHTML)"""

# The least ratio of brightness between a selector's texts and what lies behind them, as WCAG 2.1 reckons it.
CONTRAST = """(selector) => {
  const rgb = (text) => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
  const linear = (v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (e) => {
    const layers = [];
    for (; e; e = e.parentElement) {
      layers.push(rgb(getComputedStyle(e).backgroundColor));
      if (layers.at(-1)[3] === 1) break;
    }
    return layers.reverse().reduce((under, c) => under.map((v, k) => c[3] * c[k] + (1 - c[3]) * v), [255, 255, 255]);
  };
  const shown = [...document.querySelectorAll(selector)].filter((e) => e.offsetParent && e.textContent.trim());
  return Math.min(99, ...shown.map((e) => {
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  }));
}"""
