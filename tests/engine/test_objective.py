"""Loss, gradient and lowest margin of dense and sparse data against NumPy."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from small_instances import (
    ROWS,
    chunks,
    csr,
    data,
    one_chunk,
    regression,
    separable,
    some_zeros,
)

from optbench.engine.bind_instance import objective_kind
from optbench.engine.data.layouts import arranged_shape
from optbench.engine.data.panels import to_panels
from optbench.engine.ensemble import data_of
from optbench.engine.oracles.sampled_gradient import add_row, predict_row
from optbench.instance import Instance

# around the widths of vectors (8), pairs and eights of vectors, and panels (64)
COUNTS = (1, 2, 7, 8, 9, 15, 16, 17, 31, 56, 63, 64, 65, 72, 127, 128, 129, 200)
DIMENSIONS = (1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 31, 40)
RUNS = (1, 2, 3, 4, 5, 8, 9)
SHAPES = [
    (n, d, RUNS[k % len(RUNS)]) for k, (n, d) in enumerate(itertools.product(COUNTS, DIMENSIONS))
]
# At least as many features as rows, and more numbers than the first-level cache has: bands.  One
# band, an odd number, several blocks because of their numbers (40 x 3301) and of their rows (130).
WIDE = [
    (1, 4099, 3),
    (2, 2048, 5),
    (3, 1371, 1),
    (4, 1026, 4),
    (5, 825, 8),
    (7, 600, 2),
    (8, 513, 9),
    (12, 350, 4),
    (29, 143, 3),
    (64, 65, 5),
    (65, 65, 1),
    (40, 3301, 9),
    (130, 133, 5),
    (131, 1010, 1),
]


def make(kind: str, features, targets: np.ndarray) -> Instance:
    return Instance("test", features, targets, kind, row=ROWS[kind], scale=0.37)


def evaluated(instance: Instance, w: np.ndarray):
    chunk = one_chunk(instance, "gradient_descent", [0.1] * len(w))
    chunk.runs.theta[:] = w
    chunk.advance(0)
    return chunk.runs


def assert_sums_equal(found: np.ndarray, expected: np.ndarray, size: np.ndarray) -> None:
    """Compare sums: relative to the sum of absolute values, which bounds the rounding."""
    assert np.all(np.abs(found - expected) <= 1e-13 * size)


@pytest.mark.parametrize("layout", ["dense", "wide", "sparse"])
@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_equals_numpy(kind: str, layout: str) -> None:
    for n, d, count in WIDE if layout == "wide" else SHAPES:
        features = some_zeros(data(n, d, n + d))
        targets = data(n, 1, 3)[:, 0]
        targets = np.where(targets > 0, 1.0, -1.0) if kind == "classification" else targets
        given = csr(features) if layout == "sparse" else features
        w = data(count, d, 7)
        instance = make(kind, given, targets)
        assert objective_kind(instance) == layout
        runs = evaluated(instance, w)
        predictions = w @ features.T
        if kind == "regression":
            losses, slopes = 0.5 * (predictions - targets) ** 2, predictions - targets
        else:
            margins = predictions * targets
            losses, slopes = np.logaddexp(0.0, -margins), -targets / (1.0 + np.exp(margins))
        # a rounding in a prediction moves every term that it enters
        noise = 1.0 + np.abs(w) @ np.abs(features).T
        assert_sums_equal(runs.loss, 0.37 * losses.sum(axis=1), (noise + losses).sum(axis=1))
        size = (np.abs(slopes) + noise) @ np.abs(features)
        assert_sums_equal(runs.gradient, 0.37 * slopes @ features, size)
        lowest = (predictions * targets).min(axis=1)
        assert_sums_equal(runs.lowest, lowest, (noise * np.abs(targets)).max(axis=1))


@pytest.mark.parametrize("layout", ["dense", "wide", "sparse"])
def test_bits_do_not_depend_on_the_batch(layout: str) -> None:
    for n, d, _ in WIDE if layout == "wide" else SHAPES[::5]:
        features, targets, w = some_zeros(data(n, d, n)), data(n, 1, 3)[:, 0], data(9, d, 7)
        instance = regression(csr(features) if layout == "sparse" else features, targets)
        batch = evaluated(instance, w)
        for row in range(9):
            alone = evaluated(instance, w[row : row + 1])
            assert alone.loss[0] == batch.loss[row]
            assert alone.lowest[0] == batch.lowest[row]
            assert alone.gradient[0].tobytes() == batch.gradient[row].tobytes()


def test_panels_hold_every_number_once() -> None:
    matrix = data(130, 3)
    panels = to_panels(matrix)
    assert panels.shape == (9, 8, 16)  # rows in panels of 16, features padded to 8
    np.testing.assert_array_equal(panels.transpose(0, 2, 1).reshape(-1, 8)[:130, :3], matrix)
    assert np.count_nonzero(panels) == matrix.size


@pytest.mark.parametrize("shape", [(9, 3), (3, 1371), (29, 143), (130, 133)])
def test_every_row_is_found_in_its_layout(shape: tuple[int, int]) -> None:
    matrix = data(*shape)
    arranged = data_of(regression(matrix, np.zeros(shape[0])))
    assert arranged.panels.shape == arranged_shape(*shape)
    assert np.count_nonzero(arranged.panels) == matrix.size
    for row in range(shape[0]):
        found = np.zeros(shape[1])
        add_row(row, 1.0, arranged, found)
        np.testing.assert_array_equal(found, matrix[row])
        size = np.abs(matrix[row]).sum()
        assert predict_row(row, np.ones(shape[1]), arranged) == pytest.approx(
            matrix[row].sum(), rel=0, abs=shape[1] * 2**-52 * size
        )


@pytest.mark.parametrize("layout", ["dense", "sparse"])
@pytest.mark.parametrize("margin", [1e3, 30.0, 1.0, -1.0, -30.0, -1e3])
def test_logistic_loss_is_right_at_large_margins_of_both_signs(margin: float, layout: str) -> None:
    """Mean of log(1 + exp(-m)) over 5 equal margins: m below 0 gives |m|, above exp(-m)."""
    targets = np.array([1.0, 1.0, -1.0, 1.0, -1.0])
    features = np.full((5, 2), 0.5) * targets[:, None]
    given = features if layout == "dense" else csr(features)
    instance = Instance("test", given, targets, "classification", ROWS["classification"], scale=0.2)
    runs = evaluated(instance, np.full((1, 2), margin))
    assert runs.lowest[0] == margin
    expected = math.log1p(math.exp(-margin)) if margin > -700 else -margin
    assert runs.loss[0] == pytest.approx(expected, rel=1e-14, abs=0.0)
    slope = -0.5 / (1.0 + math.exp(margin)) if margin < 700 else 0.0
    # below -708 the jitted sigmoid stays at e^-708: such gradients need the log domain
    np.testing.assert_allclose(runs.gradient[0], slope, rtol=1e-14, atol=2e-308)


@pytest.mark.parametrize("layout", ["dense", "wide", "sparse"])
def test_log_domain_keeps_losses_that_underflow(layout: str) -> None:
    """At margins m = 1000 the mean logistic loss is exp(-1000): its logarithm is -1000."""
    rows = np.eye(1, 600) * np.ones((7, 1)) if layout == "wide" else np.ones((7, 1))
    instance = Instance(
        "test",
        csr(rows) if layout == "sparse" else rows,
        np.ones(7),
        "classification",
        ROWS["classification"],
        scale=1.0 / 7.0,
        exponential_tail=True,
    )
    for margin in (500.0, 1000.0, 5000.0):
        chunk = one_chunk(instance, "normalized_gradient_descent", [1.0])
        chunk.runs.theta[:] = margin
        chunk.advance(0)
        # log(2**-e exp(e log 2 - m)) in doubles: a few roundings of numbers as large as m
        assert chunk.records.log_loss[0, 0] == pytest.approx(-margin, rel=1e-14)
        assert chunk.records.log_gradient_norm[0, 0] == pytest.approx(-margin, rel=1e-14)
        assert chunk.runs.exponents[0] > 0


def test_log_domain_sum_over_different_margins() -> None:
    """log mean exp(-m_i) by log-sum-exp."""
    instance = separable()
    direction = np.linalg.lstsq(instance.features, np.ones(6), rcond=None)[0]
    w = 2000.0 * direction + 3.0 * data(1, 12, 5)[0]
    margins = instance.features @ w
    expected = np.logaddexp.reduce(-margins) - math.log(6.0)
    chunk = one_chunk(instance, "normalized_gradient_descent", [1.0])
    chunk.runs.theta[:] = w
    chunk.advance(0)
    # margins of 2000 carry absolute roundings of 2000 * 2^-53 * d
    assert chunk.records.log_loss[0, 0] == pytest.approx(expected, abs=1e-11)
    weights = np.exp(-margins - np.logaddexp.reduce(-margins))
    gradient = -(weights @ instance.features)
    found = chunk.runs.gradient[0] / np.linalg.norm(chunk.runs.gradient[0])
    np.testing.assert_allclose(found, gradient / np.linalg.norm(gradient), rtol=0, atol=1e-11)


def test_own_objective_of_a_problem() -> None:
    """``loss_and_grad(w, data, grad)``: here ||w - first row||^4 / 4."""

    def quartic(w, data, grad):
        square = 0.0
        for j in range(w.size):
            grad[j] = w[j] - data[0, j]
            square += grad[j] * grad[j]
        for j in range(w.size):
            grad[j] *= square
        return 0.25 * square * square

    features = data(2, 5)
    instance = Instance("test", features, np.zeros(2), "other", loss_and_grad=quartic)
    w = data(6, 5, 4)
    (chunk,) = chunks(instance, "gradient_descent", [0.1] * 6)
    chunk.runs.theta[:] = w
    chunk.advance(0)
    away = w - features[0]
    square = (away**2).sum(axis=1)
    np.testing.assert_allclose(chunk.runs.loss, square**2 / 4, rtol=1e-13)
    np.testing.assert_allclose(chunk.runs.gradient, square[:, None] * away, rtol=1e-13)
