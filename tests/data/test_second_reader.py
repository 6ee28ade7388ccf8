"""Each reader against a second implementation, on files that hypothesis makes.

pandas reads CSV, scikit-learn LIBSVM, SciPy ARFF and MATLAB files, pyarrow Parquet; NumPy's and
SciPy's own formats hold the arrays they were written from. All numbers must be equal: each reader
rounds a decimal to the nearest float64, or copies bits.
"""

from __future__ import annotations

import csv
import io
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from scipy import sparse
from scipy.io import arff, loadmat, savemat
from sklearn.datasets import load_svmlight_file

from optbench.data import read_dataset
from optbench.data.formats import matlab, matlab_process
from optbench.data.formats.content import ReadOptions
from optbench.data.formats.libsvm import read_libsvm
from optbench.errors import UserError

examples = pytest.mark.parametrize(
    "count", [300, pytest.param(10_000, marks=pytest.mark.exhaustive)], ids=["quick", "slow"]
)

numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(10**20), 10**20).map(float),
    st.sampled_from([0.0, -0.0, 5e-324, 1.7976931348623157e308, 0.1, 2.0**53 + 2]),
)
written = st.sampled_from(["{!r}", "{:.17g}", "{:+.17E}", " {!r} "])
letters = st.text("abcxyz", min_size=1, max_size=4)
# Marks of delimited text inside a label; the first letter keeps it from being a number or blank.
labels = st.text("ab,;\"' \n\t#%?é_1", max_size=5).map(lambda text: ("c" + text).strip())


@st.composite
def tables(draw: Any, classes: Any = None) -> tuple[list[list[float]], list[Any]]:
    """Rows of features, and targets of which two differ: numbers or texts."""
    rows, columns = draw(st.integers(2, 5)), draw(st.integers(1, 4))
    row = st.lists(numbers, min_size=columns, max_size=columns)
    features = draw(st.lists(row, min_size=rows, max_size=rows))
    target = st.lists(numbers if classes is None else classes, min_size=rows, max_size=rows)
    return features, draw(target.filter(lambda found: len(set(found)) > 1))


def same(dataset: Any, features: Any, targets: Any) -> None:
    """Equal numbers, and equal signs of zeros where they are dense."""
    found = dataset.features
    found = found if isinstance(found, np.ndarray) else found.toarray()
    assert found.dtype == np.float64 and dataset.targets.dtype == np.float64
    assert np.array_equal(found, np.asarray(features, dtype=np.float64))
    if dataset.labels:
        texts = [dataset.labels[int(k)] for k in dataset.targets]
        assert texts == list(targets) and list(dataset.labels) == sorted(set(texts))
    else:
        assert np.array_equal(dataset.targets, np.asarray(targets, dtype=np.float64))


