"""Which line names the columns, which column is the target, and what is said of the others."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from optbench.data import Dataset, load_dataset, read_dataset, two_classes
from optbench.errors import UserError


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Write text to a CSV file and read it."""

    def read(text: str, **options: Any) -> Dataset:
        (tmp_path / "a.csv").write_text(text)
        return read_dataset(tmp_path / "a.csv", **options)

    return read


@pytest.mark.parametrize("target", ["two", 1, -2, "1", "-2"])
def test_target_by_name_or_position(read: Any, target: str | int) -> None:
    dataset = read("one,two,three\n1,2,3\n4,5,6\n", target=target)
    assert dataset.targets.tolist() == [2, 5]
    assert dataset.features.tolist() == [[1, 3], [4, 6]]


@pytest.mark.parametrize("target", range(-3, 3))
def test_positions_are_those_of_python(read: Any, target: int) -> None:
    rows = [[1.0, 2.0, 3.5], [2.0, 1.0, 1.0], [-1.0, 0.5, 2.0]]
    text = "\n".join(",".join(map(str, row)) for row in rows)
    for given in (target, str(target)):
        dataset = read(text, target=given)
        assert dataset.targets.tolist() == [row[target] for row in rows]
        assert dataset.features.tolist() == np.delete(rows, target, axis=1).tolist()


