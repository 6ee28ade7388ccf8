"""Probes, outputs and what they cost: against NumPy that steps the same rules."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from small_instances import (
    bits,
    csr,
    data,
    one_chunk,
    optimizer,
    regression,
    separable,
    some_zeros,
)

from optbench import Hyper, Slot, UserError
from optbench.contract import optimizer as declare
from optbench.engine.oracles.probes import MOST_TRIALS
from optbench.engine.together import batch_key, join, part
from optbench.instance import Instance
from optbench.losses import logistic_loss
from optbench.status import Status

FEATURES, TARGETS = data(37, 5), data(37, 1, 1)[:, 0]
REGRESSION = regression(FEATURES, TARGETS)


def predictor(parameters: str, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """w and dw/dtheta, by NumPy."""
    if parameters == "diagonal":
        u, v = np.split(theta, 2)
        return u * u - v * v, np.hstack([np.diag(2.0 * u), np.diag(-2.0 * v)])
    return theta, np.eye(theta.size)


def objective(instance: Instance, parameters: str, theta: np.ndarray) -> tuple[float, np.ndarray]:
    """Loss and gradient in theta, by NumPy."""
    features = instance.features.toarray() if instance.sparse else instance.features
    w, tangent = predictor(parameters, theta)
    pairs = [instance.row(z, y) for z, y in zip(features @ w, instance.targets, strict=True)]
    losses, slopes = np.array(pairs).T
    return instance.scale * losses.sum(), instance.scale * slopes @ features @ tangent


def laid_out(layout: str):
    if layout == "wide":  # rows of length 2
        return data(37, 120) / 5.0
    return FEATURES if layout == "dense" else csr(some_zeros(FEATURES))


def classification(features) -> Instance:
    labels = np.where(data(37, 1, 2)[:, 0] > 0.0, 1.0, -1.0)
    return Instance("test", features, labels, "classification", logistic_loss, scale=1.0 / 37)


def halve(theta, grad, loss, probe, probe_loss, trial, step_size, learning_rate, slope):
    """Armijo: the first of learning_rate, half of it, ... that lowers the loss enough."""
    square = 0.0
    for i in range(theta.size):
        square += grad[i] * grad[i]
    if trial == 1:
        step_size[0] = learning_rate
    elif probe_loss <= loss - slope * step_size[0] * square:
        return False
    else:
        step_size[0] *= 0.5
    for i in range(theta.size):
        probe[i] = theta[i] - step_size[0] * grad[i]
    return True


@declare(reference="Armijo 1966", probe=halve)
def armijo(
    theta,
    probe,
    step_size=Slot(shape=1),
    learning_rate=Hyper(tune="log", low=0.0),
    slope=Hyper(0.3, low=0.0),
):
    for i in range(theta.size):
        theta[i] = probe[i]


def armijo_of_numpy(instance: Instance, parameters: str, theta, rate: float, steps: int):
    """Return theta and the number of evaluations after each step."""
    path, evaluations = [], 0
    for _ in range(steps):
        loss, gradient = objective(instance, parameters, theta)
        size, square = rate, gradient @ gradient
        evaluations += 2
        while objective(instance, parameters, theta - size * gradient)[0] > (
            loss - 0.3 * size * square
        ):
            size *= 0.5
            evaluations += 1
        theta = theta - size * gradient
        path.append((theta, evaluations))
    return path


@pytest.mark.parametrize("parameters", ["linear", "diagonal"])
@pytest.mark.parametrize("make", [lambda x: regression(x, TARGETS), classification])
@pytest.mark.parametrize("layout", ["dense", "wide", "sparse"])
def test_a_line_search_takes_as_many_trials_as_each_run_needs(layout, make, parameters) -> None:
    instance = make(laid_out(layout))
    rates = [0.3, 5.0, 1e4]
    chunk = one_chunk(instance, armijo, rates, parameters=parameters)
    start = chunk.runs.theta.copy()
    chunk.advance(12, steps=np.arange(13))
    tried = set()
    for row, rate in enumerate(rates):
        path = armijo_of_numpy(instance, parameters, start[row], rate, 12)
        np.testing.assert_allclose(chunk.runs.theta[row], path[-1][0], rtol=1e-9, atol=1e-12)
        assert chunk.records.evaluations[1:, row].tolist() == [count for _, count in path]
        assert chunk.records.evaluations[0, row] == 0
        tried.add(path[0][1])
    assert len(tried) > 1  # the runs of the batch did not need the same number


def test_a_run_has_the_same_bits_alone_in_a_batch_and_interrupted() -> None:
    rates = [0.3, 5.0, 80.0, 0.3, 2.0]
    batch = one_chunk(REGRESSION, armijo, rates)
    batch.advance(100)
    for row, rate in enumerate(rates):
        alone = one_chunk(REGRESSION, armijo, [rate])
        for horizon in (1, 7, 50, 100):
            alone.advance(horizon)
        assert bits(alone) == bits(batch, row)


@pytest.mark.parametrize("name", ["extragradient", "lookahead", "rapp", "sharpness_aware"])
@pytest.mark.parametrize("layout", ["dense", "wide", "sparse"])
def test_built_in_methods_are_their_formulas(name, layout) -> None:
    instance = classification(laid_out(layout))
    chunk = one_chunk(instance, name, [0.2])
    theta = chunk.runs.theta[0].copy()
    chunk.advance(30)

    def gradient(point):
        return objective(instance, "linear", point)[1]

    for _ in range(30):
        g = gradient(theta)
        inner = theta - 0.2 * g
        if name == "extragradient":
            theta = theta - 0.2 * gradient(inner)
        elif name == "lookahead":
            for _ in range(4):
                inner = inner - 0.2 * gradient(inner)
            theta = 0.5 * (theta + inner)
        elif name == "rapp":
            for _ in range(19):
                inner = theta - 0.2 * gradient(inner)
            theta = 0.5 * (theta + inner)
        else:
            theta = theta - 0.2 * gradient(theta + 0.05 * g / np.linalg.norm(g))
    np.testing.assert_allclose(chunk.runs.theta[0], theta, rtol=1e-10, atol=1e-13)
    evaluations = {"extragradient": 2, "lookahead": 5, "rapp": 20, "sharpness_aware": 2}
    assert chunk.records.evaluations[-1, 0] == 30 * evaluations[name]


def every_fifth(theta, probe, trial, step):
    if trial > 1 or (step - 1) % 5 != 0:
        return False
    for i in range(theta.size):
        probe[i] = theta[i]
    return True


@declare(reference="a test", probe=every_fifth)
def old_gradient(theta, probe_grad, learning_rate=Hyper(tune="log", low=0.0)):
    for i in range(theta.size):
        theta[i] -= learning_rate * probe_grad[i]


def test_a_probe_that_is_not_renewed_keeps_its_gradient() -> None:
    """Nor is theta's own gradient evaluated, but for records."""
    chunk = one_chunk(REGRESSION, old_gradient, [0.2, 0.1])
    chunk.advance(23)
    for row, rate in enumerate([0.2, 0.1]):
        theta = np.zeros(5)
        for step in range(23):
            if step % 5 == 0:
                kept = objective(REGRESSION, "linear", theta)[1]
            theta = theta - rate * kept
        np.testing.assert_allclose(chunk.runs.theta[row], theta, rtol=1e-12, atol=1e-14)
        loss = objective(REGRESSION, "linear", theta)[0]
        assert chunk.records.log_loss[-1, row] == pytest.approx(math.log(loss), abs=1e-12)
        assert chunk.records.evaluations[-1, row] == 5
    diverging = one_chunk(REGRESSION, old_gradient, [1e100])
    diverging.advance(100)
    assert diverging.status == [Status.DIVERGED]


