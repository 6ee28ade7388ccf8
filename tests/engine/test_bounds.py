"""No kernel writes outside its arrays: proven inside, or checked and the run ends as failed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from small_instances import bits, data, one_chunk, regression

from optbench import UserError
from optbench.contract import Optimizer
from optbench.engine.compiler.bounds import needs_bounds_checks
from optbench.plugin_files import load_file
from optbench.registry import load_registry

INSTANCE = regression(data(9, 4), data(9, 1, 1)[:, 0])
HEADER = "from optbench import Hyper, Slot, optimizer\n"
SIGNATURE = '@optimizer(reference="a test")\ndef {name}(theta, grad, {slots}rate=Hyper(0.1)):\n'


@pytest.fixture
def kernel():
    """Make an optimizer of a body, as a plug-in file that keeps its place between sessions."""

    def make(body: str, slots: str = "", header: str = "") -> Optimizer:
        lines = "".join(f"    {line}\n" for line in body.strip("\n").splitlines())
        source = HEADER + header + SIGNATURE.format(name="kernel", slots=slots) + lines
        digest = hashlib.sha256(source.encode()).hexdigest()[:8]
        folder = Path(os.environ["OPTBENCH_CACHE"]) / "test_plugins" / digest
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "kernel.py").write_text(source)
        return load_file(folder / "kernel.py").kernel

    return make


PLAIN = "for i in range(theta.size):\n    theta[i] -= rate * grad[i]\n"
INSIDE = {
    "plain": (PLAIN, ""),
    "other size": ("for i in range(len(grad)):\n    theta[i] -= rate * m[i]\n", "m=Slot(), "),
    "constant": ("s[1] += 1.0\n" + PLAIN, "s=Slot(shape=2), "),
    "matrix": (
        "for i in range(theta.size):\n    for j in range(theta.size):\n"
        "        theta[i] -= rate * h[i, j] * grad[j]\n",
        'h=Slot(shape="matrix"), ',
    ),
}
OUTSIDE = {
    "behind": "theta[theta.size] = 1.0\n",
    "far": "theta[1000000] = 1.0\n",
    "loop": "for i in range(theta.size + 1):\n    theta[i] -= rate * grad[0]\n",
    "shifted": "for i in range(theta.size):\n    theta[i + 1] = 0.0\n",
    "moved variable": "for i in range(theta.size):\n    i += 2\n    theta[i] = 0.0\n",
    "walrus": "for i in range(theta.size):\n    if (i := i + 2) > 0:\n        theta[i] = 0.0\n",
    "renamed": "other = theta\nother[theta.size + 3] = 0.0\n",
    "tuple": "(a, b) = (theta, grad)\na[theta.size + 3] = 0.0\n",
    "slot": "s[3] = 1.0\n",
    "slot loop": "for i in range(theta.size):\n    s[i] = 1.0\n",
    "swapped": "theta, s = s, theta\nfor i in range(grad.size):\n    theta[i] = 1.0\n",
    "two indices": "for k, i in enumerate(range(9)):\n    theta[i] = 1.0\n",
    "replaced": (
        "for i in range(theta.size):\n    for j, i in enumerate(range(9)):\n"
        "        theta[i] = 1.0\n"
    ),
}


@pytest.mark.parametrize("body", INSIDE)
def test_provable_kernels_run_without_checks(body: str, kernel) -> None:
    source, slots = INSIDE[body]
    rule = kernel(source, slots)
    assert not needs_bounds_checks(rule, rule.kernel)
    chunk = one_chunk(INSTANCE, rule, [0.1])
    chunk.advance(5)
    assert chunk.status == ["horizon"]


@pytest.mark.parametrize("body", OUTSIDE)
def test_writing_outside_fails_the_run_and_spares_all_else(body: str, kernel) -> None:
    rule = kernel(OUTSIDE[body], "s=Slot(shape=2), ")
    assert needs_bounds_checks(rule, rule.kernel)
    if body in ("swapped", "replaced", "walrus", "shifted", "far", "two indices"):
        return  # compiling takes a second: one of each kind will do
    chunk = one_chunk(INSTANCE, rule, [0.1, 0.2, 0.3])
    others = chunk.runs.gradient.copy(), chunk.runs.rng.copy(), chunk.runs.hypers.copy()
    chunk.advance(5)
    assert chunk.status == ["failed"] * 3
    assert chunk.stopped.tolist() == [1, 1, 1]
    assert np.array_equal(chunk.runs.rng, others[1])
    assert np.array_equal(chunk.runs.hypers, others[2])


def test_a_helper_with_its_own_jit_is_checked_too(kernel) -> None:
    header = "import numba\n@numba.njit\ndef helper(x, k):\n    x[x.size + k] = 7.0\n"
    rule = kernel(PLAIN + "helper(x=theta, k=100)\n", header=header)
    chunk = one_chunk(INSTANCE, rule, [0.1])
    chunk.advance(5)
    assert chunk.status == ["failed"]


def test_only_the_run_that_raises_fails(kernel) -> None:
    body = "if rate > 0.15:\n    raise ValueError('rate')\n" + PLAIN
    rule = kernel(body.replace("rate * grad", "0.1 * grad"))
    object.__setattr__(rule.hypers["rate"], "default", None)  # let `rates` set it
    chunk = one_chunk(INSTANCE, rule, [0.1, 0.2])
    chunk.advance(50)
    assert chunk.status == ["horizon", "failed"]
    alone = one_chunk(INSTANCE, rule, [0.1])
    alone.advance(50)
    assert bits(alone) == bits(chunk)
    assert np.all(np.isnan(chunk.records.log_loss[2:, 1]))


def test_an_index_that_data_decide_is_checked() -> None:
    """The kernel that steps one coordinate keeps its index in a variable."""
    rules = load_registry().optimizers.values()
    checked = [rule for rule in rules if needs_bounds_checks(rule, rule.kernel)]
    assert 0 < len(checked) < len(rules)


@pytest.mark.parametrize(
    "body",
    ["theta[0] = undefined_name", "theta[0] = 'text'", "theta[0] = theta", "theta.sort(3, 4)"],
)
def test_a_kernel_that_does_not_compile_is_one_line(body: str, kernel) -> None:
    rule = kernel(body)
    with pytest.raises(UserError) as error:
        one_chunk(INSTANCE, rule, [0.1])
    message = str(error.value)
    assert "\n" not in message and "does not compile" in message
    assert f"{rule.name}.py:4: optimizer {rule.name!r}" in message  # that of the statement


def test_a_row_loss_that_does_not_compile_is_one_line() -> None:
    def row(prediction, target):
        return prediction.missing, target

    instance = regression(data(3, 2), np.ones(3))
    object.__setattr__(instance, "row", row)
    line = row.__code__.co_firstlineno + 1
    message = rf"test_bounds.py:{line}: row loss 'row' does not compile at `return [^\n]+$"
    with pytest.raises(UserError, match=message):
        one_chunk(instance, "gradient_descent", [0.1])


def test_a_row_loss_without_slope_is_one_line() -> None:
    def row(prediction, target):
        return 0.5 * (prediction - target) ** 2

    instance = regression(data(3, 2), np.ones(3))
    object.__setattr__(instance, "row", row)
    line = row.__code__.co_firstlineno
    with pytest.raises(UserError, match=rf"test_bounds.py:{line}: [^\n]*`return loss, slope`$"):
        one_chunk(instance, "gradient_descent", [0.1])


def test_a_row_loss_that_raises_is_an_ordinary_exception() -> None:
    def row(prediction, target):
        if prediction > 0.5:
            raise ValueError("prediction too large")
        return (prediction - target) ** 2, 2 * (prediction - target)

    instance = regression(np.ones((3, 1)), np.ones(3))
    object.__setattr__(instance, "row", row)
    chunk = one_chunk(instance, "gradient_descent", [0.3])
    with pytest.raises(ValueError, match="prediction too large"):
        chunk.advance(10)


def test_wrong_shape_of_hyperparameters_is_one_line() -> None:
    from optbench.engine.ensemble import make_chunks
    from optbench.parametrizations import parametrization

    rule = load_registry().optimizer("gradient_descent")
    with pytest.raises(UserError, match=r"gradient_descent.*\(1, 3\)"):
        make_chunks(INSTANCE, parametrization("linear", 4), rule, np.ones((1, 3)), [0])
