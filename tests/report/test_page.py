"""The HTML page, read by the standard library: every number, nothing loaded, all escaped."""

import dataclasses
import json
import math
import re

import pytest
from example_comparison import DIGITS, EXAMPLE, bias, convergence
from hostile_comparison import NASTY, hostile_comparison
from page_reader import Page

from optbench.columns import LearningRate
from optbench.numerals import NOTHING
from optbench.report import render
from optbench.report.html import render_html
from optbench.report.html.charts import rounded
from optbench.report.html.files import as_json, text_of_file
from optbench.status import Status


@pytest.fixture(scope="module")
def page():
    return Page(render_html(EXAMPLE))


def as_number(cell):
    """Return the number that a cell carries; None where it shows that there is none."""
    value = float(cell.order)
    return None if cell.text == NOTHING or cell.text.startswith(">") else value


def places(rows):
    """Return the rows of each instance, in the order of the page."""
    ids = [facts.instance_id for facts in EXAMPLE.instances]
    return [[row for row in rows if row.instance_id == key] for key in ids]


def test_every_number_of_the_convergence_table_is_that_of_its_row(page):
    for number, rows in enumerate(places(EXAMPLE.convergence_rows), start=1):
        table = page.tables[f"convergence-{number}"]
        assert len(table.rows) == len(rows)
        for target in {name for row in rows for name in row.steps_to}:
            heading = f"steps to {target}"
            expected = [row.steps_to[target] for row in rows]
            if heading in table.headings:
                assert [as_number(cell) for cell in table.column(heading)] == expected
            else:
                assert not any(expected)
        for heading, name in {"lr": "best_learning_rate", "ns/step": "ns_per_step",
                              "success": "success_rate"}.items():  # fmt: skip
            expected = [getattr(row, name) for row in rows]
            assert [as_number(cell) for cell in table.column(heading)] == expected
        assert [c.text for c in table.column("status")] == [row.status.value for row in rows]


def test_every_number_of_the_bias_table_is_that_of_its_row(page):
    for number, rows in enumerate(places(EXAMPLE.bias_rows), start=1):
        table = page.tables[f"bias-{number}"]
        names = list(dict.fromkeys(name for row in rows for name in row.measures))
        given = [n for n in names if any(row.measures.get(n) is not None for row in rows)]
        shown = [[as_number(c) for c in row if c.order is not None] for row in table.rows]
        for row, numbers in zip(rows, shown, strict=True):
            for name in given:
                value = row.measures.get(name)
                assert value is None or value in numbers
        assert [c.text for c in table.column("theory")] == [row.theory for row in rows]
        if "eff. p" in table.headings:
            found = [as_number(cell) for cell in table.column("eff. p")]
            assert found == [row.effective_p for row in rows]


def test_what_is_not_there_is_no_number_and_what_was_not_reached_is_above_all(page):
    cells = page.tables["convergence-1"].column("steps to 1e-6")
    assert {float(c.order) for c in cells if c.text.startswith(">")} == {math.inf}
    assert all(math.isnan(float(c.order)) for c in cells if c.text == NOTHING)
    assert {c.text for c in cells} >= {NOTHING, "> 10,000"}


def test_infinity_is_a_number(page):
    (sign,) = [
        i for i, row in enumerate(places(EXAMPLE.bias_rows)[0]) if row.optimizer == "sign_descent"
    ]
    cell = page.tables["bias-1"].column("eff. p")[sign]
    assert cell.text == "inf" and float(cell.order) == math.inf


def test_references_have_their_certificates(page):
    for number, facts in enumerate(EXAMPLE.instances, start=1):
        if not facts.references:
            assert f"references-{number}" not in page.tables
            continue
        table = page.tables[f"references-{number}"]
        assert table.headings == ["name", "value", "bound", "gap", "certified", "unique"]
        for name in ("value", "bound", "gap"):
            expected = [getattr(each, name) for each in facts.references]
            assert [float(cell.order) for cell in table.column(name)] == expected
        words = {True: "yes", False: "no", None: "not decided"}
        for name in ("certified", "unique"):
            expected = [words[getattr(each, name)] for each in facts.references]
            assert [cell.text for cell in table.column(name)] == expected


def test_every_row_opens_a_run_that_the_page_has(page):
    runs = page.data("data-runs")["runs"]
    chosen = [run for table in page.tables.values() for run in table.runs if run]
    assert set(chosen) <= set(runs)
    assert set(page.tables["bias-1"].runs) == set(page.tables["convergence-1"].runs)
    (adam,) = [each for each in runs.values() if each["label"] == "adam[eps=0]"]
    assert ["eps", "0"] in adam["hyperparameters"] and ["beta1", "0.9"] in adam["hyperparameters"]
    (failed,) = [each for each in runs.values() if each["label"] == "my_rule"]
    assert any("division by zero" in sentence for sentence in failed["sentences"])


