"""MPS files: what is read, and the mistakes that HiGHS would let pass."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from optbench.data import bundled_program, bundled_program_names, read_mps
from optbench.data.linear_programs import BUNDLED
from optbench.errors import UserError

MPS = """NAME          SMALL
* a comment
OBJSENSE
    MAX
ROWS
 N  obj
 L  r1
 G  r2
 E  r3
 N  another
COLUMNS
    x  obj  1.0  r1  1.0
    x  r3  2.0
    y  obj  2.0  r1  1.0
    y  r2  1.0
RHS
    RHS  r1  4.0  r2  1.0
    RHS  obj  -5.0
RANGES
    RNG  r1  3.0
BOUNDS
 UP BND  x  1e30
 MI BND  y
 UP BND  y  7.5
ENDATA
"""


def test_every_part_of_a_program(tmp_path: Path) -> None:
    for name, content in (("p.mps", MPS.encode()), ("p.mps.gz", gzip.compress(MPS.encode()))):
        path = tmp_path / name
        path.write_bytes(content)
        program = read_mps(path)
        assert (program.name, program.sense, program.offset) == ("p", "maximize", 5.0)
        assert program.c.tolist() == [1, 2]
        assert program.A.toarray().tolist() == [[1, 1], [0, 1], [2, 0]]
        assert program.row_lower.tolist() == [1, 1, 0]
        assert program.row_upper.tolist() == [4, np.inf, 0]
        assert program.col_lower.tolist() == [0, -np.inf]
        assert program.col_upper.tolist() == [np.inf, 7.5]
        assert program.row_names == ("r1", "r2", "r3")
        assert program.col_names == ("x", "y")


def test_names_with_spaces_in_fixed_columns(tmp_path: Path) -> None:
    path = tmp_path / "p.mps"
    path.write_text(
        "NAME          FIXED\nROWS\n N  COST\n G  ROW 1\nCOLUMNS\n"
        "    COL A     COST               1.0   ROW 1              2.0\n"
        "RHS\n    RHS       ROW 1              4.0\n"
        "BOUNDS\n MI BND       COL A\nENDATA\n"
    )
    program = read_mps(path)
    assert (program.row_names, program.col_names) == (("ROW 1",), ("COL A",))
    assert (program.A.toarray(), program.row_lower, program.col_lower) == ([[2]], [4], [-np.inf])


@pytest.mark.parametrize(
    "old, new, message",
    [
        (MPS, "hello world\n", "malformed MPS file"),
        (MPS, "", "malformed MPS file"),
        ("ENDATA\n", "", "malformed MPS file"),
        ("UP BND  y  7.5", "QQ BND  y  7.5", "malformed MPS file"),
        ("r2  1.0\nRHS", "r2  1.0.0\nRHS", "line 15 ends in '1.0.0' where a number is needed"),
        ("UP BND  y  7.5", "UP BND  y  abc", "line 24 ends in 'abc' where a number is needed"),
        ("RHS  r1  4.0", "RHS  r9  4.0", "malformed MPS file"),
        ("    y  r2", "    y  r9", "malformed MPS file"),
        ("    y  r2", "    y  r1", "malformed MPS file"),
        ("UP BND  y  7.5", "UP BND  y  nan", "malformed MPS file"),
        ("UP BND  x  1e30", "UP BND  x  -1", "malformed MPS file"),
        ("UP BND  x  1e30", "UI BND  x  3", "variable x is not continuous"),
        ("ENDATA", "QUADOBJ\n    x  x  1.0\nENDATA", "objective is quadratic"),
    ],
)
def test_wrong_file_is_one_line(
    tmp_path: Path, old: str, new: str, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "p.mps"
    assert old in MPS
    path.write_text(MPS.replace(old, new))
    with pytest.raises(UserError, match=message) as error:
        read_mps(path)
    assert "\n" not in str(error.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "name, message",
    [
        ("missing.mps", "missing.mps: no such file"),
        ("p.lp", "unknown kind of linear program; known: .mps, .mps.gz"),
        ("plain.mps.gz", "cannot be read"),
    ],
)
def test_wrong_path_is_one_line(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "plain.mps.gz").write_text(MPS)
    with pytest.raises(UserError, match=message):
        read_mps(tmp_path / name)


def test_unknown_bundled_name() -> None:
    with pytest.raises(UserError, match="no bundled linear program 'afir'; known: adlittle, afiro"):
        bundled_program("afir")


def test_bundled_files_are_those_of_the_truth_file(shared: Path) -> None:
    truth = {row["name"]: row for row in json.loads((shared / "truth" / "lp.json").read_text())}
    assert len(bundled_program_names()) == 8
    for name in bundled_program_names():
        mps = gzip.decompress((BUNDLED / f"{name}.mps.gz").read_bytes())
        expected = truth[name]
        assert hashlib.sha256(mps).hexdigest() == expected["sha256_mps"]
        program = bundled_program(name)
        assert program.A.shape == (expected["m"], expected["n"])
        assert program.A.nnz == expected["nnz"]
        assert np.isfinite(program.col_upper).sum() == expected["upper"]
