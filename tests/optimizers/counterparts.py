"""Optimizers with a counterpart in torch.optim or optax, and the paths of these, in float64.

This file needs torch, jax and optax (``pip install '.[peers]'``): ``golden/make_golden.py`` and
``test_counterparts.py`` read it.  Gradients come from torch's and jax's automatic differentiation,
not from ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import small_problems as data
import torch
from optax.contrib import MuonDimensionNumbers, dog, muon, prodigy

jax.config.update("jax_enable_x64", True)
STEPS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
Trajectory = dict[int, np.ndarray]
Make = partial[Any]  # of a class of torch.optim, called with the parameters


@dataclass(frozen=True)
class Counterpart:
    """One of our optimizers with its hyperparameters, and the same rule elsewhere.

    Attributes
    ----------
    name, hypers
        Ours.
    torch, optax : optional
        Theirs, with arguments that mean the same.
    problems : tuple of str
        Of ``small_problems``.
    steps : int
        How many steps are compared: rounding must not be amplified on the way.
    slow : bool
        Whether theirs keeps slow weights beside the fast ones.
    variant : str
        Tells two counterparts of one optimizer apart.
    """

    name: str
    hypers: Mapping[str, float]
    torch: Make | None = None
    optax: optax.GradientTransformation | None = None
    problems: tuple[str, ...] = ("quadratic", "logistic")
    steps: int = STEPS[-1]
    slow: bool = False
    variant: str = ""

    @property
    def recorded(self) -> tuple[int, ...]:
        """The steps that are compared."""
        return tuple(step for step in STEPS if step <= self.steps)

    def paths(self, problem: str) -> dict[str, Trajectory]:
        """Return theta at the recorded steps, by library."""
        found = {}
        if self.torch is not None:
            source = f"torch {torch.__version__}, {self.torch.func.__name__}"
            found[source] = torch_path(self.torch, problem, self.recorded)
        if self.optax is not None:
            source = f"optax {optax.__version__}"
            found[source] = optax_path(self.optax, problem, self.recorded, self.slow)
        return found


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


def schedule(learning_rate: float, decay: float) -> optax.Schedule:
    """learning_rate t^-decay; optax counts steps from 0."""
    return lambda count: learning_rate * (count + 1.0) ** (-decay)


def rates(learning_rate: float, **others: float) -> dict[str, float]:
    """Return hyperparameters by name."""
    return {"learning_rate": learning_rate, **others}


# Rates and eps are such that no run amplifies rounding errors: near a minimum Adam with a small eps
# and normalized steps that overshoot are chaotic, and no two programs agree for long; so are
# Polyak's steps, and AGD when the gradient of one matrix vanishes before the others'.
_SGD, _BETAS = torch.optim.SGD, {"beta1": 0.8, "beta2": 0.95}
COUNTERPARTS = (
    Counterpart("gradient_descent", rates(0.3), partial(_SGD, lr=0.3), optax.sgd(0.3)),
    Counterpart(
        "heavy_ball",
        rates(0.1, momentum=0.85),
        partial(_SGD, lr=0.1, momentum=0.85),
        optax.sgd(0.1, 0.85),
    ),
    Counterpart(
        "nesterov",
        rates(0.1, momentum=0.85),
        partial(_SGD, lr=0.1, momentum=0.85, nesterov=True),
        optax.sgd(0.1, 0.85, nesterov=True),
    ),
    Counterpart(
        "adam",
        rates(0.02, **_BETAS, eps=0.02),
        partial(torch.optim.Adam, lr=0.02, betas=(0.8, 0.95), eps=0.02),
        optax.adam(0.02, 0.8, 0.95, 0.02),
    ),
    Counterpart(
        "adamw",
        rates(0.02, **_BETAS, eps=0.02, weight_decay=0.3),
        partial(torch.optim.AdamW, lr=0.02, betas=(0.8, 0.95), eps=0.02, weight_decay=0.3),
        optax.adamw(0.02, 0.8, 0.95, 0.02, weight_decay=0.3),
    ),
    Counterpart(
        "adagrad",
        rates(0.2, eps=1e-8),
        partial(torch.optim.Adagrad, lr=0.2, eps=1e-8),
    ),
    Counterpart(
        "adagrad",
        rates(0.2, eps=0.0),
        partial(torch.optim.Adagrad, lr=0.2, eps=0.0),
        optax.adagrad(0.2, initial_accumulator_value=0.0, eps=0.0),
        variant="no eps",
    ),
    Counterpart(
        "rmsprop",
        rates(0.02, beta=0.95, eps=0.02),
        partial(torch.optim.RMSprop, lr=0.02, alpha=0.95, eps=0.02),
        optax.rmsprop(0.02, 0.95, 0.02, eps_in_sqrt=False),
    ),
    Counterpart(
        "weight_decay",
        rates(0.3, weight_decay=0.1),
        partial(_SGD, lr=0.3, weight_decay=0.1),
        optax.chain(optax.add_decayed_weights(0.1), optax.sgd(0.3)),
    ),
    Counterpart("sign_descent", rates(0.02, decay=0.6), optax=optax.sign_sgd(schedule(0.02, 0.6))),
    Counterpart(
        "normalized_gradient_descent",
        rates(0.02, decay=0.6),
        optax=optax.chain(
            optax.normalize_by_update_norm(eps=0.0),
            optax.scale_by_learning_rate(schedule(0.02, 0.6)),
        ),
    ),
    Counterpart(
        "lookahead",
        rates(0.3, k=5, interpolation=0.5),
        optax=optax.lookahead(optax.sgd(0.3), sync_period=5, slow_step_size=0.5),
        slow=True,
    ),
    Counterpart(
        "polyak_step",
        {},
        optax=optax.polyak_sgd(max_learning_rate=math.inf),
        problems=("least_squares",),
        steps=20,
    ),
    Counterpart(
        "lion",
        rates(0.01, beta1=0.8, beta2=0.95, weight_decay=0.3),
        optax=optax.lion(0.01, 0.8, 0.95, weight_decay=0.3),
    ),
    Counterpart(
        "signum",
        rates(0.02, momentum=0.85, decay=0.6),
        optax=optax.chain(
            optax.ema(0.85, debias=False),
            optax.scale_by_sign(),
            optax.scale_by_learning_rate(schedule(0.02, 0.6)),
        ),
    ),
    # optax 0.2.8 weighs differences by 1 - b2 where the authors have b2 (its pull request 1715)
    Counterpart(
        "adan",
        rates(0.02, beta1=0.9, beta2=0.5, beta3=0.95, eps=0.02),
        optax=optax.adan(0.02, 0.9, 0.5, 0.95, 0.02, eps_root=0.0),
    ),
    Counterpart(
        "amsgrad",
        rates(0.02, **_BETAS, eps=0.02),
        partial(torch.optim.Adam, lr=0.02, betas=(0.8, 0.95), eps=0.02, amsgrad=True),
    ),
    Counterpart(
        "amsgrad",
        rates(0.02, **_BETAS, eps=0.02, bias_correction=0.0),
        optax=optax.amsgrad(
            0.02, 0.8, 0.95, 0.02, bias_correction_mu=False, bias_correction_nu=False
        ),
        variant="not corrected",
    ),
    # optax computes its 1 - t^-0.8 in float32
    Counterpart(
        "adafactor",
        rates(0.01),
        partial(torch.optim.Adafactor, lr=0.01, eps=(1e-30, 1e-3)),
        problems=("quadratic", "logistic", "network"),
        steps=200,
    ),
    Counterpart("dog", {"first_distance": 1e-3}, optax=dog(init_step=("heuristic", 1e-3))),
    Counterpart(
        "prodigy",
        {"bias_correction": 1.0, "first_estimate": 1e-3},
        optax=prodigy(estim_lr0=1e-3),
        steps=200,
    ),
    # without Nesterov's form: there optax corrects bias
    Counterpart(
        "muon",
        rates(0.05, momentum=0.9, nesterov=0, decay=0.6),
        optax=muon(
            schedule(0.05, 0.6),
            beta=0.9,
            nesterov=False,
            eps=0.0,
            muon_weight_dimension_numbers=lambda _: MuonDimensionNumbers(1, 0),
        ),
        problems=("network",),
        steps=50,
    ),
    Counterpart(
        "lars",
        rates(0.02, momentum=0.8, trust=0.5),
        optax=optax.lars(0.02, trust_coefficient=0.5, momentum=0.8),
        problems=("network",),
        steps=50,
    ),
    Counterpart(
        "lamb",
        rates(0.01, **_BETAS, eps=0.02, weight_decay=0.3),
        optax=optax.lamb(0.01, 0.8, 0.95, 0.02, weight_decay=0.3),
        problems=("network",),
        steps=200,
    ),
    Counterpart(
        "automatic_gradient_descent",
        {"gain": 0.8},
        partial(AGD, gain=0.8),
        problems=("network",),
    ),
)


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


def torch_path(make: Make, problem: str, recorded: tuple[int, ...]) -> Trajectory:
    """Follow a torch optimizer."""
    parameters = torch_parameters(problem)
    optimizer, path = make(parameters), {}
    for step in range(1, recorded[-1] + 1):
        optimizer.zero_grad()
        torch_loss(problem, parameters).backward()
        optimizer.step()
        if step in recorded:
            path[step] = np.concatenate([p.detach().numpy().ravel().copy() for p in parameters])
    return path


def optax_loss(problem: str, theta: Any) -> jax.Array:
    """Return the objective of ``small_problems`` in jax."""
    if problem == "network":
        w1, w2, w3 = theta
        return 0.5 * jnp.mean((w3 @ w2 @ w1 @ data.INPUTS - data.OUTPUTS) ** 2)
    if problem == "quadratic":
        return 0.5 * theta @ data.HESSIAN @ theta - data.LINEAR @ theta
    if problem == "logistic":
        return jax.nn.softplus(-data.MARGIN_ROWS @ theta).mean()
    return 0.5 * jnp.sum((data.WIDE_ROWS @ theta - data.WIDE_TARGETS) ** 2)


def optax_path(
    rule: optax.GradientTransformation, problem: str, recorded: tuple[int, ...], slow: bool
) -> Trajectory:
    """Follow an optax optimizer; of fast and slow weights the fast ones."""
    rule = optax.with_extra_args_support(rule)
    evaluate = jax.value_and_grad(partial(optax_loss, problem))

    @jax.jit
    def advance(theta: Any, state: Any) -> tuple[Any, Any]:
        value, gradient = evaluate(theta.fast if slow else theta)
        updates, state = rule.update(gradient, state, theta, value=value)
        return optax.apply_updates(theta, updates), state

    theta: Any = jnp.asarray(data.START)
    if problem == "network":
        theta = [
            jnp.asarray(data.NETWORK_START[o : o + r * c].reshape(r, c)) for o, r, c in data.LAYERS
        ]
    theta = optax.LookaheadParams.init_synced(theta) if slow else theta
    state, path = rule.init(theta), {}
    for step in range(1, recorded[-1] + 1):
        theta, state = advance(theta, state)
        if step in recorded:
            leaves = jax.tree.leaves(theta.fast if slow else theta)
            path[step] = np.concatenate([np.asarray(leaf).ravel() for leaf in leaves])
    return path
