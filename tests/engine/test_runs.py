"""Whole runs: against closed forms, and the same bits however they are cut."""

from __future__ import annotations

import dataclasses
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from small_instances import bits, chunks, data, one_chunk, regression, separable

from optbench import Hyper, optimizer
from optbench.engine import types
from optbench.engine.chunk import Chunk
from optbench.engine.ensemble import CHUNK_RUNS, side_by_side
from optbench.engine.stop import StopSignal
from optbench.parametrizations import parametrization
from optbench.random import uniform

REGRESSION = regression(data(20, 8), data(20, 1, 1)[:, 0])
UNDERDETERMINED = regression(data(7, 15, 2), data(7, 1, 3)[:, 0])
SEPARABLE = separable()
LONG_DOUBLES = pytest.mark.skipif(
    np.finfo(np.longdouble).minexp > -16000, reason="long doubles of this machine are doubles"
)


def smoothness(instance) -> float:
    return float(np.linalg.norm(instance.features, 2) ** 2 * instance.scale)


def spectral(instance, rate: float, steps: int) -> np.ndarray:
    """w_t = V diag((1 - (1 - rate s^2/n)^t) / s) U^T y: gradient descent from zero."""
    u, s, vt = np.linalg.svd(instance.features, full_matrices=False)
    contraction = np.log1p(-rate * s**2 * instance.scale) * steps
    return vt.T @ (-np.expm1(contraction) / s * (u.T @ instance.targets))


@pytest.mark.parametrize("instance", [REGRESSION, UNDERDETERMINED], ids=["tall", "wide"])
def test_gradient_descent_is_the_spectral_solution(instance) -> None:
    largest = smoothness(instance)
    rates = [0.9 / largest, 0.5 / largest, 0.01 / largest]
    chunk = one_chunk(instance, "gradient_descent", rates)
    for steps in (1, 10, 1000, 20000):
        chunk.advance(steps)
        for row, rate in enumerate(rates):
            exact = spectral(instance, rate, steps)
            error = np.linalg.norm(chunk.runs.theta[row] - exact) / np.linalg.norm(exact)
            assert error < 1e-12


def test_records_are_those_of_the_closed_form() -> None:
    rate = 0.5 / smoothness(REGRESSION)
    chunk = one_chunk(REGRESSION, "gradient_descent", [rate])
    chunk.advance(200)
    records = chunk.records
    for place, step in enumerate(records.steps):
        w = spectral(REGRESSION, rate, int(step))
        residual = REGRESSION.features @ w - REGRESSION.targets
        loss = 0.5 * residual @ residual / 20
        gradient = REGRESSION.features.T @ residual / 20
        norms = [np.linalg.norm(w, p) for p in (1, 2, np.inf)]
        assert records.log_loss[place, 0] == pytest.approx(math.log(loss), abs=1e-12)
        # near the minimum the gradient is a difference of numbers of size 1
        found = math.exp(records.log_gradient_norm[place, 0])
        assert found == pytest.approx(np.linalg.norm(gradient), rel=1e-10, abs=1e-14)
        np.testing.assert_allclose(records.norms[place, 0], norms, rtol=1e-12)
        np.testing.assert_allclose(records.snapshots[place, 0], w, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["gradient_descent", "adam", "natural_gradient"])
