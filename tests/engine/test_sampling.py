"""Stochastic steps: the rows that are drawn, their gradients, and the same bits however cut."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from small_instances import (
    ROWS,
    bits,
    chunks,
    csr,
    data,
    one_chunk,
    python,
    regression,
    separable,
    some_zeros,
)

from optbench import Hyper, Slot, UserError
from optbench.contract import optimizer as declare
from optbench.engine.ensemble import CHUNK_RUNS
from optbench.engine.oracles.catalogue import missing_oracle
from optbench.instance import Instance
from optbench.parametrizations import parametrization
from optbench.random import integer, normal, seeded

SGD = "stochastic_gradient_descent"
FEATURES, TARGETS = data(37, 5), data(37, 1, 1)[:, 0]
REGRESSION = regression(FEATURES, TARGETS)


def laid_out(layout: str):
    if layout == "wide":  # rows of length 2
        return data(37, 120) / 5.0
    return FEATURES if layout == "dense" else csr(some_zeros(FEATURES))


@declare(reference="a test")
def last_row(theta, sample_grad, sample_row, seen=Slot(), batch=Hyper(1, low=1, integer=True)):
    """theta <- theta - 0.01 g; seen: the row."""
    for i in range(theta.size):
        theta[i] -= 0.01 * sample_grad[i]
    for i in range(theta.size):
        seen[i] = sample_row[i]


def classification(features) -> Instance:
    labels = np.where(data(37, 1, 2)[:, 0] > 0.0, 1.0, -1.0)
    row = ROWS["classification"]
    return Instance("test", features, labels, "classification", row, scale=1.0 / 37)


def jacobian(parameters: str, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """w and dw/dtheta, by NumPy."""
    if parameters == "diagonal":
        u, v = np.split(theta, 2)
        return u * u - v * v, np.hstack([np.diag(2.0 * u), np.diag(-2.0 * v)])
    if parameters.startswith("deep_linear"):
        first, second = theta[:-3].reshape(3, -1), theta[-3:]
        left = np.concatenate([second[i] * np.eye(first.shape[1]) for i in range(3)], axis=1)
        return second @ first, np.hstack([left, first.T])
    return theta, np.eye(theta.size)


def replay(instance, parameters: str, theta, seed: int, rate: float, batch: int, steps: int):
    """Stochastic gradient descent by NumPy with the same draws; return theta and drawn rows."""
    features = instance.features.toarray() if instance.sparse else instance.features
    rng, drawn = seeded(seed), []
    for _ in range(steps):
        w, tangent = jacobian(parameters, theta)
        rows = [integer(rng, len(features)) for _ in range(batch)]
        z, y = features[rows] @ w, instance.targets[rows]
        slopes = np.array([instance.row(a, b)[1] for a, b in zip(z, y, strict=True)])
        estimate = instance.scale * len(features) / batch * slopes @ features[rows]
        theta = theta - rate * estimate @ tangent
        drawn += rows
    return theta, drawn


@pytest.mark.parametrize("batch", [1, 3, 70])
@pytest.mark.parametrize("parameters", ["linear", "diagonal", "deep_linear:widths=3"])
@pytest.mark.parametrize("loss", ["regression", "classification"])
@pytest.mark.parametrize("layout", ["dense", "wide", "sparse"])
def test_steps_are_those_of_the_drawn_rows(layout, loss, parameters, batch) -> None:
    features = laid_out(layout)
    make = {"regression": lambda x: regression(x, TARGETS), "classification": classification}
    instance = make[loss](features)
    chunk = one_chunk(instance, SGD, [0.02, 0.05], [4, 9], parameters, batch=batch)
    starts = chunk.runs.theta.copy()
    chunk.advance(60)
    for row, (rate, seed) in enumerate([(0.02, 4), (0.05, 9)]):
        expected, _ = replay(instance, parameters, starts[row], seed, rate, batch, 60)
        np.testing.assert_allclose(chunk.runs.theta[row], expected, rtol=1e-11, atol=1e-13)


def test_draws_are_uniform() -> None:
    _, drawn = replay(REGRESSION, "linear", np.zeros(5), 0, 0.0, 1, 37_000)
    counts = np.bincount(drawn, minlength=37)
    # chi-squared with 36 degrees of freedom: mean 36, standard deviation 8.5
    assert np.sum((counts - 1000.0) ** 2 / 1000.0) < 36.0 + 5 * 8.5


def test_records_hold_the_whole_loss_and_gradient() -> None:
    chunk = one_chunk(REGRESSION, SGD, [0.01], batch=2)
    chunk.advance(500)
    records = chunk.records
    for place in range(records.steps.size):
        residual = FEATURES @ records.snapshots[place, 0] - TARGETS
        loss, gradient = 0.5 * residual @ residual / 37, FEATURES.T @ residual / 37
        assert records.log_loss[place, 0] == pytest.approx(math.log(loss), abs=1e-12)
        norm = math.log(np.linalg.norm(gradient))
        assert records.log_gradient_norm[place, 0] == pytest.approx(norm, abs=1e-11)


@pytest.mark.parametrize("layout", ["dense", "wide", "sparse"])
def test_a_stream_read_whole_is_gradient_descent(layout: str) -> None:
    features = laid_out(layout)
    stream = regression(features, TARGETS, in_order=True)
    ours, whole = (
        one_chunk(stream, SGD, [0.1], batch=37),
        one_chunk(stream, "gradient_descent", [0.1]),
    )
    for chunk in (ours, whole):
        chunk.advance(100)
    np.testing.assert_allclose(ours.runs.theta, whole.runs.theta, rtol=1e-12)


def test_a_stream_is_read_in_order_and_again_from_its_beginning() -> None:
    chunk = one_chunk(regression(FEATURES, TARGETS, in_order=True), last_row, [0.1], batch=4)
    for step in (1, 2, 9, 10, 60):
        chunk.advance(step)
        assert np.array_equal(chunk.runs.state[0, :5], FEATURES[(4 * step - 1) % 37])


@pytest.mark.parametrize("layout", ["dense", "wide", "sparse"])
def test_the_last_drawn_row_is_handed_over(layout: str) -> None:
    features = laid_out(layout)
    instance = regression(features, TARGETS)
    chunk = one_chunk(instance, last_row, [0.1], [7], batch=2)
    chunk.advance(25)
    d = instance.dimension
    _, drawn = replay(instance, "linear", np.zeros(d), 7, 0.01, 2, 25)
    rows = features.toarray() if layout == "sparse" else features
    assert np.array_equal(chunk.runs.state[0, :d], rows[drawn[-1]])


def test_samples_work_in_a_unit_that_never_underflows() -> None:
    """On margins of 400 the slopes are exp(-400): a stream read whole is descent."""
    start = 400.0 * np.linalg.pinv(separable().features) @ np.ones(6)
    instance = separable(in_order=True, start=start)
    rate = math.exp(400.0)
    ours, whole = (
        one_chunk(instance, SGD, [rate], batch=6),
        one_chunk(instance, "gradient_descent", [rate]),
    )
    for chunk in (ours, whole):
        chunk.advance(300)
    assert ours.runs.exponents[0] == whole.runs.exponents[0] == 400
    assert np.linalg.norm(whole.runs.theta - start) > 1.0
    np.testing.assert_allclose(ours.runs.theta, whole.runs.theta, rtol=1e-12)


@pytest.mark.parametrize("parameters", ["linear", "diagonal"])
def test_bits_do_not_depend_on_batch_threads_or_interruptions(parameters: str) -> None:
    rates, seeds = list(np.geomspace(1e-3, 0.05, 37)), list(range(37))
    results = []
    for threads in (1, 2):
        made = chunks(REGRESSION, SGD, rates, seeds, parameters, batch=2)
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda chunk: chunk.advance(300), made))
        results.append([bits(chunk, row) for chunk in made for row in range(len(chunk.status))])
    assert results[0] == results[1]
    for run in (0, 17, CHUNK_RUNS, 36):
        alone = one_chunk(REGRESSION, SGD, [rates[run]], [seeds[run]], parameters, batch=2)
        for horizon in (1, 50, 50, 173, 300):
            alone.advance(horizon)
        assert bits(alone) == results[0][run]


def test_other_seeds_draw_other_rows() -> None:
    chunk = one_chunk(REGRESSION, SGD, [0.05] * 3, [0, 1, 0])
    chunk.advance(10)
    first, second, again = chunk.runs.theta
    assert np.array_equal(first, again) and not np.allclose(first, second)


def test_a_rate_that_is_too_large_diverges_alone() -> None:
    chunk = one_chunk(REGRESSION, SGD, [0.01, 1e200], [3, 3])
    chunk.advance(400, steps=np.array([400]))
    assert chunk.status == ["horizon", "diverged"]
    assert 0 < chunk.stopped[1] < 20
    alone = one_chunk(REGRESSION, SGD, [0.01], [3])
    alone.advance(400, steps=np.array([400]))
    assert bits(alone) == bits(chunk)


def test_a_step_does_not_cost_more_on_more_rows() -> None:
    times = []
    for rows in (64, 64_000):
        instance = regression(data(rows, 10), np.ones(rows))
        chunk = one_chunk(instance, SGD, [1e-3])
        chunk.advance(10)
        began = time.thread_time()
        chunk.advance(20_000, steps=np.array([20_000]))
        times.append(time.thread_time() - began)
    assert times[1] < 20 * times[0]  # a thousand times the rows; they come from farther away


def test_without_compilation_the_path_is_the_same() -> None:
    script = """
