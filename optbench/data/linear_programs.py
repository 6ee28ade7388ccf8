"""Linear programs in general form, read from MPS files."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from optbench.data.dataset import Vector
from optbench.errors import UserError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

BUNDLED = Path(__file__).parent / "files"
SUFFIXES = (".mps", ".mps.gz")


@dataclass(frozen=True)
class GeneralProgram:
    """Optimize c.x + offset subject to row_lower <= A x <= row_upper, col_lower <= x <= col_upper.

    Parameters
    ----------
    name : str
        Short name, as shown in tables.
    sense : {"minimize", "maximize"}
        Direction of the optimization.
    c : ndarray, shape (n,), float64
        Objective.
    offset : float
        Constant of the objective.
    A : scipy.sparse.csr_array, shape (m, n), float64
        Constraints.
    row_lower, row_upper : ndarray, shape (m,), float64
        Bounds of A x, infinite where there is none.
    col_lower, col_upper : ndarray, shape (n,), float64
        Bounds of x, infinite where there is none.
    row_names, col_names : tuple of str
        Names, m and n of them.
    """

    name: str
    sense: Literal["minimize", "maximize"]
    c: Vector
    offset: float
    A: csr_array
    row_lower: Vector
    row_upper: Vector
    col_lower: Vector
    col_upper: Vector
    row_names: tuple[str, ...]
    col_names: tuple[str, ...]


def bundled_program_names() -> tuple[str, ...]:
    """Names of the bundled Netlib programs, without reading any."""
    return tuple(sorted(p.name.removesuffix(".mps.gz") for p in BUNDLED.glob("*.mps.gz")))


def bundled_program(name: str) -> GeneralProgram:
    """Load a bundled Netlib program.

    Parameters
    ----------
    name : str
        One of :func:`bundled_program_names`; ``files/README.md`` has their origin and optima.

    Returns
    -------
    GeneralProgram
        The program as published, not yet in standard form.

    Raises
    ------
    UserError
        If there is no such name.

    References
    ----------
    Gay 1985, Electronic mail distribution of linear programming test problems, COAL Newsletter 13.
    """
    if name not in bundled_program_names():
        known = ", ".join(bundled_program_names())
        raise UserError(f"no bundled linear program {name!r}; known: {known}")
    return read_mps(BUNDLED / f"{name}.mps.gz")


def read_mps(path: str | Path) -> GeneralProgram:
    """Read a linear program from an MPS file with HiGHS.

    HiGHS reads some mistakes as zeros or drops them with a warning; here they are errors.

    Parameters
    ----------
    path : str or Path
        Fixed or free MPS, ``.mps`` or ``.mps.gz``. Bounds of 1e20 or more are infinite.

    Returns
    -------
    GeneralProgram
        Named after the file.

    Raises
    ------
    UserError
        If the file is missing, malformed, contradicts itself, or is no linear program (integer
        variables, a quadratic objective).
    """
    path = Path(path)
    if not path.name.endswith(SUFFIXES):
        raise UserError(f"{path}: unknown kind of linear program; known: {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    _require_numbers(path)
    model = _highs_model(path)
    lp = model.lp_
    if model.hessian_.dim_ > 0:
        raise UserError(f"{path}: the objective is quadratic; a linear program is needed")
    integer = [k for k, kind in enumerate(lp.integrality_) if kind.value != 0]
    if integer:
        raise UserError(
            f"{path}: variable {lp.col_names_[integer[0]]} is not continuous; "
            "a linear program without integer variables is needed"
        )
    if lp.num_col_ == 0:
        raise UserError(f"{path}: the program has no variables")
    return _general_program(lp, path.name.removesuffix(".gz").removesuffix(".mps"))


def _general_program(lp: Any, name: str) -> GeneralProgram:
    import highspy
    from scipy.sparse import csc_array

    matrix = lp.a_matrix_
    entries = (np.array(matrix.value_), np.array(matrix.index_), np.array(matrix.start_))
    # HiGHS leaves a matrix it has read from a file by columns.
    return GeneralProgram(
        name=name,
        sense="maximize" if lp.sense_ == highspy.ObjSense.kMaximize else "minimize",
        c=np.array(lp.col_cost_, dtype=np.float64),
        offset=float(lp.offset_),
        A=csc_array(entries, shape=(lp.num_row_, lp.num_col_)).tocsr(),
        row_lower=np.array(lp.row_lower_, dtype=np.float64),
        row_upper=np.array(lp.row_upper_, dtype=np.float64),
        col_lower=np.array(lp.col_lower_, dtype=np.float64),
        col_upper=np.array(lp.col_upper_, dtype=np.float64),
        row_names=tuple(lp.row_names_),
        col_names=tuple(lp.col_names_),
    )


def _highs_model(path: Path) -> Any:
    """Let HiGHS read the file; its log, kept off the terminal, says what it ignored."""
    import highspy

    from optbench.highs import silent_highs

    highs = silent_highs()
    highs.setOptionValue("log_to_console", False)
    highs.setOptionValue("output_flag", True)
    with TemporaryDirectory() as folder:
        log = Path(folder, "highs.log")
        highs.setOptionValue("log_file", str(log))
        status = highs.readModel(str(path))
        highs.setOptionValue("log_file", "")
        complaints = [
            line.partition(":")[2].strip()
            for line in log.read_text(errors="replace").splitlines()
            if line.startswith("ERROR") or "ignored" in line or "inconsistent" in line
        ]
    if status == highspy.HighsStatus.kError or complaints:
        reason = " ".join((complaints or ["HiGHS cannot parse it"])[0].split())
        reason = reason.replace(str(path), "the file")
        raise UserError(f"{path}: malformed MPS file ({reason})")
    return highs.getModel()


def _require_numbers(path: Path) -> None:
    """The last field of these lines is a number; HiGHS would read another word as zero."""
    section = ""
    for number, line in enumerate(_lines(path), start=1):
        fields = line.split()
        if not fields or line.startswith("*"):
            continue
        if not line[0].isspace():
            section = fields[0]
            continue
        unbounded = section == "BOUNDS" and fields[0] in ("FR", "MI", "PL", "BV")
        if section not in ("COLUMNS", "RHS", "RANGES", "BOUNDS") or unbounded:
            continue
        if "'MARKER'" in fields:
            continue
        try:
            float(fields[-1])
        except ValueError:
            raise UserError(
                f"{path}: line {number} ends in {fields[-1]!r} where a number is needed"
            ) from None


def _lines(path: Path) -> Iterator[str]:
    try:
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
            yield from file
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from None
