"""User files of every format, right and wrong."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.io import savemat

from optbench.data import prepare, read_dataset, two_classes
from optbench.errors import UserError

X = np.array([[1.5, 0.0], [-2.0, 3.25], [0.1, 4.0]])
CLASSES = np.array([0.0, 1.0, 1.0])


@pytest.mark.parametrize(
    "name, text",
    [
        ("a.csv", "1.5,0,b\n-2,3.25,g\n0.1,4,g\n"),
        ("a.csv", "one,two,class\n1.5,0,b\n-2,3.25,g\n0.1,4,g\n"),
        ("a.csv", "one;two;class\n1.5;0;b\n-2;3.25;g\n0.1;4;g\n"),
        ("a.csv", "\ufeff1.5, 0, b\r\n-2, 3.25, g\r\n\r\n0.1, 4, g"),
        ("a.tsv", "one\ttwo\tclass\n1.5\t0\tb\n-2\t3.25\tg\n0.1\t4\tg\n"),
        ("a.tsv", "one\ttwo\tclass\n  1.5  0 b\n -2   3.25 g\n  0.1  4 g\n"),
        ("a.svm", "0 1:1.5\n1 1:-2 2:3.25\n1 1:0.1 2:4\n"),
        ("a.libsvm", "0 1:1.5 # comment\n1 1:-2 2:3.25\n1 1:0.1 2:4\n"),
        ("a.t", "0 0:1.5\n1 0:-2 1:3.25\n1 0:0.1 1:4\n"),
        ("a.csv.gz", "1.5,0,0\n-2,3.25,1\n0.1,4,1\n"),
    ],
)
def test_text_formats_hold_the_same_data(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    content = text.encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    dataset = read_dataset(path)
    features = dataset.features
    assert np.array_equal(features.toarray() if sparse.issparse(features) else features, X)
    assert np.array_equal(dataset.targets, CLASSES)
    assert dataset.name == "a"
    assert str(path) in dataset.source
    assert ("b = 0, g = 1" in dataset.source) == ("g" in text)


def test_binary_formats_hold_the_same_data(tmp_path: Path) -> None:
    frame = pd.DataFrame({"one": X[:, 0], "two": X[:, 1], "class": ["b", "g", "g"]})
    frame.to_parquet(tmp_path / "a.parquet")
    np.savez(tmp_path / "a.npz", X=X, y=CLASSES.astype(int))
    np.savez(tmp_path / "b.npz", data=X, label=np.array(["b", "g", "g"]))
    savemat(tmp_path / "a.mat", {"X": X, "Y": CLASSES})
    savemat(tmp_path / "b.mat", {"points": sparse.csc_array(X), "labels": CLASSES[:, None]})
    for name in ("a.parquet", "a.npz", "b.npz", "a.mat", "b.mat"):
        dataset = read_dataset(tmp_path / name)
        assert sparse.issparse(dataset.features) == (name == "b.mat")
        dense = dataset.features.toarray() if name == "b.mat" else dataset.features
        assert np.array_equal(dense, X), name
        assert np.array_equal(dataset.targets, CLASSES), name


@pytest.mark.parametrize("target", ["two", 1, -2, "1"])
def test_target_by_name_or_position(tmp_path: Path, target: str | int) -> None:
    path = tmp_path / "a.csv"
    path.write_text("one,two,three\n1,2,3\n4,5,6\n")
    dataset = read_dataset(path, target=target)
    assert dataset.targets.tolist() == [2, 5]
    assert dataset.features.tolist() == [[1, 3], [4, 6]]


def test_header_of_numbers_must_be_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("0,1,2\n1,2,3\n4,5,6\n")
    assert read_dataset(path).features.shape == (3, 2)
    assert read_dataset(path, header=True).features.shape == (2, 2)


def test_decimals_are_read_to_the_last_bit(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((200, 3))
    path = tmp_path / "a.csv"
    path.write_text("\n".join(",".join(map(repr, row)) for row in values.tolist()))
    dataset = read_dataset(path)
    assert np.array_equal(np.column_stack([dataset.features, dataset.targets]), values)


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("a.xyz", b"1", r"unknown kind of file '.xyz'; known: .svm, .*\.mat, each also with .gz"),
        ("a", b"1", "unknown kind of file '\\(no suffix\\)'"),
        ("a.gz", b"1", "unknown kind of file '\\(no suffix\\)'"),
        ("a.csv", b"", "the file is empty"),
        ("a.csv", b" \n\n", "the file is empty"),
        ("a.csv", b"x,y\n", "no data row"),
        ("a.csv", b"1\n2\n", "no feature column beside the target"),
        ("a.csv", b"x,y\n1,0\nbig,1\n", "column 'x', data row 2 is 'big'; it must be a finite"),
        ("a.csv", b"1,2,0\n1,,1\n", "column '2', data row 2 is missing or NaN"),
        ("a.csv", b"1,2,0\n1,nan,1\n", "column '2', data row 2 is missing or NaN"),
        ("a.csv", b"x,y\n1,0\n-inf,1\n", "column 'x', data row 2 is '-inf'"),
        ("a.csv", b"x,y\n1,0\n2,\n", "target column 'y', data row 2 is missing"),
        ("a.csv", b"x,y\n1,a\n2,\n", "target column 'y', data row 2 is missing"),
        ("a.csv", b"x,y\n1,0.5\n2,1.5z\n", "'y' mixes numbers and text .data row 2 is '1.5z'"),
        ("a.csv", b"x,y\n1,3\n2,3\n", "every target is 3; two different ones are needed"),
        ("a.csv", b"x,y\n1,a\n2,a\n", "every target is 0; two different ones are needed"),
        ("a.csv", b"1,2,3\n1,2,3,4\n", "different numbers of cells .*line 2, saw 4"),
        ("a.csv", b"1,2,3\n1,2\n", "target column '3', data row 2 is missing"),
        ("a.csv", b"x,y\n1,2,3\n4,5,6\n", "header names 2 columns but the rows have 3"),
        ("a.csv", b"\xff\xfe\x00", "not a readable .csv file"),
        ("a.csv.gz", b"1,2\n", "not a complete .gz file"),
        ("a.csv.gz", gzip.compress(b"1,2\n3,4\n")[:-9], "not a complete .gz file"),
        ("a.csv.xz", b"1,2\n", "not a complete .xz file"),
        ("a.svm", b"g 1:2\n", "not a readable .svm file .*g"),
        ("a.svm", b"1 1:2\n-1 1:nan\n", "row 2, column 1 is NaN"),
        ("a.svm", b"1\n-1\n", r"no row has a feature \(index:value\)"),
        ("a.parquet", b"PAR1", "not a readable .parquet file"),
        ("a.npz", b"PK", "not a readable .npz file"),
        ("a.mat", b"MATLAB", "not a readable .mat file"),
    ],
)
def test_wrong_file_is_one_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        read_dataset(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"X": X}, "need a matrix X and a vector y, found X 3x2"),
        ({"X": X, "y": CLASSES[:2]}, "3 rows of features but 2 targets"),
        ({"a": X, "b": X, "c": CLASSES}, "found a 3x2, b 3x2, c 3"),
        ({"X": X + 1j, "y": CLASSES}, "variable 'X' holds complex128"),
        ({"X": X * np.nan, "y": CLASSES}, "row 1, column 1 is NaN"),
        ({"X": X.ravel(), "y": CLASSES}, "features must be"),
        ({"X": X[:, :0], "y": CLASSES}, "at least one row and one feature"),
        ({"X": X[:0], "y": CLASSES[:0]}, "at least one row and one feature"),
        ({"X": np.array([[object()]]), "y": CLASSES}, "not a readable .npz file"),
    ],
)
def test_wrong_arrays_are_one_line(
    tmp_path: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, **arrays)
    with pytest.raises(UserError, match=message) as error:
        read_dataset(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("missing.csv", {}, "missing.csv: no such file"),
        ("folder.csv", {}, "cannot be read .Is a directory"),
        ("a.csv", {"target": "z"}, "no column 'z' for the target; the columns are x, y"),
        ("a.csv", {"target": 2}, "no column at position 2; there are 2"),
        ("a.csv", {"regression": True}, "target column 'y', data row 1 is 'a'"),
        ("a.svm", {"target": 0}, "a .svm file has no columns to name"),
    ],
)
def test_wrong_option_is_one_line(
    tmp_path: Path, name: str, options: dict[str, object], message: str
) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "a.csv").write_text("x,y\n1,a\n2,b\n")
    (tmp_path / "a.svm").write_text("1 1:2\n")
    with pytest.raises(UserError, match=message) as error:
        read_dataset(tmp_path / name, **options)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)


def test_regression_sets_of_the_shared_folder(shared: Path) -> None:
    housing = read_dataset(shared / "libsvm" / "housing.csv.gz", regression=True)
    assert housing.features.shape == (506, 13)
    # Means printed in Harrison and Rubinfeld's data description: 22.53 thousand dollars.
    assert housing.targets.mean() == pytest.approx(22.53, abs=0.005)
    bodyfat = read_dataset(shared / "libsvm" / "bodyfat.tsv.gz", target="brozek")
    assert bodyfat.features.shape == (252, 18)
    assert bodyfat.targets[:2].tolist() == [12.6, 6.9]


@pytest.mark.parametrize(
    "file",
    [
        "banknote_authentication.csv.gz",
        "colon.mat",
        "heart_scale.svm.gz",
        "ionosphere.csv.gz",
        "mushrooms.svm.gz",
        "sonar.csv.gz",
    ],
)
def test_digests_of_the_truth_file(shared: Path, file: str) -> None:
    truth = json.loads((shared / "truth" / "margins.json").read_text())
    raw = two_classes(read_dataset(shared / "libsvm" / file))
    prepared = {"raw": raw, "std": prepare(raw), "std1": prepare(raw, intercept=True)}
    for preparation, dataset in prepared.items():
        expected = truth[f"{raw.name}|{preparation}"]
        dense = dataset.features
        dense = dense.toarray() if sparse.issparse(dense) else dense
        assert dense.shape == (expected["n"], expected["d"])
        parts = (np.array(dense.shape), dense, dataset.targets)
        digest = hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()
        # MATLAB's column order made the truth sum colon's columns in another order: only the
        # raw matrix can agree to the last bit.
        if file != "colon.mat" or preparation == "raw":
            assert digest == expected["sha256_prep"], f"{raw.name}|{preparation}"
