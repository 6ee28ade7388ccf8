"""The HTML page in Chromium: sorting, filters, values under the pointer, keyboard, dark, print."""

import base64
import dataclasses
import math
import shutil
import time

import numpy as np
import pytest
from example_comparison import DIGITS, EXAMPLE, convergence
from hostile_comparison import NASTY, hostile_comparison

from optbench.columns import LearningRate
from optbench.labels import row_labels
from optbench.report.html import render_html
from optbench.status import Status
from optbench.traces import Trace

pytest.importorskip("selenium")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="Chromium is not installed"),
]

STEPS = np.unique(np.round(np.logspace(0, 4, 41)).astype(np.int64))
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
SHOW_ALL = """
document.querySelectorAll("details").forEach((each) => { each.open = true; });
document.querySelectorAll("[data-figure]").forEach(show);
document.querySelectorAll("table[data-sortable]").forEach(sortable);
"""


def trace(optimizer, power, rate=0.1, won=True, seeds=1):
    """Return a trace whose gap is t to the power, and its ratio 1 - 1 / t."""
    gap = power * np.log(STEPS)[:, None] + np.linspace(0.0, 1.0, seeds)
    ratio = np.repeat(1.0 - 1.0 / STEPS[:, None], seeds, axis=1)
    return Trace(
        **DIGITS, parametrization="linear", optimizer=optimizer, learning_rate=rate, won=won,
        steps=STEPS, loss=np.exp(gap), log_gap=gap, evaluations=np.repeat(STEPS[:, None], seeds, 1),
        measures={"margin_ratio_l2": ratio},
    )  # fmt: skip


def large_comparison():
    """Return 14 optimizers with 200 learning rates each, and a trace for each of them."""
    rates = np.logspace(-4, 1, 200)
    row = convergence(DIGITS, "any", (9, 66, 800, None, None))
    entries = tuple(
        LearningRate(learning_rate=float(rate), steps=10_000, status=Status.HORIZON,
                     steps_to={"1e-4": 1.0 / rate}, final_loss=float(rate), log10_left=-4.0)
        for rate in rates
    )  # fmt: skip
    names = [f"optimizer_{k}" for k in range(14)]
    rows = [dataclasses.replace(row, optimizer=name, learning_rates=entries) for name in names]
    traces = [
        trace(name, -1.0 - rate, float(rate), won=rate == rates[100])
        for name in names
        for rate in rates
    ]
    bias = [dataclasses.replace(EXAMPLE.bias_rows[0], optimizer=name) for name in names]
    return dataclasses.replace(
        EXAMPLE, instances=EXAMPLE.instances[:1], bias_rows=bias, convergence_rows=rows,
        traces=traces,
    )  # fmt: skip


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    traces = [trace("gradient_descent", -1.0, seeds=3), trace("sign_descent", -2.0)]
    file = tmp_path_factory.mktemp("page") / "page.html"
    file.write_text(render_html(dataclasses.replace(EXAMPLE, traces=traces)), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for option in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(option)
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, page_file):
    """Return the browser with the page, as wide as a desk has it, in light colours."""
    look(browser, 1280, "light")
    browser.get(page_file.as_uri())
    yield browser
    assert browser.get_log("browser") == []


def look(browser, width, scheme):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def find(browser, css):
    from selenium.webdriver.common.by import By

    return browser.find_element(By.CSS_SELECTOR, css)


def bring(browser, css):
    """Scroll to an element, wait until the page has made of it what it is, and return it."""
    found = find(browser, css)
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
    done = "return arguments[0].dataset.ready || arguments[0].dataset.drawn"
    for _ in range(100):
        if browser.execute_script(done, found):
            return found
        time.sleep(0.02)
    raise AssertionError(f"{css} is as it was")


def column(browser, table, heading):
    """Return the texts below a heading, from top to bottom."""
    return browser.execute_script(
        """
        const table = document.getElementById(arguments[0]);
        const heads = [...table.tHead.rows[0].cells];
        const place = heads.findIndex((h) => h.textContent.replace("\u2011", "-") === arguments[1]);
        return [...table.tBodies[0].rows].map((row) => row.cells[place].textContent);
        """,
        table,
        heading,
    )


