"""The LP format of linear programs, read by HiGHS in a process of its own.

HiGHS prints a banner on standard output as soon as it is made, and a reader that hangs or crashes
on a malformed file must not take the comparison with it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from optbench.data.general_program import GeneralProgram
from optbench.errors import UserError

SECONDS = 120
ARRAYS = ("c", "row_lower", "row_upper", "col_lower", "col_upper")


def parse_lp(content: bytes, name: str) -> GeneralProgram:
    """Read a linear program from the bytes of an LP file.

    Parameters
    ----------
    content : bytes
    name : str
        What the program will be called.

    Raises
    ------
    UserError
        If HiGHS cannot read it, or it is no linear program.
    """
    from scipy.sparse import csc_array

    with TemporaryDirectory() as folder:
        source, target = Path(folder, "program.lp"), Path(folder, "program.npz")
        source.write_bytes(content)
        # -P: the child finds the libraries, but not the files beside this one.
        command = [sys.executable, "-P", __file__, str(source), str(target)]
        try:
            subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise UserError(f"HiGHS did not read this LP file in {SECONDS} s") from None
        if not target.is_file():
            raise UserError("malformed LP file: HiGHS cannot read it")
        with np.load(target) as file:
            read = dict(file)
    if read["quadratic"]:
        raise UserError("the objective is quadratic; a linear program is needed")
    columns = tuple(map(str, read["col_names"]))
    if read["integer"].any():
        raise UserError(f"variable {columns[int(np.argmax(read['integer']))]} is not continuous")
    if not columns:
        raise UserError("the program has no variables")
    crossed = np.flatnonzero(read["col_lower"] > read["col_upper"])
    if crossed.size:
        k = crossed[0]
        lower, upper = read["col_lower"][k], read["col_upper"][k]
        raise UserError(f"the bounds of {columns[k]} contradict each other, {lower:g} > {upper:g}")
    entries = (read["values"], read["indices"], read["starts"])
    shape = (read["row_lower"].size, len(columns))
    return GeneralProgram(
        name=name,
        sense="maximize" if read["maximize"] else "minimize",
        offset=float(read["offset"]),
        A=csc_array(entries, shape=shape).tocsr(),
        row_names=tuple(map(str, read["row_names"])),
        col_names=columns,
        **{key: read[key] for key in ARRAYS},
    )


def _convert(source: str, target: str) -> None:
    """Read a file with HiGHS and write its arrays; nothing is written if it cannot be read."""
    import highspy

    highs = highspy.Highs()
    if highs.readModel(source) == highspy.HighsStatus.kError:
        return
    model = highs.getModel()
    lp = model.lp_
    matrix = lp.a_matrix_  # by columns, as HiGHS leaves a matrix that it has read
    np.savez(
        target,
        c=np.array(lp.col_cost_, dtype=float),
        row_lower=np.array(lp.row_lower_, dtype=float),
        row_upper=np.array(lp.row_upper_, dtype=float),
        col_lower=np.array(lp.col_lower_, dtype=float),
        col_upper=np.array(lp.col_upper_, dtype=float),
        offset=lp.offset_,
        maximize=lp.sense_ == highspy.ObjSense.kMaximize,
        quadratic=model.hessian_.dim_ > 0,
        integer=np.array([kind.value != 0 for kind in lp.integrality_], dtype=bool),
        values=np.array(matrix.value_, dtype=float),
        indices=np.array(matrix.index_, dtype=np.int64),
        starts=np.array(matrix.start_, dtype=np.int64),
        row_names=np.array(lp.row_names_, dtype=str),
        col_names=np.array(lp.col_names_, dtype=str),
    )


if __name__ == "__main__":
    _convert(sys.argv[1], sys.argv[2])
