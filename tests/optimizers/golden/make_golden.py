"""Write the golden trajectories with torch.optim and optax, in float64.

Run in tests/optimizers with an environment that has torch, jax and optax:
``PYTHONPATH=. python golden/make_golden.py``.  Each file says in its header which code made it
and with which hyperparameters; its rows are the step and theta.
Gradients come from torch's and jax's automatic differentiation, not from ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import small_problems as data
import torch

HERE = Path(__file__).resolve().parent
jax.config.update("jax_enable_x64", True)
STEPS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
Trajectory = dict[int, np.ndarray]


def torch_loss(problem: str, parameters: list[torch.Tensor]) -> torch.Tensor:
    """Return the objective of ``small_problems`` as a torch graph."""
    if problem == "quadratic":
        (theta,) = parameters
        hessian, linear = torch.tensor(data.HESSIAN), torch.tensor(data.LINEAR)
        return 0.5 * theta @ hessian @ theta - linear @ theta
    if problem == "logistic":
        (theta,) = parameters
        return torch.nn.functional.softplus(-torch.tensor(data.MARGIN_ROWS) @ theta).mean()
    w1, w2, w3 = parameters
    residual = w3 @ w2 @ w1 @ torch.tensor(data.INPUTS) - torch.tensor(data.OUTPUTS)
    return 0.5 * (residual**2).mean()


def torch_parameters(problem: str) -> list[torch.Tensor]:
    """Return the start as leaf tensors."""
    if problem != "network":
        return [torch.tensor(data.START, requires_grad=True)]
    return [
        torch.tensor(data.NETWORK_START[o : o + r * c].reshape(r, c), requires_grad=True)
        for o, r, c in data.LAYERS
    ]


class AGD:
    """The authors' update (arXiv:2304.05187, listing in the appendix), for matrices."""

    def __init__(self, parameters: list[torch.Tensor], gain: float = 1.0) -> None:
        self.parameters, self.gain, self.depth = parameters, gain, len(parameters)

    def zero_grad(self) -> None:
        for p in self.parameters:
            p.grad = None

    @torch.no_grad()
    def step(self) -> None:
        scales = [math.sqrt(p.shape[0] / p.shape[1]) for p in self.parameters]
        norms = [torch.linalg.matrix_norm(p.grad) for p in self.parameters]
        summary = sum(s * n for s, n in zip(scales, norms, strict=True)).item() / self.depth
        eta = math.log(0.5 * (1 + math.sqrt(1 + 4 * summary)))
        for p, s, n in zip(self.parameters, scales, norms, strict=True):
            p -= self.gain * eta / self.depth * s * p.grad / n


def torch_trajectory(make: Callable[[list[torch.Tensor]], Any], problem: str) -> Trajectory:
    """Follow a torch optimizer."""
    parameters = torch_parameters(problem)
    optimizer, path = make(parameters), {}
    for step in range(1, STEPS[-1] + 1):
        optimizer.zero_grad()
        torch_loss(problem, parameters).backward()
        optimizer.step()
        if step in STEPS:
            path[step] = np.concatenate([p.detach().numpy().ravel().copy() for p in parameters])
    return path


def optax_trajectory(transformation: optax.GradientTransformation, problem: str) -> Trajectory:
    """Follow an optax optimizer."""

    def loss(theta: jax.Array) -> jax.Array:
        if problem == "quadratic":
            return 0.5 * theta @ data.HESSIAN @ theta - data.LINEAR @ theta
        return jax.nn.softplus(-data.MARGIN_ROWS @ theta).mean()

    @jax.jit
    def advance(theta: jax.Array, state: Any) -> tuple[jax.Array, Any]:
        updates, state = transformation.update(jax.grad(loss)(theta), state, theta)
        return optax.apply_updates(theta, updates), state

    theta, path = jnp.asarray(data.START), {}
    state = transformation.init(theta)
    for step in range(1, STEPS[-1] + 1):
        theta, state = advance(theta, state)
        if step in STEPS:
            path[step] = np.asarray(theta)
    return path


def schedule(learning_rate: float, decay: float) -> optax.Schedule:
    """learning_rate t^-decay; optax counts steps from 0."""
    return lambda count: learning_rate * (count + 1.0) ** (-decay)


