"""NumPy: a Python loop, the gradient by hand, every large result written into a buffer."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.peers.maps import muon_directions, predictor, pull_back
from benchmarks.peers.task import BETA1, BETA2, EPS, Fresh, Run, Task

REQUIRES = ("numpy", "scipy")

Gradient = Callable[[np.ndarray], np.ndarray]
Update = Callable[[int, np.ndarray], None]


def prepare(task: Task, threads: int) -> Fresh:
    """Arrange the matrix and, where it pays, its scaled transpose."""
    if task.loss == "softmax":
        return prepare_softmax(task)
    matrix, targets = task.signed()
    forward: Any
    backward: Any
    if task.sparse:
        from scipy.sparse import csr_array

        matrix = csr_array((matrix, task.columns, task.starts), shape=task.shape)
        backward = (task.scale * matrix.T).tocsr()
        forward, backward = _sparse(matrix), _sparse(backward)
    else:
        forward = functools.partial(np.matmul, matrix)
        if task.copies_transpose:
            backward = functools.partial(np.matmul, np.ascontiguousarray(task.scale * matrix.T))
        else:
            backward = _scaled(matrix.T, task.scale)
    column = targets if task.runs == 1 else targets[:, None]

    def fresh() -> Run:
        theta = task.batch()
        gradient = make_gradient(task, forward, backward, column, theta)
        update = make_update(task, theta)

        def run() -> np.ndarray:
            for step in range(1, task.steps + 1):
                update(step, gradient(theta))
            return np.atleast_2d(theta.T)

        return run

    return fresh


def prepare_softmax(task: Task) -> Fresh:
    """All rows of all runs' matrices in one product; a class's scores lie next to each other."""
    features, backward = np.ascontiguousarray(task.dense.T), task.scale * task.dense
    one_hot, rows = task.one_hot, task.shape[0]
    rate = float(task.rates[0]) if task.runs == 1 else np.repeat(task.rates, task.outputs)[:, None]

    def fresh() -> Run:
        theta = task.theta.reshape(-1, task.features).copy()
        scores, gradient = np.empty((len(theta), rows)), np.empty_like(theta)
        by_run, totals = scores.reshape(task.runs, -1, rows), np.empty((task.runs, 1, rows))
        shaped = gradient.reshape(task.runs, *task.layers[0])
        muon = task.optimizer == "muon"
        update = muon_update(shaped, theta, rate) if muon else make_update(task, theta, rate)

        def run() -> np.ndarray:
            for step in range(1, task.steps + 1):
                np.matmul(theta, features, out=scores)
                np.amax(by_run, axis=1, keepdims=True, out=totals)
                np.subtract(by_run, totals, out=by_run)
                np.exp(by_run, out=by_run)
                np.sum(by_run, axis=1, keepdims=True, out=totals)
                np.divide(by_run, totals, out=by_run)
                np.subtract(by_run, one_hot, out=by_run)
                np.matmul(scores, backward, out=gradient)
                update(step, gradient)
            return theta.reshape(task.runs, -1)

        return run

    return fresh


def muon_update(shaped: np.ndarray, theta: np.ndarray, rate: Any) -> Update:
    """Return Muon's step; the gradient of all runs is ``shaped`` (K, k, d)."""
    average = np.zeros_like(shaped)

    def update(step: int, _gradient: np.ndarray) -> None:
        directions, average[:] = muon_directions(shaped, average)
        np.subtract(theta, rate / math.sqrt(step) * directions.reshape(theta.shape), out=theta)

    return update


def _sparse(matrix: Any) -> Callable[..., None]:
    def multiply(x: np.ndarray, out: np.ndarray) -> None:
        out[:] = matrix @ x

    return multiply


def _scaled(matrix: np.ndarray, scale: float) -> Callable[..., None]:
    def multiply(x: np.ndarray, out: np.ndarray) -> None:
        np.matmul(matrix, x, out=out)
        np.multiply(out, scale, out=out)

    return multiply


def make_gradient(
    task: Task, forward: Any, backward: Any, targets: np.ndarray, theta: np.ndarray
) -> Gradient:
    """Return the gradient in theta: two products and the slopes between them."""
    rows = np.empty((task.shape[0], *theta.shape[1:]))
    gradient_w = np.empty((task.features, *theta.shape[1:]))

    def gradient(w: np.ndarray) -> np.ndarray:
        forward(w, out=rows)
        if task.loss == "squared":
            np.subtract(rows, targets, out=rows)
        else:  # sigmoid(z) = 1 / (1 + exp(-z))
            np.negative(rows, out=rows)
            np.exp(rows, out=rows)
            np.add(rows, 1.0, out=rows)
            np.reciprocal(rows, out=rows)
        backward(rows, out=gradient_w)
        return gradient_w

    if task.parametrization == "linear":
        return gradient
    ends = np.cumsum([a * b for a, b in task.layers])[:-1]
    parts = [
        part if b == 1 else part.reshape(a, b)
        for part, (a, b) in zip(np.split(theta, ends), task.layers, strict=True)
    ]
    whole = np.empty_like(theta)

    def pulled_back(_: np.ndarray) -> np.ndarray:
        w, saved = predictor(parts, task.parametrization)
        gradients = pull_back(parts, saved, gradient(w), task.parametrization)
        return np.concatenate([part.ravel() for part in gradients], out=whole)

    return pulled_back


def make_update(task: Task, theta: np.ndarray, rate: Any = None) -> Update:
    """Return the optimizer's step: theta is changed in place."""
    if rate is None:
        rate = float(task.rates[0]) if task.runs == 1 else task.rates
    change = np.empty_like(theta)
    m, v = np.zeros_like(theta), np.zeros_like(theta)

    def gradient_descent(step: int, gradient: np.ndarray) -> None:
        np.multiply(gradient, rate, out=change)
        np.subtract(theta, change, out=theta)

    def sign_descent(step: int, gradient: np.ndarray) -> None:
        np.sign(gradient, out=change)
        np.multiply(change, rate / math.sqrt(step), out=change)
        np.subtract(theta, change, out=theta)

    def exponentiated_gradient(step: int, gradient: np.ndarray) -> None:
        np.multiply(gradient, -rate, out=change)
        np.exp(change, out=change)
        np.multiply(theta, change, out=theta)

    def adam(step: int, gradient: np.ndarray) -> None:
        np.multiply(m, BETA1, out=m)
        np.multiply(gradient, 1.0 - BETA1, out=change)
        np.add(m, change, out=m)
        np.multiply(gradient, gradient, out=change)
        np.multiply(change, 1.0 - BETA2, out=change)
        np.multiply(v, BETA2, out=v)
        np.add(v, change, out=v)
        # m_hat / (sqrt(v_hat) + eps), the corrections of both moments in two scalars
        correction = math.sqrt(1.0 - BETA2**step)
        np.sqrt(v, out=change)
        np.add(change, EPS * correction, out=change)
        np.divide(m, change, out=change)
        np.multiply(change, rate * (correction / (1.0 - BETA1**step)), out=change)
        np.subtract(theta, change, out=theta)

    updates = {f.__name__: f for f in (gradient_descent, sign_descent, adam)}
    updates["exponentiated_gradient"] = exponentiated_gradient
    return updates[task.optimizer]
