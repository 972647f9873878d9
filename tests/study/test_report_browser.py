"""The report as Chromium shows it."""

import base64
import json
import shutil
from contextlib import contextmanager

import matplotlib.image
import numpy as np
import pytest
from report_runs import EVIL, attack, attacked_sweep
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

from circuitsnn.study.report import read_run, read_sweep, write_report

FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars --window-size=1200,1000"""
PAPER = 665  # px: what is left of the width of A4 between margins of 16 mm, at 96 dpi


@contextmanager
def chromium(profile):
    found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    browser, helper = next(filter(None, found), None), shutil.which("chromedriver")
    if not (browser and helper):
        pytest.fail("Chromium or its chromedriver is missing; install them with: sh .ci/install_chromium.sh")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in [*FLAGS.split(), f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(helper))
    try:
        driver.get("about:blank")
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The plain page, the interactive one, and those of a sweep."""
    folder = tmp_path_factory.mktemp("pages")
    attacked_sweep(folder / "sweep.db")
    for kind, found in (("", read_run(attack(folder).folder)), ("sweep ", read_sweep(folder / "sweep.db"))):
        for name in ("plain", "interactive"):
            write_report(found, folder / f"{kind}{name}.html", interactive=name == "interactive")
    return {path.stem: path.as_uri() for path in folder.glob("*.html")}


@pytest.fixture
def show(browser, pages):
    """Load a page on a screen of some width, light or dark, or as it is printed."""

    def load(name="plain", width=1200, scheme="light", media=""):
        wishes = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        features = [{"name": wish, "value": value} for wish, value in wishes.items()]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
        screen = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        browser.get_log("browser")
        browser.get_log("performance")
        browser.get(pages[name])
        return browser

    return load


def requests(browser):
    events = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [address.split(":")[0] for address in asked]


def picture(browser, tmp_path, selector=None):
    """Take a screenshot, of the window or of an element; colours from 0 to 1."""
    path = tmp_path / "screen.png"
    if selector is None:
        browser.save_screenshot(str(path))
    else:
        browser.find_element("css selector", selector).screenshot(str(path))
    return matplotlib.image.imread(path)[..., :3]


def luminance(colour):
    """Relative luminance as WCAG 2.2 defines it."""
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(browser, selector):
    script = """
        const style = getComputedStyle(document.querySelector(arguments[0]));
        const back = style.backgroundColor.startsWith('rgba(0, 0, 0, 0') ? getComputedStyle(document.body) : style;
        return [style.color, back.backgroundColor].map(text => text.match(/[\\d.]+/g).slice(0, 3).map(Number))"""
    one, other = (float(luminance(np.array(colour) / 255)) for colour in browser.execute_script(script, selector))
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


@pytest.mark.parametrize("name", ["plain", "interactive"])
def test_it_shows_the_claims_asks_for_nothing_and_complains_of_nothing(show, name):
    browser = show(name)
    rows = [row.text.replace("\n", " ") for row in browser.find_elements("css selector", ".claims tbody tr")]
    assert rows == [
        f"Period a remark with {EVIL} 21.6 µs 21.5 µs within 1 % of 21.6 µs ✓ yes",
        "Yield <of> the chips – 80 % at least 99 % ✗ no",  # noqa: RUF001
        f"Answer x {EVIL} equal to x ✗ no",
    ]
    assert browser.title.startswith('A title with <b>markup</b> & "quotes"')
    assert set(requests(browser)) <= {"file", "data"}
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("name", ["sweep plain", "sweep interactive"])
def test_the_page_of_a_sweep_shows_its_trials_asks_for_nothing_and_complains_of_nothing(show, name):
    browser = show(name)
    rows = [row.text.replace("\n", " ") for row in browser.find_elements("css selector", "#outcome tbody tr")]
    assert rows[0].startswith("ok the function answered 60 50 % ")
    assert len(rows) == 7  # three statuses, four texts of errors
    assert EVIL in browser.find_element("css selector", "table.errors").text
    assert browser.find_element("tag name", "h1").text == f"report_runs.{EVIL}"
    assert browser.title.startswith(f"report_runs.{EVIL}, sweep.db")
    sizes = browser.execute_script("return [...document.images].map(one => [one.complete, one.naturalWidth])")
    assert len(sizes) == 2
    assert all(complete and width > 100 for complete, width in sizes)
    assert set(requests(browser)) <= {"file", "data"}
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("name", ["plain", "sweep plain"])
def test_the_screenshot_is_of_a_page_with_text(show, tmp_path, name):
    shades = luminance(picture(show(name), tmp_path))
    assert shades.shape == (1000, 1200)
    assert np.median(shades) > 0.95
    assert 0.005 < np.mean(shades < 0.2) < 0.2


