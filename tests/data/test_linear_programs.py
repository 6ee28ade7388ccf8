"""Linear programs from files: kinds and compressions, LP files, the bundled ones."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
from pathlib import Path

import numpy as np
import pytest

from optbench.data import bundled_program, bundled_program_names, read_linear_program
from optbench.data.linear_programs import BUNDLED
from optbench.errors import UserError

CASES = Path(__file__).parent / "cases"
MPS = (CASES / "01-plain.mps").read_bytes()
LP = (CASES / "13-lpformat.lp").read_bytes()


@pytest.mark.parametrize("content, kind", [(MPS, ".mps"), (MPS, ".MPS"), (LP, ".lp"), (LP, ".Lp")])
def test_kinds_and_compressions(tmp_path: Path, content: bytes, kind: str) -> None:
    ways = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
    for ending, compress in {**ways, ".GZ": gzip.compress}.items():
        path = tmp_path / f"my.own{kind}{ending}"
        path.write_bytes(compress(content))
        program = read_linear_program(path)
        assert (program.name, program.sense) == ("my.own", "minimize")
        assert program.c.tolist() == [2, 3]
        assert program.A.toarray().tolist() == [[1, 1], [1, 2]]
        assert program.row_lower.tolist() == [-np.inf, 4]
        assert program.row_upper.tolist() == [10, np.inf]


def test_latin_1_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "p.mps"
    for head in (b"* caf\xe9\n", "* caf\N{LATIN SMALL LETTER E WITH ACUTE}\n".encode("utf-8-sig")):
        path.write_bytes(head + MPS)
        assert read_linear_program(path).c.tolist() == [2, 3]


def test_every_part_of_an_lp_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.lp"
    path.write_text(
        "\\ a comment\nMaximize\n obj: 2 x + 3 y + 5\nSubject To\n a: x + y <= 10\n"
        " b: x - y >= -3\n c: x + 2 y = 7\nBounds\n -1 <= x <= 8\n y free\nEnd\n"
    )
    program = read_linear_program(path)
    assert (program.sense, program.offset, program.c.tolist()) == ("maximize", 5, [2, 3])
    assert program.A.toarray().tolist() == [[1, 1], [1, -1], [1, 2]]
    assert program.row_lower.tolist() == [-np.inf, -3, 7]
    assert program.row_upper.tolist() == [10, np.inf, 7]
    assert program.col_lower.tolist() == [-1, -np.inf]
    assert program.col_upper.tolist() == [8, np.inf]
    assert (program.row_names, program.col_names) == (("a", "b", "c"), ("x", "y"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "content, message",
    [
        ("", "malformed LP file|no variables"),
        ("Minimize\n obj: 2 x + + \nSubject\n <= <= 3\nEnd\n", "malformed LP file"),
        ("Minimize\n x\nSubject To\n x >= 1\nGeneral\n x\nEnd\n", "variable x is not continuous"),
        ("Minimize\n [ x^2 ] / 2\nSubject To\n x >= 1\nEnd\n", "the objective is quadratic"),
        ("Minimize\n x\nSubject To\n a: x >= 1\nBounds\n 5 <= x <= 2\nEnd\n", "of x .* 5 > 2"),
    ],
)
def test_wrong_lp_file_is_one_line(
    tmp_path: Path, content: str, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "p.lp"
    path.write_text(content)
    with pytest.raises(UserError, match=message) as error:
        read_linear_program(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "name, message",
    [
        ("missing.mps", "missing.mps: no such file"),
        ("p.mpq", "unknown kind of linear program; known: .mps, .lp, also with .gz, .bz2, .xz"),
        ("plain.mps.gz", "cannot be read"),
        ("plain.mps.bz2", "cannot be read"),
        ("plain.mps.xz", "cannot be read"),
        ("folder.mps", "no such file"),
    ],
)
def test_wrong_path_is_one_line(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder.mps").mkdir()
    for plain in ("plain.mps.gz", "plain.mps.bz2", "plain.mps.xz"):
        (tmp_path / plain).write_bytes(MPS)
    with pytest.raises(UserError, match=message):
        read_linear_program(tmp_path / name)


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
