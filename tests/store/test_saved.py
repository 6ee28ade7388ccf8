"""A comparison that was saved comes back equal; a file that is damaged or foreign is one line."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import multiprocessing
import os
import stat
import types
import typing
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import optbench
from optbench.columns import BiasRow, ConvergenceRow, InstanceFacts, LearningRate, Row
from optbench.report.schema import schema
from optbench.result import Comparison
from optbench.status import Status
from optbench.store.saved import as_parquet, keep_latest, latest
from optbench.traces import LONG_FORM, Trace

PARTS = ("bias_rows", "convergence_rows", "instances", "notes", "environment")
BROKEN = '''"""An optimizer that does not compile."""

from optbench import Hyper, optimizer


@optimizer(reference="a test")
def broken_rule(theta, grad, learning_rate=Hyper(tune="log")):
    theta[0] = undefined_name
'''


@pytest.fixture(name="real", scope="module")
def real_comparison(tmp_path_factory):
    """Rows that ran, diverged, never keep a target (infinite), were skipped, and failed."""
    file = tmp_path_factory.mktemp("plugin") / "broken_rule.py"
    file.write_text(BROKEN)
    return optbench.compare(
        ["linear_regression:data=gaussian,n=6,d=12", "linear_program:data=transport"],
        ["gradient_descent", "exponentiated_gradient", "coordinate_descent", "broken_rule"],
        horizon=30,
        seeds=2,
        learning_rates=[1e-3, 1e3],
        plugins=[str(file)],
    )


def assert_equal(found: Comparison, expected: Comparison, traces: bool = True) -> None:
    assert found == (expected if traces else dataclasses.replace(expected, traces=[]))
    for name in PARTS:  # 1 is not 1.0, and a tuple no list
        assert repr(getattr(found, name)) == repr(getattr(expected, name))
    for one, other in zip(found.traces, expected.traces if traces else [], strict=True):
        assert_same_trace(one, other)
    solutions = expected.solutions if traces else {}
    names = [{key: [*own] for key, own in s.items()} for s in (found.solutions, solutions)]
    assert names[0] == names[1]
    for key, own in solutions.items():
        for name, w in own.items():
            np.testing.assert_array_equal(found.solutions[key][name], w, strict=True)


def assert_same_trace(one: Trace, other: Trace) -> None:
    """Compare every bit and type, where the equality of traces is that of their numbers."""
    for field in dataclasses.fields(Trace):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name == "measures":
            assert [*a] == [*b]
            for name in a:
                np.testing.assert_array_equal(a[name], b[name], strict=True)
        elif isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, b, strict=True)
        else:
            assert a == b
    assert one == other


def test_a_real_comparison_comes_back_equal(real, tmp_path):
    statuses = {str(row.status) for row in real.convergence_rows}
    assert {"skipped", "failed", "horizon"} <= statuses
    kept = [step for row in real.convergence_rows for s in row.steps_by_seed.values() for step in s]
    assert math.inf in kept and any(row.steps_to["1e-8"] is None for row in real.convergence_rows)
    real.save(tmp_path / "r.parquet")
    assert_equal(optbench.load(tmp_path / "r.parquet"), real)
    real.save(tmp_path / "r.json")
    loaded = optbench.load(tmp_path / "r.json")
    assert_equal(loaded, real, traces=False)
    with pytest.raises(optbench.UserError, match="no traces"):
        loaded.to_dataframe()


def test_other_tools_read_the_file(real, tmp_path):
    """pandas reads the table; the document in the metadata validates against the schema."""
    real.save(tmp_path / "r.parquet")
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "r.parquet"), real.to_dataframe(), check_dtype=False
    )
    metadata = pq.read_metadata(tmp_path / "r.parquet").metadata
    jsonschema.validate(json.loads(metadata[b"optbench.document"]), schema())


def test_the_long_form_has_a_row_for_every_number(real):
    frame = real.to_dataframe()
    assert tuple(frame.columns) == LONG_FORM
    assert len(frame) == sum(len(t.measured) * t.loss.size for t in real.traces)
    trace = real.traces[0]
    own = (frame.optimizer == trace.optimizer) & (frame.instance_id == trace.instance_id)
    own &= frame.learning_rate == trace.learning_rate
    wide = frame[own & (frame.measure == "loss")].pivot_table(
        index="step", columns="seed", values="value", dropna=False
    )
    np.testing.assert_array_equal(wide.to_numpy(), trace.loss)
    np.testing.assert_array_equal(wide.index, trace.steps)


def values_of(hint: typing.Any) -> st.SearchStrategy:
    """Return made-up values of a column, by its type."""
    parts, origin = typing.get_args(hint), typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*map(values_of, parts))
    if dataclasses.is_dataclass(hint):
        return records_of(hint)
    if origin is tuple and parts[-1] is Ellipsis:
        return st.lists(values_of(parts[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values_of, parts))
    if origin is not None and parts[1] is typing.Any:
        return st.dictionaries(st.just("more text"), values_of(float | str | bool), max_size=1)
    if origin is not None:
        return st.dictionaries(st.text(max_size=3), values_of(parts[1]), max_size=2)
    return {
        float: st.floats(allow_nan=False), int: st.integers(1, 2**53), bool: st.booleans(),
        str: st.text(max_size=5), type(None): st.none(), Status: st.sampled_from(Status),
    }[hint]  # fmt: skip


def records_of(kind: type) -> st.SearchStrategy:
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{name: values_of(hint) for name, hint in hints.items()})


@settings(max_examples=25, deadline=None)
@given(records_of(BiasRow), records_of(ConvergenceRow), records_of(InstanceFacts))
def test_made_up_rows_come_back_equal(tmp_path_factory, bias, convergence, facts):
    made = Comparison([bias], [convergence], [facts], [], {"date": "today"}, ["a note"])
    for suffix in ("parquet", "json"):
        file = tmp_path_factory.getbasetemp() / f"made.{suffix}"
        made.save(file)
        assert_equal(optbench.load(file), made)


def test_of_a_row_nan_is_unknown(tmp_path):
    """JSON has no nan: a cell is null, which is what unknown numbers are in all rows."""
    row = dataclasses.replace(_bias_row(), separation=math.nan, measures={"a": math.nan})
    Comparison([row], [], [], [], {}).save(tmp_path / "r.parquet")
    (found,) = optbench.load(tmp_path / "r.parquet").bias_rows
    assert found == dataclasses.replace(row, separation=None, measures={"a": None})


def numbers_in(value):
    """Yield what a record holds, however deep."""
    if dataclasses.is_dataclass(value):
        value = [getattr(value, field.name) for field in dataclasses.fields(value)]
    if isinstance(value, dict):
        value = [*value.values()]
    if not isinstance(value, list | tuple):
        yield value
        return
    for each in value:
        yield from numbers_in(each)


def test_real_rows_hold_no_nan(real):
    rows = [*real.bias_rows, *real.convergence_rows, *real.instances]
    assert all(number == number for number in numbers_in(rows))


def _bias_row() -> BiasRow:
    place = {"problem": "p", "instance": "i", "instance_id": "0" * 12, "parametrization": "linear"}
    return BiasRow(**place, optimizer="o", seeds=1, horizon=1, status=Status.HORIZON)


STRIDE, MASK = 5, 0xFF
ANY = st.floats(allow_nan=True, allow_infinity=True)


@st.composite
def made_up_traces(draw) -> list[Trace]:
    """Traces that differ in their optimizer or their learning rate, as those of one comparison."""
    places = st.tuples(st.text(max_size=2), st.none() | st.floats(1e-9, 1e9))
    found = []
    for optimizer, rate in draw(st.lists(places, max_size=3, unique=True)):
        records, seeds = draw(st.integers(1, 3)), draw(st.integers(1, 3))
        numbers = st.lists(ANY, min_size=records * seeds, max_size=records * seeds)
        array = numbers.map(lambda values, shape=(records, seeds): np.reshape(values, shape))
        found.append(Trace(
            problem="p", instance="i", instance_id="0", parametrization="linear",
            optimizer=optimizer, steps=np.arange(records), loss=draw(array), log_gap=draw(array),
            learning_rate=rate, won=draw(st.booleans()), evaluations=draw(array),
            measures=draw(st.dictionaries(st.sampled_from(["margin_l2", "rank"]), array)),
            w=draw(st.none() | array),
        ))  # fmt: skip
    return found


@settings(max_examples=30, deadline=None)
@given(made_up_traces())
def test_made_up_traces_come_back_equal(tmp_path_factory, traces):
    file = tmp_path_factory.getbasetemp() / "traces.parquet"
    Comparison([], [], [], traces, {}).save(file)
    for one, other in zip(optbench.load(file).traces, traces, strict=True):
        assert_same_trace(one, other)


def loaded_or_told(file: Path) -> Comparison | str:
    try:
        return optbench.load(file)
    except optbench.UserError as error:
        return str(error)


def test_a_byte_that_is_flipped_is_told_or_harmless(tmp_path):
    """Whatever a byte of the file becomes: an error of one line, or what was saved."""
    numbers = np.linspace(0.0, 1.0, 12).reshape(4, 3)
    trace = Trace("p", "i", "0", "linear", "o", 0.1, True, np.arange(4), 2.0 * numbers, numbers,
                  -numbers, {"rank": numbers}, numbers)  # fmt: skip
    made = Comparison([_bias_row()], [], [], [trace], {}, [])
    whole, file = bytearray(made.to_parquet()), tmp_path / "r.parquet"
    told = []
    for place in range(0, len(whole), STRIDE):
        damaged = bytearray(whole)
        damaged[place] ^= MASK
        file.write_bytes(damaged)
        found = loaded_or_told(file)
        if isinstance(found, str):
            told.append(found)
        else:
            assert_equal(found, made)
    assert len(told) > len(whole) / STRIDE / 3  # most of what is there matters
    assert not any("\n" in message or "Arrow" in message for message in told)


def test_a_name_that_is_no_utf8_can_be_saved(tmp_path):
    """The name of a file, and so of an instance, may be any bytes."""
    name = os.fsdecode(b"caf\xe9.csv")
    row = dataclasses.replace(_bias_row(), instance=name)
    one = np.ones((1, 1))
    trace = Trace("p", name, "0", "linear", "o", None, True, np.arange(1), one, one, one, {})
    Comparison([row], [], [], [trace], {}).save(tmp_path / "r.parquet")
    found = optbench.load(tmp_path / "r.parquet")
    assert found.bias_rows == [row] and found.traces[0].instance == "caf?.csv"


def other_parquet() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({"a": [1.0]}), stream)
    return stream.getvalue()


FOREIGN = {
    "text": b"optimizer,steps\nadam,3\n",
    "empty": b"",
    "not UTF-8": b"\xff\xfe\x00",
    "JSON of something else": b'{"a": 1}',
    "a number": b"3",
    "Parquet of something else": other_parquet(),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_something_else_is_told_in_one_line(content, tmp_path):
    file = tmp_path / "other"
    file.write_bytes(content)
    with pytest.raises(optbench.UserError, match="holds no comparison") as error:
        optbench.load(file)
    assert "\n" not in str(error.value) and str(file) in str(error.value)


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda d: d.update(schema_version=99), "schema_version 99"),
        (lambda d: d.pop("notes"), "notes"),
        (lambda d: d["bias"][0].pop("optimizer"), "bias[0]: "),
        (lambda d: d["bias"][0].update(separation="wide"), "bias[0]: separation is 'wide'"),
        (lambda d: d["bias"][0].update(intervals={"a": [1.0]}), "bias[0]: intervals.a is [1.0]"),
        (lambda d: d["bias"][0].update(status="lost"), "bias[0]: status is 'lost'"),
        (lambda d: d["bias"].append(None), "bias[1]: None is no object"),
        (lambda d: d.update(bias=3), "bias is no list"),
        (lambda d: d.update(notes="none"), "notes is no list"),
        (lambda d: d.update(environment=3), "environment is no object"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(change, told, tmp_path):
    Comparison([_bias_row()], [], [], [], {}).save(tmp_path / "r.json")
    document = json.loads((tmp_path / "r.json").read_text())
    change(document)
    (tmp_path / "r.json").write_text(json.dumps(document))
    with pytest.raises(optbench.UserError) as error:
        optbench.load(tmp_path / "r.json")
    assert told in str(error.value) and "\n" not in str(error.value)


def test_keys_that_were_added_or_are_to_come_do_not_matter(tmp_path):
    """Within one schema_version objects may gain keys."""
    row = _bias_row()
    Comparison([row], [], [], [], {}).save(tmp_path / "r.json")
    document = json.loads((tmp_path / "r.json").read_text())
    document["bias"][0]["of_a_later_version"] = [1, {"a": 2}]
    del document["bias"][0]["separation"]  # as if an earlier version had written it
    (tmp_path / "r.json").write_text(json.dumps(document))
    assert optbench.load(tmp_path / "r.json").bias_rows == [row]


def test_where_it_cannot_be_saved(tmp_path):
    empty = Comparison([], [], [], [], {})
    for name, told in (("r.csv", "must end in .parquet or .json"), ("no/r.json", "No such file")):
        with pytest.raises(optbench.UserError, match=told):
            empty.save(tmp_path / name)
    with pytest.raises(optbench.UserError):
        optbench.load(tmp_path)  # a directory
    with pytest.raises(optbench.UserError):
        optbench.load(tmp_path / "nothing.parquet")
    assert not [*tmp_path.iterdir()]


def test_a_file_keeps_its_permissions_and_nothing_stays_beside_it(tmp_path):
    file = tmp_path / "r.json"
    Comparison([], [], [], [], {}).save(file)
    assert stat.S_IMODE(file.stat().st_mode) & stat.S_IRUSR
    file.chmod(0o640)
    Comparison([], [], [], [], {}).save(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640 and [*tmp_path.iterdir()] == [file]


def _keep(folder: str, note: str) -> None:
    os.environ["OPTBENCH_CACHE"] = folder
    for _ in range(10):
        keep_latest(
            as_parquet(json.dumps(Comparison([], [], [], [], {}, [note]).to_dict()), [], {})
        )


def test_two_commands_at_once_keep_one_whole_result(tmp_path, monkeypatch):
    monkeypatch.setenv("OPTBENCH_CACHE", str(tmp_path))
    with pytest.raises(optbench.UserError, match="run `optbench compare`"):
        optbench.load_latest()
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_keep, args=(str(tmp_path), note)) for note in "ab"]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert optbench.load_latest().notes in (["a"], ["b"])
    assert [*latest().parent.iterdir()] == [latest()]


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file where the folder should be")
    monkeypatch.setenv("OPTBENCH_CACHE", str(tmp_path / "cache"))
    keep_latest(b"anything")
    with pytest.raises(optbench.UserError, match="no latest result"):
        optbench.load_latest()


def test_every_column_has_made_up_values():
    """The strategies above know every type that a column has."""
    for kind in (Row, BiasRow, ConvergenceRow, LearningRate, InstanceFacts):
        assert records_of(kind) is not None
    assert Path(latest()).name == "comparison.parquet"


def test_metadata_are_text_as_parquet_has_it(real):
    """Readers that keep to the format, such as Polars, refuse other bytes."""
    metadata = pq.read_metadata(io.BytesIO(real.to_parquet())).metadata
    for value in metadata.values():
        value.decode("utf-8")