from test_sampling import *
chunk = one_chunk(REGRESSION, SGD, [0.02], [4], "diagonal", batch=2)
chunk.advance(20)
other = one_chunk(own_samples(), "gradient_descent", [0.02], [4])
other.advance(20)
print(*chunk.runs.theta[0], *other.runs.theta[0])
"""
    plain, fast = (
        np.array(python(script, NUMBA_DISABLE_JIT=disabled).split(), float) for disabled in "10"
    )
    np.testing.assert_allclose(plain, fast, rtol=1e-12)


def noisy(w, data, grad, rng):
    """(w - a - noise)^2 / 2 with fresh standard normal noise."""
    total = 0.0
    for i in range(w.size):
        grad[i] = w[i] - data[0, i] - normal(rng)
        total += 0.5 * grad[i] * grad[i]
    return total


def own_samples() -> Instance:
    features = np.arange(4.0)[None]
    return Instance("test", features, np.zeros(1), "other", loss_and_grad=noisy)


@pytest.mark.parametrize("name", ["gradient_descent", SGD])
def test_an_objective_may_draw_its_own_samples(name: str) -> None:
    """w_t = w_(t-1) - rate (w_(t-1) - a - noise_t), the noise from the run's generator."""
    chunk = one_chunk(own_samples(), name, [0.1, 0.3], [5, 6])
    chunk.advance(80)
    for row, (rate, seed) in enumerate([(0.1, 5), (0.3, 6)]):
        rng, w, last = seeded(seed), np.zeros(4), 0.0
        for step in range(81):
            gradient = w - np.arange(4.0) - [normal(rng) for _ in range(4)]
            last = 0.5 * gradient @ gradient
            w = w - rate * gradient if step < 80 else w
        np.testing.assert_allclose(chunk.runs.theta[row], w, rtol=1e-12)
        assert chunk.records.log_loss[-1, row] == pytest.approx(math.log(last), abs=1e-11)