def test_bits_do_not_depend_on_the_batch_or_the_chunk(name: str) -> None:
    instance = regression(
        REGRESSION.features,
        REGRESSION.targets,
        inverse_fisher=lambda: np.linalg.inv(REGRESSION.features.T @ REGRESSION.features / 20),
    )
    rates = list(np.geomspace(1e-4, 0.1, 37))
    seeds = list(range(37))
    made = chunks(instance, name, rates, seeds, perturbation=0.3)
    assert [chunk.runs.theta.shape[0] for chunk in made] == [CHUNK_RUNS, 37 - CHUNK_RUNS]
    for chunk in made:
        chunk.advance(300)
    for run in (0, 1, 17, 30, 31, 32, 33, 36):
        alone = one_chunk(instance, name, [rates[run]], [seeds[run]], perturbation=0.3)
        alone.advance(300)
        part = made[run // CHUNK_RUNS]
        assert bits(alone) == bits(part, run % CHUNK_RUNS)
    joined = side_by_side(made)
    assert joined.log_loss.shape == (joined.steps.size, 37)
    assert joined.log_loss[-1, 36] == made[1].records.log_loss[-1, 4]


def test_bits_do_not_depend_on_threads() -> None:
    results = []
    for threads in (1, 2):
        made = chunks(SEPARABLE, "adam", list(np.geomspace(1e-3, 1.0, 3 * CHUNK_RUNS)))
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda chunk: chunk.advance(500), made))
        results.append([bits(chunk, row) for chunk in made for row in range(CHUNK_RUNS)])
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("name", "rate", "fixed"),
    [
        ("gradient_descent", 1.0, {}),
        ("heavy_ball", 0.5, {}),
        ("normalized_gradient_descent", 30.0, {"decay": 0.0}),
        ("adam", 0.5, {"eps": 0.0}),
        ("adagrad", 20.0, {}),
        ("normalized_mirror_descent", 5.0, {}),
    ],
)
def test_resuming_gives_the_same_bits_in_any_unit(name: str, rate: float, fixed) -> None:
    whole = one_chunk(SEPARABLE, name, [rate, rate / 3], **fixed)
    whole.advance(1000)
    parts = one_chunk(SEPARABLE, name, [rate, rate / 3], **fixed)
    for horizon in (1, 100, 100, 437, 1000):
        parts.advance(horizon)
    for row in range(2):
        assert bits(whole, row) == bits(parts, row)
    both = np.isin(parts.records.steps, whole.records.steps)
    for field in ("log_loss", "log_gradient_norm", "lowest", "norms"):
        there = getattr(parts.records, field)[both]
        assert np.array_equal(there, getattr(whole.records, field), equal_nan=True)
    assert parts.status == whole.status == ["horizon", "horizon"]


def adam_in_long_doubles(instance, rate: float, beta1: float, beta2: float, steps: int):
    """Adam with eps = 0 on the mean logistic loss; numbers reach down to 1e-4932."""
    x = instance.features.astype(np.longdouble)
    theta, m, v = (np.zeros(x.shape[1], np.longdouble) for _ in range(3))
    beta1, beta2 = np.longdouble(beta1), np.longdouble(beta2)
    for t in range(1, steps + 1):
        tail = np.exp(-(x @ theta))
        g = -(tail / (1 + tail)) @ x / len(x)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        theta -= rate * (m / (1 - beta1**t)) / np.sqrt(v / (1 - beta2**t))
    return theta


@LONG_DOUBLES
def test_unit_changes_leave_the_path_of_adam_as_it_is() -> None:
    # Smooth for as long as this; later, or with smaller betas, exact Adam itself amplifies
    # a change of 1e-17 in its start to 1e-6.
    chunk = one_chunk(SEPARABLE, "adam", [0.1], eps=0.0, beta1=0.9, beta2=0.95)
    chunk.advance(20_000)
    assert chunk.runs.exponents[0] == 400  # margins near 510: squared gradients near e^-1020
    exact = adam_in_long_doubles(SEPARABLE, 0.1, 0.9, 0.95, 20_000)
    np.testing.assert_allclose(chunk.runs.theta[0], exact.astype(float), rtol=1e-12)
    log_loss = np.logaddexp.reduce(-SEPARABLE.features @ exact) - math.log(6)
    assert chunk.records.log_loss[-1, 0] == pytest.approx(float(log_loss), rel=1e-12)


@LONG_DOUBLES
def test_many_unit_changes_leave_a_normalized_path_as_it_is() -> None:
    """theta <- theta - rate g / loss, in the unit 2^-2000 at the end."""
    chunk = one_chunk(SEPARABLE, "normalized_mirror_descent", [0.3], p=2.0)
    chunk.advance(8000)
    assert chunk.runs.exponents[0] >= 4 * 400
    x, theta = SEPARABLE.features.astype(np.longdouble), np.zeros(12, np.longdouble)
    for _ in range(8000):
        tail = np.exp(-(x @ theta))
        theta += np.longdouble(0.3) * ((tail / (1 + tail)) @ x) / np.log1p(tail).sum()
    np.testing.assert_allclose(chunk.runs.theta[0], theta.astype(float), rtol=1e-12)