@pytest.mark.parametrize(
    "text, target, message",
    [
        ("1,2,3\n4,5,6\n", 3, "no column at position 3 .*; positions are 0 to 2"),
        ("1,2,3\n4,5,6\n", "-4", "no column at position -4 .*; positions are 0 to 2"),
        ("x,y\n1,2\n3,4\n", "2", "no column at position 2 .*; positions are 0 to 1"),
        ("x,y\n1,2\n3,4\n", "1_0", "no column '1_0' for the target; the columns are x, y"),
        ("x,y\n1,2\n3,4\n", "1.0", "no column '1.0' for the target; the columns are x, y"),
        ("x,y\n1,2\n3,4\n", "Y", "no column 'Y' for the target; the columns are x, y"),
    ],
)
def test_no_such_target(read: Any, text: str, target: str | int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(text, target=target)


def test_a_number_that_is_a_name_and_another_position_is_not_guessed(read: Any) -> None:
    text = "1,0,2\n5,6,7\n8,9,10\n"
    with pytest.raises(UserError, match=r"target=1 is the name of column 0 .* target=-3 or target"):
        read(text, target="1", header=True)
    assert read(text, target="-3", header=True).targets.tolist() == [5, 8]
    assert read(text, target="-2", header=True).targets.tolist() == [6, 9]
    assert read(text, target="2", header=True).targets.tolist() == [7, 10]
    years = "2019,2020\n1,2\n3,4\n"
    assert read(years, target="2019", header=True).targets.tolist() == [1, 3]


@pytest.mark.parametrize("columns", [2, 3, 12])
def test_a_header_as_pandas_writes_it(read: Any, columns: int) -> None:
    values = np.random.default_rng(columns).standard_normal((5, columns))
    text = pd.DataFrame(values).to_csv(index=False)
    dataset = read(text)
    assert np.array_equal(np.column_stack([dataset.features, dataset.targets]), values)
    assert "names the columns; header=false" in dataset.source
    assert read(text, header=False).features.shape == (6, columns - 1)
    said = read(text, header=True)
    assert said.features.shape == (5, columns - 1)
    assert "names the columns" not in said.source


@pytest.mark.parametrize("first", ["0,1,3", "1,2,3", "0,1,2.0", "00,1,2"])
def test_other_numbers_in_the_first_line_are_data(read: Any, first: str) -> None:
    text = f"{first}\n4,5,6\n7,8,9\n"
    assert read(text).features.shape == (3, 2)
    assert read(text, header=True).features.shape == (2, 2)


def test_a_header_with_a_number_must_be_said(read: Any) -> None:
    text = "a,2020,b\n4,5,6\n7,8,9\n"
    with pytest.raises(UserError, match=r"line 1, column '0' is 'a'.*say header=true"):
        read(text)
    assert read(text, header=True).features.tolist() == [[4, 5], [7, 8]]


@pytest.mark.parametrize("labels", [["NA", "None"], ["null", "nan"], ["True", "False"]])
def test_every_text_is_a_label_and_the_empty_cell_is_missing(read: Any, labels: list[str]) -> None:
    rows = [f"{k * k},{k},{labels[k % 2]}" for k in range(4)]
    dataset = read("\n".join(["x,z,class", *rows]))
    assert sorted(dataset.labels) == sorted(labels)
    for label in labels:
        found = two_classes(dataset, label).targets
        assert found.tolist() == [1.0 if labels[k % 2] == label else -1.0 for k in range(4)]
    with pytest.raises(UserError, match="line 6, target column 'class' is missing"):
        read("\n".join(["x,z,class", *rows, "9,9, "]))


@pytest.mark.parametrize(
    "positive, found", [("2", [-1, 1, -1]), ("+2.0", [-1, 1, -1]), ("10", [-1, -1, 1])]
)
def test_positive_takes_a_number_as_written(read: Any, positive: str, found: list[int]) -> None:
    dataset = read("x,z,class\n1,2,1\n1,3,2\n5,7,10\n")
    assert two_classes(dataset, positive).targets.tolist() == found


def test_choices_are_said(read: Any) -> None:
    iris = load_dataset("iris")
    for label in (None, "setosa"):
        with pytest.raises(UserError, match=r"positive=0, 1 or 2$"):
            two_classes(iris, label)
    text = "x,z,class\n1,2,a b\n1,3,c\n5,7,1e\n"
    with pytest.raises(UserError, match=r"positive=1e, a b or c$"):
        two_classes(read(text))
    with pytest.raises(UserError, match=r"positive=0, 1, 2, 3, 4, 5, 6, 7, 8, 9, \.\.\.$"):
        two_classes(read("x,y\n" + "".join(f"{-k},{k}\n" for k in range(11))))


def test_the_source_says_which_text_is_plus_one(read: Any) -> None:
    dataset = read("x,z,class\n1,2,b\n1,3,a\n5,7,b\n5,8,c\n")
    assert two_classes(dataset, "a").source.endswith("; +1 is a, -1 is the rest")
    assert two_classes(dataset, "a", "c").source.endswith("; +1 is a, -1 is c")
    two = read("x,z,class\n1,2,b\n1,3,a\n5,7,b\n")
    assert two_classes(two).source.endswith("; +1 is b, -1 is a")
    assert two_classes(two, "a").source.endswith("; +1 is a, -1 is b")


@pytest.mark.parametrize("header", [True, ["one", "two", "class"]])
def test_an_index_without_a_name_is_an_error(read: Any, header: Any) -> None:
    """As pandas writes it, and as pandas writes again what it has read."""
    frame = pd.DataFrame(np.random.default_rng(0).standard_normal((4, 3)))
    text = frame.to_csv(header=header)
    again = pd.read_csv(io.StringIO(text)).to_csv(index=False)
    for index in (text, again):
        with pytest.raises(UserError, match=r"column 0 has no name .*index=False"):
            read(index)


@pytest.mark.parametrize("start", [0, 1])
def test_a_column_that_counts_the_rows_is_noted(read: Any, start: int) -> None:
    rows = [f"{k + start},{k * k - 1},{k % 2}" for k in range(5)]
    note = "column 'id' counts the rows"
    assert note in read("\n".join(["id,x,y", *rows])).source
    assert note not in read("\n".join(["id,x,y", *rows[:2]])).source
    assert note not in read("\n".join(["id,x,y", *rows]), target="id").source
    assert note not in read("\n".join(["id,x,y", rows[1], rows[0], *rows[2:]])).source
    assert "column '0' counts the rows" in read("\n".join(rows)).source


def test_two_columns_of_one_name_are_an_error(read: Any) -> None:
    with pytest.raises(UserError, match="columns 0 and 2 are both called 'a'"):
        read("a,b, a,y\n1,2,3,4\n5,6,7,8\n")


@pytest.mark.parametrize("date", ["2020-01-31", "31/01/2020", "31.1.20", "2020-01-31 10:00:00"])
def test_dates_are_said(read: Any, date: str) -> None:
    with pytest.raises(UserError, match=f"line 3, column 'day' is the date '{date}'"):
        read(f"day,y\n1,2\n{date},3\n")


def test_truth_values_are_features(read: Any) -> None:
    dataset = read("a,b,y\nTrue,1,2\nFALSE,0,3\n")
    assert dataset.features.tolist() == [[1, 1], [0, 0]]
    assert read("a,y\n2,True\n3,False\n", regression=True).targets.tolist() == [1, 0]


def test_a_bundled_name_is_the_bundled_set(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "iris").write_text("1 1:2\n-1 1:3\n")
    assert load_dataset("iris").features.shape == (150, 4)
    assert load_dataset("./iris").features.shape == (2, 1)
    for option in ({"target": "0"}, {"header": "true"}, {"kind": "csv"}):
        with pytest.raises(UserError, match=f"option {next(iter(option))} is for files only"):
            load_dataset("iris", **option)
    (tmp_path / "b").write_text("0,1\n2,3\n")
    assert load_dataset("b", kind="csv", header="false").targets.tolist() == [1, 3]
