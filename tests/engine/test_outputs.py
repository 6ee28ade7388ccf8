"""Row losses of several outputs: numbers against NumPy and SciPy in every layout, bits, samples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.special import logsumexp, softmax
from small_instances import bits, csr, data, of_trace, one_chunk, python, some_zeros

from optbench.engine.bind_outputs import FEW, has_known_loops
from optbench.engine.ensemble import data_of
from optbench.errors import UserError
from optbench.instance import MOST_OUTPUTS, Instance
from optbench.losses import cross_entropy, squared_errors
from optbench.parameters import takes_outputs
from optbench.status import Status
from optbench.targets import log_suboptimality

# rows, features, outputs: blocks of one panel and many, remainders of 4, 2 and 1 outputs, bands,
# one band, more outputs than are unrolled, one output
DENSE = [(150, 4, 3), (6, 12, 4), (1200, 60, 9), (300, 20, 7), (50, 200, 3), (17, 600, 5),
         (4, 1500, 2), (33, 5, FEW + 3), (40, 6, 1)]  # fmt: skip
SPARSE = [(130, 30, 10), (300, 90, 2), (70, 12, 17)]


def classes(rows: int, outputs: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, outputs, rows).astype(float)


def softmax_of(features, labels, outputs, **facts) -> Instance:
    return Instance(
        problem="test",
        name="softmax",
        features=features,
        targets=labels,
        kind="other",
        row=cross_entropy,
        outputs=outputs,
        scale=1.0 / len(labels),
        **facts,
    )


def squares_of(features, targets, **facts) -> Instance:
    return Instance(
        problem="test",
        name="squares",
        features=features,
        targets=targets,
        kind="regression",
        row=squared_errors,
        outputs=targets.shape[1],
        scale=0.5,
        **facts,
    )


def features_of(rows: int, columns: int, layout: str):
    matrix = data(rows, columns)
    if layout == "dense":
        return matrix
    # the last column is full: it is kept dense
    return csr(np.hstack([some_zeros(some_zeros(matrix), seed=2), data(rows, 1, seed=3)]))


def evaluated(instance: Instance, w: np.ndarray, threads: int = 1):
    chunk = one_chunk(instance, "gradient_descent", [0.1] * len(w))
    chunk.runs.theta[:] = w
    chunk.advance(0, threads=threads)
    return chunk


def margins(instance: Instance, w: np.ndarray) -> np.ndarray:
    """Return the margin of each row over each class: infinite over its own."""
    scores = instance.predictions(w)
    rows, own = np.arange(len(scores)), instance.targets.astype(int)
    found = scores[rows, own][:, None] - scores
    found[rows, own] = np.inf
    return found


LAYOUTS = [*((shape, "dense") for shape in DENSE), *((shape, "sparse") for shape in SPARSE)]


@pytest.mark.parametrize(("shape", "layout"), LAYOUTS)
def test_cross_entropy_is_that_of_scipy(shape, layout: str) -> None:
    rows, columns, outputs = shape
    instance = softmax_of(features_of(rows, columns, layout), classes(rows, outputs), outputs)
    # scores of size 1: the slopes of SciPy, softmax minus one-hot, cancel where they are large
    points = data(5, instance.dimension, seed=4) / np.sqrt(columns)
    chunk = evaluated(instance, points)
    own = instance.targets.astype(int)
    for run, w in enumerate(points):
        scores = instance.predictions(w)
        loss = (logsumexp(scores, axis=1) - scores[np.arange(rows), own]).mean()
        slopes = softmax(scores, axis=1) - np.eye(outputs)[own]
        gradient = np.asarray(instance.features.T @ slopes).T / rows
        # sums of so many terms of size 1, in another order
        np.testing.assert_allclose(chunk.runs.loss[run], loss, rtol=1e-13, atol=1e-15)
        largest = max(np.abs(gradient).max(), 1e-15)
        np.testing.assert_allclose(
            chunk.runs.gradient[run], gradient.ravel(), rtol=0.0, atol=1e-13 * largest
        )
        lowest = margins(instance, w).min()
        np.testing.assert_allclose(chunk.runs.lowest[run], lowest, rtol=1e-11)


@pytest.mark.parametrize(("shape", "layout"), LAYOUTS)
def test_squared_errors_are_those_of_numpy(shape, layout: str) -> None:
    rows, columns, outputs = shape
    instance = squares_of(features_of(rows, columns, layout), data(rows, outputs, seed=5))
    points = data(3, instance.dimension, seed=4)
    chunk = evaluated(instance, points)
    for run, w in enumerate(points):
        residual = instance.predictions(w) - instance.targets
        gradient = np.asarray(0.5 * (instance.features.T @ residual)).T.ravel()
        np.testing.assert_allclose(chunk.runs.loss[run], 0.25 * np.sum(residual**2), rtol=1e-13)
        np.testing.assert_allclose(
            chunk.runs.gradient[run], gradient, rtol=0.0, atol=1e-13 * np.abs(gradient).max()
        )


@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_bits_do_not_depend_on_the_runs_beside(layout: str) -> None:
    rates = [0.1, 0.2, 0.05, 0.3, 0.01, 0.15, 0.25, 0.12, 0.08]
    instance = softmax_of(features_of(200, 13, layout), classes(200, 6), 6)
    together = one_chunk(instance, "adam", rates)
    together.advance(20)
    for run in (0, 5, 8):
        alone = one_chunk(instance, "adam", rates[run : run + 1])
        alone.advance(11)
        alone.advance(20)
        assert alone.runs.theta.tobytes() == together.runs.theta[run : run + 1].tobytes()
        assert alone.runs.loss.tobytes() == together.runs.loss[run : run + 1].tobytes()


@pytest.mark.parametrize(("rows", "columns"), [(2100, 250), (250, 2100)])
def test_threads_share_the_segments(rows: int, columns: int) -> None:
    instance = softmax_of(data(rows, columns), classes(rows, 3), 3)
    alone, shared = (one_chunk(instance, "adam", [0.1, 0.2]) for _ in range(2))
    alone.advance(5)
    shared.advance(5, threads=3)
    assert [bits(alone, run) for run in (0, 1)] == [bits(shared, run) for run in (0, 1)]


def slow_cross_entropy(predictions, target, slopes):
    """Indexes by its target, so that rows go one by one."""
    total = 0.0
    for c in range(predictions.size):
        slopes[c] = np.exp(predictions[c])
        total += slopes[c]
    for c in range(predictions.size):
        slopes[c] /= total
    slopes[int(target)] -= 1.0
    return np.log(total) - predictions[int(target)]


def test_a_row_loss_may_index_by_its_target() -> None:
    features, labels = data(90, 5), classes(90, 4)
    fast = softmax_of(features, labels, 4)
    slow = Instance("test", features, labels, "other", slow_cross_entropy, scale=1 / 90, outputs=4)
    points = data(2, 20, seed=6)
    one, other = evaluated(fast, points).runs, evaluated(slow, points).runs
    np.testing.assert_allclose(other.loss, one.loss, rtol=1e-13)
    np.testing.assert_allclose(other.gradient, one.gradient, rtol=0.0, atol=1e-15)


def test_an_index_outside_ends_the_run_and_nothing_else() -> None:
    labels = classes(90, 4)
    labels[50] = 7.0
    wrong = Instance("test", data(90, 5), labels, "other", slow_cross_entropy, outputs=4)
    chunk = one_chunk(wrong, "gradient_descent", [0.1])
    chunk.advance(3)
    assert chunk.status == [Status.DIVERGED]


def test_loops_are_told_by_what_they_go_over() -> None:
    def while_loop(predictions, target, slopes):
        c = 0
        while c < predictions.size:
            c += 1
        return 0.0

    def as_many_as_the_target_says(predictions, target, slopes):
        for c in range(int(target)):
            slopes[c] = 0.0
        return 0.0

    assert has_known_loops(cross_entropy) and has_known_loops(squared_errors)
    assert not has_known_loops(while_loop) and not has_known_loops(as_many_as_the_target_says)


@pytest.mark.parametrize("layout", ["dense", "sparse"])
@pytest.mark.parametrize("several", [False, True])
def test_samples_are_rows_with_all_their_outputs(layout: str, several: bool) -> None:
    """Rows in order: a step is that of the gradient of the next ones, as NumPy has it."""
    rows, outputs, batch, rate = 150, 5, 11, 0.3
    features = features_of(rows, 7, layout)
    if several:
        instance = squares_of(features, data(rows, outputs, seed=5), in_order=True)
    else:
        instance = softmax_of(features, classes(rows, outputs), outputs, in_order=True)
    w = data(1, instance.dimension, seed=7)
    chunk = one_chunk(instance, "stochastic_gradient_descent", [rate], batch=batch)
    chunk.runs.theta[:] = w
    chunk.advance(2)
    expected, dense = w.reshape(outputs, -1), sparse.csr_array(features).toarray()
    for step in range(2):
        drawn = slice(step * batch, (step + 1) * batch)
        scores = dense[drawn] @ expected.T
        slopes = 0.5 * rows * (scores - instance.targets[drawn]) if several else (
            softmax(scores, axis=1) - np.eye(outputs)[instance.targets[drawn].astype(int)]
        )  # fmt: skip
        expected = expected - rate * slopes.T @ dense[drawn] / batch
    np.testing.assert_allclose(chunk.runs.theta[0], expected.ravel(), rtol=1e-12)


def test_a_deep_network_has_several_outputs() -> None:
    """The pull-back through W = W_2 W_1, by the chain rule in NumPy."""
    instance = softmax_of(data(60, 6), classes(60, 4), 4)
    parameters = "deep_linear:widths=3,outputs=4"
    chunk = one_chunk(instance, "gradient_descent", [0.1], parameters=parameters)
    theta = data(1, 30, seed=8)
    chunk.runs.theta[:] = theta
    chunk.advance(0)
    first, second = theta[0, :18].reshape(3, 6), theta[0, 18:].reshape(4, 3)
    scores = instance.features @ (second @ first).T
    slopes = softmax(scores, axis=1) - np.eye(4)[instance.targets.astype(int)]
    gradient = slopes.T @ instance.features / 60
    expected = np.concatenate([(second.T @ gradient).ravel(), (gradient @ first.T).ravel()])
    np.testing.assert_allclose(chunk.runs.gradient[0], expected, rtol=1e-11, atol=1e-14)


def separable_classes(**facts) -> Instance:
    features = data(9, 12, seed=1)
    return softmax_of(features, np.arange(9) % 3 * 1.0, 3, exponential_tail=True, **facts)


def test_margins_stay_exact_where_losses_are_far_below_the_smallest_number() -> None:
    """log loss = logsumexp(-margins) - log n, though the loss is 1e-600 and less."""
    instance = separable_classes()
    chunk = one_chunk(instance, "normalized_gradient_descent", [1.0], decay=0.0)
    chunk.advance(8000)
    for record in (-1, -5):
        w = chunk.records.snapshots[chunk.records.place[record], 0]
        told = margins(instance, w)
        expected = logsumexp(-told) - np.log(9)
        # an error of 1 unit in the last place of a score of 4000 moves a logarithm by 5e-13
        assert chunk.records.log_loss[record, 0] == pytest.approx(expected, abs=1e-11)
        assert chunk.records.lowest[record, 0] == pytest.approx(told.min(), rel=1e-13)
    assert chunk.records.log_loss[-1, 0] < np.log(1e-300) * 2.0
    assert chunk.runs.exponents[0] > 0
    # the gradient in the run's unit: weights are those of the margins, whatever their size
    w = chunk.runs.theta[0]
    told = margins(instance, w)
    weights = np.exp(chunk.runs.exponents[0] * np.log(2.0) - told)
    slopes = weights.copy()
    slopes[np.arange(9), instance.targets.astype(int)] = -weights.sum(axis=1)
    gradient = slopes.T @ instance.features / 9
    largest = np.abs(gradient).max()
    np.testing.assert_allclose(
        chunk.runs.gradient[0], gradient.ravel(), rtol=0.0, atol=1e-11 * largest
    )


@pytest.mark.parametrize("gap", [-800.0, -30.0, -1e-9, 0.0, 0.3, 36.0, 45.0, 300.0])
def test_cross_entropy_keeps_its_digits(gap: float) -> None:
    """Against mpmath, where a wrong class is far behind or ahead: no digit cancels."""
    mpmath = pytest.importorskip("mpmath")
    predictions = np.array([0.25, 0.25 + gap, 0.25 - 0.5 * abs(gap) - 1.0])
    slopes = np.zeros(3)
    loss = cross_entropy(predictions, 1.0, slopes)
    with mpmath.workdps(800):
        powers = [mpmath.exp(mpmath.mpf(float(z))) for z in predictions]
        total = sum(powers)
        expected = mpmath.log1p((powers[0] + powers[2]) / powers[1])
        shares = [powers[0] / total, -(powers[0] + powers[2]) / total, powers[2] / total]
        # a difference of predictions has the rounding of these, relative to e^difference
        tolerance = 1e-14 + abs(gap) * 2.3e-16
        assert abs(loss / expected - 1) < tolerance
        for slope, share in zip(slopes, shares, strict=True):
            assert abs(slope - share) <= tolerance * abs(share)


def test_passages_are_those_of_a_trace_of_every_step() -> None:
    """The bound on how fast the loss can change: sqrt(2) times the distance of W in L2."""
    from optbench.engine.ensemble import make_chunks
    from optbench.parametrizations import parametrization
    from optbench.registry import load_registry

    instance = separable_classes(steepness=np.sqrt(2.0), optimal_value=float)
    optimizer = load_registry().optimizer("gradient_descent")
    linear = parametrization("linear", instance.dimension)
    hypers = np.array([[2.0]])
    (kept,) = make_chunks(instance, linear, optimizer, hypers, [0], passages=True)
    kept.advance(4000)
    (plain,) = make_chunks(instance, linear, optimizer, hypers, [0])
    plain.advance(4000, steps=np.arange(4001))
    found, records = kept.passages(0.0), plain.records
    gaps = np.exp(log_suboptimality(records.log_loss, records.loss, 0.0)[:, 0])
    reached, last = of_trace(gaps)
    np.testing.assert_array_equal(found.reached[0], reached)
    np.testing.assert_array_equal(found.kept[0], last)
    assert np.isfinite(reached).any() and kept.runs.reach[0] > 0.0


PLAIN = """
import numpy as np
from small_instances import one_chunk
from test_outputs_plain import instance
chunk = one_chunk(instance(), "gradient_descent", [0.1, 0.2])
chunk.advance(5)
print(chunk.runs.theta.tobytes().hex())
"""


def test_plain_python_gives_the_same_numbers() -> None:
    def found(**environment: str) -> np.ndarray:
        script = PLAIN.replace("from test_outputs_plain import instance", SMALL)
        return np.frombuffer(bytes.fromhex(python(script, **environment)))

    np.testing.assert_allclose(found(NUMBA_DISABLE_JIT="1"), found(), rtol=1e-12)


SMALL = """
from small_instances import data
from optbench.instance import Instance
from optbench.losses import cross_entropy
def instance():
    labels = np.arange(21) % 3 * 1.0
    return Instance("t", data(21, 5), labels, "other", cross_entropy, scale=1 / 21, outputs=3)
