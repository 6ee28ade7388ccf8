"""Every column is where it says it is: JSON, CSV, pandas, tables and the pages of docs."""

from __future__ import annotations

import ast
import csv
import dataclasses
import io
import json
import math
import re
import types
import typing
from pathlib import Path

import pytest

from optbench import references
from optbench.analysis.kinds import KINDS, MEASURES
from optbench.column import UNITS, columns
from optbench.columns import (
    DECLARED,
    BiasRow,
    ConvergenceRow,
    InstanceFacts,
    LearningRate,
    RateLaw,
    ReferenceFacts,
)
from optbench.contract.combinations import OPTIONS
from optbench.engine import types as engine
from optbench.registry import load_registry
from optbench.report import pages, render, tables
from optbench.report.numbers import TEXT_OF_UNIT
from optbench.result import Comparison
from optbench.status import Status

REPOSITORY = Path(__file__).resolve().parents[1]
ROWS = (BiasRow, ConvergenceRow, LearningRate)
RECORDS = (*ROWS, RateLaw, InstanceFacts, ReferenceFacts)


class Filler:
    """Records in which every column has a value of its own, by the types of the columns."""

    def __init__(self) -> None:
        self.count = 0

    def record(self, kind: type) -> typing.Any:
        hints = typing.get_type_hints(kind)
        return kind(**{each.name: self.value(hints[each.name]) for each in columns(kind)})

    def value(self, hint: typing.Any) -> typing.Any:
        self.count += 1
        parts = typing.get_args(hint)
        origin = typing.get_origin(hint)
        if origin in (typing.Union, types.UnionType):
            return self.value(next(part for part in parts if part is not type(None)))
        if dataclasses.is_dataclass(hint):
            return self.record(hint)
        if origin is tuple and parts[-1] is Ellipsis:
            return (self.value(parts[0]), self.value(parts[0]))
        if origin is tuple:
            return tuple(self.value(part) for part in parts)
        if origin is not None:  # numbers or intervals by name
            return {name: self.value(parts[1]) for name in ("1e-1", "1e-2")}
        return self.simple(hint)

    def simple(self, hint: type) -> typing.Any:
        if hint is Status:
            return list(Status)[self.count % len(Status)]
        if hint is float:
            return 1.0 / (1_000.0 + self.count)  # all digits are needed
        return {str: f"text, {self.count}", int: self.count, bool: True}.get(hint)


@pytest.fixture(name="full", scope="module")
def full_comparison():
    """One row of each kind in which no column has a default or the value of another one."""
    fill = Filler()
    bias, convergence = fill.record(BiasRow), fill.record(ConvergenceRow)
    names = {name: getattr(bias, name) for name in ("problem", "instance", "instance_id")}
    facts = dataclasses.replace(
        fill.record(InstanceFacts), **names, infimum_from=DECLARED, separation_unit="deg"
    )
    convergence = dataclasses.replace(
        convergence,
        **names,
        steps_to=dict.fromkeys(("1e-1", "1e-4"), 7.25),
        evaluations_to=dict.fromkeys(("1e-1", "1e-4"), 14.5),
        seconds_to=dict.fromkeys(("1e-1", "1e-4"), 0.125),
    )
    return Comparison([bias], [convergence], [facts], [], {}, [])


def lines_of(comparison, table):
    found = csv.DictReader(io.StringIO(render(comparison, "csv")))
    return [line for line in found if line["table"] == table]