def test_own_samples_give_the_same_bits_however_cut() -> None:
    batch = one_chunk(own_samples(), "heavy_ball", [0.01, 0.02, 0.05], [1, 2, 3])
    batch.advance(200)
    alone = one_chunk(own_samples(), "heavy_ball", [0.02], [2])
    for horizon in (0, 1, 50, 50, 133, 200):
        alone.advance(horizon)
    assert bits(alone) == bits(batch, 1)


def test_what_cannot_be_sampled_is_skipped_with_its_reason() -> None:
    def own(w, data, grad):
        return 0.0

    fixed = Instance("mine", FEATURES, TARGETS, "other", loss_and_grad=own)
    linear, diagonal = (parametrization(name, 5) for name in ("linear", "diagonal"))
    cases = [
        (fixed, linear, "draws rows of the data; mine has an objective of its own"),
        (own_samples(), linear, "needs the drawn row; test draws samples of its own"),
        (REGRESSION, diagonal, "the diagonal parametrization maps it"),
        (REGRESSION, linear, None),
    ]
    for instance, parameters, expected in cases:
        reason = missing_oracle(instance, parameters, last_row)
        assert reason == expected or (expected and reason and expected in reason)
    with pytest.raises(UserError, match="optimizer 'last_row' draws rows of the data"):
        one_chunk(fixed, last_row, [0.1])


