"""C: ``c_reference.c`` compiled by gcc when the job is prepared, called through ctypes."""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.task import BETA1, BETA2, EPS, Fresh, Run, Task, Unsupported

REQUIRES = ("numpy",)
# gcc prefers 256-bit vectors, where exp takes half of the time of a step; see README.md
OPTIMIZE = ("-O3", "-march=native", "-ffast-math", "-mprefer-vector-width=512")
# Compiled and linked apart: linking with -ffast-math would flush subnormal numbers to zero in the
# whole process that loads the library.
LINK = ("-fopenmp", "-shared")
ROWS = 64
OPTIMIZERS = ("gradient_descent", "sign_descent", "adam", "exponentiated_gradient")
LOSSES = ("squared", "logistic")

Pointer = ctypes.c_void_p

# the fields of ``problem`` in c_reference.c
INTEGERS = ("rows", "features", "loss", "optimizer", "sparse", "steps")
NUMBERS = ("scale", "beta1", "beta2", "eps")
ARRAYS = ("panels", "values", "columns", "starts", "targets")


class Problem(ctypes.Structure):
    """``problem`` of c_reference.c."""

    _fields_ = [
        *((n, ctypes.c_long) for n in INTEGERS),
        *((n, ctypes.c_double) for n in NUMBERS),
        *((n, Pointer) for n in ARRAYS),
    ]


def prepare(task: Task, threads: int) -> Fresh:
    """Compile the reference (the first time) and arrange the data in panels."""
    if task.parametrization != "linear":
        raise Unsupported(f"c_reference.c has no {task.parametrization} parametrization")
    if task.loss not in LOSSES:
        raise Unsupported(f"c_reference.c has no {task.loss} loss")
    library = compile_reference()
    rows, features = task.shape
    count = -(-rows // ROWS)
    matrix, targets = task.signed()
    padded = np.zeros((0 if task.sparse else count * ROWS, features))
    if not task.sparse:
        padded[:rows] = matrix
    arrays = {
        "panels": np.ascontiguousarray(padded.reshape(-1, ROWS, features).transpose(0, 2, 1)),
        "values": matrix if task.sparse else np.zeros(0),
        "columns": task.columns.astype(np.int32),
        "starts": task.starts.astype(np.int64),
        "targets": np.pad(targets, (0, count * ROWS - rows)),
    }
    loss, optimizer = LOSSES.index(task.loss), OPTIMIZERS.index(task.optimizer)
    numbers = (rows, features, loss, optimizer, task.sparse, task.steps)
    problem = Problem(
        *numbers, task.scale, BETA1, BETA2, EPS, *(array.ctypes.data for array in arrays.values())
    )

    def fresh() -> Run:
        theta = task.theta.copy()

        def run() -> np.ndarray:
            # ``arrays`` is named here so that the numbers behind the pointers stay alive
            assert arrays
            rates = task.rates.ctypes.data
            library.run(ctypes.byref(problem), theta.ctypes.data, rates, task.runs, threads)
            return theta

        return run

    return fresh


@functools.cache
def compile_reference() -> Any:
    """Compile into a temporary folder and load the library.

    Raises
    ------
    Unsupported
        When there is no gcc, or it fails.
    """
    if shutil.which("gcc") is None:
        raise Unsupported("gcc is not installed")
    source = Path(__file__).with_name("c_reference.c")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "reference.so"
        built = target.with_suffix(".o")
        compiling = ["gcc", *OPTIMIZE, "-fopenmp", "-fPIC", "-c", str(source), "-o", str(built)]
        linking = ["gcc", *LINK, str(built), "-o", str(target), "-lm"]
        for command in (compiling, linking):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise Unsupported(f"gcc failed: {done.stderr.strip().splitlines()[0]}")
        library = ctypes.CDLL(str(target))
    library.run.argtypes = [Pointer, Pointer, Pointer, ctypes.c_long, ctypes.c_int]
    library.run.restype = None
    return library
