"""Optimizers against the pseudo-code of their papers, written in plain NumPy.

Each function below follows the algorithm as the paper (or the authors' program) states it, on whole
arrays, and knows nothing of the kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from plain_runs import PlainRun
from small_problems import (
    LAYERS,
    NETWORK_START,
    START,
    logistic_gradient,
    network_gradient,
    quadratic_gradient,
)

Gradient = Callable[[np.ndarray], np.ndarray]
Path = Iterator[np.ndarray]  # theta after each step
STEPS = 60
MATRICES = [(rows, columns) for _, rows, columns in LAYERS.tolist()]


def lion(gradient: Gradient, x: np.ndarray) -> Path:
    """Program 1 of arXiv:2302.06675."""
    m = np.zeros_like(x)
    while True:
        g = gradient(x)
        update = np.sign(0.8 * m + 0.2 * g) + 0.3 * x
        m = 0.95 * m + 0.05 * g
        x = x - 0.01 * update
        yield x


def signum(gradient: Gradient, x: np.ndarray) -> Path:
    """Algorithm 2 of arXiv:1802.04434, with a rate 0.1 t^-0.5."""
    m, t = np.zeros_like(x), 0
    while True:
        t += 1
        m = 0.9 * m + 0.1 * gradient(x)
        x = x - 0.1 / np.sqrt(t) * np.sign(m)
        yield x


def adan(gradient: Gradient, x: np.ndarray) -> Path:
    """Algorithm 1 of arXiv:2208.06677 with bias correction; its betas are one minus ours."""
    beta1, beta2, beta3 = 0.1, 0.3, 0.05
    m, v, n, t = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x), 0
    last = gradient(x)
    while True:
        t += 1
        g = gradient(x)
        m = (1 - beta1) * m + beta1 * g
        v = (1 - beta2) * v + beta2 * (g - last)
        n = (1 - beta3) * n + beta3 * (g + (1 - beta2) * (g - last)) ** 2
        m_hat, v_hat, n_hat = (
            each / (1 - (1 - beta) ** t) for each, beta in ((m, beta1), (v, beta2), (n, beta3))
        )
        x = x - 0.02 / (np.sqrt(n_hat) + 0.02) * (m_hat + (1 - beta2) * v_hat)
        last = g
        yield x


def amsgrad(gradient: Gradient, x: np.ndarray) -> Path:
    """Algorithm 2 of arXiv:1904.09237: alpha_t = alpha / sqrt(t), no correction, no eps."""
    m, v, highest, t = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x), 0
    while True:
        t += 1
        g = gradient(x)
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g * g
        highest = np.maximum(highest, v)
        x = x - 0.05 / np.sqrt(t) * m / np.sqrt(highest)
        yield x


def adafactor_of(shapes: list[tuple[int, int]]) -> Callable[[Gradient, np.ndarray], Path]:
    """Algorithms 4 and 5 of arXiv:1804.04235: matrices, and vectors as one row."""

    def rms(values: np.ndarray) -> float:
        return float(np.sqrt(np.mean(values**2)))

    def adafactor(gradient: Gradient, x: np.ndarray) -> Path:
        ends = np.cumsum([n * m for n, m in shapes])[:-1]
        rows = [np.zeros(n) for n, _ in shapes]
        columns = [np.zeros(m) for _, m in shapes]
        t = 0
        while True:
            t += 1
            moved, beta2, rho = [], 1 - t**-0.8, min(1e-2, 1 / np.sqrt(t))
            for k, (part, g) in enumerate(
                zip(np.split(x, ends), np.split(gradient(x), ends), strict=True)
            ):
                matrix, g = part.reshape(shapes[k]), g.reshape(shapes[k])
                squares = g**2 + 1e-30
                rows[k] = beta2 * rows[k] + (1 - beta2) * squares.sum(axis=1)
                columns[k] = beta2 * columns[k] + (1 - beta2) * squares.sum(axis=0)
                u = g / np.sqrt(np.outer(rows[k], columns[k]) / rows[k].sum())
                u = u / max(1.0, rms(u))
                moved.append(matrix - max(1e-3, rms(matrix)) * rho * u)
            x = np.concatenate([each.ravel() for each in moved])
            yield x

    return adafactor


def lars(gradient: Gradient, x: np.ndarray) -> Path:
    """Algorithm 1 of arXiv:1708.03888 at a constant rate."""
    ends = np.cumsum([n * m for n, m in MATRICES])[:-1]
    v = np.zeros_like(x)
    while True:
        local = []
        for w, g in zip(np.split(x, ends), np.split(gradient(x), ends), strict=True):
            length, slope = np.linalg.norm(w), np.linalg.norm(g)
            local.append(0.5 * length / (slope + 0.1 * length) * (g + 0.1 * w))
        v = 0.8 * v + 0.02 * np.concatenate(local)
        x = x - v
        yield x


def lamb(gradient: Gradient, x: np.ndarray) -> Path:
    """Algorithm 2 of arXiv:1904.00962 with phi(z) = z."""
    ends = np.cumsum([n * m for n, m in MATRICES])[:-1]
    m, v, t = np.zeros_like(x), np.zeros_like(x), 0
    while True:
        t += 1
        g = gradient(x)
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g**2
        r = m / (1 - 0.8**t) / (np.sqrt(v / (1 - 0.95**t)) + 1e-2) + 0.3 * x
        moved = []
        for w, u in zip(np.split(x, ends), np.split(r, ends), strict=True):
            moved.append(w - 0.01 * np.linalg.norm(w) / np.linalg.norm(u) * u)
        x = np.concatenate(moved)
        yield x


def dog(gradient: Gradient, x: np.ndarray) -> Path:
    """Equations 1 and 2 of arXiv:2302.12022."""
    first, squares = x, 0.0
    distance = 1e-3 * (1.0 + np.linalg.norm(x))
    while True:
        g = gradient(x)
        distance = max(distance, float(np.linalg.norm(x - first)))
        squares += g @ g
        x = x - distance / np.sqrt(squares + 1e-8) * g
        yield x


def prodigy(gradient: Gradient, x: np.ndarray) -> Path:
    """Algorithm 4 of arXiv:2306.06101, gamma_k = 1."""
    first, d, r = x, 1e-3, 0.0
    m, v, s = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
    beta1, beta2 = 0.9, 0.99
    while True:
        g = gradient(x)
        m = beta1 * m + (1 - beta1) * d * g
        v = beta2 * v + (1 - beta2) * d**2 * g**2
        r = np.sqrt(beta2) * r + d**2 * (g @ (first - x))
        s = np.sqrt(beta2) * s + d**2 * g
        larger = max(d, r / np.abs(s).sum())
        x = x - d * m / (np.sqrt(v) + larger * 1e-8)
        d = larger
        yield x


def d_adaptation_of(momentum: float) -> Callable[[Gradient, np.ndarray], Path]:
    """SGD with D-Adaptation of arXiv:2301.07733, gamma_k = 0.3: sums as they are written there."""

    def follow(gradient: Gradient, x: np.ndarray) -> Path:
        d, z, s, products = 1e-3, x, np.zeros_like(x), []
        first = np.linalg.norm(gradient(x))
        while True:
            g = gradient(x)
            weight = 0.3 * d / first
            products.append(weight * (g @ s))
            s = s + weight * g
            z = z - weight * g
            d = max(d, 2.0 * np.sum(products) / np.linalg.norm(s))
            x = momentum * x + (1.0 - momentum) * z
            yield x

    return follow


def d_adaptation_adam(gradient: Gradient, x: np.ndarray) -> Path:
    """Adam with D-Adaptation as the authors' DAdaptAdam has it, written with matrices."""
    d, r, beta1, beta2 = 1e-3, 0.0, 0.9, 0.99
    m, v, s, b = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x), np.sqrt(0.99)
    while True:
        g = gradient(x)
        inverse = np.diag(1.0 / (np.sqrt(v) + 1e-8))
        r = b * r + (1 - b) * d * (g @ inverse @ s)
        m = beta1 * m + (1 - beta1) * d * g
        v = beta2 * v + (1 - beta2) * g**2
        s = b * s + (1 - b) * d * g
        x = x - np.diag(1.0 / (np.sqrt(v) + 1e-8)) @ m
        d = max(d, r / ((1 - b) * np.linalg.norm(s, 1)))
        yield x


