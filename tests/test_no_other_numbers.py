"""No table shows a number of another option, file, reference or program, whatever is on disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from optbench import Hyper, compare, optimizer
from optbench.identity import solving_versions
from optbench.registry import load_registry

REGRESSION = "linear_regression:data=gaussian,n=5,d=8"
FACTOR = 1.0


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """References and cells of this test only; machine code of the session may stay."""
    from optbench.store import objects

    monkeypatch.setattr(objects, "cache_root", lambda: tmp_path / "kept")


def last_losses(problems, optimizers, plugins=(), **options) -> list[float]:
    settings = {"horizon": 100, "threads": 1, "learning_rates": [0.1], **options}
    found = compare(problems, optimizers, plugins=[str(path) for path in plugins], **settings)
    return [row.final_loss for row in found.convergence_rows]


HUBER = '''"""Mean Huber loss of three residuals."""
import numpy as np
from optbench import Instance, problem

@problem(reference="a test", references=(), metrics=(), default=())
def huber(delta=1.0):
    def row(prediction, target):
        residual = prediction - target
        if abs(residual) <= delta:
            return 0.5 * residual * residual, residual
        return delta * (abs(residual) - 0.5 * delta), delta * np.sign(residual)

    return Instance(
        problem="huber", features=np.eye(3), targets=np.array([1.0, 2.0, 3.0]), kind="other",
        row=row, scale=1.0 / 3.0,
    )
'''


def test_an_option_that_only_a_closure_reads(tmp_path):
    """Of residuals r far above delta gradient descent lowers each by rate * delta / 3 a step."""
    file = tmp_path / "huber.py"
    file.write_text(HUBER)
    rule, texts = "gradient_descent[learning_rate=0.003]", ["huber:delta=1", "huber:delta=0.01"]
    for _ in range(2):  # the second time from the store
        wide, narrow = (last_losses(text, rule, [file])[0] for text in texts)
        left = np.array([1.0, 2.0, 3.0]) - 100 * 0.003 * 0.01 / 3.0
        assert narrow == pytest.approx(np.mean(0.01 * (left - 0.005)), rel=1e-12)
        assert wide > 1.0
    both = last_losses(texts, rule, [file])
    assert both == [wide, narrow]


SOLVED = '''"""One row, many solutions."""
import numpy as np
from optbench import Instance, problem
from optbench.losses import squared_error
from optbench.references import Reference

@problem(reference="a test", references=("minimizer",), metrics=(), default=())
def solved():
    def solve():
        nearby = np.array([FIRST, 1.0])
        return Reference("minimizer", "minimizer", None, nearby, 1.0, 1.0, 0.0, nearby, True)

    return Instance(
        problem="solved", features=np.eye(2), targets=np.ones(2), kind="other",
        row=squared_error, references={"minimizer": solve}, optimal_value=float,
    )
'''


def references(plugin, **options) -> list:
    found = compare(
        "solved", "gradient_descent", plugins=[str(plugin)], horizon=50, threads=1, **options
    )
    return [row.measures for row in found.bias_rows]


@pytest.mark.parametrize("options", [{}, {"rerun": True}, {"fresh": True}])
def test_an_edited_reference_solver(tmp_path, options):
    file = tmp_path / "solved.py"
    distances = []
    for first in (1.0, 2.0, 1.0):
        file.write_text(SOLVED.replace("FIRST", repr(first)))
        (measures,) = references(file, **options)
        distances.append(measures["distance_minimizer"])
    assert distances[0] == distances[2] <= 1e-6
    # the run ends at (1, 1): from (2, 1) that is 1 / sqrt(5)
    assert distances[1] == pytest.approx(1.0 / np.sqrt(5.0), rel=1e-5)


@pytest.mark.parametrize(
    "option",
    ["sparsity=2", "sparsity=8", "sparsity=2,noise=0.5", "seed=3"],
)
def test_instances_of_one_command_are_told_apart(option):
    plain = "linear_regression:data=gaussian,n=4,d=9,sparsity=4"
    other = f"linear_regression:data=gaussian,n=4,d=9,{option}"
    if "sparsity" not in option:
        other += ",sparsity=4"
    found = compare([plain, other], "gradient_descent", horizon=20, threads=1)
    first, second = found.bias_rows
    assert first.instance_id != second.instance_id and first.instance != second.instance
    facts = {each.instance_id: each for each in found.instances}
    assert {first.instance_id, second.instance_id} == set(facts)
    norms = [
        {r.name: r.value for r in facts[row.instance_id].references} for row in (first, second)
    ]
    assert norms[0] != norms[1]


def copied_adam(folder: Path) -> Path:
    """A built-in copied and edited: the natural start."""
    shipped = Path(load_registry().optimizer("adam").kernel.__code__.co_filename)
    file = folder / "adam.py"
    text = shipped.read_text()
    edited = text.replace("theta[i] -= ", "theta[i] -= 0.5 * ")
    assert edited != text
    file.write_text(edited)
    return file


def test_a_copied_built_in_is_what_its_file_says(tmp_path):
    file = copied_adam(tmp_path)
    (built_in,) = last_losses(REGRESSION, "adam")
    (half,) = last_losses(REGRESSION, "adam", learning_rates=[0.05])
    found = compare(
        REGRESSION, "adam", plugins=[str(file)], horizon=100, threads=1, learning_rates=[0.1]
    )
    (row,) = found.convergence_rows
    assert row.final_loss == pytest.approx(half, rel=1e-9) and row.final_loss != built_in
    assert row.optimizer == "adam (adam.py)"
    assert any("adam.py" in note and "not that of" in note for note in found.notes)


def test_check_reads_the_file_that_it_is_given(tmp_path):
    file = tmp_path / "adam.py"
    file.write_text(
        "from optbench import Hyper, optimizer\n"
        "@optimizer(reference='a test')\n"
        "def adam(theta, grad, learning_rate=Hyper(0.1)):\n"
        "    grad[0] = 0.0\n"
    )
    from optbench.check import check

    assert [result.name for result in check(str(file)) if result.passed is False]
    assert not [result.name for result in check("adam") if result.passed is False]


@optimizer(reference="a test")
def of_a_cell(theta, grad, learning_rate=Hyper(tune="log")):
    for i in range(theta.size):
        theta[i] -= FACTOR * learning_rate * grad[i]


def test_a_cell_that_changes_a_global(monkeypatch):
    """A notebook: the same function object, another constant, the next call."""
    (once,) = last_losses(REGRESSION, [of_a_cell])
    monkeypatch.setitem(globals(), "FACTOR", 2.0)
    (twice,) = last_losses(REGRESSION, [of_a_cell])
    plain = last_losses(REGRESSION, "gradient_descent", learning_rates=[0.1, 0.2])
    assert plain[0] in (once, twice) or twice == pytest.approx(plain[0], rel=1e-9)
    expected = [
        last_losses(REGRESSION, "gradient_descent", learning_rates=[r])[0] for r in (0.1, 0.2)
    ]
    assert [once, twice] == pytest.approx(expected, rel=1e-9)


def test_two_kernels_of_one_name_have_two_rows():
    @optimizer(reference="a test")
    def adam(theta, grad, learning_rate=Hyper(tune="log")):
        for i in range(theta.size):
            theta[i] -= learning_rate * grad[i]

    found = compare(REGRESSION, [adam, "adam"], horizon=50, threads=1, learning_rates=[0.1])
    names = [row.optimizer for row in found.bias_rows]
    assert names == [f"adam ({Path(__file__).name})", "adam (adam.py)"]


EDITED_MEANWHILE = """
import json, sys, threading
from pathlib import Path
from optbench import compare

