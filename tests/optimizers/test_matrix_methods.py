"""Optimizers of weight matrices against the pseudo-code of their papers, in plain NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import pytest
from plain_runs import PlainRun, all_optimizers
from small_problems import LAYERS, NETWORK_START, network_gradient

import optbench
from optbench.registry import load_registry
from optbench.study import build_instances

Gradient = Callable[[np.ndarray], np.ndarray]
Path = Iterator[np.ndarray]
Rule = Callable[[int, np.ndarray, dict[str, Any]], np.ndarray]  # t, gradient, state -> step
STEPS = 40
SQUARE = np.array([(0, 3, 3)])  # gradients of full rank: their eigenvectors are unique
SQUARE_START = np.sin(1.3 * np.arange(1.0, 10.0) ** 2)
LEFT = np.array([[2.0, 0.3, 0.1], [0.3, 1.0, -0.2], [0.1, -0.2, 0.5]])
RIGHT = np.array([[1.0, 0.4, 0.0], [0.4, 1.5, 0.2], [0.0, 0.2, 0.7]])
TARGET = np.array([[1.0, -0.5, 0.3], [0.2, 0.8, -1.1], [-0.6, 0.4, 0.9]])


def square_gradient(theta: np.ndarray) -> np.ndarray:
    """Of tr(W^T A W B) / 2 - <C, W> for a 3 x 3 matrix W."""
    return np.asarray((LEFT @ theta.reshape(3, 3) @ RIGHT - TARGET).ravel())


FLAT_FEATURES = np.sin(0.7 * np.arange(1.0, 9.0).reshape(2, 4) ** 2)
FLAT_START = np.sin(1.7 * np.arange(1.0, 13.0) ** 2)


def flat_gradient(theta: np.ndarray) -> np.ndarray:
    """Of two rows' cross-entropy of three classes: 3 x 4 of rank 2, whose columns add up to 0."""
    shares = np.exp(FLAT_FEATURES @ theta.reshape(3, 4).T)
    shares /= shares.sum(axis=1, keepdims=True)
    return np.asarray(((shares - np.eye(3)[:2]).T @ FLAT_FEATURES).ravel())


def first_row_gradient(theta: np.ndarray) -> np.ndarray:
    """Of a network that hears of another row each time: rank 1, in other directions."""
    slopes = np.cos(5.0 * theta.reshape(3, 4) @ FLAT_FEATURES[0])
    return np.outer(slopes, np.sin(9.0 * theta[:4]) + FLAT_FEATURES[1]).ravel()


PROBLEMS = {
    "rank 2": (flat_gradient, FLAT_START, np.array([(0, 3, 4)])),
    "rank 1": (first_row_gradient, FLAT_START, np.array([(0, 3, 4)])),
    "network": (network_gradient, NETWORK_START, LAYERS),
    "square": (square_gradient, SQUARE_START, SQUARE),
}


def by_matrix(rule: Rule) -> Callable[[Gradient, np.ndarray, np.ndarray], Path]:
    """Apply a rule to every matrix by itself."""

    def follow(gradient: Gradient, x: np.ndarray, layers: np.ndarray) -> Path:
        states: list[dict[str, Any]] = [{} for _ in layers]
        t = 0
        while True:
            t += 1
            g, x = gradient(x), x.copy()
            for state, (offset, rows, columns) in zip(states, layers, strict=True):
                part = slice(offset, offset + rows * columns)
                x[part] -= rule(t, g[part].reshape(rows, columns), state).ravel()
            yield x

    return follow


def polar_factor(matrix: np.ndarray) -> np.ndarray:
    """U V^T, by LAPACK's singular value decomposition; gradients of this network have rank 2."""
    u, values, vt = np.linalg.svd(matrix, full_matrices=False)
    rank = int(np.sum(values > 1e-9 * values[0]))
    return np.asarray(u[:, :rank] @ vt[:rank])


def spectral_descent(t: int, g: np.ndarray, state: dict[str, Any]) -> np.ndarray:
    """Carlson, Cevher, Carin 2015, the sharp operator of the spectral norm."""
    return np.asarray(0.1 * np.linalg.norm(g, "nuc") * polar_factor(g))


def normalized_spectral_descent(t: int, g: np.ndarray, state: dict[str, Any]) -> np.ndarray:
    """NSD of arXiv:2502.04664, table 1."""
    return np.asarray(0.1 * t**-0.5 * polar_factor(g))