def test_a_kept_gradient_follows_the_unit_of_the_run() -> None:
    """A snapshot before the unit moves is used after: in theta it is the same step."""
    plain, moved = (
        one_chunk(replace(separable(), exponential_tail=tail), snapshot_of_normalized, [2.0])
        for tail in (True, False)
    )
    for chunk in (plain, moved):
        chunk.advance(340)
    assert plain.runs.exponents[0] > 0 and moved.runs.exponents[0] == 0
    # a gradient of 1e-150 is known to 1e-13, over hundreds of steps; not to scale it costs 1e-2
    np.testing.assert_allclose(plain.runs.theta, moved.runs.theta, rtol=1e-5)


def here(theta, probe):
    for i in range(theta.size):
        probe[i] = theta[i]


@declare(reference="Here", probe=here, homogeneous=True)
def normalized_at_probe(theta, probe_grad, learning_rate=Hyper(tune="log", low=0.0)):
    total = 0.0
    for i in range(theta.size):
        total += probe_grad[i] * probe_grad[i]
    for i in range(theta.size):
        theta[i] -= learning_rate * probe_grad[i] / math.sqrt(total) if total > 0.0 else 0.0


def test_units_follow_gradients_at_probes_between_records() -> None:
    """A probe at theta is the gradient there: the loss falls by 1e-800 without a record."""
    chunk = one_chunk(separable(), normalized_at_probe, [1.0])
    chunk.advance(4000, steps=np.array([4000]))
    expected = one_chunk(separable(), "normalized_gradient_descent", [1.0], decay=0.0)
    expected.advance(4000)
    assert expected.records.log_loss[-1, 0] < -1500.0  # far below the least float64
    np.testing.assert_allclose(chunk.runs.theta, expected.runs.theta, rtol=1e-12)