def declared(source: str) -> str:
    """Declare an optimizer with these arguments; return the refusal."""
    namespace = {"Hyper": Hyper}
    exec(f"def rule(theta, {source}):\n    pass", namespace)
    with pytest.raises(UserError) as error:
        declare(reference="a test")(namespace["rule"])
    return str(error.value)


@pytest.mark.parametrize(
    "source",
    [
        "sample_grad",
        "sample_grad, batch=Hyper(1.0)",
        "sample_grad, batch=Hyper(1, low=0, integer=True)",
        "sample_row, batch=Hyper(tune='log', low=1, integer=True)",
    ],
)
def test_a_sampler_must_declare_its_batch(source: str) -> None:
    message = declared(source)
    assert "it must declare the number of rows drawn a step: batch=Hyper(1, low=1" in message


@pytest.mark.parametrize("other", ["grad", "natural_grad", "loss"])
def test_samples_and_the_whole_objective_exclude_each_other(other: str) -> None:
    message = declared(f"{other}, sample_grad, batch=Hyper(1, low=1, integer=True)")
    assert f"asks for 'sample_grad' and {other!r}" in message


def test_half_a_row_is_refused() -> None:
    assert Hyper(1, low=1, integer=True).problem_with(2.5) == "must be a whole number"
    assert "must be a whole number" in declared("grad, batch=Hyper(1.5, integer=True)")


SVRG = "stochastic_variance_reduced_gradient"


@pytest.mark.parametrize("batch", [1, 70, 200])
@pytest.mark.parametrize("parameters", ["linear", "diagonal", "deep_linear:widths=3"])
@pytest.mark.parametrize("layout", ["dense", "wide", "sparse"])
def test_the_same_rows_are_evaluated_at_the_probe(layout, parameters, batch) -> None:
    instance = classification(laid_out(layout))
    features = instance.features.toarray() if instance.sparse else instance.features
    chunk = one_chunk(instance, SVRG, [0.05, 0.02], [4, 9], parameters, batch=batch, epoch=7)
    starts = chunk.runs.theta.copy()
    for horizon in (3, 9, 30):
        chunk.advance(horizon)

    def gradient(theta, rows):
        w, tangent = jacobian(parameters, theta)
        z, y = features[rows] @ w, instance.targets[rows]
        slopes = np.array([instance.row(a, b)[1] for a, b in zip(z, y, strict=True)])
        return instance.scale * len(features) / len(rows) * slopes @ features[rows] @ tangent

    for row, (rate, seed) in enumerate([(0.05, 4), (0.02, 9)]):
        theta, rng = starts[row], seeded(seed)
        for step in range(30):
            if step % 7 == 0:
                snapshot, whole = theta, gradient(theta, np.arange(37))
            rows = [integer(rng, 37) for _ in range(batch)]
            theta = theta - rate * (gradient(theta, rows) - gradient(snapshot, rows) + whole)
        np.testing.assert_allclose(chunk.runs.theta[row], theta, rtol=1e-11, atol=1e-13)
        evaluations = 5 + 30 * 2 * batch / 37  # snapshots at steps 1, 8, 15, 22, 29
        assert chunk.records.evaluations[-1, row] == pytest.approx(evaluations, rel=1e-12)