def read_back(record, lines):
    """Return a record as its lines of the CSV say, by the types of its columns."""
    by_name = {line["quantity"]: line for line in lines}
    hints = typing.get_type_hints(type(record))
    own = {each.name: each for each in columns(type(record))}
    intervals = {each.of: name for name, each in own.items() if each.of}
    given: dict[str, typing.Any] = {}

    def bounds(line):
        return tuple(float(line[end]) for end in ("low", "high")) if line["low"] else None

    for name, each in own.items():
        hint, line = hints[name], by_name.get(name)
        if "CSV" not in each.data or each.of or name == "learning_rates":
            continue
        if name == "rate":
            law, window = by_name["rate_law"], by_name["rate_window"]
            assert by_name["rate_laws"]["text"] == ",".join(record.rate.laws)
            offset, floor = (float(by_name[key]["value"]) for key in ("rate_offset", "rate_floor"))
            given[name] = RateLaw(
                law=law["text"] or None, value=float(line["value"]), low=float(line["low"]),
                high=float(line["high"]), text=line["text"],
                window=(int(float(window["low"])), int(float(window["high"]))),
                laws=record.rate.laws, offset=offset, floor=floor,
            )  # fmt: skip
        elif name == "hyperparameters":
            pairs = (pair.split("=") for pair in lines[0][name].split(","))
            given[name] = {key: float(value) for key, value in pairs}
        elif name in lines[0]:  # a column of the file
            given[name] = {int: int, float: float, Status: Status}.get(hint, str)(lines[0][name])
        elif typing.get_origin(hint) is not None and "Mapping" in str(hint):
            keys = getattr(record, name)
            given[name] = {key: float(by_name[each.prefix + key]["value"]) for key in keys}
            if name in intervals:
                found = {key: bounds(by_name[each.prefix + key]) for key in keys}
                given[intervals[name]] = found
        elif "str" in str(hint):
            text = line["text"]
            given[name] = text if "tuple" not in str(hint) else getattr(record, name)
            assert "tuple" not in str(hint) or text == ",".join(getattr(record, name))
        else:
            given[name] = bool(float(line["value"])) if hint is bool else float(line["value"])
            if name in intervals:
                given[intervals[name]] = bounds(line)
    return type(record)(**given)


def test_csv_gives_back_every_column_of_every_row(full):
    """Two columns of the same value would hide that one is written in the place of another."""
    for table, record in (
        ("bias", full.bias_rows[0]),
        ("learning_rates", full.convergence_rows[0].learning_rates[0]),
    ):
        lines = lines_of(full, table)
        if table == "learning_rates":
            rate = repr(record.learning_rate)
            lines = [line for line in lines if line["learning_rate"] == rate]
        assert read_back(record, lines) == record
    (row,) = full.convergence_rows
    bounds = dict.fromkeys(row.steps_to, (1.5, 2.5))
    row = dataclasses.replace(row, intervals=bounds)
    changed = dataclasses.replace(full, convergence_rows=[row])
    found = read_back(row, lines_of(changed, "convergence"))
    other = {name: getattr(row, name) for name in ("learning_rates", "steps_by_seed")}
    assert dataclasses.replace(found, **other) == row


def test_csv_keeps_infinity_and_tells_unknown_from_zero():
    fill = Filler()
    row = dataclasses.replace(
        fill.record(BiasRow), effective_p=math.inf, separation=None, measures={"a": 0.0, "b": None}
    )
    lines = lines_of(Comparison([row], [], [], [], {}, []), "bias")
    value = {line["quantity"]: line["value"] for line in lines}
    assert value["effective_p"] == "inf" and value["separation"] == ""
    assert (value["a"], value["b"]) == ("0.0", "")


def test_json_gives_back_every_column_of_every_record(full):
    document = json.loads(render(full, "json"))

    def same(record, told):
        for each in columns(type(record)):
            if each.name == "more":
                assert record.more.items() <= told.items()
                continue
            value, found = getattr(record, each.name), told[each.name]
            if dataclasses.is_dataclass(value):
                same(value, found)
            elif isinstance(value, tuple) and dataclasses.is_dataclass(value[0]):
                for one, other in zip(value, found, strict=True):
                    same(one, other)
            else:
                assert json.loads(json.dumps(value)) == found, each.name

    same(full.bias_rows[0], document["bias"][0])
    same(full.convergence_rows[0], document["convergence"][0])
    same(full.instances[0], document["instances"][0])


