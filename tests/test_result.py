"""What a comparison shows of itself in Python: one line, a first screen, tables, a bar."""

from __future__ import annotations

import dataclasses
import re
import sys
import types
from html.parser import HTMLParser

import numpy as np
import pytest
from example_comparison import EXAMPLE

import optbench
from optbench.plots import Asked
from optbench.plots.panels import new_figure
from optbench.progress import progress_of
from optbench.report.frames import TABLES
from optbench.report.outcomes import Verdict
from optbench.result import Comparison
from optbench.traces import Trace


def test_the_representation_is_one_line():
    asked = dataclasses.replace(
        EXAMPLE.bias_rows[0], optimizer="adam (theorem)", as_theorem_asks=True
    )
    more = dataclasses.replace(EXAMPLE, bias_rows=[*EXAMPLE.bias_rows, asked])
    optimizers = len({row.optimizer for row in EXAMPLE.bias_rows})
    assert repr(more) == (
        f"<Comparison: {optimizers} optimizers on 3 instances, 10,000 steps, 1 seed>"
    )
    assert repr(Comparison([], [], [], [], {})).startswith("<Comparison: 0 optimizers")


def test_the_summary_is_shown_as_it_is():
    """An interpreter shows lines, no string with backslashes, and says how to go on in Python."""
    summary = EXAMPLE.summary(width=90)
    assert repr(summary) == str(summary) and max(map(len, summary.splitlines())) <= 90
    assert all(row.optimizer in EXAMPLE.summary(width=300) for row in EXAMPLE.bias_rows)
    assert ".to_dataframe()" in summary and "optbench plot" not in summary


@pytest.mark.parametrize("kind", TABLES)
def test_every_table_is_a_frame(kind):
    assert len(EXAMPLE.table(kind)) > 0 or kind == "learning_rates"


def test_tables_say_what_the_records_say():
    references = EXAMPLE.table("references")
    assert len(references) == sum(len(facts.references) for facts in EXAMPLE.instances)
    first = EXAMPLE.instances[0].references[0]
    assert (references["name"][0], references["value"][0]) == (first.name, first.value)
    instances = EXAMPLE.table("instances")
    assert list(instances.n) == [facts.n for facts in EXAMPLE.instances]
    summary = EXAMPLE.table("summary")
    assert set(summary.instance_id) == {facts.instance_id for facts in EXAMPLE.instances}
    skipped = summary[summary.status == "skipped"]
    assert set(skipped.verdict) == {str(Verdict.SKIPPED)} and skipped.steps.isna().all()


def test_an_unknown_table_names_the_nearest():
    with pytest.raises(optbench.UserError, match="'convergence'") as error:
        EXAMPLE.table("convergance")
    assert "\n" not in str(error.value)
    with pytest.raises(optbench.UserError, match="bias, convergence, instances"):
        EXAMPLE.table("something else")


def test_a_notebook_shows_a_figure():
    """Without pyplot no notebook knows what a figure looks like: it brings its picture."""
    pytest.importorskip("IPython")
    from IPython.core.formatters import DisplayFormatter

    figure, _ = new_figure(Asked(), 1, ["adam"])
    shown, _ = DisplayFormatter().format(figure)
    assert shown["image/png"].startswith(b"\x89PNG")


class Tags(HTMLParser):
    """Counts tags, and checks that each is closed by its own."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_a_notebook_shows_the_matrix_and_the_sentences():
    """Well formed, no script, no style sheet, no colour of its own: it suits every theme."""
    named = dataclasses.replace(EXAMPLE, notes=["<script>alert(1)</script> & more"])
    text = named._repr_html_()
    tags = Tags()
    tags.feed(text)
    assert not tags.open and not {"script", "style", "link", "img"} & set(tags.seen)
    rows = {row.optimizer for row in EXAMPLE.bias_rows}
    assert tags.seen.count("tr") >= len(rows)
    assert not re.search(r"#[0-9a-f]{3}|rgb|(?<!current)color:(?!inherit)", text)
    assert "<script>alert(1)</script> & more" in tags.text
    for sentence in EXAMPLE.summary(width=2000).splitlines():
        if sentence.startswith(("Theory", "Fewest")):
            assert sentence in tags.text


def test_a_bar_in_a_notebook_shows_the_last_state_and_goes(monkeypatch):
    """A stand-in for IPython: what a notebook shows is its `display` with the handle's updates."""
    shown = []

    class Handle:
        def update(self, html):
            shown.append(html)

    display = types.ModuleType("IPython.display")
    display.HTML = str
    display.display = lambda html, display_id: (shown.append(html), Handle())[1]
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    with progress_of(True) as report:
        report(1, 4, "adam on <data>")
    assert "<progress>" in shown[0] and 'value="1" max="4"' in shown[1]
    assert "&lt;data&gt;" in shown[1] and shown[-1] == ""


def test_progress_can_be_a_bar_a_function_or_nothing(capsys):
    told = []
    for wanted in (True, False, None, lambda *state: told.append(state)):
        with progress_of(wanted) as report:
            report(1, 2, "a cell")
    assert told == [(1, 2, "a cell")] and capsys.readouterr().out == ""


def test_traces_are_equal_when_their_numbers_are():
    def made(**changes):
        values = np.array([[1.0], [np.nan]])
        given = {
            "steps": np.arange(2), "loss": values, "log_gap": -values, "learning_rate": 0.1,
            "won": True, "evaluations": values, "measures": {"rank": values}, "w": values,
        }  # fmt: skip
        return Trace("p", "i", "0", "linear", "adam", **given | changes)

    assert made() == made()
    for changes in (
        {"loss": np.zeros((2, 1))},
        {"measures": {}},
        {"measures": {"rank": np.zeros((2, 1))}},
        {"won": False},
        {"w": None},
        {"steps": np.arange(3)},
    ):
        assert made() != made(**changes)
    assert made() != "a trace"
