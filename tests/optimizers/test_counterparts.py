"""Against torch and optax as they are installed: the same paths, and what ``convention`` says.

Neither is needed to install or test optbench (``pip install '.[peers]'``): without them the paths
recorded in ``golden`` are compared, by ``test_golden.py``.
"""

from __future__ import annotations

import inspect
import math
from functools import partial

import numpy as np
import pytest
from plain_runs import PlainRun, all_optimizers, follow_case
from small_problems import START, least_squares_gradient, least_squares_loss, quadratic_gradient

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")

from counterparts import COUNTERPARTS, optax_path, torch_path  # noqa: E402

PAIRS = [(each, problem) for each in COUNTERPARTS for problem in each.problems]
EVERY = tuple(range(1, 41))


def default(function, name: str):  # type: ignore[no-untyped-def]
    return inspect.signature(function).parameters[name].default


@pytest.mark.parametrize(("each", "problem"), PAIRS, ids=lambda x: getattr(x, "name", x))
def test_follows_what_is_installed(each, problem) -> None:  # type: ignore[no-untyped-def]
    ours = follow_case(each.name, problem, each.steps, each.hypers)
    for library, path in each.paths(problem).items():
        steps = np.array(list(path))
        theirs = np.array(list(path.values()))
        # 1,000 steps of 1e-16 each, not amplified: theta is of order 1
        np.testing.assert_allclose(ours[steps - 1], theirs, rtol=0, atol=1e-10, err_msg=library)


def theirs(rule) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Forty steps of theirs on the quadratic."""
    follow = torch_path if callable(rule) else optax_path
    more = () if callable(rule) else (False,)
    return np.array(list(follow(rule, "quadratic", EVERY, *more).values()))


def by_formula(step) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Forty steps theta <- theta - step(t, g, state) on the quadratic, from a state of zeros."""
    theta, state, path = START.copy(), [np.zeros(START.size), np.zeros(START.size)], []
    for t in EVERY:
        theta = theta - step(t, quadratic_gradient(theta), state)
        path.append(theta)
    return np.array(path)


def assert_close(one: np.ndarray, other: np.ndarray) -> None:
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


def test_adagrad_starts_at_0_and_that_of_optax_at_a_tenth() -> None:
    ours = all_optimizers()["adagrad"]
    adagrad = torch.optim.Adagrad
    assert default(adagrad, "initial_accumulator_value") == ours.slots["accumulator"].initial == 0.0
    assert default(adagrad, "eps") == ours.hypers["eps"].default == 1e-10

    def step(t, g, state):  # type: ignore[no-untyped-def]
        state[0] += g * g
        return 0.2 * g / np.sqrt(0.1 + state[0] + 1e-7)

    assert_close(theirs(optax.adagrad(0.2)), by_formula(step))


def test_rmsprop_of_torch_has_eps_outside_that_of_optax_inside_the_root() -> None:
    hypers = all_optimizers()["rmsprop"].hypers
    assert default(torch.optim.RMSprop, "alpha") == hypers["beta"].default == 0.99
    assert default(torch.optim.RMSprop, "eps") == hypers["eps"].default == 1e-8
    assert default(optax.rmsprop, "decay") == 0.9 and default(optax.rmsprop, "eps_in_sqrt")
    assert default(optax.rmsprop, "initial_scale") == 0.0

    def step(t, g, state):  # type: ignore[no-untyped-def]
        state[0] = 0.9 * state[0] + 0.1 * g * g
        return 0.02 * g / np.sqrt(state[0] + 1e-3)

    assert_close(theirs(optax.rmsprop(0.02, eps=1e-3)), by_formula(step))


def test_adam_has_eps_outside_the_root_of_the_corrected_moment() -> None:
    hypers = all_optimizers()["adam"].hypers
    names = {"beta1": "b1", "beta2": "b2", "eps": "eps"}
    assert default(torch.optim.Adam, "betas") == (hypers["beta1"].default, hypers["beta2"].default)
    for name, other in names.items():
        assert default(optax.adam, other) == hypers[name].default
    assert default(optax.adam, "eps_root") == 0.0

    def step(t, g, state):  # type: ignore[no-untyped-def]
        state[0] = 0.9 * state[0] + 0.1 * g
        state[1] = 0.99 * state[1] + 0.01 * g * g
        corrected = state[1] / (1.0 - 0.99**t)
        return 0.02 * state[0] / (1.0 - 0.9**t) / (np.sqrt(corrected + 0.3) + 0.2)

    assert_close(theirs(optax.adam(0.02, 0.9, 0.99, 0.2, eps_root=0.3)), by_formula(step))


def test_adamw_shrinks_by_the_learning_rate() -> None:
    """Twice the rate and half the decay shrink alike: not so in the paper's form."""
    ours = all_optimizers()["adamw"].hypers["weight_decay"].default
    assert default(torch.optim.AdamW, "weight_decay") == ours == 0.01
    assert default(optax.adamw, "weight_decay") == 1e-4
    flat = {"rate": 0.1, "decay": 0.5}
    for make in (
        lambda rate, decay: torch_step(torch.optim.AdamW, lr=rate, weight_decay=decay),
        lambda rate, decay: optax_step(optax.adamw(rate, weight_decay=decay)),
        lambda rate, decay: PlainRun("adamw", START, learning_rate=rate, weight_decay=decay).step(
            np.zeros(5)
        ),
    ):
        assert_close(make(**flat), (1.0 - 0.1 * 0.5) * START)


