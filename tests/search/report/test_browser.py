"""The page in a real browser: it runs under its own policy, shows every candidate and obeys the keyboard."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nasc.search.engine import Trial
from nasc.search.report import Material, as_html
from nasc.tests.search.report.studies import CALLS, HOSTILE, SETTINGS, done, network, small

CHROMIUM, DRIVER = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1400,1000")
MANY = 3000


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser without a window; skips where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    if not CHROMIUM or not DRIVER:
        pytest.skip("chromium and its driver are not installed")
    options = webdriver.ChromeOptions()
    for argument in ARGUMENTS:
        options.add_argument(argument)
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER, log_output=os.devnull))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def small_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "small.html"
    first = Material("first", small(), SETTINGS, CALLS, {"cifar10 test": 0.6875})
    second = Material("second", small()[:3], {"method": "evolution"})
    path.write_text(as_html([first, second]), encoding="utf-8")
    return path


def opened(browser: Any, path: Path, fragment: str = "", width: int = 1400, dark: bool = False) -> Any:
    """Show a page anew, in a width and a colour scheme; nothing may have gone wrong in it."""
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get("about:blank")
    browser.get(path.as_uri() + fragment)
    assert browser.get_log("browser") == []
    return browser


def texts(browser: Any, selector: str) -> list[str]:
    return [element.text for element in browser.find_elements("css selector", selector)]


def chosen(browser: Any) -> str:
    return texts(browser, "#detail h3")[0].split()[0]


def press(browser: Any, *keys: str) -> None:
    from selenium.webdriver.common.keys import Keys

    tree = browser.find_element("id", "tree")
    for key in keys:
        tree.send_keys(getattr(Keys, key))


def test_page_shows_the_best_and_what_is_asked_for(browser: Any, small_page: Path) -> None:
    opened(browser, small_page)
    assert chosen(browser) == "#5"
    assert "@block: 1 edit: 1 changed" in texts(browser, "#detail")[0]
    assert texts(browser, ".edits tr.changed td.layer") == ["act"]
    assert len(texts(browser, "#rows .row")) == 10
    opened(browser, small_page, "#n3")
    assert chosen(browser) == "#3"
    browser.find_element("css selector", "#detail a.candidate").click()
    assert chosen(browser) == "#1"


def test_hostile_text_is_shown_and_does_nothing(browser: Any, small_page: Path) -> None:
    opened(browser, small_page, "#n3")
    assert browser.title == "first - nasc report"
    assert HOSTILE[:40] in texts(browser, "#detail blockquote")[0]
    assert browser.find_elements("css selector", "img, #detail script") == []


def test_what_the_llm_was_asked_is_shown_as_text(browser: Any, small_page: Path) -> None:
    opened(browser, small_page, "#n3")
    browser.execute_script("for (const d of document.querySelectorAll('#detail details')) d.open = true")
    calls = texts(browser, "#detail .calls")[0]
    assert calls.startswith("what the LLM was asked in round 0 (2)")
    assert "improve it" in calls
    assert "set %one C=16" in calls
    assert "too long" in calls
    assert browser.title == "first - nasc report"
    assert "set %one C=16" in texts(browser, "#rows .what")
    opened(browser, small_page, "#n5")
    assert texts(browser, "#detail .calls")[0].startswith("what the LLM was asked for it (1)")
    opened(browser, small_page, "#n6")
    assert texts(browser, "#detail .calls") == ["what the LLM was asked in round 1 (1)"]


def test_policy_stops_scripts_and_styles_that_are_not_the_page_s(
    browser: Any, small_page: Path, tmp_path: Path
) -> None:
    added = "<script>document.title='owned'</script><style>h1{display:none}</style><p style='color:red'>x</p></body>"
    path = tmp_path / "added.html"
    path.write_text(small_page.read_text(encoding="utf-8").replace("</body>", added), encoding="utf-8")
    browser.get(path.as_uri())
    refused = [entry["message"] for entry in browser.get_log("browser")]
    assert len(refused) == 3
    assert all("Content Security Policy" in message for message in refused)
    assert browser.title == "first - nasc report"
    assert browser.find_element("css selector", "h1").is_displayed()


def test_tree_obeys_the_keyboard(browser: Any, small_page: Path) -> None:
    opened(browser, small_page, "#n0")
    press(browser, "ARROW_DOWN", "ARROW_RIGHT")
    assert chosen(browser) == "#2"
    press(browser, "ARROW_LEFT")
    assert chosen(browser) == "#1"
    press(browser, "ARROW_LEFT")
    shown = texts(browser, "#rows .id")
    assert shown == ["#0", "#1", "#7", "#8"]
    row = browser.find_element("id", "row-1")
    told = {name: row.get_attribute(f"aria-{name}") for name in ("expanded", "level", "setsize", "posinset")}
    assert told == {"expanded": "false", "level": "2", "setsize": "1", "posinset": "1"}
    press(browser, "END")
    assert chosen(browser) == "#8"
    tree = browser.find_element("id", "tree")
    assert tree.get_attribute("aria-activedescendant") == "row-8"


def test_candidates_are_found_and_ordered(browser: Any, small_page: Path) -> None:
    opened(browser, small_page)
    browser.find_element("css selector", "#order option[value=score]").click()
    assert texts(browser, "#rows .id")[:4] == ["#5", "#1", "#2", "#0"]
    browser.find_element("css selector", "#status option[value=invalid]").click()
    assert texts(browser, "#rows .id") == ["#3", "#8"]
    browser.find_element("css selector", "#status option").click()
    browser.find_element("id", "find").send_keys("gelu")
    assert texts(browser, "#rows .id") == ["#5"]


def test_charts_show_the_candidate_under_the_pointer(browser: Any, small_page: Path) -> None:
    from selenium.webdriver import ActionChains

    opened(browser, small_page, "#n0")
    point = browser.find_element("css selector", "#progress .chart.wide .points.done circle[data-n='1']")
    ActionChains(browser).move_to_element(point).perform()
    assert texts(browser, "#tip")[0].startswith("#1 mutation · params ")
    ActionChains(browser).move_to_element(point).click().perform()
    assert chosen(browser) == "#1"
    assert len(browser.find_elements("css selector", "#progress .wide .overlay .ring")) == 1
    browser.find_element("css selector", "button[data-show=macs]").click()
    panels = browser.find_elements("css selector", "[data-panel]")
    assert [panel.is_displayed() for panel in panels] == [False, True]


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("dark", [False, True])
def test_page_fits_and_can_be_read(browser: Any, small_page: Path, width: int, dark: bool) -> None:
    opened(browser, small_page, width=width, dark=dark)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    kinds = [
        svg.get_attribute("class") for svg in browser.find_elements("css selector", "svg.chart") if svg.is_displayed()
    ]
    assert set(kinds) == {"chart narrow" if width == 400 else "chart wide"}
    for selector in ("body", ".figure small", "a.candidate", "th", ".edits tr.changed td.mono", ".row .what"):
        assert contrast(browser, selector) >= 4.5, selector


def contrast(browser: Any, selector: str) -> float:
    """Return the contrast of an element's text with what is behind it (WCAG 2.1)."""
    ink, paper = browser.execute_script(
        "let e = document.querySelector(arguments[0]); const ink = getComputedStyle(e).color;"
        "while (e && /0\\)$/.test(getComputedStyle(e).backgroundColor)) e = e.parentElement;"
        "return [ink, getComputedStyle(e || document.body).backgroundColor]",
        selector,
    )
    light, dark = sorted((luminance(ink), luminance(paper)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_thousands_of_candidates_stay_usable(browser: Any, tmp_path: Path) -> None:
    module = network()
    trials: list[Trial] = [done(0, module, 0.0)]
    trials += [done(n, module, (n * 7 % MANY) / MANY, ((n - 1) if n % 3 else n // 2,)) for n in range(1, MANY)]
    path = tmp_path / "many.html"
    path.write_text(as_html([Material("many", trials, SETTINGS)]), encoding="utf-8")
    opened(browser, path)
    best = max(trials, key=lambda trial: trial.score or 0.0)
    assert chosen(browser) == f"#{best.number}"
    assert texts(browser, "#shown") == [f"{MANY:,} shown"]
    assert 0 < len(browser.find_elements("css selector", "#rows .row")) < 60
    press(browser, "HOME", "ARROW_DOWN")
    assert chosen(browser) == "#1"
    press(browser, "END")
    assert browser.execute_script(
        "const t = document.getElementById('tree'); return t.scrollTop > 100 * t.clientHeight / 2"
    )