def write(
    optimizer: str, problem: str, source: str, hypers: dict[str, float], path: Trajectory
) -> None:
    """Write one file of 17 significant digits: every float64 is read back exactly."""
    values = " ".join(f"{name}={value!r}" for name, value in hypers.items())
    rows = [f"# {source}", f"# {values}"]
    rows += [" ".join([str(t), *(f"{x:.17g}" for x in path[t])]) for t in STEPS]
    (HERE / f"{optimizer}-{problem}.txt").write_text("\n".join(rows) + "\n")


def main() -> None:
    """Write all files; where torch and optax both have a rule, insist that they agree.

    Rates and eps are such that no run amplifies rounding errors: near a minimum Adam with a small
    eps and normalized steps that overshoot are chaotic, and no two programs agree for long; so is
    AGD when the gradient of one matrix vanishes before the others'.
    """
    sgd, o = torch.optim.SGD, torch.optim
    rate, adam = {"learning_rate": 0.3}, {"learning_rate": 0.02, "beta1": 0.8, "beta2": 0.95}
    momentum = {"learning_rate": 0.1, "momentum": 0.85}
    nesterov = partial(sgd, lr=0.1, momentum=0.85, nesterov=True)
    in_torch = [
        ("gradient_descent", partial(sgd, lr=0.3), rate, optax.sgd(0.3)),
        ("heavy_ball", partial(sgd, lr=0.1, momentum=0.85), momentum, optax.sgd(0.1, 0.85)),
        ("nesterov", nesterov, momentum, optax.sgd(0.1, 0.85, nesterov=True)),
        (
            "adam",
            partial(o.Adam, lr=0.02, betas=(0.8, 0.95), eps=0.02),
            adam | {"eps": 0.02},
            optax.adam(0.02, 0.8, 0.95, 0.02),
        ),
        (
            "adagrad",
            partial(o.Adagrad, lr=0.2, eps=1e-8),
            {"learning_rate": 0.2, "eps": 1e-8},
            None,
        ),
        (
            "adamw",
            partial(o.AdamW, lr=0.02, betas=(0.8, 0.95), eps=0.02, weight_decay=0.3),
            adam | {"eps": 0.02, "weight_decay": 0.3},
            optax.adamw(0.02, 0.8, 0.95, 0.02, weight_decay=0.3),
        ),
        (
            "rmsprop",
            partial(o.RMSprop, lr=0.02, alpha=0.95, eps=0.02),
            {"learning_rate": 0.02, "beta": 0.95, "eps": 0.02},
            optax.rmsprop(0.02, 0.95, 0.02, eps_in_sqrt=False),
        ),
        (
            "weight_decay",
            partial(sgd, lr=0.3, weight_decay=0.1),
            rate | {"weight_decay": 0.1},
            optax.chain(optax.add_decayed_weights(0.1), optax.sgd(0.3)),
        ),
    ]
    version = f"torch {torch.__version__}"
    for name, make, hypers, other in in_torch:
        for problem in ("quadratic", "logistic"):
            path = torch_trajectory(make, problem)
            if other is not None:
                for step, theta in optax_trajectory(other, problem).items():
                    np.testing.assert_allclose(theta, path[step], rtol=0, atol=1e-12)
            write(name, problem, f"{version}, {make.func.__name__}", hypers, path)
    path = torch_trajectory(partial(AGD, gain=0.8), "network")
    write("automatic_gradient_descent", "network", f"{version}, AGD", {"gain": 0.8}, path)
    prescribed = {"learning_rate": 0.02, "decay": 0.6}
    unit_norm = optax.chain(
        optax.normalize_by_update_norm(eps=0.0),
        optax.scale_by_learning_rate(schedule(0.02, 0.6)),
    )
    in_optax = [
        ("sign_descent", optax.sign_sgd(schedule(0.02, 0.6))),
        ("normalized_gradient_descent", unit_norm),
    ]
    for name, transformation in in_optax:
        for problem in ("quadratic", "logistic"):
            path = optax_trajectory(transformation, problem)
            write(name, problem, f"optax {optax.__version__}", prescribed, path)


if __name__ == "__main__":
    main()
