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
        ("a.data", "1.5,0,b\n-2,3.25,g\n0.1,4,g\n"),
        ("a.txt", "1.5 0 0\n-2 3.25 1\n0.1 4 1\n"),
        ("a.txt", "0 1:1.5\n1 1:-2 2:3.25\n1 1:0.1 2:4\n"),
        ("a.data", "\n# comment\n0\t1:1.5\n1 qid:7 1:-2 2:3.25 # end\n1 1:.1 2:4e0\n"),
        ("a.svmlight", "\ufeff+0 1:1.5\n1 1:-2 2:3.25\n1 1:0.1 2:4\n"),
        (
            "a.arff",
            "% old\n@RELATION r\n@ATTRIBUTE a REAL\n@attribute 'b c'\tnumeric\n"
            "@attribute k {b, 'g'}\n\n@DATA\n1.5, 0, b\n% note\n-2,3.25,'g'\n0.1,4,g\n",
        ),
        (
            "a.arff",
            "@attribute a real\n@attribute b real\n@attribute k real\n@data\n"
            "1.5\t0\t0\n-2\t3.25\t1\n0.1\t4\t1\n",
        ),
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
    assert dataset.labels == (("b", "g") if "g" in text else ())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
@pytest.mark.parametrize(
    "name, text",
    [
        ("a.txt", "one\ttwo\tclass\r\n1.5\t0\tä\r\n-2\t3.25\tö\r\n"),  # Excel's Unicode text
        ("a.csv", "one,two,class\n1.5,0,ä\n-2,3.25,ö\n"),
        ("a.svm", "1 1:1.5 # ä\n2 1:-2 2:3.25\n"),
        (
            "a.arff",
            "@attribute a real\n@attribute b real\n@attribute k {ä,ö}\n@data\n1.5,0,ä\n-2,3.25,ö\n",
        ),
    ],
)
def test_a_byte_order_mark_is_no_cell(tmp_path: Path, name: str, text: str, encoding: str) -> None:
    (tmp_path / name).write_bytes(text.encode(encoding))
    dataset = read_dataset(tmp_path / name)
    features = dataset.features
    assert np.array_equal(features.toarray() if name == "a.svm" else features, X[:2])
    assert dataset.labels == (() if name == "a.svm" else ("ä", "ö"))


@pytest.mark.parametrize(
    "name, kind, text",
    [
        ("a", "csv", "1.5,0,0\n-2,3.25,1\n0.1,4,1\n"),
        ("a.csv", "libsvm", "0 1:1.5\n1 1:-2 2:3.25\n1 1:0.1 2:4\n"),
        ("a.xyz", "tsv", "1.5\t0\t0\n-2\t3.25\t1\n0.1\t4\t1\n"),
    ],
)
def test_kind_names_the_format(tmp_path: Path, name: str, kind: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    features = read_dataset(tmp_path / name, kind=kind).features
    assert np.array_equal(features.toarray() if kind == "libsvm" else features, X)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".parquet", ".mat"])