def muon_of(nesterov: bool) -> Rule:
    """The listing of https://kellerjordan.github.io/posts/muon, whose momentum is a sum."""

    def muon(t: int, g: np.ndarray, state: dict[str, Any]) -> np.ndarray:
        buffer = state["buffer"] = 0.9 * state.get("buffer", 0.0) + g
        update = g + 0.9 * buffer if nesterov else buffer
        x = update.T if update.shape[0] > update.shape[1] else update
        x = x / np.linalg.norm(x)
        for _ in range(5):
            gram = x @ x.T
            x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
        x = x.T if update.shape[0] > update.shape[1] else x
        return np.asarray(0.05 * t**-0.5 * max(1.0, g.shape[0] / g.shape[1]) ** 0.5 * x)

    return muon


def inverse_fourth_root(matrix: np.ndarray) -> np.ndarray:
    """By LAPACK's eigenvectors."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors * values**-0.25 @ vectors.T)


def shampoo(t: int, g: np.ndarray, state: dict[str, Any]) -> np.ndarray:
    """Algorithm 1 of arXiv:1802.09568 with epsilon = 0.01."""
    left = state["L"] = state.get("L", 0.01 * np.eye(g.shape[0])) + g @ g.T
    right = state["R"] = state.get("R", 0.01 * np.eye(g.shape[1])) + g.T @ g
    return np.asarray(0.1 * inverse_fourth_root(left) @ g @ inverse_fourth_root(right))


def completed(columns: np.ndarray, old: np.ndarray) -> np.ndarray:
    """An orthonormal basis: of what the columns span, then of the old ones, then of axes."""
    size, basis = len(columns), np.zeros((len(columns), 0))
    for own, before in zip(columns.T, old.T, strict=True):
        least = [1e-10 * np.abs(columns).max(), *[0.5 / np.sqrt(size)] * (size + 1)]
        for column, enough in zip((own, before, *np.eye(size)), least, strict=True):
            rest = column - basis @ np.linalg.lstsq(basis, column)[0]
            if np.linalg.norm(rest) > enough:
                break
        basis = np.column_stack([basis, rest / np.linalg.norm(rest)])
    return basis


def soap(t: int, g: np.ndarray, state: dict[str, Any]) -> np.ndarray:
    """Algorithms 3 and 4 of arXiv:2409.11321 and what the authors' code adds.

    Bias is corrected, the first step does not move, and columns are ordered before a QR step.
    """
    beta1, beta2, step = 0.9, 0.8, np.zeros_like(g)
    if t > 1:
        ql, qr = state["Q"]
        m = state["M"] = beta1 * state.get("M", 0.0) + (1 - beta1) * g
        v = beta2 * state.get("V", 0.0) + (1 - beta2) * (ql.T @ g @ qr) ** 2
        scale = np.sqrt(v) / np.sqrt(1 - beta2 ** (t - 1)) + 0.01
        turned = ql.T @ m @ qr / (1 - beta1 ** (t - 1)) / scale
        step, state["V"] = 0.02 * ql @ turned @ qr.T, v
    left = state["L"] = beta2 * state.get("L", 0.0) + (1 - beta2) * g @ g.T
    right = state["R"] = beta2 * state.get("R", 0.0) + (1 - beta2) * g.T @ g
    if t == 1:
        state["Q"] = []
        for each in (left, right):
            values, vectors = np.linalg.eigh(each)
            known = vectors[:, ::-1] * (values[::-1] > 1e-10 * values[-1])
            state["Q"].append(completed(known, np.zeros_like(each)))
    elif (t - 1) % 3 == 0:
        for axis, each in enumerate((left, right)):
            q = state["Q"][axis]
            order = np.argsort(-np.diag(q.T @ each @ q))
            state["V"] = np.take(state["V"], order, axis=axis)
            state["Q"][axis] = completed(each @ q[:, order], q[:, order])
    return step


MOMENTS = {"beta1": 0.9, "beta2": 0.8, "eps": 0.01, "frequency": 3}
CASES = (
    ("spectral_descent", {"learning_rate": 0.1}, spectral_descent, "network"),
    ("normalized_spectral_descent", {"learning_rate": 0.1}, normalized_spectral_descent, "network"),
    ("muon", {"learning_rate": 0.05, "momentum": 0.9}, muon_of(nesterov=True), "network"),
    (
        "muon",
        {"learning_rate": 0.05, "momentum": 0.9, "nesterov": 0},
        muon_of(nesterov=False),
        "network",
    ),
    ("shampoo", {"learning_rate": 0.1, "eps": 0.01}, shampoo, "network"),
    ("soap", {"learning_rate": 0.02, **MOMENTS}, soap, "square"),
    ("soap", {"learning_rate": 0.02, **MOMENTS}, soap, "rank 2"),
    ("soap", {"learning_rate": 0.02, **MOMENTS}, soap, "rank 1"),
)


@pytest.mark.parametrize(("name", "hypers", "rule", "problem"), CASES)
def test_follows_the_pseudo_code(name, hypers, rule, problem):  # type: ignore[no-untyped-def]
    gradient, start, layers = PROBLEMS[problem]
    ours = PlainRun(name, start, layers, **hypers).follow(gradient, STEPS)
    expected = list(islice(by_matrix(rule)(gradient, start, layers), STEPS))
    # roundings of 1e-16 a step, amplified by orthogonalizing nearly singular gradients
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-9)


CLASSES = "softmax_regression:data=gaussian,n=12,d=6,classes=3,seed=0"


@pytest.fixture(scope="module")
def classes() -> Any:
    ((built,),) = build_instances(load_registry(), CLASSES, 1)
    return built


def cross_entropy_gradient(instance: Any) -> Gradient:
    """Of the mean of -log softmax(W x)[y], row by row of W."""

    def gradient(w: np.ndarray) -> np.ndarray:
        scores = instance.features @ w.reshape(3, 6).T
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        shares[np.arange(12), instance.targets.astype(int)] -= 1.0
        return np.asarray((shares.T @ instance.features / 12.0).ravel())

    return gradient


@pytest.mark.parametrize(
    "name",
    # lars and lamb tell several matrices apart
    ["muon", "shampoo", "soap", "spectral_descent", "automatic_gradient_descent", "nero"],
)
def test_the_weights_of_several_classes_are_a_matrix(classes, name):  # type: ignore[no-untyped-def]
    """Not a row of 18 numbers, with which steps are others."""
    gradient, start = cross_entropy_gradient(classes), np.zeros(18)
    given = {"learning_rate": 0.1} if "learning_rate" in all_optimizers()[name].hypers else {}
    w = optbench.run(CLASSES, name, horizon=4, **given).w
    matrix = PlainRun(name, start, np.array([(0, 3, 6)]), **given).follow(gradient, 4)[-1]
    row = PlainRun(name, start, np.array([(0, 1, 18)]), **given).follow(gradient, 4)[-1]
    # soap divides by eps = 1e-8 what is a rounding, 1e-17, where the gradient has no part
    np.testing.assert_allclose(w, matrix, rtol=0, atol=1e-8)
    assert np.max(np.abs(w - row)) > 1e-4


@pytest.mark.parametrize(
    ("text", "norm"),
    [
        ("normalized_spectral_descent", "spectral"),
        ("muon[nesterov=0]", "spectral"),
        ("signum", "linf"),
        ("sign_descent", "linf"),
        ("normalized_gradient_descent", "l2"),
        ("coordinate_descent[decay=0.1]", "l1"),
    ],
)
def test_steps_of_prescribed_length_come_nearest_to_the_margin_of_their_norm(classes, text, norm):  # type: ignore[no-untyped-def]
    """Fan, Schmidt, Thrampoulidis 2025; the gaps fall like t^-1/2, muon's factors are inexact."""
    w = optbench.run(CLASSES, text, horizon=100_000, learning_rate=0.3).w
    scores = classes.features @ w.reshape(3, 6).T
    own = np.take_along_axis(scores, classes.targets.astype(int)[:, None], axis=1)
    rivals = np.where(scores == own, -np.inf, scores).max(axis=1)
    margin = np.min(own[:, 0] - rivals)
    sizes = {
        "l1": np.abs(w).sum(),
        "l2": np.linalg.norm(w),
        "linf": np.abs(w).max(),
        "spectral": np.linalg.norm(w.reshape(3, 6), 2),
    }
    found = {
        name: margin / size / abs(classes.references[name]().value) for name, size in sizes.items()
    }
    assert max(found.values()) <= 1.0 + 1e-6
    assert max(found, key=found.__getitem__) == norm, found
    assert found[norm] > 0.92, found