@pytest.mark.parametrize("layout", ["dense", "wide", "sparse"])
def test_saga_keeps_the_last_gradient_of_every_row(layout) -> None:
    """The paper's algorithm with a table of gradients, on the same draws."""
    instance = classification(laid_out(layout))
    features = instance.features.toarray() if instance.sparse else instance.features
    chunk = one_chunk(instance, "saga", [0.05, 0.02], [4, 9])
    starts = chunk.runs.theta.copy()
    for horizon in (1, 40, 100):
        chunk.advance(horizon)
    for run, (rate, seed) in enumerate([(0.05, 4), (0.02, 9)]):
        theta, rng, table = starts[run], seeded(seed), np.zeros(features.shape)
        for _ in range(100):
            row = integer(rng, 37)
            slope = instance.row(features[row] @ theta, instance.targets[row])[1]
            gradient = slope * features[row]
            theta = theta - rate * (gradient - table[row] + table.mean(axis=0))
            table[row] = gradient
        np.testing.assert_allclose(chunk.runs.theta[run], theta, rtol=1e-10, atol=1e-13)


def test_saga_converges_at_a_constant_rate() -> None:
    """Theorem 1 of the paper at 1 / (3 L), with its Lyapunov function of a table of zeros."""
    steps, largest = 8000, np.max(np.sum(FEATURES**2, axis=1))
    modulus = np.linalg.eigvalsh(FEATURES.T @ FEATURES / 37)[0]
    best = np.linalg.lstsq(FEATURES, TARGETS, rcond=None)[0]
    rate = 1.0 / (3.0 * largest)
    chunk = one_chunk(REGRESSION, "saga", [rate] * 8, list(range(8)))
    chunk.advance(steps)
    # zeros are the gradients at points that fit their rows, f_i(phi_i) = 0 there
    table = 0.5 * np.mean((FEATURES @ best - TARGETS) ** 2)
    first = best @ best + table * 2.0 * rate * (1.0 - rate * modulus) * 37
    factor = (1.0 - min(1.0 / (4 * 37), modulus * rate)) ** steps
    assert factor < 1e-8
    distances = np.sum((chunk.runs.theta - best) ** 2, axis=1)
    assert np.mean(distances) < factor * first + 1e-25  # roundings are 1e-16 each


@declare(reference="a test", homogeneous=True)
def unit_steps(theta, sample_grad, rate=Hyper(tune="log"), batch=Hyper(1, low=1, integer=True)):
    """theta <- theta - rate g / |g|, where g is not 0."""
    size = 0.0
    for i in range(theta.size):
        size += sample_grad[i] * sample_grad[i]
    for i in range(theta.size):
        theta[i] -= rate * sample_grad[i] / math.sqrt(size) if size > 0.0 else 0.0


@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_units_follow_each_sample_between_records(layout) -> None:
    """Batch 1, unit steps: each goes along its row, whatever the margins (here 0 to 1e4) are.

    Three rows are orthogonal, so that each margin grows by itself; the fourth one is 0.
    """
    features = np.array([[3.0, 4.0, 0.0], [-0.4, 0.3, 0.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]])
    labels = np.array([1.0, -1.0, 1.0, 1.0])
    instance = Instance(
        "test",
        features if layout == "dense" else csr(features),
        labels,
        "classification",
        ROWS["classification"],
        scale=0.25,
        exponential_tail=True,
    )
    chunk = one_chunk(instance, unit_steps, [1.0])
    chunk.advance(5000, steps=np.array([5000]))
    rng, expected = seeded(0), np.zeros(3)
    for _ in range(5000):
        row = integer(rng, 4)
        if row < 3:
            expected += labels[row] * features[row] / np.linalg.norm(features[row])
    np.testing.assert_allclose(chunk.runs.theta[0], expected, rtol=1e-11)
    assert np.min(labels[:3] * (features[:3] @ expected)) > 500.0


def test_a_row_outside_of_the_tail_has_its_own_loss_after_one_far_inside() -> None:
    """Margins of 900 and of 1: the slope of the second one is 1 / (1 + e), not exp(-1)."""
    features, labels = np.array([[900.0, 0.0], [0.0, 1.0]]), np.ones(2)
    instance = Instance(
        "test",
        features,
        labels,
        "classification",
        ROWS["classification"],
        scale=1.0,
        exponential_tail=True,
        in_order=True,
        start=np.ones(2),
    )
    chunk = one_chunk(instance, SGD, [0.25])
    chunk.advance(2, steps=np.array([2]))
    np.testing.assert_allclose(chunk.runs.theta[0], [1.0, 1.0 + 0.5 / (1.0 + math.e)], rtol=1e-14)