def test_content_that_is_unmistakable_needs_no_suffix(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    table = np.column_stack([X, CLASSES])
    if suffix == ".npy":
        np.save(path, table)
    elif suffix == ".npz":
        np.savez(path, X=X, y=CLASSES)
    elif suffix == ".mat":
        savemat(path, {"X": X, "y": CLASSES})
    else:
        pd.DataFrame(table, columns=["a", "b", "y"]).to_parquet(path)
    dataset = read_dataset(path.rename(tmp_path / "a.1"))
    assert np.array_equal(dataset.features, X)
    assert np.array_equal(dataset.targets, CLASSES)
    assert dataset.name == "a.1"


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


def test_decimals_are_read_to_the_last_bit(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((200, 3))
    path = tmp_path / "a.csv"
    path.write_text("\n".join(",".join(map(repr, row)) for row in values.tolist()))
    dataset = read_dataset(path)
    assert np.array_equal(np.column_stack([dataset.features, dataset.targets]), values)


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("a.xyz", b"1", r"unknown kind of file '.xyz'; name its format: kind=csv\|.*\|mat"),
        ("a.xlsx", b"PK\x03\x04\xff", "unknown kind of file '.xlsx'"),
        ("a", b"1", "unknown kind of file '\\(no suffix\\)'"),
        ("a.gz", gzip.compress(b"1"), "unknown kind of file '\\(no suffix\\)'"),
        ("a.csv", b"", "the file is empty"),
        ("a.csv", b" \n\n", "the file is empty"),
        ("a.csv", b"x,y\n", "no data row"),
        ("a.csv", b"1\n2\n", "no feature column beside the target"),
        ("a.csv", b"x,y\n1,0\nbig,1\n", "line 3, column 'x' is 'big'; it must be a finite"),
        ("a.csv", b"1,2,0\n1,,1\n", "line 2, column '1' is missing"),
        ("a.csv", b"1,2,0\n1,nan,1\n", "line 2, column '1' is 'nan'"),
        ("a.csv", b"1,2,0\n\n1,NA,1\n", "line 3, column '1' is 'NA'"),
        ("a.csv", b"1,2,0\n1,1_0,1\n", "line 2, column '1' is '1_0'"),
        ("a.csv", b"1,2,0\n1,1e999,1\n", "line 2, column '1' is '1e999'"),
        ("a.csv", "1,2,0\n1,\u0661,1\n".encode(), "line 2, column '1' is '\u0661'"),
        ("a.csv", b'x,y\n1,"a\nb"\n2,c\nz,d\n', "line 5, column 'x' is 'z'"),
        ("a.csv", b'x,y\n1,a\n2,"b\n3,c\n', "line 4: .*quote is not closed"),
        ("a.csv", b'x,y\n1,a\n2,"b"c\n3,c\n', "line 3: a cell is not quoted"),
        ("a.csv", b"x,y,z\n1,a\n", "line 2 has 2 cells, not 3"),
        ("a.csv", b"x,y\n1,0\n-inf,1\n", "line 3, column 'x' is '-inf'"),
        ("a.csv", b"x,y\n1,0\n2,\n", "line 3, target column 'y' is missing"),
        ("a.csv", b"x,y\n1,a\n2,\n", "line 3, target column 'y' is missing"),
        ("a.csv", b"x,y\n1,0.5\n2,1.5z\n", "'y' mixes numbers and text .line 3 is '1.5z'"),
        ("a.csv", b"x,y\n1,3\n2,3\n", "every target is 3; two different ones are needed"),
        ("a.csv", b"x,y\n1,a\n2,a\n", "every target is a; two different ones are needed"),
        ("a.csv", b"1,2,3\n1,2,3,4\n", "line 2 has 4 cells, not 3"),
        ("a.csv", b"1,2,3\n1,2\n", "line 2 has 2 cells, not 3"),
        ("a.csv", b"x,y\n1,2,3\n4,5,6\n", "line 2 has 3 cells, not 2"),
        ("a.csv", b"\xff\xfe\x00", "line 1 is not UTF-16 text"),
        ("a.csv.gz", b"1,2\n", "not a complete .gz file"),
        ("a.csv.gz", gzip.compress(b"1,2\n3,4\n")[:-9], "not a complete .gz file"),
        ("a.csv.xz", b"1,2\n", "not a complete .xz file"),
        ("a.svm", b"g 1:2\n", "line 1: the target is 'g'"),
        ("a.svm", b"1 1:2\n-1 1:nan\n", "line 2: '1:nan' must be index:value"),
        ("a.svm", b"1 1:2\n# x\n-1 2:1 2:3\n", "line 3: index 2 after 2; indices must ascend"),
        ("a.svm", b"1 1:2\n-1 -1:3\n", "line 2: '-1:3' must be index:value"),
        ("a.svm", b"1 1:2\n-1 2:\n", "line 2: '2:' must be index:value"),
        ("a.svm", b"1 1:2\n-1 2:3:4\n", "line 2: '2:3:4' must be index:value"),
        ("a.svm", b"1 1:2\n-1 2\n", "line 2: '2' must be index:value"),
        ("a.svm", b"1 1:2\n-1 1:1_0\n", "line 2: '1:1_0' must be index:value"),
        ("a.svm", b"1 1:2\n1,2 1:3\n", "line 2: the target is '1,2'"),
        ("a.svm", b"1 1:2\n-1 99999999999:3\n", "line 2: index 99999999999 is larger than"),
        ("a.svm", b"1\n-1\n", r"no row has a feature \(index:value\)"),
        ("a.parquet", b"PAR1", "not a readable parquet file"),
        ("a.npz", b"PK", "not a readable npz file"),
        ("a.npy", b"\x93NUMPY", "not a readable npy file"),
        ("a.mat", b"MATLAB", "not a readable MATLAB file"),
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
        ({"X": X, "y": CLASSES + 1j}, "target column 'y' is complex"),
        ({"X": X * np.nan, "y": CLASSES}, "row 1, column 1 is NaN"),
        ({"X": X.ravel(), "y": CLASSES}, "variable 'X' is 6; it must be a matrix"),
        ({"X": X, "y": X}, "variable 'y' is 3x2; it must be a vector"),
        ({"x_train": X[None], "y_train": CLASSES}, "variable 'x_train' is 1x3x2; it must be a"),
        ({"X": X[:, :0], "y": CLASSES}, "at least one row and one feature"),
        ({"X": X[:0], "y": CLASSES[:0]}, "at least one row and one feature"),
        ({"X": np.array([[object()]]), "y": CLASSES}, "variable 'X' holds Python objects"),
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
        ("folder.csv", {}, "cannot be read"),
        ("a.csv", {"target": "z"}, "no column 'z' for the target; the columns are x, y"),
        ("a.csv", {"regression": True}, "line 2, target column 'y' is 'a'"),
        ("a.svm", {"target": 0}, "option target has no meaning for LIBSVM"),
        ("a.svm", {"header": False}, "option header has no meaning for LIBSVM"),
        ("a.csv", {"kind": "xls"}, "unknown kind 'xls'; known: csv, "),
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
