"""What ARFF, Parquet, NumPy and SciPy files may hold besides numbers, and options of problems."""

from __future__ import annotations

import gzip
import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from optbench.data import read_dataset, two_classes
from optbench.errors import UserError
from optbench.registry import load_registry
from optbench.study import build_instances

X = np.array([[1.5, 0.0], [-2.0, 3.25], [0.1, 4.0]])
CLASSES = np.array([0.0, 1.0, 1.0])
HEADER = "@relation r\n@attribute a real\n@attribute k {x,y}\n@data\n"


@pytest.mark.parametrize(
    "declared, cells, labels",
    [
        ("{1,2,'>2'}", ("1", "'>2'", "2"), ("1", "2", ">2")),  # declared: no typing error
        ("string", ('"it\'s"', "b", "'c, d'"), ("b", "c, d", "it's")),
        ("{'it\\'s',b}", ("'it\\'s'", "b", "b"), ("b", "it's")),
        ("date yyyy-MM-dd", ("2020-01-02", "2020-01-02", "2021-01-02"), None),
    ],
)
def test_arff_labels(tmp_path: Path, declared: str, cells: Any, labels: Any) -> None:
    path = tmp_path / "a.arff"
    rows = "".join(f"{k},{cell}\n" for k, cell in zip((3, 1, 2), cells, strict=True))
    path.write_text(f"@relation r\n@attribute a real\n@attribute k {declared}\n@data\n{rows}")
    dataset = read_dataset(path)
    assert dataset.features.tolist() == [[3], [1], [2]]
    assert dataset.labels == (labels or ("2020-01-02", "2021-01-02"))
    with pytest.raises(UserError, match=r"line \d, target column 'k' is"):
        read_dataset(path, regression=True)


@pytest.mark.parametrize(
    "text, message",
    [
        (HEADER + "1,x\n2,z\n", "line 6, attribute 'k' is 'z', which is not declared; .* x, y"),
        (HEADER + "1,x\n?,y\n", "line 6, column 'a' is missing"),
        (HEADER + "1,x\n2,?\n", "line 6, target column 'k' is missing"),
        (HEADER + "1,x\n\n% note\n2,y,y\n", "line 8 has 3 cells, not 2"),
        (HEADER + "1,x\n{0 1, 1 y}\n", "line 6 is sparse ARFF"),
        (HEADER + "1,x\n1,'y\n", "line 6: a quote is not closed"),
        (HEADER, "no data row"),
        ("@relation r\n@attribute a real\n", "no line @data"),
        (
            "@relation r\n@attribute a complex\n@data\n",
            "line 2, attribute 'a' is of type 'complex'",
        ),
        ("@relation r\n@attribute a\n@data\n", "line 2 must be @attribute NAME TYPE"),
        ("@relation r\nattribute a real\n@data\n", "line 2 begins with 'attribute'"),
        (HEADER.replace(" k ", " a ") + "1,x\n2,y\n", "columns 0 and 1 are both called 'a'"),
    ],
)
def test_wrong_arff_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.arff").write_text(text)
    with pytest.raises(UserError, match=message):
        read_dataset(tmp_path / "a.arff")


@pytest.mark.parametrize(
    "column, message",
    [
        (pd.to_datetime(["2020-01-01", "2020-01-02", None]), "column 'a' is the date '2020-01-01"),
        ([1.0, None, 2.0], "row 2, column 'a' is missing"),
        (pd.array([1, None, 2], dtype="Int64"), "row 2, column 'a' is missing"),
        ([1.0, np.inf, 2.0], "row 2, column 'a' is inf"),
        (["1", "2", "x"], "row 3, column 'a' is 'x'"),
        ([[1.0], [2.0], [3.0]], "row 1, column 'a' is"),
    ],
)
def test_wrong_columns_of_parquet(tmp_path: Path, column: Any, message: str) -> None:
    path = tmp_path / "a.parquet"
    pd.DataFrame({"a": column, "y": CLASSES}).to_parquet(path)
    with pytest.raises(UserError, match=message):
        read_dataset(path)


def test_parquet_columns_of_pandas_types(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "a": pd.array([1, 2, 3], dtype="Int64"),
            "b": pd.array([True, False, True], dtype="boolean"),
            "c": pd.Categorical([0.5, 1.5, 0.5]),
            "y": pd.Categorical(["NA", "None", "NA"]),
        },
        index=pd.Index([7, 8, 9], name="index"),
    )
    frame.to_parquet(tmp_path / "a.parquet")
    dataset = read_dataset(tmp_path / "a.parquet")
    assert dataset.features.tolist() == [[1, 1, 0.5], [2, 0, 1.5], [3, 1, 0.5]]
    assert dataset.labels == ("NA", "None")
    frame.drop(columns="y").to_parquet(tmp_path / "a.parquet")
    assert read_dataset(tmp_path / "a.parquet", target="b").labels == ("False", "True")
    frame["Unnamed: 0"] = [0, 1, 2]
    frame.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"column 4 has no name \('Unnamed: 0'\)"):
        read_dataset(tmp_path / "a.parquet", target="y")


