"""Every built-in passes the contract tests; each broken promise is found and said in one line."""

from __future__ import annotations

import hashlib
import inspect
import os
import re
import threading
from pathlib import Path

import numpy as np
import pytest

from optbench import Hyper, UserError, optimizer
from optbench.check import CheckResult, check
from optbench.check.optimizers import CHECKS, check_optimizer, chunk
from optbench.check.problems import check_problem
from optbench.check.second_process import compiled_by_second_process
from optbench.contract import Optimizer
from optbench.engine.ensemble import make_chunks
from optbench.instance import Instance
from optbench.losses import squared_error
from optbench.parametrizations import parametrization
from optbench.plugin_files import load_file
from optbench.registry import load_registry

REGRESSION = Instance(
    "test", np.eye(3), np.ones(3), "regression", row=squared_error, scale=1.0 / 3.0
)
OPTIMIZERS = load_registry().optimizers
PROBLEMS = load_registry().problems
QUICK = {name: test for name, test in CHECKS.items() if name != "second process"}


def failures(results: list[CheckResult]) -> list[tuple[str, str]]:
    return [(result.name, result.detail) for result in results if result.passed is False]


@pytest.fixture(scope="module")
def quick():
    """Leave out the second process, which takes a second each: it is tested on its own.

    The engine itself is compiled once per machine, before.
    """
    chunk(next(iter(OPTIMIZERS.values())))
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(CHECKS, "second process")
        yield


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_built_in_optimizer_passes(name: str, quick) -> None:
    results = check(name)
    assert failures(results) == []
    assert [result.name for result in results] == [*QUICK, "selects"]
    assert all(result.detail and "\n" not in result.detail for result in results)


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_built_in_problem_passes(name: str) -> None:
    results = check_problem(PROBLEMS[name])
    assert failures(results) == []
    assert sum(result.passed is True for result in results) >= 3 * len(PROBLEMS[name].default)


def test_a_second_process_compiles_nothing_for_all_of_them() -> None:
    plugins = []
    for rule in OPTIMIZERS.values():
        chunk(rule)
        plugins.append((str(Path(inspect.getfile(rule.kernel)).resolve()), rule.name, None))
    assert compiled_by_second_process(plugins) == []