def barzilai_borwein_of(short: bool) -> Callable[[Gradient, np.ndarray], Path]:
    """Equations 5 and 6 of the paper, after a first step as in SPG."""

    def barzilai_borwein(gradient: Gradient, x: np.ndarray) -> Path:
        g = gradient(x)
        rate = 1.0 / np.max(np.abs(g))
        while True:
            last_x, last_g = x, g
            x = x - rate * g
            yield x
            g = gradient(x)
            s, y = x - last_x, g - last_g
            rate = (s @ y) / (y @ y) if short else (s @ s) / (s @ y)

    return barzilai_borwein


def dual_averaging(gradient: Gradient, x: np.ndarray) -> Path:
    """Minimize <mean gradient, x> + gamma / sqrt(t) ||x - x_0||^2 / 2 (Xiao 2010, algorithm 1)."""
    first, gradients, gamma = x, [], 5.0
    while True:
        gradients.append(gradient(x))
        x = first - np.sqrt(len(gradients)) / gamma * np.mean(gradients, axis=0)
        yield x


def restarted_nesterov(gradient: Gradient, y: np.ndarray) -> Path:
    """Algorithm 1 of arXiv:1204.3982 with q = 0 and its gradient scheme, restarts to x."""
    x, theta = y, 1.0
    while True:
        g = gradient(y)
        moved = y - 0.3 * g
        # theta_{k+1} solves theta_{k+1}^2 = (1 - theta_{k+1}) theta_k^2
        smaller = 0.5 * (-(theta**2) + theta * np.sqrt(theta**2 + 4.0))
        beta = theta * (1.0 - theta) / (theta**2 + smaller)
        if g @ (moved - x) > 0.0:
            y, theta = moved, 1.0
        else:
            y, theta = moved + beta * (moved - x), smaller
        x = moved
        yield y