def test_pandas_has_every_column(full):
    frames = (full.bias, full.convergence, full.learning_rates)
    for record, frame in zip(ROWS, frames, strict=True):
        for each in columns(record):
            if "pandas" not in each.data:
                continue
            named = [c for c in frame.columns if c == each.name or c.startswith(f"{each.name}_")]
            assert named or each.name == "measures", each.name
    assert full.bias["1e-1"][0] == full.bias_rows[0].measures["1e-1"]
    assert full.convergence["rate_window"][0] == full.convergence_rows[0].rate.window


def test_tables_have_every_header_and_tell_every_note(full):
    titles = {column.title for table in tables(full) for column in table.columns}
    text = " ".join(render(full, "markdown").replace("\\", "").split())
    for record, row in zip(ROWS[:2], (full.bias_rows[0], full.convergence_rows[0]), strict=True):
        for each in columns(record):
            if each.header and each.name != "parametrization":  # shown where there are several
                title = pages._title(each)
                assert any(other.startswith(title) for other in titles), each.name
            if each.note and each.name not in ("condition", "hyperparameters"):
                value = getattr(row, each.name)
                for told in value if isinstance(value, tuple) else (value,):
                    assert told in text, each.name


@pytest.mark.parametrize("name", pages.PAGES)
def test_the_lists_of_the_pages_are_current(name):
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    assert pages.filled(text) == text, "run: python docs/generate.py"


def test_every_list_stands_on_a_page():
    text = "".join((REPOSITORY / name).read_text(encoding="utf-8") for name in pages.PAGES)
    assert set(re.findall(r"<!-- list: ([\w ]+) -->", text)) == set(pages.LISTS)


def test_the_schema_is_current():
    text = (REPOSITORY / pages.SCHEMA).read_text(encoding="utf-8")
    assert text == pages.schema_text(), "run: python docs/generate.py"


def test_every_column_has_a_meaning_and_a_unit_that_tables_can_write():
    assert set(TEXT_OF_UNIT) == set(UNITS)
    declared = [each for record in RECORDS for each in columns(record)] + [*MEASURES.values()]
    for each in declared:
        assert each.meaning and each.unit in UNITS, each
        assert "\n" not in each.meaning
    for record in RECORDS:
        names = {each.name for each in columns(record)}
        assert all(each.of in names for each in columns(record) if each.of)


def test_headers_of_one_kind_tell_its_measures_apart():
    for kind in KINDS:
        titles = [pages._title(each) for each in kind.measures]
        assert len(set(titles)) == len(titles)


def test_statuses_are_told_once():
    """The engine's codes, the schema and the pages have no status of their own."""
    assert engine.STATUSES[engine.DIVERGED] is Status.DIVERGED
    assert engine.STATUSES[engine.CONVERGED] is Status.CONVERGED
    assert engine.STATUSES[engine.STALLED] is Status.STALLED
    assert engine.STATUSES[engine.FAILED] is Status.FAILED
    names = {status.value for status in Status} - {"horizon"}  # also a parameter
    assert set(literals(REPOSITORY / "optbench" / "status.py")) >= names
    for file in (REPOSITORY / "optbench").rglob("*.py"):
        if file.name != "status.py" and "claims" not in file.parts:
            compared = set(literals(file)) & names
            # the first words of the text of a rate law
            assert not compared or file.name == "convergence_table.py", (file, compared)


def test_the_host_knows_no_plug_in_by_name():
    """Claims say which optimizer a theorem is about; templates are files of the user's."""
    registry = load_registry()
    # words of the host's own: kinds of problems, solutions that solvers are named after, functions,
    # options of every optimizer
    own = {kind.name for kind in KINDS} | {*references.__all__, "quadratic", *OPTIONS}
    names = {*registry.optimizers, *registry.problems} - own
    for file in (REPOSITORY / "optbench").rglob("*.py"):
        if not {"claims", "templates"} & set(file.parts):
            assert not set(literals(file)) & names, file


def literals(file):
    """Yield the string constants of a Python file."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