def test_log_domain_equals_the_plain_loss_while_that_is_accurate() -> None:
    """Until the unit first changes (gradients of 2^-400) both are the same loss, bit for bit."""
    plain = separable()
    object.__setattr__(plain, "exponential_tail", False)
    runs = [one_chunk(i, "gradient_descent", [1.0]) for i in (SEPARABLE, plain)]
    for chunk in runs:
        chunk.advance(3000)
    assert runs[0].runs.exponents[0] == 0
    assert runs[0].runs.theta.tobytes() == runs[1].runs.theta.tobytes()


def test_infinite_parameters_have_diverged_where_the_loss_is_flat() -> None:
    """Six positive rows: at infinite weights loss and gradient are exactly 0."""
    rows = np.abs(data(6, 3, 4))
    instance = dataclasses.replace(
        separable(), features=rows, targets=np.ones(6), exponential_tail=False, name="flat"
    )
    chunk = one_chunk(instance, "hypentropy", [1e5])
    chunk.advance(100)
    assert np.isinf(chunk.runs.w).all()
    assert chunk.status == ["diverged"]


def test_a_rate_above_two_over_smoothness_diverges_alone() -> None:
    largest = smoothness(REGRESSION)
    rates = [1.9 / largest, 2.1 / largest, 1.0 / largest, 1e6 / largest]
    chunk = one_chunk(REGRESSION, "gradient_descent", rates)
    chunk.advance(100_000)
    assert [chunk.status[row] for row in (1, 3)] == ["diverged", "diverged"]
    assert 0 < chunk.stopped[3] < chunk.stopped[1] < 100_000
    assert chunk.status[0] in ("horizon", "converged", "stalled")
    for row in (0, 2):
        alone = one_chunk(REGRESSION, "gradient_descent", [rates[row]])
        alone.advance(100_000)
        assert bits(alone) == bits(chunk, row)
    records = chunk.records
    for row in (1, 3):
        after = records.steps > chunk.stopped[row]
        last = np.searchsorted(records.steps, chunk.stopped[row])
        assert after.sum() >= 5
        for field in ("log_loss", "log_gradient_norm", "lowest", "norms"):
            assert np.all(np.isnan(getattr(records, field)[last + 1 :, row]))
        assert np.all(np.isnan(records.snapshots[records.place[last + 1 :], row]))
        assert not np.any(np.isnan(records.log_loss[:last, row]))


def test_overflow_within_a_block_ends_at_the_step_that_overflowed() -> None:
    """theta_t = (1 - rate)^t theta_0 on w^2/2: |99|^t passes 1.8e308 at t = 155."""
    instance = regression(np.ones((1, 1)), np.zeros(1), start=np.ones(1))
    chunk = one_chunk(instance, "gradient_descent", [100.0])
    chunk.advance(1000, steps=np.array([1000]))
    assert chunk.status == ["diverged"]
    assert chunk.stopped[0] == math.ceil(math.log(1.7976931348623157e308) / math.log(99.0))
    assert not np.any(np.isfinite(chunk.records.log_loss[1:]))


def test_convergence_ends_a_run_early() -> None:
    largest = smoothness(REGRESSION)
    chunk = one_chunk(REGRESSION, "gradient_descent", [1.0 / largest, 1e-9 / largest])
    chunk.advance(200_000)
    assert chunk.status == ["converged", "horizon"]
    assert 0 < chunk.stopped[0] < 200_000 == chunk.stopped[1]
    exact = np.linalg.lstsq(REGRESSION.features, REGRESSION.targets)[0]
    np.testing.assert_allclose(chunk.runs.theta[0], exact, rtol=1e-12)


def test_a_step_too_small_to_move_theta_has_stalled() -> None:
    """1 - 1e-20 is 1 in doubles: theta repeats although the gradient is as large as ever."""
    instance = regression(np.ones((1, 1)), np.zeros(1), start=np.ones(1))
    chunk = one_chunk(instance, "gradient_descent", [1e-20])
    chunk.advance(1000)
    assert chunk.status == ["stalled"]


@optimizer(reference="Seldom")
def every_hundredth(theta, grad, step, learning_rate=Hyper(tune="log")):
    if step % 100 == 0:
        theta[0] -= learning_rate * grad[0]