def torch_step(make, **hypers) -> np.ndarray:  # type: ignore[no-untyped-def]
    """One step of torch's from a zero gradient."""
    theta = torch.tensor(START, requires_grad=True)
    theta.grad = torch.zeros_like(theta)
    make([theta], **hypers).step()
    return np.asarray(theta.detach())


def optax_step(rule, gradient=None) -> np.ndarray:  # type: ignore[no-untyped-def]
    """One step of optax's, by default from a zero gradient."""
    theta = jax.numpy.asarray(START)
    given = jax.numpy.zeros(5) if gradient is None else jax.numpy.asarray(gradient)
    updates, _ = rule.update(given, rule.init(theta), theta)
    return np.asarray(optax.apply_updates(theta, updates))


def test_heavy_ball_has_no_dampening_and_is_polyaks_form_at_a_constant_rate() -> None:
    assert default(torch.optim.SGD, "dampening") == 0
    ours = PlainRun("heavy_ball", START, learning_rate=0.1, momentum=0.85)

    def step(t, g, state):  # type: ignore[no-untyped-def]
        state[0] = 0.1 * g + 0.85 * state[0]  # minus the last theta - theta
        return state[0]

    assert_close(ours.follow(quadratic_gradient, len(EVERY)), by_formula(step))


def test_nesterov_stands_at_the_point_ahead() -> None:
    rate, momentum = 0.1, 0.85
    ours = PlainRun("nesterov", START, learning_rate=rate, momentum=momentum)
    x, y = START, START
    for ahead in ours.follow(quadratic_gradient, 40):
        last, x = x, y - rate * quadratic_gradient(y)
        y = x + momentum * (x - last)
        assert_close(ahead, y)


def test_the_sign_of_0_is_0() -> None:
    gradient = np.array([1.0, 0.0, -2.0, 0.0, 3.0])
    ours = PlainRun("sign_descent", START, learning_rate=0.1, decay=0.0).step(gradient)
    assert_close(ours, optax_step(optax.sign_sgd(0.1), gradient))
    assert_close(ours, START - 0.1 * np.asarray(torch.sign(torch.tensor(gradient))))


def test_normalization_of_optax_adds_eps_to_the_norm() -> None:
    gradient = 1e-6 * np.array([3.0, 0.0, 4.0, 0.0, 0.0])
    moved = optax_step(optax.chain(optax.normalize_by_update_norm(), optax.sgd(1.0)), gradient)
    assert_close(START - moved, gradient / (5e-6 + 1e-6))
    ours = PlainRun("normalized_gradient_descent", START, learning_rate=1.0).step(gradient)
    assert_close(START - ours, gradient / 5e-6)


def test_muon_follows_that_of_torch_in_float64(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """Which rounds to bfloat16 before it orthogonalizes; that is all that is changed here."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.double)
    theirs = torch_path(
        partial(torch.optim.Muon, lr=0.05, momentum=0.9, weight_decay=0.0), "network", EVERY
    )
    hypers = {"learning_rate": 0.05, "momentum": 0.9, "decay": 0.0}
    ours = follow_case("muon", "network", len(EVERY), hypers)
    np.testing.assert_allclose(ours, list(theirs.values()), rtol=0, atol=1e-9)


def test_polyak_step_has_no_cap_and_that_of_optax_is_1() -> None:
    hypers = all_optimizers()["polyak_step"].hypers
    assert hypers["relaxation"].default == default(optax.polyak_sgd, "scaling") == 1.0
    assert default(optax.polyak_sgd, "max_learning_rate") == 1.0
    theta = jax.numpy.asarray(START)
    loss, gradient = least_squares_loss(START), least_squares_gradient(START)
    rate = loss / float(gradient @ gradient)
    flat = 10.0 * loss, gradient  # ten times the loss at the same slope: a rate above 1
    assert rate < 1.0 < 10.0 * rate
    for cap, factor in ((1.0, 1.0), (math.inf, 10.0 * rate)):
        rule = optax.polyak_sgd(max_learning_rate=cap)
        updates, _ = rule.update(flat[1], rule.init(theta), theta, value=flat[0])
        assert_close(np.asarray(updates), -factor * gradient)
    ours = PlainRun("polyak_step", START).step(gradient, flat[0])
    assert_close(ours, START - 10.0 * rate * gradient)
    tiny = 1e-9 * gradient / np.linalg.norm(gradient)  # ||g||^2 = 1e-18
    rule = optax.polyak_sgd()
    updates, _ = rule.update(tiny, rule.init(theta), theta, value=1e-20)
    assert not np.any(updates)
    assert np.any(PlainRun("polyak_step", START).step(tiny, 1e-20) != START)


def test_lookahead_of_optax_has_no_defaults() -> None:
    for name in ("sync_period", "slow_step_size"):
        assert default(optax.lookahead, name) is inspect.Parameter.empty


def test_the_data_loader_of_torch_draws_without_replacement() -> None:
    rows = torch.arange(50)
    drawn = torch.cat(list(torch.utils.data.DataLoader(rows, shuffle=True)))
    assert sorted(drawn.tolist()) == rows.tolist()


def test_weight_decay_is_coupled_and_the_same_as_decoupled() -> None:
    ours = PlainRun("weight_decay", START, learning_rate=0.3, weight_decay=0.1)

    def decoupled(theta: np.ndarray) -> np.ndarray:
        return (1.0 - 0.3 * 0.1) * theta - 0.3 * quadratic_gradient(theta)

    theta = START
    for moved in ours.follow(quadratic_gradient, 40):
        theta = decoupled(theta)
        assert_close(moved, theta)