GRADIENT_STEP = "for i in range(theta.size):\n    theta[i] -= rate * grad[i]"
BROKEN = {
    "does not compile": ("theta[0] = 'text'", "", "compiles", r"does not compile"),
    "outside": (
        f"{GRADIENT_STEP}\ntheta[theta.size + 2] = 0.0",
        "",
        "bounds",
        r"kernel\.py:9: IndexError: ",
    ),
    "helper outside": (
        f"{GRADIENT_STEP}\nhelper(theta, 2)",
        "",
        "bounds",
        r"kernel\.py:\d+: IndexError: ",
    ),
    "writes grad": (
        f"{GRADIENT_STEP}\nfor i in range(grad.size):\n    grad[i] = 0.0",
        "",
        "compiles",
        r"kernel\.py:10: .* does not compile at `grad\[i\] = 0\.0`: it writes .* read only",
    ),
    "a helper writes grad": (
        f"{GRADIENT_STEP}\nhelper(grad, -6)",
        "",
        "compiles",
        r"kernel\.py:4: .* does not compile at `x\[x\.size \+ k\] = 7\.0`: it writes .* read only",
    ),
    "never moves": (
        "for i in range(theta.size):\n    theta[i] -= rate * 0.0 * grad[i]",
        "",
        "descends",
        r"theta never moves in \d+ steps",
    ),
    "climbs": (
        "for i in range(theta.size):\n    theta[i] += rate * grad[i]",
        "",
        "descends",
        r"the loss of a quadratic rises from 2\.53 to .*, whatever the learning rate",
    ),
    "stumbles over NaN": (
        f"if grad[0] != grad[0]:\n    raise ValueError('not a number')\n{GRADIENT_STEP}",
        "",
        "NaN",
        r"kernel\.py:8: ValueError: not a number",
    ),
    "allocates": (
        "copy = grad * rate\nfor i in range(theta.size):\n    theta[i] -= copy[i]",
        "",
        "compiles",
        r"kernel\.py:9: .* at `theta\[i\] -= copy\[i\]`.*cannot allocate",
    ),
    "raises": (
        f"{GRADIENT_STEP}\nif step > 3:\n    raise ValueError('too many steps')",
        "",
        "python twin",
        r"kernel\.py:10: ValueError: too many steps",
    ),
    "random": (
        f"theta[0] += random.random()\n{GRADIENT_STEP}",
        "",
        "deterministic",
        r"of the same run differs",
    ),
    "remembers": (
        f"MEMORY[0] += 1.0\n{GRADIENT_STEP.replace('rate', '(rate + 1e-3 * MEMORY[0])')}",
        "",
        "compiles",
        r"does not compile",
    ),
    "moves without gradient": (
        "for i in range(theta.size):\n    theta[i] -= rate * (grad[i] + 0.1 * theta[i])",
        "",
        "zero gradient",
        r"a zero gradient moves theta by \d\.\de-\d+ in step 1",
    ),
    "order matters": (
        "for i in range(theta.size):\n    theta[i] -= rate * grad[i] * (1.0 + i)",
        "",
        "permutation",
        r"another path, which differs by .*, declare symmetries=\('sign',\)",
    ),
    "sign matters": (
        "for i in range(theta.size):\n    theta[i] -= rate * max(grad[i], 0.0)",
        "",
        "sign",
        r"another path, which differs by .*, declare symmetries=\('permutation',\)",
    ),
    "wrong degree": (
        GRADIENT_STEP,
        "homogeneous=True, ",
        "homogeneous",
        r"2\^-?400 the path differs",
    ),
    "diverges at once": (
        "for i in range(theta.size):\n    theta[i] -= 1e300 * grad[i]",
        "",
        "NaN",
        r"ends after \d steps on a quadratic: \['diverged', 'diverged'\]",
    ),
}
HEADER = (
    "import random\nimport numpy as np\nfrom optbench import Hyper, Slot, optimizer\n"
    "MEMORY = np.zeros(1)\n"
)
HELPER = "import numba\n@numba.njit\ndef helper(x, k):\n    x[x.size + k] = 7.0\n"


def plugin(body: str, declared: str = "", defaults: str = "rate=Hyper(0.1)") -> Path:
    """Write a plug-in to a place that stays, so that a later session finds it compiled."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    source = (
        f'{HELPER if "helper" in body else ""}{HEADER}@optimizer({declared}reference="a test")\n'
        f"def kernel(theta, grad, step, {defaults}):\n{lines}"
    )
    digest = hashlib.sha256(source.encode()).hexdigest()[:8]
    folder = Path(os.environ["OPTBENCH_CACHE"]) / "test_plugins" / digest
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kernel.py").write_text(source)
    return folder / "kernel.py"


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_promise_is_found(case: str, quick) -> None:
    body, declared, name, message = BROKEN[case]
    found = dict(failures(check(str(plugin(body, declared)))))
    assert name in found
    assert re.search(message, found[name]) and "\n" not in found[name]


def test_a_gradient_that_overflows_was_not_written_into(quick) -> None:
    file = plugin("for i in range(theta.size):\n    theta[i] += 1e30 * grad[i] * grad[i]")
    results = {result.name: result for result in check(str(file))}
    assert results["writes"].passed, results["writes"].detail


def test_what_is_not_declared_is_not_asked(quick) -> None:
    file = plugin(GRADIENT_STEP, "symmetries=(), fixed_point=False, ")
    results = {result.name: result for result in check(str(file))}
    assert failures(list(results.values())) == []
    for name in ("permutation", "sign", "zero gradient", "homogeneous"):
        assert results[name].passed is None
        assert re.search("declare|symmetries=", results[name].detail)


KEPT = {
    "a slot that overflows": (
        "for i in range(theta.size):\n"
        "    large[i] = 1e30 * (large[i] + abs(grad[i]))\n"
        "    theta[i] -= rate * grad[i]",
        "large=Slot(degree=1)",
    ),
    "a unit of degree 3": (
        "for i in range(theta.size):\n"
        "    large[i] = abs(grad[i]) ** 3\n"
        "    theta[i] -= rate * grad[i]",
        "large=Slot(degree=3)",
    ),
    "an integer": (
        "for _ in range(repeats):\n"
        "    for i in range(theta.size):\n"
        "        theta[i] -= rate / repeats * grad[i]",
        "repeats=Hyper(3, low=1, integer=True)",
    ),
}


@pytest.mark.parametrize("case", KEPT)
def test_a_kept_promise_is_not_refused(case: str, quick) -> None:
    """What leaves float64's range is not compared, nor is any slot moved out of it."""
    body, argument = KEPT[case]
    file = plugin(body, "homogeneous=True, ", f"{argument}, rate=Hyper(0.1, degree=-1)")
    assert failures(check(str(file))) == []


