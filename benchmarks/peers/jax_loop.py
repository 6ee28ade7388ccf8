"""JAX: ``lax.fori_loop`` around the gradient by hand, ``vmap`` over runs, compiled ahead."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.peers.maps import muon_directions, predictor, pull_back
from benchmarks.peers.task import BETA1, BETA2, EPS, Fresh, Task

REQUIRES = ("jax",)


def prepare(task: Task, threads: int) -> Fresh:
    """Trace and compile the whole run for this task."""
    import jax
    import jax.numpy as jnp
    from jax import lax

    jax.config.update("jax_enable_x64", True)
    if task.loss == "softmax":
        return prepare_softmax(task)
    matrix, transposed, targets = matrices(task)
    update = make_update(task)

    def descend(theta: Any, rate: Any, matrix: Any, transposed: Any, targets: Any) -> Any:
        def body(step: Any, state: Any) -> Any:
            parts, *moments = state
            w, saved = predictor(parts, task.parametrization)
            z = matrix @ w
            r = z - targets if task.loss == "squared" else jax.nn.sigmoid(z)
            in_w = transposed @ r if task.copies_transpose else task.scale * (r @ matrix)
            gradients = pull_back(parts, saved, in_w, task.parametrization)
            return update(step, parts, gradients, *moments, rate)

        parts = split(theta, task)
        zeros = [jnp.zeros_like(part) for part in parts]
        moments = (zeros, zeros) if task.optimizer == "adam" else ()
        parts, *_ = lax.fori_loop(1, task.steps + 1, body, (parts, *moments))
        return jnp.concatenate([part.ravel() for part in parts])

    return compile_runs(task, descend, matrix, transposed, targets)


def prepare_softmax(task: Task) -> Fresh:
    """Trace and compile softmax regression: a class's scores lie next to each other."""
    import jax
    import jax.numpy as jnp
    from jax import lax

    shape, muon = task.layers[0], task.optimizer == "muon"
    update = make_update(task)

    def descend(theta: Any, rate: Any, features: Any, backward: Any, one_hot: Any) -> Any:
        def body(step: Any, state: Any) -> Any:
            (weights,), *moments = state
            slopes = jax.nn.softmax(weights @ features, axis=0) - one_hot
            return update(step, [weights], [slopes @ backward], *moments, rate)

        start = theta.reshape(shape)
        moments = [jnp.zeros_like(start)] if muon else []
        (parts, *_) = lax.fori_loop(1, task.steps + 1, body, ([start], *moments))
        return parts[0].ravel()

    return compile_runs(task, descend, *softmax_arrays(task))


def softmax_arrays(task: Task) -> tuple[Any, Any, Any]:
    """Return X^T, scale * X and the classes as columns on the device."""
    import jax.numpy as jnp

    matrix = jnp.asarray(task.dense)
    return matrix.T.copy(), task.scale * matrix, jnp.asarray(task.one_hot)


def matrices(task: Task) -> tuple[Any, Any, Any]:
    """Return B, scale * B^T (see :meth:`Task.signed`) and the targets on the device."""
    import jax.numpy as jnp

    matrix, targets = task.signed()
    if not task.sparse:
        return jnp.asarray(matrix), jnp.asarray(task.scale * matrix.T), jnp.asarray(targets)
    from jax.experimental.sparse import BCOO

    rows = np.repeat(np.arange(task.shape[0]), np.diff(task.starts))
    indices = jnp.asarray(np.stack([rows, task.columns], axis=1))
    sparse = BCOO(
        (jnp.asarray(matrix), indices),
        shape=task.shape,
        indices_sorted=True,
        unique_indices=True,
    )
    return sparse, (task.scale * sparse).T, jnp.asarray(targets)


def split(theta: Any, task: Task) -> list[Any]:
    """Cut a flat theta into its layers."""
    parts, start = [], 0
    for rows, columns in task.layers:
        part = theta[start : start + rows * columns]
        parts.append(part if columns == 1 else part.reshape(rows, columns))
        start += rows * columns
    return parts


def compile_runs(task: Task, descend: Any, *arrays: Any) -> Fresh:
    """Compile ``descend(theta, rate, *arrays)``, batched by ``vmap`` when there are many runs."""
    import jax
    import jax.numpy as jnp

    single = task.runs == 1
    theta = jnp.asarray(task.theta[0] if single else task.theta)
    rates = jnp.asarray(task.rates[0] if single else task.rates)
    if not single:
        descend = jax.vmap(descend, in_axes=(0, 0, *(None,) * len(arrays)))
    compiled = jax.jit(descend).lower(theta, rates, *arrays).compile()

    def run() -> np.ndarray:
        return np.atleast_2d(np.asarray(compiled(theta, rates, *arrays)))

    return lambda: run


def make_update(task: Task) -> Any:
    """Return ``update(step, parts, gradients, *moments, rate) -> (parts, *moments)``."""
    import jax.numpy as jnp

    def each(function: Any, *lists: list[Any]) -> list[Any]:
        return [function(*items) for items in zip(*lists, strict=True)]

    def gradient_descent(step: Any, parts: Any, gradients: Any, rate: Any) -> Any:
        return (each(lambda x, g: x - rate * g, parts, gradients),)

    def sign_descent(step: Any, parts: Any, gradients: Any, rate: Any) -> Any:
        now = rate / jnp.sqrt(step)
        return (each(lambda x, g: x - now * jnp.sign(g), parts, gradients),)

    def exponentiated_gradient(step: Any, parts: Any, gradients: Any, rate: Any) -> Any:
        return (each(lambda x, g: x * jnp.exp(-rate * g), parts, gradients),)

    def adam(step: Any, parts: Any, gradients: Any, m: Any, v: Any, rate: Any) -> Any:
        m = each(lambda m, g: BETA1 * m + (1.0 - BETA1) * g, m, gradients)
        v = each(lambda v, g: BETA2 * v + (1.0 - BETA2) * g * g, v, gradients)
        correction = jnp.sqrt(1.0 - BETA2**step)
        now = rate * correction / (1.0 - BETA1**step)
        eps = EPS * correction
        return each(lambda x, m, v: x - now * m / (jnp.sqrt(v) + eps), parts, m, v), m, v

    def muon(step: Any, parts: Any, gradients: Any, average: Any, rate: Any) -> Any:
        direction, average = muon_directions(gradients[0], average)
        return [parts[0] - rate / jnp.sqrt(step) * direction], average

    updates = {f.__name__: f for f in (gradient_descent, sign_descent, adam, muon)}
    updates["exponentiated_gradient"] = exponentiated_gradient
    return updates[task.optimizer]