def sorter(browser, table, heading):
    """Return what sorts by a column."""
    return browser.execute_script(
        """
        const heads = [...document.getElementById(arguments[0]).tHead.rows[0].cells];
        const head = heads.find((h) => h.textContent.replace("\\u2011", "-") === arguments[1]);
        return head.querySelector(".dt-column-order");
        """,
        table,
        heading,
    )


def column_of_example():
    """Return what the rows of the first instance are called."""
    return row_labels(
        [row for row in EXAMPLE.bias_rows if row.instance_id == DIGITS["instance_id"]]
    )


def as_numbers(texts):
    return [float(text.replace(",", "")) for text in texts if text[0] not in "->"]


def test_it_loads_nothing(opened):
    opened.execute_script(SHOW_ALL)
    assert opened.execute_script("return performance.getEntriesByType('resource')") == []


def test_sorting_by_pointer_and_keyboard(opened):
    from selenium.webdriver.common.keys import Keys

    bring(opened, "#convergence-1")
    given = column(opened, "convergence-1", "steps to 1e-2")
    sorter(opened, "convergence-1", "steps to 1e-2").click()
    up = column(opened, "convergence-1", "steps to 1e-2")
    assert sorted(up) == sorted(given)
    assert as_numbers(up) == sorted(as_numbers(given))
    assert up[: len(as_numbers(up))] == [text for text in up if text[0] not in "->"]
    sorter(opened, "convergence-1", "steps to 1e-2").send_keys(Keys.ENTER)
    down = column(opened, "convergence-1", "steps to 1e-2")
    assert as_numbers(down) == sorted(as_numbers(given), reverse=True)
    assert down[-1] == up[-1] == "-"  # what is not there is last either way


def test_search_and_filters(opened):
    bring(opened, "#bias-1")
    above = "return document.getElementById(arguments[0]).closest('.scroll').previousElementSibling"
    opened.execute_script(f"{above}.querySelector('input')", "bias-1").send_keys("descent")
    names = column(opened, "bias-1", "optimizer")
    expected = [name for name in column_of_example() if "descent" in name]
    assert names == expected and expected
    bring(opened, "#convergence-1")
    opened.execute_script(f"{above}.querySelector('button')", "convergence-1").click()
    box = opened.execute_script(
        "return [...document.querySelectorAll('#convergence-1 .filters input')]"
        ".find((each) => each.ariaLabel.replace('\\u2011', '-') === 'Filter steps to 1e-2')"
    )
    box.send_keys("<= 95")
    assert set(column(opened, "convergence-1", "steps to 1e-2")) == {"95", "60", "66"}


def test_values_under_the_pointer_and_the_arrow_keys(opened):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    bring(opened, "#loss-1")
    over = find(opened, "#loss-1 .u-over")
    width, height = over.size["width"], over.size["height"]
    corner = width // 2 - 2, height // 2 - 2
    ActionChains(opened).move_to_element_with_offset(over, *corner).perform()
    # at the end of the run, next to the lower right corner: t = 1e4 and the steeper curve
    assert find(opened, "#loss-1 .tip").text == "sign_descent: 1e-8 at steps 10,000"
    plot = find(opened, "#loss-1 .plot")
    plot.send_keys(Keys.ARROW_LEFT, Keys.ARROW_DOWN)
    told = find(opened, "#loss-1 .tip").text
    # its seeds have the gaps 1 / t, e^(1/2) / t and e / t
    middle, low, high = (math.exp(power) / 7943 for power in (0.5, 0.0, 1.0))
    shown = f"{middle * 1e4:.4g}e-4 [{low * 1e4:.3g}e-4, {high * 1e4:.3g}e-4]"
    assert told == f"gradient_descent (linear): {shown} at steps 7,943"


def test_curves_can_be_hidden(opened):
    bring(opened, "#loss-1")
    button = find(opened, "#loss-1 .legend button")
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    shown = "return drawn.get(document.querySelector('#loss-1 .plot')).plot.series[1].show"
    assert opened.execute_script(shown) is False


