"""Kernels in NumPy's style have the bits of loops that are written by hand."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable

import numpy as np
import pytest
from small_instances import bits, data, one_chunk, python, regression

from optbench import Hyper, Slot, UserError, optimizer
from optbench.check.kernels import compiled_path, plain_path
from optbench.contract import Optimizer
from optbench.engine.compiler.bounds import needs_bounds_checks
from optbench.engine.compiler.elementwise_loops import rewritten, with_loops
from optbench.linear_algebra import layer
from optbench.registry import load_registry
from optbench.rehearsal.quadratic import Quadratic

INSTANCE = regression(data(30, 37), data(30, 1, 1)[:, 0])
RATE = Hyper(tune="log", degree=-1)
declare = optimizer(reference="a test")
BETA = Hyper(0.9)


class Loops:
    """As written by hand."""

    @declare
    def gradient_descent(theta, grad, learning_rate=RATE):
        for i in range(theta.size):
            theta[i] -= learning_rate * grad[i]

    @declare
    def heavy_ball(theta, grad, velocity=Slot(), learning_rate=RATE, momentum=BETA):
        for i in range(theta.size):
            velocity[i] = momentum * velocity[i] + grad[i]
            theta[i] -= learning_rate * velocity[i]

    @declare
    def adam(theta, grad, step, m=Slot(), v=Slot(), learning_rate=RATE, b1=BETA, b2=Hyper(0.99)):
        rest1, rest2 = 1.0 - b1, 1.0 - b2
        first, second = 1.0 - b1**step, 1.0 - b2**step
        for i in range(theta.size):
            m[i] = b1 * m[i] + rest1 * grad[i]
            v[i] = b2 * v[i] + rest2 * grad[i] ** 2
            theta[i] -= learning_rate * (m[i] / first) / (math.sqrt(v[i] / second) + 1e-8)

    @declare
    def rmsprop(theta, grad, square=Slot(), learning_rate=RATE, beta=BETA):
        rest = 1 - beta
        for i in range(theta.size):
            square[i] = beta * square[i] + rest * grad[i] * grad[i]
            theta[i] = theta[i] - learning_rate * grad[i] / (np.sqrt(square[i]) + 1e-8)

    @declare
    def normalized(theta, grad, learning_rate=RATE):
        total = 0.0
        for i in range(theta.size):
            total += grad[i] * grad[i]
        norm = math.sqrt(total)
        for i in range(theta.size):
            theta[i] -= learning_rate * (grad[i] / norm)

    @declare
    def several_sums(theta, grad, learning_rate=RATE):
        product, largest, mean = 0.0, 0.0, 0.0
        for i in range(theta.size):
            product += theta[i] * grad[i]
        for i in range(theta.size):
            largest = max(largest, abs(grad[i]))
        for i in range(theta.size):
            mean += np.exp(theta[i])
        mean /= theta.size
        rate = learning_rate * (1.0 if product > 0.0 else 0.5) / (1.0 + largest) / mean
        for i in range(theta.size):
            theta[i] -= rate * (grad[i] if abs(grad[i]) > 0.01 else 0.0)

    @declare
    def history(theta, grad, step, past=Slot(shape=(3, "theta")), learning_rate=RATE):
        k = step % 3
        for i in range(theta.size):
            past[k, i] = grad[i]
            theta[i] -= learning_rate * (past[0, i] + past[1, i] + past[2, i])

    @declare
    def by_layer(theta, grad, layers, learning_rate=RATE):
        for k in range(layers.shape[0]):
            w, g = layer(theta, layers, k), layer(grad, layers, k)
            total = 0.0
            for i in range(w.shape[0]):
                for j in range(w.shape[1]):
                    total += g[i, j] * g[i, j]
            scale = learning_rate / (1.0 + total)
            for i in range(w.shape[0]):
                for j in range(w.shape[1]):
                    w[i, j] -= scale * g[i, j]


class Arrays:
    """The same on whole arrays."""

    @declare
    def gradient_descent(theta, grad, learning_rate=RATE):
        theta -= learning_rate * grad

    @declare
    def heavy_ball(theta, grad, velocity=Slot(), learning_rate=RATE, momentum=BETA):
        velocity[:] = momentum * velocity + grad
        theta -= learning_rate * velocity

    @declare
    def adam(theta, grad, step, m=Slot(), v=Slot(), learning_rate=RATE, b1=BETA, b2=Hyper(0.99)):
        m[:] = b1 * m + (1.0 - b1) * grad
        v[:] = b2 * v + (1.0 - b2) * grad**2
        m_hat = m / (1.0 - b1**step)
        v_hat = v / (1.0 - b2**step)
        theta -= learning_rate * m_hat / (np.sqrt(v_hat) + 1e-8)

    @declare
    def rmsprop(theta, grad, square=Slot(), learning_rate=RATE, beta=BETA):
        square[:] = beta * square + (1 - beta) * grad * grad
        theta[...] = theta - learning_rate * grad / (np.sqrt(square) + 1e-8)

    @declare
    def normalized(theta, grad, learning_rate=RATE):
        grad = grad / np.linalg.norm(grad)
        theta -= learning_rate * grad

    @declare
    def several_sums(theta, grad, learning_rate=RATE):
        factor = 1.0 if theta @ grad > 0.0 else 0.5
        rate = learning_rate * factor / (1.0 + np.max(np.abs(grad))) / np.mean(np.exp(theta))
        theta -= rate * np.where(np.abs(grad) > 0.01, grad, np.zeros_like(grad))

    @declare
    def history(theta, grad, step, past=Slot(shape=(3, "theta")), learning_rate=RATE):
        k = step % 3
        past[k] = grad
        theta -= learning_rate * (past[0] + past[1] + past[2])

    @declare
    def by_layer(theta, grad, layers, learning_rate=RATE):
        for k in range(layers.shape[0]):
            w = layer(theta, layers, k)
            g = layer(grad, layers, k)
            w -= learning_rate / (1.0 + np.sum(g * g)) * g


NAMES = [name for name, made in vars(Arrays).items() if isinstance(made, Optimizer)]


def pair(name: str) -> tuple[Optimizer, Optimizer]:
    return getattr(Loops, name), getattr(Arrays, name)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_bits_as_by_hand(name: str) -> None:
    found = []
    for rule in pair(name):
        chunk = one_chunk(INSTANCE, rule, [0.01])
        chunk.advance(200)
        assert chunk.status == ["horizon"]
        found.append(bits(chunk))
    assert found[0] == found[1]


@pytest.mark.parametrize("name", NAMES)
def test_plain_python_runs_it_as_it_is_written(name: str) -> None:
    by_hand, whole = pair(name)
    expected = compiled_path(by_hand, Quadratic())
    for path in (compiled_path(whole, Quadratic()), plain_path(whole, Quadratic())):
        # forty steps of a few roundings each
        np.testing.assert_allclose(path.theta, expected.theta, rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("history", "by_layer")])
def test_every_index_is_proven_inside(name: str) -> None:
    rule = getattr(Arrays, name)
    assert not needs_bounds_checks(rule, rule.kernel)


@pytest.mark.parametrize("name", ["adam", "heavy_ball"])
def test_neighbours_share_one_loop_as_by_hand(name: str) -> None:
    written = [ast.unparse(rewritten(rule, rule.kernel)) for rule in pair(name)]
    assert [text.count("for ") for text in written] == [1, 1]


def test_a_kernel_of_loops_is_compiled_as_it_is() -> None:
    for rule in (*load_registry().optimizers.values(), *(pair(n)[0] for n in NAMES)):
        assert with_loops(rule, rule.kernel) is rule.kernel


def test_plain_python_without_compiler() -> None:
    script = (
        "from test_numpy_style import *\n"
        "chunk = one_chunk(INSTANCE, Arrays.adam, [0.01]); chunk.advance(20)\n"
        "print(*chunk.runs.theta[0].tolist())"
    )
    found = np.array(list(map(float, python(script, NUMBA_DISABLE_JIT="1").split())))
    chunk = one_chunk(INSTANCE, Loops.adam, [0.01])
    chunk.advance(20)
    np.testing.assert_allclose(found, chunk.runs.theta[0], rtol=0, atol=1e-13)


def refused(kernel: Callable[..., None]) -> tuple[str, int]:
    """Return what is said of a kernel, and which of its lines is named."""
    with pytest.raises(UserError) as raised:
        one_chunk(INSTANCE, declare(kernel), [0.1])
    text = str(raised.value)
    assert "\n" not in text and "test_numpy_style.py:" in text
    return text, int(text.split(":")[1]) - kernel.__code__.co_firstlineno


def test_rebinding_theta_is_told() -> None:
    def kernel(theta, grad, learning_rate=RATE):
        norm = np.linalg.norm(grad)
        theta = theta - learning_rate * grad / norm

    text, line = refused(kernel)
    assert "gives the name theta to another array" in text and "write into it" in text
    assert line == 2


def test_returning_theta_is_told() -> None:
    def kernel(theta, grad, learning_rate=RATE):
        return theta - learning_rate * grad

    text, line = refused(kernel)
    assert "kernel returns nothing" in text and line == 1


def test_an_array_that_would_be_another_is_told() -> None:
    def kernel(theta, grad, learning_rate=RATE):
        old = 1.0 * theta
        theta -= learning_rate * grad
        norm = np.sum(old * grad)
        theta += norm * (theta - old)

    text, line = refused(kernel)
    assert "old, which was computed before theta changed" in text and "old=Slot()" in text
    assert line == 3


def test_an_array_of_one_branch_is_told() -> None:
    def kernel(theta, grad, learning_rate=RATE):
        if np.linalg.norm(grad) > 1.0:
            grad = 0.5 * grad
        theta -= learning_rate * grad

    text, line = refused(kernel)
    assert "grad, which is another array in one branch" in text and line == 3


def test_what_changes_in_a_loop_is_told() -> None:
    def kernel(theta, grad, learning_rate=RATE):
        half = 0.5 * theta
        for _ in range(3):
            grad_along = np.sum(half * grad)
            theta -= learning_rate * grad_along * grad

    text, line = refused(kernel)
    assert "half, which was computed before theta changed" in text and line == 3


def test_an_array_that_a_function_needs_is_told() -> None:
    def kernel(theta, grad, layers, learning_rate=RATE):
        half = 0.5 * theta
        layer(half, layers, 0)[0, 0] = 1.0

    text, line = refused(kernel)
    assert "declare an argument half=Slot()" in text and line == 2


def test_functions_of_numbers_are_told() -> None:
    def kernel(theta, grad, learning_rate=RATE):
        theta -= learning_rate * math.tanh(grad)

    text, line = refused(kernel)
    assert "gives math.tanh an array: it takes a number" in text and line == 1


def test_a_name_that_changes_in_a_loop_is_told() -> None:
    def kernel(theta, grad, learning_rate=RATE):
        update = learning_rate * grad
        for _ in range(3):
            theta -= update
            update = 0.5 * update

    text, line = refused(kernel)
    assert "update, which changes in this loop" in text and line == 3


def test_shapes_that_differ_are_told() -> None:
    def kernel(theta, grad, few=Slot(shape=3), learning_rate=RATE):
        theta -= learning_rate * grad + few

    text, line = refused(kernel)
    assert "mixes arrays of different shapes" in text and line == 1


def test_statements_on_elements_of_temporaries_are_told() -> None:
    def kernel(theta, grad, learning_rate=RATE):
        half = np.zeros_like(theta)
        for i in range(theta.size):
            half[i] = 0.5 * grad[i]

    text, line = refused(kernel)
    assert "half=Slot()" in text and line == 3


def test_the_line_of_a_statement_that_does_not_compile_is_its_own() -> None:
    def kernel(theta, grad, learning_rate=RATE):
        theta -= learning_rate * grad
        norm = np.linalg.norm(grad)
        theta -= norm * theta.real_part

    _, line = refused(kernel)
    assert line == 3


def test_closures_are_kept() -> None:
    factor, power = 0.5, 2

    @declare
    def kernel(theta, grad, learning_rate=RATE):
        theta -= (
            learning_rate * factor * np.sign(grad) * np.abs(np.clip(grad, -0.4, factor)) ** power
        )

    compiled, plain = compiled_path(kernel, Quadratic()), plain_path(kernel, Quadratic())
    np.testing.assert_allclose(compiled.theta, plain.theta, rtol=0, atol=1e-13)