def test_npy_of_records_and_of_text(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    records = np.array(
        [(1.5, "b", 0), (-2.0, "a", 3)], dtype=[("f", "f8"), ("k", "U1"), ("g", "i4")]
    )
    np.save(path, records)
    dataset = read_dataset(path, target="k")
    assert dataset.features.tolist() == [[1.5, 0], [-2, 3]]
    assert dataset.labels == ("a", "b")
    np.save(path, np.array([["1.5", "b"], ["2", "a"]]))
    assert read_dataset(path).features.tolist() == [[1.5], [2]]


@pytest.mark.parametrize(
    "array, message",
    [
        (X.ravel(), "the array is 6; it must be a matrix"),
        (X + 1j, "column '0' is complex"),
        (X[:, :1], "no feature column beside the target"),
        (X[:0], "no data row"),
        (X * [np.nan, 1], "row 1, column '0' is nan"),
        (np.array([["2020-01-01", "2020-01-02"]] * 2, "M8[D]"), "column '0' holds dates"),
        (np.array([[object(), 1]]), "not a readable npy file"),
    ],
)
def test_wrong_npy_is_one_line(tmp_path: Path, array: Any, message: str) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(UserError, match=message):
        read_dataset(tmp_path / "a.npy")


def test_npz_beside_what_is_not_needed(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    extra = {"names": np.array(["a", None]), "seed": np.array(3), "X_test": X, "y_test": CLASSES}
    np.savez(path, X_train=X, y_train=CLASSES, **extra)
    dataset = read_dataset(path)
    assert np.array_equal(dataset.features, X)
    assert np.array_equal(dataset.targets, CLASSES)
    assert "features X_train, targets y_train" in dataset.source
    np.savez(path, X=X, x=CLASSES, Y=X, y=CLASSES)
    assert np.array_equal(read_dataset(path).features, X)
    np.savez(path, x=X, Y=CLASSES)
    assert np.array_equal(read_dataset(path).features, X)
    np.savez(path, X=X, y=np.array(["a", None, "b"]))
    with pytest.raises(UserError, match=r"'y' holds Python objects.*y\.astype\(str\)"):
        read_dataset(path)


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "bsr"])
def test_indices_outside_of_a_sparse_matrix_are_not_followed(tmp_path: Path, kind: str) -> None:
    """SciPy's conversions read and write wherever the indices say."""
    path = tmp_path / "a.npz"
    sparse.save_npz(path, sparse.csr_array(np.column_stack([X, CLASSES])).asformat(kind))
    with np.load(path) as archive:
        parts = dict(archive)
    name = "col" if kind == "coo" else "indices"
    parts[name] = parts[name].copy()
    parts[name][-1] = 2**30
    np.savez(path, **parts)
    with pytest.raises(UserError):
        read_dataset(path)


def contents() -> dict[str, bytes]:
    """One small file of each format that is read in this process."""
    made = {name: io.BytesIO() for name in ("a.parquet", "a.npy", "a.npz", "sparse.npz")}
    frame = pd.DataFrame({"a": X[:, 0], "k": ["x", "y", "y"], "t": pd.to_datetime(["2020"] * 3)})
    frame.to_parquet(made["a.parquet"])
    np.save(made["a.npy"], X)
    np.savez(made["a.npz"], X=X, y=np.array(["x", "y", "y"]))
    sparse.save_npz(made["sparse.npz"], sparse.csr_array(X), compressed=False)
    texts = {
        "a.csv": 'a,b,"c d"\n1,2,x\n3,4,"y,z"\n',
        "a.txt": "a b\n1 2\n3 4\n",
        "a.svm": "1 1:2 3:4.5\n-1 qid:1 2:1e3 # c\n",
        "a.arff": HEADER + "1,x\n2,'y'\n",
    }
    found = {name: buffer.getvalue() for name, buffer in made.items()}
    found |= {name: text.encode() for name, text in texts.items()}
    return found | {"a.csv.gz": gzip.compress(found["a.csv"])}


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("name", list(contents()))
def test_damaged_files_are_data_or_one_line(
    name: str, count: int, tmp_path: Path, damaged: Any
) -> None:
    generator, content = random.Random(name), contents()[name]
    for _ in range(count):
        (tmp_path / name).write_bytes(damaged(content, generator))
        try:
            said = read_dataset(tmp_path / name).source
        except UserError as error:
            said = str(error)
        assert said.isprintable()


def build(text: str) -> Any:
    return build_instances(load_registry(), text, 1)[0][0]


def test_problems_hand_on_how_a_file_is_read(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows").write_text("0,1,2\n3,5,8\n-1,1,7\n6,-3,2\n")
    linear = "linear_regression:data=./rows,kind=csv"
    assert build(f"{linear},header=false").features.shape == (4, 2)
    assert build(f"{linear},header=true").features.shape == (3, 2)
    assert build(linear).features.shape == (3, 2)
    problem = load_registry().problem("linear_regression")
    assert problem.build(data="./rows", kind="csv", header=False).features.shape == (4, 2)
    wrong = {
        "kind=csv,target=3": "positions are 0 to 2",
        "kind=xls": "kind=xls; known: csv, ",
        "kind=csv,header=maybe": "header=maybe; known: auto, true",
    }
    for option, message in wrong.items():
        with pytest.raises(UserError, match=message):
            build(f"linear_regression:data=./rows,{option}")
    Path("labels.csv").write_text("a,b,k\n1,2,None\n-2,1,NA\n1.5,0.5,None\n-1,3,NA\n")
    logistic = "logistic_regression:data=labels.csv,standardize=false"
    assert build(f"{logistic},positive=None").targets.tolist() == [1, -1, 1, -1]
    assert build(f"{logistic},positive=NA").targets.tolist() == [-1, 1, -1, 1]
    with pytest.raises(UserError, match=r"positive=0, 1 or 2$"):
        build("logistic_regression:data=iris")
    assert set(two_classes(read_dataset("labels.csv"), "NA").targets) == {-1.0, 1.0}