def frank_wolfe_of(p: float) -> Callable[[Gradient, np.ndarray], Path]:
    """Algorithm 1 of Jaggi 2013 on the unit ball of a norm, which the start need not be in."""

    def best(g: np.ndarray) -> np.ndarray:
        if p == 1.0:
            corners = np.vstack([np.eye(g.size), -np.eye(g.size)])
            return np.asarray(corners[np.argmin(corners @ g)])
        if p == np.inf:
            return np.asarray(-np.sign(g))
        if p == 2.0:
            return np.asarray(-g / np.linalg.norm(g))
        q = p / (p - 1.0)
        return np.asarray(-np.sign(g) * (np.abs(g) / np.linalg.norm(g, q)) ** (q - 1.0))

    def frank_wolfe(gradient: Gradient, x: np.ndarray) -> Path:
        k = 0
        while True:
            rate = 2.0 / (k + 2.0)
            x = (1.0 - rate) * x + rate * best(gradient(x))
            k += 1
            yield x

    return frank_wolfe


PROBLEMS: dict[str, tuple[Gradient, np.ndarray, np.ndarray | None]] = {
    "quadratic": (quadratic_gradient, START, None),
    "logistic": (logistic_gradient, START, None),
    "network": (network_gradient, NETWORK_START, LAYERS),
}
VECTORS, NETWORK = ("quadratic", "logistic"), ("network",)
ONE_ROW = [(1, START.size)]
MOMENTS = {"beta1": 0.8, "beta2": 0.95}
CASES: tuple[tuple[str, dict[str, float], Any, tuple[str, ...], int], ...] = (
    (
        "lion",
        {"learning_rate": 0.01, "beta1": 0.8, "beta2": 0.95, "weight_decay": 0.3},
        lion,
        VECTORS,
        STEPS,
    ),
    ("signum", {"learning_rate": 0.1}, signum, VECTORS, STEPS),
    (
        "adan",
        {"learning_rate": 0.02, "beta1": 0.9, "beta2": 0.7, "beta3": 0.95, "eps": 0.02},
        adan,
        VECTORS,
        STEPS,
    ),
    (
        "amsgrad",
        {"learning_rate": 0.05, "decay": 0.5, "eps": 0.0, "bias_correction": 0.0, **MOMENTS},
        amsgrad,
        VECTORS,
        STEPS,
    ),
    ("adafactor", {"learning_rate": 0.01}, adafactor_of(ONE_ROW), VECTORS, STEPS),
    ("adafactor", {"learning_rate": 0.01}, adafactor_of(MATRICES), NETWORK, STEPS),
    (
        "lars",
        {"learning_rate": 0.02, "momentum": 0.8, "trust": 0.5, "weight_decay": 0.1},
        lars,
        NETWORK,
        STEPS,
    ),
    (
        "lamb",
        {"learning_rate": 0.01, "weight_decay": 0.3, "eps": 1e-2, **MOMENTS},
        lamb,
        NETWORK,
        STEPS,
    ),
    ("dog", {"first_distance": 1e-3}, dog, VECTORS, STEPS),
    ("prodigy", {"first_estimate": 1e-3, "beta2": 0.99}, prodigy, VECTORS, STEPS),
    (
        "d_adaptation",
        {"first_estimate": 1e-3, "learning_rate": 0.3},
        d_adaptation_of(0.0),
        VECTORS,
        STEPS,
    ),
    (
        "d_adaptation",
        {"first_estimate": 1e-3, "learning_rate": 0.3, "momentum": 0.9},
        d_adaptation_of(0.9),
        VECTORS,
        STEPS,
    ),
    (
        "d_adaptation_adam",
        {"first_estimate": 1e-3, "beta2": 0.99},
        d_adaptation_adam,
        VECTORS,
        STEPS,
    ),
    # rounding grows tenfold from step to step: the last digits are all that is lost in fifteen
    ("barzilai_borwein", {}, barzilai_borwein_of(short=False), ("quadratic",), 15),
    ("barzilai_borwein", {"short": 1}, barzilai_borwein_of(short=True), VECTORS, 15),
    ("dual_averaging", {"learning_rate": 0.2}, dual_averaging, VECTORS, STEPS),
    ("restarted_nesterov", {"learning_rate": 0.3}, restarted_nesterov, VECTORS, STEPS),
    ("frank_wolfe", {"inverse_p": 1.0}, frank_wolfe_of(1.0), VECTORS, STEPS),
    ("frank_wolfe", {"inverse_p": 0.5}, frank_wolfe_of(2.0), VECTORS, STEPS),
    ("frank_wolfe", {"inverse_p": 0.0}, frank_wolfe_of(np.inf), VECTORS, STEPS),
    ("frank_wolfe", {"inverse_p": 0.25}, frank_wolfe_of(4.0), VECTORS, STEPS),
)
PAIRS = [(case, problem) for case in CASES for problem in case[3]]


@pytest.mark.parametrize(
    ("case", "problem"),
    PAIRS,
    ids=[f"{case[0]}-{problem}-{k}" for k, (case, problem) in enumerate(PAIRS)],
)
def test_follows_the_pseudo_code(case, problem: str) -> None:  # type: ignore[no-untyped-def]
    name, hypers, pseudo_code, _, steps = case
    gradient, start, layers = PROBLEMS[problem]
    ours = PlainRun(name, start, layers, **hypers).follow(gradient, steps)
    expected = [x for x, _ in zip(pseudo_code(gradient, start), range(steps), strict=False)]
    # roundings of 1e-16 a step; theta is of order 1
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-11)