def test_a_row_opens_its_run_and_escape_closes_it(opened):
    from selenium.webdriver.common.keys import Keys

    bring(opened, "#bias-1")
    (place,) = [k for k, name in enumerate(column_of_example(), 1) if name == "adam[eps=1e-8]"]
    button = find(opened, f"#bias-1 tbody tr:nth-child({place}) button")
    button.send_keys(Keys.ENTER)
    dialog = find(opened, "#run")
    assert dialog.get_attribute("open") and find(opened, "#run-title").text == "adam[eps=1e-8]"
    for told in ("beta1", "0.9", "separable data, eps = 0", "not theory's"):
        assert told in dialog.text
    opened.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not dialog.get_attribute("open")
    assert opened.switch_to.active_element == button


def test_a_run_has_its_curve(opened):
    bring(opened, "#bias-1")
    find(opened, "#bias-1 tbody tr:nth-child(1) td:nth-child(2)").click()
    assert find(opened, "#run-title").text == "gradient_descent"
    assert find(opened, "#run canvas").size["width"] > 100


def test_the_keyboard_reaches_everything_and_shows_where_it_is(opened):
    from selenium.webdriver.common.keys import Keys

    opened.execute_script(SHOW_ALL)
    wanted = opened.execute_script(
        "const all = 'a[href], button, input, select, summary, [tabindex]';"
        "return [...document.querySelectorAll(all)]"
        ".filter((e) => e.tabIndex >= 0 && !e.disabled && e.checkVisibility()).length"
    )
    opened.execute_script("document.activeElement.blur(); window.reached = new Set();")
    for _ in range(wanted + 5):
        opened.switch_to.active_element.send_keys(Keys.TAB)
        outline = opened.execute_script(
            "const at = document.activeElement; reached.add(at);"
            "return at === document.body ? 'none at all' : getComputedStyle(at).outlineStyle"
        )
        if outline == "none at all":
            break
        assert outline == "solid"
    assert opened.execute_script("return reached.size - reached.has(document.body)") == wanted


def test_dark_colours(opened):
    bring(opened, "#loss-1")
    look(opened, 1280, "dark")
    background = opened.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert max(map(int, background[4:-1].split(","))) < 60
    ink = "return drawn.get(document.querySelector('#loss-1 .plot')).plot.series[1].stroke()"
    dark = opened.execute_script(ink)
    look(opened, 1280, "light")
    assert dark != opened.execute_script(ink)


def test_no_text_of_a_user_runs(opened, tmp_path):
    file = tmp_path / "hostile.html"
    file.write_text(render_html(hostile_comparison()), encoding="utf-8")
    opened.get(file.as_uri())
    opened.execute_script(SHOW_ALL)
    opened.execute_script("document.querySelector('#rates-1 tbody button').click()")
    assert NASTY in find(opened, "#run").text
    assert NASTY in find(opened, "#rates-1").text
    assert NASTY in find(opened, "#loss-1 .legend").text
    assert opened.execute_script("return document.querySelectorAll('img').length") == 0


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_wider_than_the_window(opened, width):
    look(opened, width, "light")
    opened.execute_script(SHOW_ALL)
    assert opened.execute_script("return document.documentElement.scrollWidth") <= width


def test_print_has_every_figure(opened):
    pdf = base64.b64decode(opened.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert pdf.startswith(b"%PDF")
    figures = len(opened.execute_script("return [...document.querySelectorAll('[data-figure]')]"))
    assert (
        len(opened.execute_script("return [...document.querySelectorAll('figure canvas')]"))
        == figures
    )


def test_two_hundred_learning_rates_of_fourteen_optimizers(opened, tmp_path):
    """In five seconds all is drawn, also what nobody has scrolled to yet."""
    file = tmp_path / "large.html"
    file.write_text(render_html(large_comparison()), encoding="utf-8")
    began = time.perf_counter()
    opened.get(file.as_uri())
    opened.execute_script(SHOW_ALL)
    opened.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0]))")
    assert time.perf_counter() - began < 5.0
    assert opened.execute_script("return document.getElementById('rates-1').dataset.ready") == "yes"