def at_the_start(theta, probe, trial, step):
    if trial > 1 or step > 1:
        return False
    for i in range(theta.size):
        probe[i] = theta[i]
    return True


@declare(reference="a test", probe=at_the_start, homogeneous=True)
def snapshot_of_normalized(
    theta, grad, probe_grad, learning_rate=Hyper(tune="log", low=0.0), unit=Hyper(1.0, degree=1)
):
    """Steps of a fixed length, and a part of the first gradient."""
    largest = 0.0
    for i in range(theta.size):
        largest = max(largest, abs(grad[i]))
    for i in range(theta.size):
        theta[i] -= learning_rate * grad[i] / largest + 0.01 * probe_grad[i] / unit


def without_end(theta, probe, trial):
    for i in range(theta.size):
        probe[i] = theta[i]
    return trial > 0


@declare(reference="a test", probe=without_end)
def insatiable(theta, probe_grad, learning_rate=Hyper(tune="log", low=0.0)):
    for i in range(theta.size):
        theta[i] -= learning_rate * probe_grad[i]


def test_a_search_without_end_fails() -> None:
    chunk = one_chunk(REGRESSION, insatiable, [0.1, 0.2])
    chunk.advance(5)
    assert chunk.status == [Status.FAILED] * 2
    assert chunk.stopped.tolist() == [1, 1]
    assert chunk.runs.probed.tolist() == [MOST_TRIALS] * 2


def far_away(theta, probe, trial, probe_loss, seen):
    if trial == 2:
        seen[0] = probe_loss
    if trial > 2:
        return False
    for i in range(theta.size):
        probe[i] = 1e300 if trial == 1 else theta[i]
    return True


@declare(reference="a test", probe=far_away)
def looks_far(theta, probe_grad, seen=Slot(shape=1), learning_rate=Hyper(tune="log", low=0.0)):
    for i in range(theta.size):
        theta[i] -= learning_rate * probe_grad[i]


def test_a_probe_that_is_not_finite_ends_no_run() -> None:
    chunk = one_chunk(REGRESSION, looks_far, [0.1])
    descent = one_chunk(REGRESSION, "gradient_descent", [0.1])
    for each in (chunk, descent):
        each.advance(20)
    assert chunk.status == [Status.HORIZON]
    assert chunk.runs.state[0, -1] == np.inf
    assert np.array_equal(chunk.runs.theta, descent.runs.theta)


def test_only_those_that_probe_go_together() -> None:
    probing = [one_chunk(REGRESSION, name, [0.1]) for name in ("extragradient", "lookahead")]
    others = [one_chunk(REGRESSION, name, [0.1]) for name in ("gradient_descent", "adam")]
    averaged = one_chunk(REGRESSION, "averaged_gradient_descent", [0.1])
    keys = [batch_key(chunk) for chunk in (*probing, *others, averaged)]
    assert keys[0] == keys[1] and keys[2] == keys[3] and len(set(keys)) == 3
    whole = join(probing)
    whole.advance(40)
    for alone, own in zip(probing, part(whole, probing), strict=True):
        alone.advance(40)
        assert bits(alone) == bits(own)
        assert np.array_equal(alone.records.evaluations, own.records.evaluations)


# Outputs


