"""Passages kept in the loop: against NumPy step by step, and against records of every step."""

from __future__ import annotations

import dataclasses
import math
import pickle

import numpy as np
import pytest
from small_instances import bits, csr, data, of_trace, regression, separable, some_zeros

from optbench import Hyper, optimizer
from optbench.contract import Optimizer
from optbench.engine.chunk import Chunk
from optbench.engine.stop import StopSignal
from optbench.engine.together import advance_together
from optbench.losses import exponential_loss
from optbench.parametrizations import parametrization
from optbench.registry import load_registry
from optbench.runs import RunSpec, hyper_values, prepare, run_all
from optbench.targets import RELATIVE_TARGETS, interpolated

TARGETS = np.array(RELATIVE_TARGETS)


def spec(instance, rule, horizon, parameters="linear", **given) -> RunSpec:
    rule = load_registry().optimizer(rule) if isinstance(rule, str) else rule
    built = parametrization(parameters, instance.dimension)
    return RunSpec(instance, built, rule, hyper_values(rule, given), horizon, passages=True)


def run(*arguments, **given) -> Chunk:
    made = spec(*arguments, **given)
    (chunk,) = prepare([made])
    chunk.advance(made.horizon)
    return chunk


def told(chunk: Chunk, optimum: float, exact: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """First steps and kept steps of the first run, which must be exact, or must not be."""
    found = chunk.passages(optimum)
    assert found.exact[0] == exact
    return found.reached[0], found.kept[0]


# -- NumPy, step by step ----------------------------------------------------------------------


def squared(w, x, y):
    residual = x @ w - y
    return 0.5 * np.mean(residual**2), x.T @ residual / len(y)


def logistic(w, x, y):
    margin = y * (x @ w)
    return np.mean(np.logaddexp(0.0, -margin)), -x.T @ (y / (1.0 + np.exp(margin))) / len(y)


def gradient_descent(state, g, t, loss, rate):
    return rate * g


def heavy_ball(state, g, t, loss, rate):
    state["v"] = 0.9 * state.get("v", 0.0) + g
    return rate * state["v"]


def polyak_step(state, g, t, loss, rate):
    return 2.0 * (loss - state["optimum"]) / (g @ g) * g


def steepest_descent(state, g, t, loss, rate):
    h = np.sign(g) * np.abs(g) ** 0.5  # p = 3, q - 1 = 1/2
    return rate / math.sqrt(t) * h / np.sum(np.abs(h) ** 3.0) ** (1 / 3)


def adam(state, g, t, loss, rate):
    state["m"] = 0.9 * state.get("m", 0.0) + 0.1 * g
    state["v"] = 0.999 * state.get("v", 0.0) + 0.001 * g * g
    return rate * state["m"] / (1 - 0.9**t) / (np.sqrt(state["v"] / (1 - 0.999**t)) + 1e-8)


def numpy_gaps(objective, rule, x, y, optimum, rate, horizon) -> np.ndarray:
    w, state, gaps = np.zeros(x.shape[1]), {"optimum": optimum}, []
    for t in range(1, horizon + 2):
        loss, g = objective(w, x, y)
        gaps.append(loss - optimum)
        w = w - rule(state, g, t, loss, rate)
    return np.array(gaps)


FEATURES, LABELS = data(30, 40, 3), np.sign(data(30, 1, 4)[:, 0])
# one coordinate five times the others: momentum and steps of fixed length overshoot along it
SKEW = np.where(np.arange(40) == 0, 5.0, 1.0)
GIVEN = {"polyak_step": {"relaxation": 2.0}}
CASES = [
    (squared, gradient_descent, 0.1, 3000),
    (squared, heavy_ball, 0.1, 3000),
    (squared, adam, 0.02, 1000),
    (squared, steepest_descent, 0.1, 3000),
    (logistic, gradient_descent, 1.0, 3000),
    (logistic, heavy_ball, 1.0, 3000),
    (logistic, polyak_step, 0.0, 48),
    (logistic, steepest_descent, 1.0, 3000),
    (logistic, adam, 0.5, 1000),
]
LEFT_AGAIN = {(squared, heavy_ball), (logistic, polyak_step)}


@pytest.mark.parametrize("skew", [1.0, SKEW], ids=["plain", "skew"])
@pytest.mark.parametrize(("objective", "rule", "rate", "horizon"), CASES)
def test_every_step_of_numpy_gives_the_same_integers(objective, rule, rate, horizon, skew):
    x = FEATURES * skew
    if objective is squared:
        rate = rate if np.ndim(skew) == 0 or rule is not gradient_descent else rate / 5.0
        instance = regression(x, LABELS, optimal_value=float)
    else:
        instance = dataclasses.replace(
            separable(), features=x, targets=LABELS, scale=1 / 30, optimal_value=float,
            steepness=1.0,
        )  # fmt: skip
    given = GIVEN.get(rule.__name__, {"learning_rate": rate})
    chunk = run(instance, rule.__name__, horizon, **given)
    gaps = numpy_gaps(objective, rule, x, LABELS, 0.0, rate, horizon)
    apart = np.abs(np.log(gaps[1:, None] / gaps[0] / TARGETS))
    assert apart.min() > 1e-7, "a step is at a target to rounding: choose other data"
    reached, kept = of_trace(gaps)
    np.testing.assert_array_equal(told(chunk, 0.0), (reached, kept))
    if (objective, rule) in LEFT_AGAIN:
        assert (kept > reached).any()


@pytest.mark.parametrize(
    ("rule", "rate", "horizon"),
    [(polyak_step, 0.0, 80), (heavy_ball, 0.2, 400), (steepest_descent, 1.0, 400)],
)
def test_the_default_regression_whose_records_tell_other_steps(rule, rate, horizon):
    (options, *_) = load_registry().problem("linear_regression").default
    instance = load_registry().problem("linear_regression").build(**options)
    x, y, optimum = instance.features, instance.targets, instance.optimum
    gaps = numpy_gaps(squared, rule, x, y, optimum, rate, horizon)
    assert np.abs(np.log(gaps[1:, None] / gaps[0] / TARGETS)).min() > 1e-7
    chunk = run(
        instance, rule.__name__, horizon, **GIVEN.get(rule.__name__, {"learning_rate": rate})
    )
    np.testing.assert_array_equal(told(chunk, optimum), of_trace(gaps))
    records = chunk.records
    read_off = interpolated(records.steps, records.log_loss[:, 0])
    assert not np.array_equal([read_off.reached[0], read_off.kept[0]], of_trace(gaps))


def test_data_that_cannot_be_separated_against_numpy():
    y = np.sign(data(30, 1, 4)[:, 0])
    x = data(30, 3, 9)
    from scipy.optimize import minimize

    best = minimize(logistic, np.zeros(3), (x, y), jac=True, tol=1e-14)
    instance = dataclasses.replace(
        separable(), features=x, targets=y, scale=1 / 30, exponential_tail=False,
        optimal_value=lambda: float(best.fun), steepness=1.0,
    )  # fmt: skip
    for rule, rate in ((gradient_descent, 2.0), (heavy_ball, 2.0), (adam, 0.05)):
        chunk = run(instance, rule.__name__, 400, learning_rate=rate)
        gaps = numpy_gaps(logistic, rule, x, y, float(best.fun), rate, 400)
        # below 1e-9 the difference from the optimum is rounding of NumPy's and of SciPy's
        sure = gaps[0] * TARGETS > 1e-9
        ours, theirs = np.array(told(chunk, float(best.fun))), np.array(of_trace(gaps))
        np.testing.assert_array_equal(ours[:, sure], theirs[:, sure])


# -- records of every step --------------------------------------------------------------------


def parity(rows=24, columns=7, seed=5):
    """Labels that no plane separates."""
    x = data(rows, columns, seed)
    return x, np.sign(x[:, 0] * x[:, 1])


X, Y = parity()
BLOBS = some_zeros(data(40, 30, 2))
INSTANCES = {
    "separable": separable(optimal_value=float, steepness=1.0),
    "exponential": separable(optimal_value=float, steepness=1.0),
    "not separable": dataclasses.replace(
        separable(), features=X, targets=Y, scale=1 / 24, exponential_tail=False,
        optimal_value=lambda: 0.4, steepness=1.0,
    ),
    "smooth": dataclasses.replace(
        separable(), features=X, targets=Y, scale=1 / 24, exponential_tail=False,
        optimal_value=lambda: 0.4, steepness=1.0,
        smoothness=lambda: np.linalg.norm(X, 2) ** 2 / 96,
    ),
    "sparse": dataclasses.replace(
        separable(), features=csr(BLOBS), targets=np.ones(40), scale=1 / 40, optimal_value=float,
        steepness=1.0,
    ),
    "without bounds": separable(optimal_value=float),
    "bands": regression(0.1 * data(60, 200), data(60, 1)[:, 0], optimal_value=float),
    "blocks": dataclasses.replace(
        separable(), features=data(400, 8) + 1.0, targets=np.ones(400), scale=1 / 400,
        exponential_tail=False, optimal_value=lambda: 0.1, steepness=1.0,
    ),
}  # fmt: skip
INSTANCES["exponential"] = dataclasses.replace(INSTANCES["exponential"], row=exponential_loss)
RULES = (
    ("gradient_descent", {"learning_rate": 0.5}),
    ("nesterov", {"learning_rate": 0.3}),
    ("adam", {"learning_rate": 0.3}),
    ("sign_descent", {"learning_rate": 0.3, "decay": 0.0}),
    ("normalized_gradient_descent", {"learning_rate": 1.0}),
    ("polyak_step", {"relaxation": 2.0}),
)


@pytest.mark.parametrize("name", INSTANCES)
@pytest.mark.parametrize(("rule", "given"), RULES)
def test_bounds_never_miss_a_passage(name, rule, given):
    instance, horizon = INSTANCES[name], 700
    chunk = run(instance, rule, horizon, **given)
    (every,) = prepare(
        [dataclasses.replace(spec(instance, rule, horizon, **given), passages=False)]
    )
    every.advance(horizon, steps=np.arange(horizon + 1))
    # with a record at every step nothing is interpolated
    seen = told(every, instance.optimum, exact=False)
    np.testing.assert_array_equal(told(chunk, instance.optimum), seen)
    # and the path is the same to the last bit, whatever is kept of it
    for field in ("theta", "state", "loss", "exponents", "rng"):
        np.testing.assert_array_equal(getattr(chunk.runs, field), getattr(every.runs, field))


@pytest.mark.parametrize("parameters", ["diagonal", "deep_linear"])
def test_other_parametrizations(parameters):
    instance = separable(optimal_value=float, steepness=1.0)
    chunk = run(instance, "gradient_descent", 500, parameters, learning_rate=0.05)
    plain = dataclasses.replace(
        spec(instance, "gradient_descent", 500, parameters, learning_rate=0.05), passages=False
    )
    (every,) = prepare([plain])
    every.advance(500, steps=np.arange(501))
    np.testing.assert_array_equal(told(chunk, 0.0), told(every, 0.0, exact=False))


@optimizer(reference="none: a test", homogeneous=True)
def there_and_back(theta, grad, step, turn=Hyper(40.0), far=Hyper(30.0)):
    """Walk along a direction that separates, as far as losses of 1e-400, and back again."""
    position = far * (turn - abs(step - turn))
    for i in range(theta.size):
        theta[i] = position if i == 0 else 0.0


def test_units_of_the_log_domain_go_and_come_back():
    x = np.abs(data(6, 3)) + 0.5
    instance = dataclasses.replace(
        separable(), features=x, targets=np.ones(6), scale=1 / 6, optimal_value=float, steepness=1.0
    )
    assert isinstance(there_and_back, Optimizer)
    for horizon in (60, 79, 80):
        chunk = run(instance, there_and_back, horizon)
        position = 30.0 * (40.0 - np.abs(np.arange(horizon + 1) - 40.0))
        gaps = np.logaddexp(0.0, -np.outer(position, x[:, 0])).mean(axis=1)
        # where NumPy underflows the gap is at every target
        np.testing.assert_array_equal(told(chunk, 0.0), of_trace(gaps))
    assert np.isinf(told(chunk, 0.0)[1]).all()  # at step 80 it is where it began
    (deep,) = prepare([spec(instance, there_and_back, 40)])
    deep.advance(40)
    assert deep.runs.exponents[0] > 0


# -- however a run is cut and carried ---------------------------------------------------------

SKEWED = regression(FEATURES * SKEW, LABELS, optimal_value=float)


def assert_same_passages(chunk: Chunk, other: Chunk) -> None:
    for name in ("reached", "kept", "last", "exact"):
        ours, theirs = getattr(chunk.passages(0.0), name), getattr(other.passages(0.0), name)
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("instance", [SKEWED, INSTANCES["separable"]], ids=["plain", "bounds"])
def test_pieces_are_the_whole(instance):
    whole = run(instance, "heavy_ball", 1000, learning_rate=0.004)
    assert np.isfinite(whole.passages(0.0).reached[0, 0])
    (pieces,) = prepare([spec(instance, "heavy_ball", 1000, learning_rate=0.004)])
    for horizon in (0, 3, 10, 17, 100, 101, 555, 1000):
        pieces.advance(horizon, steps=np.array([horizon]))
        pieces = pickle.loads(pickle.dumps(pieces)) if instance.made_by else pieces
    assert bits(pieces)[2:8] == bits(whole)[2:8]
    assert_same_passages(pieces, whole)


def test_a_batch_of_several_optimizers_is_each_alone():
    rates = {"heavy_ball": 0.004, "adam": 0.02, "gradient_descent": 0.0002}
    made = [spec(SKEWED, rule, 900, learning_rate=rate) for rule, rate in rates.items()]
    made.append(spec(SKEWED, "polyak_step", 900, relaxation=1.0))
    together = advance_together([prepare([each])[0] for each in made], 90, StopSignal())
    together = advance_together(together, 900, StopSignal(), threads=2)
    for each, chunk in zip(made, together, strict=True):
        (alone,) = prepare([each])
        alone.advance(900)
        assert bits(chunk) == bits(alone)
        assert_same_passages(chunk, alone)


def test_threads_of_one_large_run():
    large = regression(data(4096, 40), data(4096, 1, 1)[:, 0], optimal_value=lambda: 0.49)
    one, two = (prepare([spec(large, "heavy_ball", 200, learning_rate=0.05)])[0] for _ in range(2))
    one.advance(200)
    two.advance(200, threads=2)
    assert one.combination.segments > 1
    np.testing.assert_array_equal(told(one, 0.49), told(two, 0.49))


def test_results_keep_them_when_they_are_sent_and_continued():
    (built,) = [load_registry().problem("linear_regression").build(data="gaussian", seed=0)]
    short, whole = run_all(
        [spec(built, "heavy_ball", horizon, learning_rate=0.02) for horizon in (40, 400)]
    )
    sent = pickle.loads(pickle.dumps(short))
    for result in (short.continued(400), sent.continued(400)):
        for name in ("reached", "kept", "last", "exact"):
            np.testing.assert_array_equal(
                getattr(result.passages, name), getattr(whole.passages, name)
            )
    assert whole.passages.exact.all()


def test_a_run_that_diverges_keeps_nothing_that_it_reached():
    @optimizer(reference="none: a test")
    def late(theta, grad, step, rate=Hyper(0.1)):
        """Gradient descent that goes astray at step 300."""
        factor = rate if step < 300 else -1e3
        for i in range(theta.size):
            theta[i] -= factor * grad[i]

    chunk = run(regression(FEATURES, LABELS, optimal_value=float), late, 2000)
    found = chunk.passages(0.0)
    assert chunk.status[0].value == "diverged"
    assert found.reached[0, 0] < 300
    assert np.isinf(found.kept).all()
    assert found.left[0, 0] == chunk.stopped[0]


# -- where the loop cannot know ---------------------------------------------------------------


def test_interpolated_where_the_loss_is_known_at_records_only():
    chunk = run(SKEWED, "stochastic_gradient_descent", 300, learning_rate=1e-4, batch=5.0)
    assert not chunk.passages(0.0).exact.any()


def test_interpolated_from_another_optimum_and_nothing_from_none():
    chunk = run(SKEWED, "heavy_ball", 300, learning_rate=0.004)
    told(chunk, 0.0)
    told(chunk, 1e-3, exact=False)
    reached, kept = told(chunk, math.nan, exact=False)
    assert np.isinf(reached).all()
    assert np.isinf(kept).all()
    unknown = dataclasses.replace(SKEWED, optimal_value=None)
    assert not run(unknown, "heavy_ball", 30, learning_rate=0.004).passages(0.0).exact.any()


def test_not_kept_unless_asked_for():
    plain = dataclasses.replace(spec(SKEWED, "heavy_ball", 30, learning_rate=0.004), passages=False)
    (chunk,) = prepare([plain])
    chunk.advance(30)
    assert not chunk.passages(0.0).exact.any()
    assert not chunk.runs.needs_loss.any()