def test_every_picture_is_there(show):
    browser = show()
    sizes = browser.execute_script("return [...document.images].map(one => [one.complete, one.naturalWidth])")
    assert len(sizes) == 4
    assert all(complete and width > 100 for complete, width in sizes)


@pytest.mark.parametrize("page", ["plain", "sweep plain"])
def test_dark_is_dark_and_readable(show, tmp_path, page):
    parts = ("body", "figure img:not(.coloured)")
    light = {name: luminance(picture(show(page), tmp_path, name)) for name in parts}
    browser = show(page, scheme="dark")
    dark = {name: luminance(picture(browser, tmp_path, name)) for name in parts}
    for name in light:
        assert np.median(light[name]) > 0.95
        assert np.median(dark[name]) < 0.02
        # Letters and axes stand out in both.
        assert light[name].min() < 0.05
        assert dark[name].max() > 0.7


def test_an_image_keeps_its_black_and_white_in_the_dark(show, tmp_path):
    # Checked in its upper left quarter, which the study draws black.
    for scheme in ("light", "dark"):
        shades = luminance(picture(show(scheme=scheme), tmp_path, "img.coloured"))
        height, width = shades.shape
        assert shades[int(0.25 * height), int(0.4 * width)] < 0.05
        assert shades[int(0.25 * height), int(0.7 * width)] > 0.95


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "selector", ["body", "caption", ".remark", ".about", "a[href='#claims']", ".verdict.good", ".verdict.bad", ".unit"]
)
def test_texts_have_the_contrast_that_wcag_asks_for(show, scheme, selector):
    assert contrast(show(scheme=scheme), selector) >= 4.5


@pytest.mark.parametrize("name", ["plain", "sweep plain"])
@pytest.mark.parametrize("width", [320, 390, 1200])
def test_it_fits_any_screen(show, name, width):
    browser = show(name, width=width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("name", "count", "last"),
    [
        ("plain", 6, "energy_10"),  # claims, parameters, two blocks of the wide table, the small one, the card
        ("sweep plain", 8, "duration"),  # statuses, errors, answers, plan, by two parameters, two blocks of all trials
    ],
)
def test_printed_it_is_white_and_no_table_is_cut(show, tmp_path, scheme, name, count, last):
    browser = show(name, width=PAPER, scheme=scheme, media="print")
    script = "return [...document.querySelectorAll('table')].map(t => [t.offsetWidth, t.getBoundingClientRect().right])"
    tables = browser.execute_script(script)
    visible = [right for width, right in tables if width > 0]
    assert len(visible) == count
    assert max(visible) <= PAPER + 1
    assert np.median(luminance(picture(browser, tmp_path))) == pytest.approx(1.0)
    shown = browser.find_element("tag name", "body").text
    assert last in shown.replace("\n", "")
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})["data"]
    assert base64.b64decode(printed).startswith(b"%PDF")


@pytest.mark.parametrize(("name", "more"), [("plain", 188), ("sweep plain", 108)])
def test_details_open_and_the_headings_descend_step_by_step(show, name, more):
    browser = show(name)
    browser.find_element("css selector", "details.more summary").click()
    assert len(browser.find_elements("css selector", "details.more[open] tbody tr")) == more
    levels = browser.execute_script("return [...document.querySelectorAll('h1,h2,h3')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert max(np.diff(levels)) <= 1
    assert not browser.find_elements("css selector", "img:not([alt]), img[alt=''], table:not(:has(caption))")


def test_charts_answer_the_mouse_and_send_nothing_away(show):
    browser = show("interactive")
    points = browser.find_elements("css selector", "#chart-results .scatterlayer .point")
    assert len(points) == 400
    webdriver.ActionChains(browser).scroll_to_element(points[3]).move_to_element(points[3]).perform()
    hover = WebDriverWait(browser, 10).until(lambda b: b.find_element("css selector", "#chart-results .hovertext").text)
    assert "kind" in hover
    buttons = browser.execute_script(
        "return [...document.querySelectorAll('#chart-results .modebar-btn')].map(b => b.getAttribute('data-title'))"
    )
    assert len(buttons) == 4
    assert not [title for title in buttons if "loud" in title]
    assert browser.title.startswith("A title")
    assert set(requests(browser)) <= {"file", "data"}
    assert browser.get_log("browser") == []
