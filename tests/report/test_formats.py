"""Markdown, LaTeX, CSV and JSON, each read back by something not ours where there is one."""

import dataclasses
import json
import math
import re
import shutil
import subprocess
from importlib.resources import files

import jsonschema
import numpy as np
import pytest
from example_comparison import DIGITS, INSTANCES, NEVER, convergence
from long_table import read_long

from optbench.errors import UserError
from optbench.records import plain
from optbench.report import render, tables
from optbench.report.convergence_table import convergence_table
from optbench.report.latex import escape as latex
from optbench.report.markdown import escape as markdown
from optbench.report.outcomes import Verdict

KEY = ["problem", "instance_id", "parametrization", "optimizer", "hyperparameters"]


@pytest.fixture(scope="module")
def schema():
    return json.loads((files("optbench.report") / "schema.json").read_text())


def no_constants(name):
    raise AssertionError(f"{name} is not JSON")


def test_json_validates_against_the_shipped_schema(example, schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(render(example, "json"), parse_constant=no_constants)
    jsonschema.Draft202012Validator(schema).validate(document)
    assert len(document["bias"]) == len(example.bias_rows)
    assert len(document["convergence"]) == len(example.convergence_rows)


def test_json_writes_infinity_as_text_and_nan_as_null(example):
    document = json.loads(render(example, "json"))
    (sign,) = [row for row in document["bias"] if row["optimizer"] == "sign_descent"]
    assert sign["effective_p"] == "inf"
    assert sign["effective_p_interval"] == [60.0, "inf"]
    assert plain({"a": [math.nan, -math.inf]}) == {"a": [None, "-inf"]}
    assert plain(np.array([0.0, -0.4])) == [0.0, -0.4]


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [("bias", "status", "fine"), ("bias", "effective_p", "many"), ("convergence", "steps_to", 3),
     ("convergence", "success_rate", 2.0)],
)  # fmt: skip
def test_schema_refuses_what_is_not_in_it(example, schema, table, key, value):
    document = json.loads(render(example, "json"))
    document[table][0][key] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(document)


def test_schema_page_names_every_key(schema):
    page = (files("optbench") / ".." / "docs" / "schema.md").read_text()
    for part in ("bias_row", "convergence_row"):
        for key in schema["$defs"][part]["properties"]:
            assert f"`{key}`" in page, key


def test_csv_round_trip_through_pandas(example):
    """pandas reads back every number with all its bits."""
    long = read_long(render(example, "csv"))
    assert set(long.table) == {"bias", "convergence", "profile"}
    for table, rows in (("bias", example.bias_rows), ("convergence", example.convergence_rows)):
        own = long[long.table == table]
        assert own.groupby(KEY, dropna=False, sort=False).ngroups == len(rows)
    first = long[(long.table == "bias") & (long.optimizer == "gradient_descent")]
    value = first[first.instance == "digits_3v8"].set_index("quantity").value
    for name, expected in example.bias_rows[0].measures.items():
        assert value[name] == expected
    sign = long[(long.optimizer == "sign_descent") & (long.quantity == "effective_p")]
    assert sign.value.tolist() == [math.inf]
    assert sign.low.tolist() == [60.0]


def test_csv_keeps_reasons_and_leaves_unreached_targets_empty(example):
    long = read_long(render(example, "csv"))
    failed = long[long.status == "failed"]
    assert set(failed.reason) == {"my_rule.py:12: division by zero in step 3 (100% of runs)"}
    assert failed[failed.quantity.str.startswith("steps_to")].value.isna().all()


def test_markdown_has_every_row_and_column(example):
    lines = render(example, "markdown").splitlines()
    for table in tables(example):
        start = lines.index(f"### {markdown(table.title)}")
        header = next(i for i in range(start, len(lines)) if lines[i].startswith("| "))
        body = lines[header : header + 2 + len(table.rows)]
        pipes = [len(re.findall(r"(?<!\\)\|", line)) for line in body]
        assert pipes == [len(table.columns) + 1] * len(body)
        assert not lines[header + 2 + len(table.rows)].startswith("|")


def test_markdown_escapes_markup_but_not_underscores_inside_words():
    assert markdown("a|b *c* <d> _e_ f_g `h`") == r"a\|b \*c\* \<d> \_e\_ f_g \`h\`"


def test_latex_escapes_special_characters():
    assert latex(r"a_b & 5% of $3 #1 {x} \y ~z") == (
        r"a\_b \& 5\% of \$3 \#1 \{x\} \textbackslash{}y \textasciitilde{}z"
    )
    assert latex("1.2e-7") == r"$1.2 \times 10^{-7}$"
    assert latex("1e-4 t^-1.02 u^2") == r"$10^{-4}$ $t^{-1.02}$ u\textasciicircum{}2"
    assert latex("> 10") == r"\textgreater{} 10"


def test_latex_rows_and_environments_match(example):
    text = render(example, "latex")
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 1 + len(tables(example))
    for block in re.findall(r"\\begin\{tabular\}\{@\{\}([lr]+)@\{\}\}(.*?)\\end", text, re.DOTALL):
        alignment, body = block
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {len(alignment) - 1}
    assert r"diabetes \& quadratic\_features" in text
    assert "(100\\% of runs)" in text
    without_math = re.sub(r"\$[^$]*\$", "", text)
    assert not re.search(r"(?<!\\)[_#]", without_math)


def test_intervals_stand_beside_their_medians_in_markdown_and_latex(example):
    assert "0.412 [0.4, 0.42]" in render(example, "markdown")
    assert "0.412 [0.4, 0.42]" in render(example, "latex")


def test_unknown_format_is_one_line():
    with pytest.raises(UserError, match="unknown format 'xml'; known: table, markdown"):
        render(None, "xml")


def test_success_counts_seeds():
    row = convergence(DIGITS, "o", NEVER, seeds=5, success_rate=0.8)
    table = convergence_table(INSTANCES[0], [row])
    place = [column.title for column in table.columns].index("success")
    assert table.rows[0][place].text == "4/5"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_compiles(example, tmp_path):
    """Every kind of cell, all marks of the summary, letters that LaTeX reserves."""
    noted = dataclasses.replace(example.convergence_rows[0], reason="1% & #1 of {x}_i ~ ^2 \\ ° †")
    shown = dataclasses.replace(
        example, convergence_rows=[noted, *example.convergence_rows[1:]], notes=["a % of\nlines"]
    )
    text = render(shown, "latex")
    (tmp_path / "tables.tex").write_text(
        "\\documentclass{article}\n\\usepackage{booktabs,adjustbox}\n\\usepackage[margin=2cm]{geometry}\n"
        f"\\begin{{document}}\n{text}\n"
        + "".join(map(latex, (verdict.mark for verdict in Verdict)))
        + "\n\\end{document}\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "tables.tex"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "tables.pdf").stat().st_size > 10_000
    log = (tmp_path / "tables.log").read_text("latin-1")
    wide = re.findall(r"Overfull .hbox \(([\d.]+)pt", log)
    assert all(float(points) < 10.0 for points in wide), wide  # no table leaves the page