@examples
def test_csv_is_what_pandas_reads(count: int, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"

    @settings(max_examples=count, deadline=None)
    @given(st.one_of(tables(), tables(labels)), written, st.booleans(), st.data())
    def check(table: Any, form: str, header: bool, data: st.DataObject) -> None:
        features, targets = table
        rows = [
            [*(form.format(x) for x in row), y if isinstance(y, str) else form.format(y)]
            for row, y in zip(features, targets, strict=True)
        ]
        width = len(rows[0])
        name_list = st.lists(letters, min_size=width, max_size=width, unique=True)
        names = data.draw(name_list) if header else list(range(width))
        plain = not any(isinstance(y, str) for y in targets)  # other delimiters stand in labels
        delimiter = data.draw(st.sampled_from(",;\t" if plain else ","))
        text = io.StringIO(newline="")
        writer = csv.writer(
            text, delimiter=delimiter, lineterminator=data.draw(st.sampled_from(["\n", "\r\n"]))
        )
        writer.writerows([names, *rows] if header else rows)
        path.write_text(text.getvalue(), encoding="utf-8", newline="")
        position = data.draw(st.integers(-width, width - 1)) if plain else width - 1
        target = names[position] if header and data.draw(st.booleans()) else position

        second = pd.read_csv(
            path, sep=delimiter, header=0 if header else None, dtype=str, keep_default_na=False
        )
        second_target = second.pop(names[position])
        expected = second_target.str.strip() if not plain else second_target.map(float)
        if len(set(expected)) == 1:
            with pytest.raises(UserError, match="every target is"):
                read_dataset(path, target=target, header=header)
        else:
            dataset = read_dataset(path, target=target, header=header)
            same(dataset, second.map(float), expected)

    check()


@examples
def test_a_wrong_cell_of_a_csv_file_is_named(count: int, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    junk = st.sampled_from(["", "NA", "nan", "-inf", "1_0", "0x1", "1e999", "1,5", "x", "٣", "--1"])

    @settings(max_examples=count, deadline=None)
    @given(tables(), junk, st.data())
    def check(table: Any, wrong: str, data: st.DataObject) -> None:
        features, targets = table
        row = data.draw(st.integers(0, len(features) - 1))
        column = data.draw(st.integers(0, len(features[0]) - 1))
        cells: list[list[Any]] = [list(map(repr, values)) for values in features]
        cells[row][column] = wrong
        blank = data.draw(st.integers(0, 2))
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write("\n" * blank)
            writer = csv.writer(file)
            writer.writerow([*(f"f{k}" for k in range(len(features[0]))), "y"])
            writer.writerows([*values, y] for values, y in zip(cells, targets, strict=True))
        with pytest.raises(UserError, match=f"line {blank + row + 2}, column 'f{column}' is"):
            read_dataset(path)

    check()


@st.composite
def libsvm_lines(draw: Any) -> str:
    """Lines of LIBSVM files as people write them, with and without features."""
    lines = []
    form = draw(written).strip()
    for _ in range(draw(st.integers(1, 6))):
        found = draw(st.lists(st.integers(0, 40), unique=True, max_size=5).map(sorted))
        pairs = [f"{index}:{form.format(draw(numbers))}" for index in found]
        query = draw(st.sampled_from([[], ["qid:3"]]))
        gap = draw(st.sampled_from([" ", "\t", "  "]))
        lines.append(gap.join([form.format(draw(numbers)), *query, *pairs]))
        lines += draw(st.sampled_from([[], [""], ["# 3:4"]]))
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines)


@examples
def test_libsvm_is_what_scikit_learn_reads(count: int) -> None:
    @settings(max_examples=count, deadline=None)
    @given(st.one_of(libsvm_lines(), st.text("123:.+-e# \t\n_", max_size=30)))
    def check(text: str) -> None:
        content = text.encode()
        try:
            features, targets = load_svmlight_file(io.BytesIO(content), dtype=np.float64)
        except (ValueError, OverflowError):
            features = None
        try:
            found = read_libsvm(content, ReadOptions())
        except UserError:
            # Refused: what scikit-learn refuses, no feature at all, 1_0, and what is not finite.
            assert (
                features is None
                or features.nnz == 0
                or "_" in text
                or not np.isfinite([*features.data, *targets]).all()
                or features.shape[1] >= 2**31 - 1
            )
            return
        assert features is not None
        assert found.features.shape == features.shape
        assert np.array_equal(found.targets, targets)
        for part in ("data", "indices", "indptr"):
            assert np.array_equal(getattr(found.features, part), getattr(features, part))

    check()


@examples
def test_arff_is_what_scipy_reads(count: int, tmp_path: Path) -> None:
    path = tmp_path / "a.arff"

    @settings(max_examples=count, deadline=None)
    @given(st.one_of(tables(), tables(letters)), written, st.data())
    def check(table: Any, form: str, data: st.DataObject) -> None:
        features, targets = table
        kind = data.draw(st.sampled_from(["numeric", "REAL"]))
        declared = kind
        if isinstance(targets[0], str):
            declared = (
                "{" + data.draw(st.sampled_from([",", ", "])).join(sorted(set(targets))) + "}"
            )
        lines = [f"@attribute 'f {k}' {kind}" for k in range(len(features[0]))]
        lines = ["% comment", "@relation r", "", *lines, f"@attribute y {declared}", "@data"]
        for row, y in zip(features, targets, strict=True):
            lines += data.draw(st.sampled_from([[], [""], ["% 1,2"]]))
            last = y if isinstance(y, str) else form.format(y)
            lines.append(",".join([*(form.format(x) for x in row), last]))
        path.write_text("\n".join(lines))
        second, meta = arff.loadarff(path)
        expected = [y.decode() if isinstance(y, bytes) else y for y in second["y"]]
        others = [second[name].tolist() for name in meta.names()[:-1]]
        same(read_dataset(path), np.array(others).T, expected)

    check()


@examples
def test_parquet_is_what_pyarrow_reads(count: int, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    kinds = st.sampled_from([np.float64, np.float32, np.int64, np.uint8, np.bool_])

    @settings(max_examples=count, deadline=None)
    @given(st.one_of(tables(), tables(labels)), st.data())
    def check(table: Any, data: st.DataObject) -> None:
        features, targets = table
        columns: dict[str, Any] = {"y": pa.array(targets)}
        for k in range(len(features[0])):
            drawn = data.draw(arrays_of.arrays(data.draw(kinds), len(targets)))
            columns[f"f{k}"] = pa.array(drawn)
        pyarrow.parquet.write_table(pa.table(columns), path)
        second = pyarrow.parquet.read_table(path).to_pydict()
        expected = second.pop("y")
        rows = np.array(list(second.values()), dtype=np.float64).T
        if np.isfinite(rows).all():
            same(read_dataset(path, target="y"), rows, expected)
        else:
            with pytest.raises(UserError, match=r"row \d, column 'f\d' is ('?-?(nan|inf)|missing)"):
                read_dataset(path, target="y")

    check()


matrices = arrays_of.arrays(
    st.sampled_from([np.float64, np.float32, np.int32, np.uint16, np.bool_]),
    st.tuples(st.integers(2, 5), st.integers(2, 5)),
    elements=None,
    fill=st.nothing(),
).filter(lambda a: bool(np.isfinite(a.astype(float)).all()))


@examples
def test_numpy_files_hold_the_arrays(count: int, tmp_path: Path) -> None:
    @settings(max_examples=count, deadline=None)
    @given(matrices, st.sampled_from(["X y", "x_train y_train", "points class"]), st.data())
    def check(matrix: Any, names: str, data: st.DataObject) -> None:
        rows, width = matrix.shape
        targets = np.arange(rows) % 2
        position = data.draw(st.integers(0, width - 1))
        table = matrix.astype(np.float64)
        table[:, position] = targets
        np.save(tmp_path / "a.npy", np.asarray(table, order=data.draw(st.sampled_from("CF"))))
        rest = np.delete(table, position, axis=1)
        same(read_dataset(tmp_path / "a.npy", target=position), rest, targets)
        kind = data.draw(st.sampled_from(["csr", "csc", "coo", "bsr", "dia"]))
        sparse.save_npz(tmp_path / "s.npz", sparse.coo_array(table).asformat(kind))
        found = read_dataset(tmp_path / "s.npz", target=position)
        assert sparse.issparse(found.features)
        same(found, rest, targets)
        x, y = names.split()
        texts = np.array(["b", "a"])[targets]
        np.savez(
            tmp_path / "a.npz", **{x: matrix, y: texts.astype(data.draw(st.sampled_from("US")))}
        )
        same(read_dataset(tmp_path / "a.npz"), matrix, texts)

    check()


@examples
def test_matlab_files_hold_what_scipy_reads(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the child process, whose start would take most of the time."""
    path = tmp_path / "a.mat"
    monkeypatch.setattr(
        matlab, "_convert", lambda given, out, _: matlab_process.main(str(given), str(out))
    )

    @settings(max_examples=count, deadline=None)
    @given(matrices, st.sampled_from(["4", "5"]), st.booleans(), st.booleans(), st.booleans())
    def check(matrix: Any, version: str, packed: bool, is_sparse: bool, text: bool) -> None:
        wide = matrix.astype(np.float64)
        targets = np.arange(len(wide)) % 2
        y = np.array(["no", "yes"])[targets] if text else targets.astype(np.float64)
        x = sparse.csc_array(wide) if is_sparse else wide if version == "4" else matrix
        savemat(path, {"X": x, "y": y}, format=version, do_compression=packed and version == "5")
        second = loadmat(path)
        dense = second["X"].toarray() if is_sparse else second["X"]
        found = read_dataset(path)
        assert sparse.issparse(found.features) == is_sparse
        expected = [str(label).strip() for label in np.ravel(second["y"])]
        same(found, dense, expected if text else np.ravel(second["y"]))

    check()


@pytest.mark.parametrize("kind", ["libsvm", "npz"])
def test_sparse_data_stays_sparse(kind: str, tmp_path: Path) -> None:
    """Of a billion columns one row of truth values would be 1 GB; there are six numbers."""
    width, targets = 10**9, [1.0, -1.0, 1.0]
    columns = [0, width - 1] * 3
    matrix = sparse.csr_array((np.arange(1.0, 7.0), ([0, 0, 1, 1, 2, 2], columns)), (3, width))
    path = tmp_path / f"a.{kind}"
    if kind == "libsvm":
        lines = [f"{y:g} 1:{2 * k + 1} {width}:{2 * k + 2}" for k, y in enumerate(targets)]
        path.write_text("\n".join(lines))
    else:
        beside = sparse.csr_array(np.array(targets)[:, None])
        sparse.save_npz(path, sparse.hstack([matrix, beside], format="csr"))
    tracemalloc.start()
    read = read_dataset(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (read.features != matrix).nnz == 0
    assert read.targets.tolist() == targets
    assert peak < 1e8
