"""MATLAB files: text labels, v7.3, and damaged ones, which must not end the process."""

from __future__ import annotations

import builtins
import contextlib
import io
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy import sparse
from scipy.io import savemat

from optbench.data import read_dataset
from optbench.data.formats import matlab, matlab_process
from optbench.data.formats.arrays import pick
from optbench.data.formats.content import ReadOptions
from optbench.errors import UserError

X = np.array([[1.5, 0.0], [-2.0, 3.25], [0.1, 4.0]])
Y = np.array([0.0, 1.0, 1.0])
TEXTS = ["neg", "pos", "pos"]


def cell(texts: list[str]) -> Any:
    array = np.empty((len(texts), 1), dtype=object)
    array[:, 0] = texts
    return array


class File73:
    """Write a file as MATLAB's ``save -v7.3`` does: columns first, texts as 16-bit characters."""

    def __init__(self, path: Path) -> None:
        self.file = h5py.File(path, "w", userblock_size=512)
        self.path = path

    def __enter__(self) -> File73:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()
        with open(self.path, "r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")

    def array(self, name: str, values: Any, kind: str = "double") -> Any:
        item = self.file.create_dataset(name, data=np.atleast_2d(values).T)
        item.attrs["MATLAB_class"] = np.bytes_(kind)
        return item

    def text(self, name: str, rows: list[str]) -> Any:
        codes = [[ord(c) for c in row.ljust(max(map(len, rows)))] for row in rows]
        return self.array(name, np.array(codes, np.uint16), "char")

    def cell(self, name: str, items: list[Any]) -> None:
        references = np.array([[item.ref for item in items]], dtype=h5py.ref_dtype)
        item = self.file.create_dataset(name, data=references)
        item.attrs["MATLAB_class"] = np.bytes_("cell")

    def sparse(self, name: str, matrix: Any) -> None:
        columns = sparse.csc_array(matrix)
        group = self.file.create_group(name)
        group.attrs["MATLAB_class"] = np.bytes_("double")
        group.attrs["MATLAB_sparse"] = np.uint64(columns.shape[0])
        group["jc"] = columns.indptr.astype(np.uint64)
        if columns.nnz:
            group["data"], group["ir"] = columns.data, columns.indices.astype(np.uint64)


@pytest.mark.parametrize("version", ["4", "5"])
def test_text_labels(tmp_path: Path, version: str) -> None:
    """As a matrix of characters, padded with blanks, and as a cell array of texts."""
    for labels in (np.array(["no", "yes", "yes"]), cell(["no", "yes", "yes"])):
        if version == "4" and labels.dtype == object:
            continue  # a later invention
        savemat(tmp_path / "a.mat", {"X": X, "y": labels}, format=version)
        dataset = read_dataset(tmp_path / "a.mat")
        assert np.array_equal(dataset.features, X)
        assert np.array_equal(dataset.targets, Y)
        assert dataset.labels == ("no", "yes")


def test_a_text_beside_a_matrix_and_a_vector_is_neither(tmp_path: Path) -> None:
    others = {
        "name": "three points",
        "rate": 0.5,
        "history": {"a": 1.0},
        "box": np.zeros((2, 2, 2)),
    }
    savemat(tmp_path / "a.mat", {"points": X, "class": Y, **others})
    dataset = read_dataset(tmp_path / "a.mat")
    assert np.array_equal(dataset.features, X)
    assert np.array_equal(dataset.targets, Y)
    assert "features points, targets class" in dataset.source


@pytest.mark.parametrize(
    "variables, message",
    [
        ({"X": X, "y": {"a": 1.0}}, "variable 'y' holds a structure"),
        ({"X": X, "y": cell(["a", "b", 1.0])}, "variable 'y' holds a cell array of something else"),
        ({"X": X, "y": cell(["a", "b", ""])}, "row 3, target column 'y' is missing"),
        ({"X": sparse.csc_array(X + 1j), "y": Y}, "sparse matrix holds complex128"),
        ({"a": X}, "need a matrix X and a vector y, found a 3x2"),
    ],
)
def test_what_is_no_array_is_said(tmp_path: Path, variables: Any, message: str) -> None:
    savemat(tmp_path / "a.mat", variables)
    with pytest.raises(UserError, match=message):
        read_dataset(tmp_path / "a.mat")


def test_version_73_dense(tmp_path: Path) -> None:
    with File73(tmp_path / "a.mat") as file:
        file.array("X", X)
        file.array("y", Y[:, None], "logical")
    dataset = read_dataset(tmp_path / "a.mat")
    assert np.array_equal(dataset.features, X)
    assert np.array_equal(dataset.targets, Y)


def test_version_73_text_and_sparse(tmp_path: Path) -> None:
    for way in ("cell", "characters"):
        with File73(tmp_path / "a.mat") as file:
            file.sparse("X", X)
            if way == "cell":
                file.cell("y", [file.text(f"#refs#/{k}", [t]) for k, t in enumerate(TEXTS)])
            else:
                file.text("y", [text[: k + 2] for k, text in zip((0, 1, 1), TEXTS, strict=True)])
        dataset = read_dataset(tmp_path / "a.mat")
        assert sparse.issparse(dataset.features)
        assert np.array_equal(dataset.features.toarray(), X)
        assert np.array_equal(dataset.targets, Y)
        assert dataset.labels == (("neg", "pos") if way == "cell" else ("ne", "pos"))