def test_an_integer_hyperparameter_is_an_integer_everywhere(quick) -> None:
    """In the compiled run: three runs of one to three repeats are gradient descent."""
    body, argument = KEPT["an integer"]
    (rule,) = (
        value
        for value in vars(load_file(plugin(body, "", f"{argument}, rate=Hyper(0.1)"))).values()
        if isinstance(value, Optimizer)
    )
    assert rule.given([3.0, 0.5]) == {"repeats": 3, "rate": 0.5}
    assert isinstance(rule.given([3.0, 0.5])["repeats"], int)
    paths = []
    for repeats in (1, 3):
        (runs,) = make_chunks(
            REGRESSION, parametrization("linear", 3), rule, np.array([[repeats, 0.1]]), [0]
        )
        runs.advance(9)
        paths.append(runs.runs.theta[0])
    np.testing.assert_allclose(*paths, rtol=1e-13)


def test_an_integer_has_no_unit() -> None:
    with pytest.raises(UserError, match="'k' is an integer: it has no unit, degree=0"):

        @optimizer(reference="a test")
        def rule(theta, grad, k=Hyper(1, integer=True, degree=1)):
            pass


def test_a_file_that_does_not_load_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text("def wrong(:\n")
    with pytest.raises(UserError, match=r"wrong\.py:1: syntax error"):
        check(str(tmp_path / "wrong.py"))
    (tmp_path / "empty.py").write_text("x = 1\n")
    with pytest.raises(UserError, match="declares no @optimizer and no @problem"):
        check(str(tmp_path / "empty.py"))


def test_unknown_names_and_files_are_user_errors() -> None:
    name = next(iter(OPTIMIZERS))
    with pytest.raises(UserError, match=rf"{name}x'.* \(did you mean '{name}'\?\)"):
        check(f"{name}x")
    with pytest.raises(UserError, match="is neither a"):
        check("missing.py")


PROBLEM = """import numpy as np
from typing import NamedTuple
from optbench import Instance, problem
class Given(NamedTuple):
    factor: float
MEMORY = np.zeros(1)
def kernel(w, data, grad, targets, parameters, scratch):
BODY
@problem(reference="a test", references=(), metrics=METRICS)
def wrong(seed=0):
    rng = np.random.default_rng()
    return Instance("wrong", np.eye(3), np.ones(3), "other", loss_and_grad=kernel,
                    parameters=Given(FACTOR), scratch=3, measures=MEASURES)
"""
SQUARES = """total = 0.0
for j in range(w.size):
    grad[j] = parameters.factor * (w[j] - targets[j])
    total += 0.5 * parameters.factor * (w[j] - targets[j]) ** 2
return total"""


def problem_file(
    folder: Path, body: str, metrics: str = "()", measures: str = "{}", factor: str = "2.0"
) -> Path:
    indented = "\n".join(f"    {line}" for line in body.splitlines())
    source = PROBLEM.replace("BODY", indented).replace("METRICS", metrics)
    (folder / "wrong.py").write_text(source.replace("MEASURES", measures).replace("FACTOR", factor))
    return folder / "wrong.py"