def test_it_loads_nothing_and_is_small(page):
    text = render_html(EXAMPLE)
    assert page.loaded == []
    assert not re.search(r"@import|url\(.?https?:|sourceMappingURL", text)
    assert "default-src 'none'" in text
    assert len(text.encode()) < 500_000


def test_every_id_is_there_once(page):
    assert len(page.ids) == len(set(page.ids))
    inside = [
        link[1:] for link in page.links if link.startswith("#") and not link.startswith("#run=")
    ]
    assert set(inside) <= set(page.ids)


def test_the_environment_and_the_command_are_there():
    environment = {**EXAMPLE.environment, "command": "optbench compare -o adam --seeds 3"}
    page = Page(render_html(dataclasses.replace(EXAMPLE, environment=environment)))
    for told in ("optbench compare -o adam --seeds 3", "Example CPU @ 2.10GHz", "3.11.9", "6.25 s"):
        assert told in page.text


def test_what_comes_from_a_user_is_text():
    text = render_html(hostile_comparison())
    page, plain = Page(text), Page(render_html(EXAMPLE))
    assert len(page.scripts) == len(plain.scripts)
    assert not any("onerror" in given or tag == "img" for tag, given in page.tags)
    assert NASTY in page.text
    (run,) = page.data("data-runs")["runs"].values()
    assert NASTY in run["label"]


def test_json_in_a_script_ends_no_script():
    document = {"a": "</script><!--", "b": ["\u2028", "&"]}
    assert json.loads(as_json(document)) == document
    assert not set("<>&") & set(as_json(document))


def test_curves_have_few_digits_and_gaps():
    assert rounded([0.123456789, math.nan, None, math.inf, 3.0]) == [0.12346, None, None, None, 3]


def test_an_empty_comparison_has_a_page():
    empty = dataclasses.replace(
        EXAMPLE, bias_rows=[], convergence_rows=[], instances=[], environment={}
    )
    assert "0 optimizers on 0 instances" in Page(render(empty, "html")).text


def test_every_learning_rate_is_in_the_rows_of_its_table():
    rates = tuple(
        LearningRate(learning_rate=rate, steps=100, status=Status.HORIZON, final_loss=rate / 3.0,
                     steps_to={"1e-2": None if rate > 0.05 else 7.0 / rate})
        for rate in (0.01, 0.1)
    )  # fmt: skip
    row = convergence(DIGITS, "adam", (1, 2, 3, 4, 5), learning_rates=rates, best_learning_rate=0.1)
    verdict = bias(DIGITS, "adam", "l2", "linf", {})
    page = Page(
        render_html(dataclasses.replace(EXAMPLE, convergence_rows=[row], bias_rows=[verdict]))
    )
    rows = page.data("data-rows")["rates-1"]
    heads = page.tables["rates-1"].headings
    assert {run for run, *_ in rows} == set(page.data("data-runs")["runs"])
    for entry, (_, *cells) in zip(rates, rows, strict=True):
        whole = [[cell, cell] if isinstance(cell, str) else cell for cell in cells]
        found = dict(zip(heads, whole, strict=True))
        assert float(found["learning rate"][1]) == entry.learning_rate
        assert float(found["final loss"][1]) == entry.final_loss
        steps = float(found["steps to 1e-2"][1])
        expected = entry.steps_to["1e-2"]
        assert steps == expected if expected is not None else math.isnan(steps)
        assert (found["won"][0] == "won") == (entry.learning_rate == 0.1)


def luminance(color):
    """Return the relative luminance of WCAG 2.2."""
    parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_text_has_the_contrast_that_wcag_asks_of_level_aa(scheme):
    """4.5 to 1 for text, 3 to 1 for what shows where the keyboard is."""
    blocks = re.findall(r":root \{([^}]*--back[^}]*)\}", text_of_file("page.css"))
    colors = dict(re.findall(r"--([\w-]+): (#\w{6})", blocks[scheme]))
    plain = ("back", "panel", "hover") if "hover" in colors else ("back", "panel")
    pairs = [(ink, ground) for ink in ("text", "soft", "link") for ground in plain]
    pairs += [(tone, ground) for tone in ("good", "bad", "unsure") for ground in ("back",)]
    pairs += [(ink, f"{tone}-back") for tone in ("good", "bad", "unsure") for ink in (tone, "soft")]
    for ink, ground in [*pairs, ("back", "mark")]:
        low, high = sorted((luminance(colors[ink]), luminance(colors[ground])))
        assert (high + 0.05) / (low + 0.05) >= 4.5, (ink, ground)