file, problem = Path(sys.argv[1]), sys.argv[2]
text = file.read_text()

def edit(done, total, label):  # after the plug-in was read, before its kernel is compiled
    file.write_text(text.replace("FACTOR = 1.0", "FACTOR = 3.0"))

losses = []
for progress in (edit, None):
    found = compare(problem, "edited", plugins=[str(file)], horizon=100, threads=1,
                    learning_rates=[0.1], progress=progress)
    losses.append(found.convergence_rows[0].final_loss)
print(json.dumps(losses))
"""
EDITED = """from optbench import Hyper, optimizer
FACTOR = 1.0
@optimizer(reference="a test")
def edited(theta, grad, learning_rate=Hyper(tune="log")):
    for i in range(theta.size):
        theta[i] -= FACTOR * learning_rate * grad[i]
"""


def test_a_file_that_is_edited_while_a_comparison_runs(tmp_path):
    """That comparison is of the old source, the next one of the new, in every process."""
    file, script = tmp_path / "edited.py", tmp_path / "script.py"
    file.write_text(EDITED)
    script.write_text(EDITED_MEANWHILE)
    done = subprocess.run(
        [sys.executable, str(script), str(file), REGRESSION],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    expected = [
        last_losses(REGRESSION, "gradient_descent", learning_rates=[rate])[0] for rate in (0.1, 0.3)
    ]
    assert json.loads(done.stdout) == pytest.approx(expected, rel=1e-9)
    assert last_losses(REGRESSION, "edited", [file]) == pytest.approx(expected[1:], rel=1e-9)


def test_versions_of_solvers_are_in_every_identity(monkeypatch):
    from optbench import instance as module

    problem = load_registry().problem("linear_regression")
    before = problem.build(data="gaussian").identity
    assert before == problem.build(data="gaussian").identity
    for library in ("scipy", "highspy", "clarabel"):
        assert any(told.startswith(f"{library} ") for told in solving_versions())
        other = tuple(told + ".post1" if told.startswith(library) else told
                      for told in solving_versions())  # fmt: skip
        monkeypatch.setattr(module, "solving_versions", lambda other=other: other)
        assert problem.build(data="gaussian").identity != before


def test_a_declared_infimum_that_a_run_goes_below_is_no_infimum(tmp_path):
    """Its value is 1 too high: nothing is measured from it, and a note says why."""
    file = tmp_path / "huber.py"
    file.write_text(HUBER.replace("row=row,", "row=row, optimal_value=lambda: 1.0,"))
    found = compare("huber", "gradient_descent", plugins=[str(file)], horizon=2000, threads=1)
    (row,), (facts,) = found.convergence_rows, found.instances
    assert row.final_loss < 1e-3 and row.success_rate is None and row.final_suboptimality is None
    assert set(row.steps_to.values()) == {None} and facts.infimum_from == "unknown"
    assert any("a loss is below 1, which the problem declares" in note for note in found.notes)