def test_version_73_without_h5py(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    with File73(tmp_path / "a.mat") as file:
        file.array("X", X)
    imported = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "h5py":
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SystemExit) as error:
        matlab_process.main(str(tmp_path / "a.mat"), str(tmp_path / "out.npz"))
    assert error.value.code == matlab.NO_PACKAGE
    assert "pip install 'optbench[hdf5]'" in capsys.readouterr().err


def test_version_73_of_other_classes_is_said(tmp_path: Path) -> None:
    for kind, message in (("string", "a MATLAB object"), ("categorical", "a MATLAB object")):
        with File73(tmp_path / "a.mat") as file:
            file.array("X", X)
            file.array("y", Y.astype(np.uint32), kind)
        with pytest.raises(UserError, match=f"variable 'y' holds {message}"):
            read_dataset(tmp_path / "a.mat")


def test_rows_that_no_target_has_take_no_memory(tmp_path: Path) -> None:
    with File73(tmp_path / "a.mat") as file:
        file.sparse("X", X)
        file.file["X"].attrs["MATLAB_sparse"] = np.uint64(10**14)
        file.array("y", Y)
    with pytest.raises(UserError, match="100000000000000 rows of features but 3 targets"):
        read_dataset(tmp_path / "a.mat")


def valid(version: str, folder: Path) -> bytes:
    """One small file of each kind that a fuzzer is to damage."""
    path = folder / "valid.mat"
    if version == "7.3":
        with File73(path) as file:
            file.sparse("X", X)
            file.cell("y", [file.text(f"#refs#/{k}", [t]) for k, t in enumerate(TEXTS)])
        return path.read_bytes()
    variables = (
        {"X": sparse.csc_array(X), "y": Y}
        if version == "4"
        else {"X": sparse.csc_array(X), "z": X, "y": cell(TEXTS), "s": {"a": np.array(TEXTS)}}
    )
    buffer = io.BytesIO()
    savemat(buffer, variables, format=version[0], do_compression=version == "5z")
    return buffer.getvalue()


READ_ALL = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import matlab_process
matlab_process.limit_memory(sys.argv[2])
for given in sys.argv[2:]:
    print(given, flush=True)
    try:
        matlab_process.main(given, given + ".npz")
    except (Exception, SystemExit):
        Path(given + ".npz").unlink(missing_ok=True)
"""


def read_all(files: list[Path]) -> list[Path]:
    """Read files in a process, begun again after each one that ends it; return those."""
    fatal: list[Path] = []
    while files:
        command = [sys.executable, "-c", READ_ALL, str(matlab.READER.parent), *map(str, files)]
        child = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if not child.returncode:
            break
        last = files.index(Path(child.stdout.splitlines()[-1]))
        fatal.append(files[last])
        files = files[last + 1 :]
    return fatal


def damage_and_read(version: str, count: int, folder: Path, damaged: Any) -> None:
    """Damage a file in many ways: each must be data or a UserError, in the child and after it."""
    generator = random.Random(version)
    content = valid(version, folder)
    for start in range(0, count, 500):
        files = [folder / f"{k}.mat" for k in range(start, min(start + 500, count))]
        for file in files:
            file.write_bytes(damaged(content, generator))
        fatal = read_all(files)
        for file in files:
            arrays = file.with_name(file.name + ".npz")
            if file in fatal[:3]:
                with pytest.raises(UserError, match="not a readable MATLAB file"):
                    read_dataset(file)
            elif arrays.exists() and file not in fatal:
                with contextlib.suppress(UserError):
                    pick(*matlab._variables(arrays), ReadOptions())


@pytest.mark.parametrize("y", [Y, Y[:2]])
def test_names_of_a_damaged_file_stay_on_one_line(tmp_path: Path, y: Any) -> None:
    path = tmp_path / "a.mat"
    savemat(path, {"X": X, "y": y}, format="4")
    path.write_bytes(path.read_bytes().replace(b"X\0", b"\n\0").replace(b"y\0", b"\x1b\0"))
    try:
        said = read_dataset(path).source
    except UserError as error:
        said = str(error)
    assert "?" in said and said.isprintable()


@pytest.mark.parametrize("version", ["4", "5", "5z", "7.3"])
def test_damaged_files_are_data_or_one_line(version: str, tmp_path: Path, damaged: Any) -> None:
    damage_and_read(version, 100, tmp_path, damaged)


@pytest.mark.exhaustive
@pytest.mark.parametrize("version", ["4", "5", "5z", "7.3"])
def test_many_damaged_files_are_data_or_one_line(
    version: str, tmp_path: Path, damaged: Any
) -> None:
    damage_and_read(version, 2_000, tmp_path, damaged)