WRONG = {
    "right": (SQUARES, {}, "", ""),
    "its own measure": (
        SQUARES,
        {"metrics": "('largest',)", "measures": "{'largest': lambda w: w.max()}"},
        "",
        "",
    ),
    "another gradient": (
        SQUARES.replace("= parameters.factor", "= 1.5"),
        {},
        "gradient",
        "differ by",
    ),
    "adds to the gradient": (
        SQUARES.replace("grad[j] =", "grad[j] +="),
        {},
        "writes",
        "the gradient depends on what its memory held before",
    ),
    "a part of the gradient": (
        SQUARES.replace("range(w.size)", "range(2)"),
        {},
        "writes",
        "the gradient depends on what its memory held before",
    ),
    "writes data": (
        f"data[0, 1] = 1.0\n{SQUARES}",
        {},
        "compiles",
        "wrong.py:8: objective 'kernel' does not compile at `data[0, 1] = 1.0`",
    ),
    "outside": (
        f"scratch[w.size] = 1.0\n{SQUARES}",
        {},
        "python twin",
        "wrong.py:8: IndexError: index 3 is out of bounds for axis 0 with size 3",
    ),
    "remembers": (
        f"MEMORY[0] += 1.0\n{SQUARES}",
        {},
        "compiles",
        "wrong.py:8: objective 'kernel' does not compile at `MEMORY[0] += 1.0`",
    ),
    "random": (
        f"scratch[0] = np.random.rand()\n{SQUARES.replace('total = 0.0', 'total = scratch[0]')}",
        {},
        "writes",
        "the loss depends on",
    ),
    "undeclared measure": (
        SQUARES,
        {"measures": "{'largest': lambda w: w.max()}"},
        "declared",
        "metric 'largest' is not declared in metrics=",
    ),
    "what nobody measures": (
        SQUARES,
        {"metrics": "('angle_l2',)"},
        "declared",
        "metric 'angle_l2' is declared, but no default instance and no example has it",
    ),
    "random parameters": (
        SQUARES,
        {"factor": "1.0 + rng.random()"},
        "builds",
        "start, parameters, facts or what its functions hold differ between two builds",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_objective_is_found(case: str, tmp_path: Path) -> None:
    body, given, name, message = WRONG[case]
    results = check(str(problem_file(tmp_path, body, **given)))
    found = {label.rpartition(": ")[2]: detail for label, detail in failures(results)}
    if not name:
        assert found == {}
        return
    assert message in found[name] and "\n" not in found[name]


WRONG_PROBLEM = """import numpy as np
from optbench import Instance, problem
def row(prediction, target):
    residual = prediction - target
    return residual * residual, residual
@problem(reference="a test", references=(), metrics=())
def wrong(seed=0):
    rng = np.random.default_rng()
    return Instance("wrong", np.eye(3) + FEATURES, np.ones(3), "regression", row=row,
                    optimal_value=lambda: 100.0)
@problem(reference="a test", references=(), metrics=())
def nothing(n=0):
    return None
"""


def test_a_wrong_problem_is_found(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(WRONG_PROBLEM.replace("FEATURES", "0.0"))
    found = dict(failures(check(str(tmp_path / "wrong.py"))))
    assert "differ by" in found["wrong: default: gradient"]
    assert "below the optimal value 100" in found["wrong: default: optimal value"]
    assert found["nothing: builds"] == "builds a NoneType, not an Instance"
    (tmp_path / "random.py").write_text(WRONG_PROBLEM.replace("FEATURES", "rng.random((3, 3))"))
    found = dict(failures(check(str(tmp_path / "random.py"))))
    assert found["wrong: builds"] == "features differ between two builds: use a seed"


def test_the_second_process_runs_beside_the_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins when the kernel is compiled, and what it finds is told in its place."""
    seen: list[str] = []
    after = threading.Event()

    def test(optimizer: Optimizer) -> str:
        assert after.wait(60.0)  # that is, a later test has run meanwhile
        seen.append("second process")
        return "done"

    def later(optimizer: Optimizer) -> str:
        seen.append("twin")
        after.set()
        return "done"

    for name in CHECKS:
        monkeypatch.setitem(CHECKS, name, lambda optimizer: "done")
    monkeypatch.setitem(CHECKS, "second process", test)
    monkeypatch.setitem(CHECKS, "python twin", later)
    results = check_optimizer(OPTIMIZERS["gradient_descent"])
    assert seen == ["twin", "second process"]
    assert [result.name for result in results] == list(CHECKS)
    assert all(result.passed for result in results)
