"""References on disk: solved once, read back, and never trusted blindly."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from optbench.references import Reference, least_norm
from optbench.store.references import remembered, stored

FEATURES = np.array([[3.0, 4.0]])
TARGETS = np.array([25.0])  # least L2 norm at (3, 4), of norm 5


@pytest.fixture(name="folder")
def folder_fixture(tmp_path, monkeypatch):
    monkeypatch.setenv("OPTBENCH_CACHE", str(tmp_path))
    return tmp_path / "references"


class Solver:
    """Counts how often it is asked."""

    def __init__(self):
        self.calls = 0

    def __call__(self) -> Reference:
        self.calls += 1
        return least_norm(FEATURES, TARGETS, 2.0)


def test_solved_once_and_read_back_to_the_bit(folder):
    solve = Solver()
    first, second = stored("a", solve), stored("a", solve)
    assert solve.calls == 1 and len(list(folder.iterdir())) == 1
    np.testing.assert_array_equal(first.solution, second.solution)
    np.testing.assert_allclose(second.solution, [3.0, 4.0], rtol=1e-12)
    assert (first.value, first.gap) == (second.value, second.gap)
    stored("b", solve)
    assert solve.calls == 2 and len(list(folder.iterdir())) == 2


RUIN = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "noise": lambda content: b"\x00\xff not a pickle",
    "text": lambda content: b"hello\n",
    "another object": lambda content: pickle.dumps({"value": 1.0}),
    "a class that is gone": lambda content: content.replace(b"Reference", b"Preferenc"),
    "a module that is gone": lambda content: content.replace(b"certificate", b"sertificate"),
    "an unknown protocol": lambda content: b"\x80\xff" + content[2:],
}


@pytest.mark.parametrize("ruin", RUIN)
def test_a_corrupt_file_is_solved_again_and_replaced(folder, ruin):
    solve = Solver()
    stored("a", solve)
    (file,) = folder.iterdir()
    content = file.read_bytes()
    file.write_bytes(RUIN[ruin](content))
    assert stored("a", solve).value == pytest.approx(5.0)
    assert solve.calls == 2
    assert stored("a", solve).value == pytest.approx(5.0)
    assert solve.calls == 2  # the file is whole again
    assert [path.name for path in folder.iterdir()] == [file.name]


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")  # works for root too, unlike a missing permission
    monkeypatch.setenv("OPTBENCH_CACHE", str(blocked))
    solve = Solver()
    assert stored("a", solve).value == stored("a", solve).value == pytest.approx(5.0)
    assert solve.calls == 2


def test_a_read_only_folder_is_no_error(folder):
    solve = Solver()
    stored("a", solve)
    folder.chmod(0o555)
    try:
        assert stored("a", solve).value == pytest.approx(5.0)
        stored("b", solve)
        assert solve.calls == 2
    finally:
        folder.chmod(0o755)


@pytest.mark.slow
def test_a_comparison_works_without_any_place_to_write(tmp_path):
    """Kernels too: a user without a home folder still gets the tables."""
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    script = "from optbench import compare; print(compare('linear_regression:data=gaussian,n=3,d=5'"
    script += ", 'gradient_descent', horizon=2000).bias_rows[0].selected)"
    finished = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True, text=True, check=False,
        env={**os.environ, "OPTBENCH_CACHE": str(blocked), "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr[-2000:]
    assert finished.stdout.strip() == "l2"


def test_an_error_of_the_solver_passes_through_and_nothing_is_stored(folder):
    def fails():
        raise ZeroDivisionError("no")

    with pytest.raises(ZeroDivisionError):
        stored("a", fails)
    assert not folder.exists() or not list(folder.iterdir())


def test_a_solver_is_asked_once_for_the_same_numbers(folder):
    """Other numbers, another solver, or other code that a solver reaches: another question."""

    def solve(numbers, factor=2.0):
        return factor * float(numbers.sum())

    assert remembered(solve, TARGETS) == 50.0
    assert remembered(solve, TARGETS.copy()) == 50.0
    assert len(list(folder.iterdir())) == 1
    assert remembered(solve, np.nextafter(TARGETS, 0)) < 50.0
    solve.__defaults__ = (3.0,)
    assert remembered(solve, TARGETS) == 75.0
    assert len(list(folder.iterdir())) == 3


def test_solvers_have_one_blas_thread_also_of_libraries_that_come_late(tmp_path) -> None:
    """In a process of its own: there SciPy, which has its own BLAS, is not loaded yet."""
    script = (
        "from threadpoolctl import threadpool_info\n"
        "from optbench.store.references import stored\n"
        "def solve():\n"
        "    import scipy.linalg\n"
        "    pools = [p for p in threadpool_info() if p['user_api'] == 'blas']\n"
        "    return sorted((p['internal_api'], p['num_threads']) for p in pools)\n"
        "found = stored('pools', solve, list)\n"
        "assert len(found) > 0 and all(threads == 1 for _, threads in found), found\n"
    )
    environment = {**os.environ, "OPTBENCH_CACHE": str(tmp_path)}
    environment.pop("OPENBLAS_NUM_THREADS", None)
    environment.pop("OMP_NUM_THREADS", None)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
