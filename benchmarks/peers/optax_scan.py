"""JAX as its users write it: ``jax.grad`` and optax inside ``lax.scan``, ``vmap`` over runs."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.jax_loop import compile_runs, matrices, softmax_arrays, split
from benchmarks.peers.maps import predictor
from benchmarks.peers.task import (
    BETA1,
    BETA2,
    EPS,
    MOMENTUM,
    MUON_STEPS,
    NEWTON_SCHULZ,
    Fresh,
    Task,
    Unsupported,
)

REQUIRES = ("jax", "optax")


def prepare(task: Task, threads: int) -> Fresh:
    """Trace and compile the whole run for this task."""
    import jax
    import jax.numpy as jnp
    import optax
    from jax import lax

    jax.config.update("jax_enable_x64", True)
    makers = {
        "gradient_descent": optax.sgd,
        "sign_descent": lambda rate: optax.sign_sgd(lambda count: rate / jnp.sqrt(count + 1.0)),
        "adam": lambda rate: optax.adam(rate, b1=BETA1, b2=BETA2, eps=EPS),
    }
    makers["muon"] = muon
    if task.optimizer not in makers:
        raise Unsupported(f"optax has no {task.optimizer}")
    softmax = task.loss == "softmax"
    matrix, _, targets = softmax_arrays(task) if softmax else matrices(task)

    def descend(theta: Any, rate: Any, matrix: Any, targets: Any) -> Any:
        def loss_of(parts: list[Any]) -> Any:
            if softmax:
                scores = parts[0] @ matrix
                totals = jax.nn.logsumexp(scores, axis=0)
                return task.scale * jnp.sum(totals - jnp.sum(targets * scores, axis=0))
            w, _ = predictor(parts, task.parametrization)
            z = matrix @ w
            if task.loss == "squared":
                return 0.5 * task.scale * jnp.sum((z - targets) ** 2)
            return task.scale * jnp.sum(jax.nn.softplus(z))

        optimizer = makers[task.optimizer](rate)

        def body(state: Any, _: Any) -> Any:
            parts, memory = state
            updates, memory = optimizer.update(jax.grad(loss_of)(parts), memory, parts)
            return (optax.apply_updates(parts, updates), memory), None

        parts = split(theta, task)
        (parts, _), _ = lax.scan(body, (parts, optimizer.init(parts)), length=task.steps)
        return jnp.concatenate([part.ravel() for part in parts])

    return compile_runs(task, descend, matrix, targets)


def muon(rate: Any) -> Any:
    """optax's own Newton-Schulz steps; its muon corrects the bias of momentum, so not that."""
    import jax
    import jax.numpy as jnp
    import optax
    from optax.contrib import _muon

    coefficients = jnp.array(NEWTON_SCHULZ)

    def orthogonalize(updates: Any, state: Any, _parts: Any = None) -> Any:
        whole = jax.tree.map(
            lambda x: _muon.orthogonalize_via_newton_schulz(x, coefficients, MUON_STEPS, eps=0.0),
            updates,
        )
        return whole, state

    return optax.chain(
        nesterov(),
        optax.GradientTransformation(lambda _: optax.EmptyState(), orthogonalize),
        optax.scale_by_learning_rate(lambda count: rate / jnp.sqrt(count + 1.0)),
    )


def nesterov() -> Any:
    """Nesterov's momentum as Muon's authors have it."""
    import jax
    import jax.numpy as jnp
    import optax

    def mix(old: Any, new: Any) -> Any:
        return jax.tree.map(lambda a, b: MOMENTUM * a + (1.0 - MOMENTUM) * b, old, new)

    def update(gradients: Any, average: Any, _parts: Any = None) -> Any:
        average = mix(average, gradients)
        return mix(average, gradients), average

    return optax.GradientTransformation(lambda parts: jax.tree.map(jnp.zeros_like, parts), update)