@optimizer(reference="Seldom")
def at_random(theta, grad, rng, learning_rate=Hyper(tune="log")):
    if uniform(rng) < 0.01:
        theta[0] -= learning_rate * grad[0]


@optimizer(reference="Seldom")
def by_samples(
    theta, sample_grad, batch=Hyper(1, low=1, integer=True), learning_rate=Hyper(tune="log")
):
    theta[0] -= learning_rate * sample_grad[0]


@pytest.mark.parametrize("seldom", [every_hundredth, at_random, by_samples])
def test_who_draws_or_counts_may_move_later(seldom) -> None:
    """A step that leaves theta as it is says nothing of the next: one row of 100 has a loss."""
    features = np.zeros((100, 1))
    features[0] = 1.0
    instance = regression(features, np.ones(100), start=np.zeros(1))
    chunk = one_chunk(instance, seldom, [0.5])
    chunk.advance(2000)
    assert chunk.status == ["horizon"]
    assert chunk.runs.theta[0, 0] > 0.05


def test_a_run_on_separable_data_never_counts_as_converged() -> None:
    """The gradient tends to zero but the direction still moves: only the horizon ends it."""
    chunk = one_chunk(SEPARABLE, "gradient_descent", [1e-3])
    chunk.advance(20_000)
    assert chunk.status == ["horizon"]


def test_a_stop_signal_ends_runs_that_can_be_resumed() -> None:
    whole = one_chunk(REGRESSION, "gradient_descent", [1e-3])
    whole.advance(1000)
    for reason in ("timeout", "interrupted"):
        stop = StopSignal()
        stop.set(reason)
        chunk = one_chunk(REGRESSION, "gradient_descent", [1e-3])
        chunk.advance(1000, stop=stop)
        assert chunk.status == [reason]
        assert chunk.step == 0
        chunk.advance(1000)
        assert bits(chunk) == bits(whole)


def test_subset_continues_on_its_own() -> None:
    chunk = one_chunk(REGRESSION, "adam", [1e-3, 1e-2, 1e-1])
    chunk.advance(50)
    part = chunk.subset(np.array([2, 0]))
    part.advance(400)
    before = [bits(chunk, row) for row in range(3)]
    chunk.advance(400)
    assert bits(part, 0) == bits(chunk, 2) != before[2]
    assert bits(part, 1) == bits(chunk, 0) != before[0]
    for row, source in ((0, 2), (1, 0)):
        assert np.array_equal(part.records.log_loss[:, row], chunk.records.log_loss[:, source])


@pytest.mark.parametrize(
    "parameters", ["diagonal:depth=3,scale=0.3", "deep_linear:widths=5x3,scale=0.5"]
)
def test_parametrized_runs_resume_bit_for_bit(parameters: str) -> None:
    whole = one_chunk(REGRESSION, "gradient_descent", [0.01, 0.05], parameters=parameters)
    whole.advance(600)
    parts = one_chunk(REGRESSION, "gradient_descent", [0.01, 0.05], parameters=parameters)
    parts.advance(77)
    parts.advance(600)
    assert bits(parts, 1) == bits(whole, 1)
    assert whole.records.log_loss[-1, 1] < whole.records.log_loss[0, 1] - 0.1


def test_status_names_are_in_the_order_of_their_codes() -> None:
    codes = (types.CONVERGED, types.DIVERGED, types.STALLED, types.FAILED)
    names = [types.STATUSES[code] for code in codes]
    assert names == ["converged", "diverged", "stalled", "failed"]


def test_any_memory_layout_of_theta_gives_the_same_bits() -> None:
    made = one_chunk(REGRESSION, "gradient_descent", [0.01, 0.05])
    theta = np.random.default_rng(0).standard_normal(made.runs.theta.shape)
    parts = []
    for layout in (theta, np.asfortranarray(theta), theta[:, ::-1][:, ::-1]):
        built = parametrization("linear", REGRESSION.dimension)
        chunk = Chunk(
            made.combination, built, layout, made.runs.hypers, [0, 0], REGRESSION.dimension
        )
        chunk.advance(50)
        parts.append([bits(chunk, row) for row in range(2)])
    assert parts[0] == parts[1] == parts[2]