@pytest.mark.parametrize("parameters", ["linear", "diagonal"])
@pytest.mark.parametrize("layout", ["dense", "wide", "sparse"])
def test_records_are_those_of_the_output(layout, parameters) -> None:
    instance = regression(laid_out(layout), TARGETS)
    chunk = one_chunk(instance, "averaged_gradient_descent", [0.02], parameters=parameters)
    theta = chunk.runs.theta[0].copy()
    path = [theta]
    chunk.advance(60)
    for _ in range(60):
        path.append(path[-1] - 0.02 * objective(instance, parameters, path[-1])[1])
    for place, step in enumerate(chunk.records.steps):
        mean = np.mean(path[1 : step + 1], axis=0) if step else theta
        loss, gradient = objective(instance, parameters, mean)
        w = predictor(parameters, mean)[0]
        assert chunk.records.log_loss[place, 0] == pytest.approx(math.log(loss), abs=1e-11)
        norm = math.log(np.linalg.norm(gradient))
        assert chunk.records.log_gradient_norm[place, 0] == pytest.approx(norm, abs=1e-10)
        np.testing.assert_allclose(chunk.records.snapshots[place, 0], w, rtol=1e-11, atol=1e-14)
        np.testing.assert_allclose(
            chunk.records.norms[place, 0, 1], np.linalg.norm(w), rtol=1e-11, atol=1e-14
        )
    np.testing.assert_allclose(chunk.runs.theta[0], path[-1], rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(chunk.measured.w[0], w, rtol=1e-11, atol=1e-14)
    assert chunk.records.evaluations[-1, 0] == 60


@declare(reference="a test", homogeneous=True)
def lagging(theta, grad, output, length=Hyper(tune="log", low=0.0), share=Hyper(0.5)):
    """Steps of a fixed length; what is measured has a part of the way behind it."""
    largest = 0.0
    for i in range(theta.size):
        largest = max(largest, abs(grad[i]))
    for i in range(theta.size):
        theta[i] -= length * grad[i] / largest
        output[i] = share * theta[i]


@pytest.mark.parametrize("share", [0.001, 0.3, 1.0])
def test_an_output_is_measured_in_a_unit_of_its_own(share) -> None:
    """Its loss may be 0.1 where that at theta is 1e-1000."""
    instance = separable()
    chunk = one_chunk(instance, lagging, [0.1], share=share)
    chunk.advance(3000)
    assert chunk.runs.exponents[0] > 0
    margins = instance.features @ (share * chunk.runs.theta[0])
    smallest = margins.min()
    # log mean log(1 + exp(-m)); from exp(-m) = 1e-17 on log(1 + exp(-m)) is exp(-m)
    near = (
        np.log(np.mean(np.log1p(np.exp(-margins))))
        if smallest < 30.0
        else (-smallest + np.log(np.mean(np.exp(smallest - margins))))
    )
    assert chunk.records.log_loss[-1, 0] == pytest.approx(near, rel=1e-11)
    assert chunk.records.lowest[-1, 0] == pytest.approx(smallest, rel=1e-12)


# Declarations


@pytest.mark.parametrize(
    ("probe", "told"),
    [
        (lambda theta, probe, rate: None, "argument 'rate' is not known"),
        (lambda theta, probe, sample_grad: None, "'sample_grad' is not known when probes"),
        (lambda theta, probe, output: None, "'output' is not known when probes are written"),
        (lambda theta: None, "has no argument 'probe'"),
        (lambda theta, probe, length=0.1: None, "'length' takes no default"),
        ("ahead", "must be a plain function"),
    ],
)
def test_a_probe_kernel_that_cannot_be_called_is_one_line(probe, told) -> None:
    def own(theta, probe_grad, length=Hyper(0.1)):
        pass

    with pytest.raises(UserError, match=told) as raised:
        declare(reference="a test", probe=probe)(own)
    assert "test_probes.py:" in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize("argument", ["probe", "probe_grad", "probe_loss"])
def test_what_nobody_probes_cannot_be_asked_for(argument) -> None:
    namespace: dict = {}
    exec(f"def own(theta, {argument}): pass", namespace)
    with pytest.raises(UserError, match=f"asks for '{argument}', but nothing writes a probe"):
        declare(reference="a test")(namespace["own"])


def test_theta_cannot_be_written_by_a_probe_kernel() -> None:
    def moves(theta, probe):
        theta[0] = 1.0

    @declare(reference="a test", probe=moves)
    def own(theta, probe_grad):
        pass

    with pytest.raises(UserError, match="writes into an array that is read only"):
        one_chunk(REGRESSION, own, [0.0])


def test_there_is_an_oracle_for_every_argument() -> None:
    assert optimizer("sharpness_aware").needs == ("theta", "grad", "probe", "probe_grad")