"""


def two_arguments(prediction, target):
    return prediction, target


def writes_predictions(predictions, target, slopes):
    predictions[0] = 0.0
    return 0.0


def test_layers_and_targets_are_seen() -> None:
    instance = softmax_of(data(10, 4), classes(10, 3), 3)
    assert instance.layers.tolist() == [[0, 3, 4]] and instance.dimension == 12
    assert takes_outputs(cross_entropy) and not takes_outputs(two_arguments)
    arranged = data_of(squares_of(data(9, 4), data(9, 3))).targets
    np.testing.assert_array_equal(arranged[8:16], data(9, 3)[:8, 1])  # eight rows of output 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"outputs": 0}, "outputs=0 must be a whole number from 1"),
        ({"outputs": MOST_OUTPUTS + 1}, f"from 1 to {MOST_OUTPUTS}"),
        ({"outputs": 2.5}, "outputs=2.5"),
        ({"row": two_arguments}, "it must take (predictions, target, slopes)"),
        ({"targets": np.zeros((10, 2))}, "it must be (10,) or (10, 3)"),
        ({"exponential_tail": True, "targets": np.full(10, 3.0)}, "needs classes 0 to 2"),
        ({"exponential_tail": True, "targets": np.zeros((10, 3))}, "needs classes 0 to 2"),
        ({"exponential_tail": True, "targets": np.full(10, 0.5)}, "needs classes 0 to 2"),
    ],
)
def test_wrong_instances_are_one_line(changes, told: str) -> None:
    fields = {
        "problem": "test",
        "features": data(10, 4),
        "targets": np.zeros(10),
        "kind": "other",
        "row": cross_entropy,
        "outputs": 3,
    }
    with pytest.raises(UserError) as failure:
        Instance(**(fields | changes))
    assert told in str(failure.value) and "\n" not in str(failure.value)


def test_predictions_are_read_only() -> None:
    instance = Instance("test", data(10, 4), np.zeros(10), "other", writes_predictions, outputs=3)
    with pytest.raises(UserError) as failure:
        one_chunk(instance, "gradient_descent", [0.1])
    assert "predictions[0] = 0.0" in str(failure.value)


def test_a_drawn_row_is_no_gradient_of_several_outputs() -> None:
    from optbench.contract import Hyper, optimizer

    @optimizer(reference="a test")
    def asks_row(theta, sample_grad, sample_row, batch=Hyper(1, low=1, integer=True)):
        theta[0] += sample_row[0]

    with pytest.raises(UserError, match="needs the drawn row"):
        one_chunk(softmax_of(data(10, 4), classes(10, 3), 3), asks_row, [1.0])
