"""The contract tests of an instance's objective: what it writes, its bits, its gradient."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from optbench.check.outcome import NotApplicable, difference, require
from optbench.contract import Hyper, optimizer
from optbench.engine.bind import bounds_checks
from optbench.engine.chunk import Chunk
from optbench.engine.compiler.views import read_only
from optbench.instance import Instance
from optbench.parameters import arguments
from optbench.parametrizations import parametrization
from optbench.random import seeded
from optbench.runs import RunSpec, prepare_together

TWIN = 1e-12  # compiled against plain Python, relative
DIFFERENCES = 1e-6  # central differences with steps of 1e-5 lose 10 of 16 digits
APART = 1e-5
POINTS = 3
FAR, FEW = 30.0, 10  # predictions up to so far, so many targets
STEPS = 30
THREADS = 2
GARBAGE = (np.nan, 123.456)  # in memory that a kernel must write before it reads


@optimizer(reference="a probe: the checks set theta themselves")
def probe(theta, grad, length=Hyper(0.0)):  # type: ignore[no-untyped-def]
    """theta <- theta - length g."""
    for i in range(theta.size):
        theta[i] -= length * grad[i]


def points(instance: Instance) -> np.ndarray:
    """Return a few predictors of moderate predictions, float64 (3, d)."""
    generator = np.random.Generator(np.random.PCG64(5))
    w = generator.standard_normal((POINTS, instance.dimension))
    w = np.abs(w) if instance.positive else w
    if instance.row is None:
        return w if instance.start is None else instance.start + 0.1 * w
    largest = np.array([np.max(np.abs(instance.predictions(point))) for point in w])
    return np.asarray(w / np.maximum(largest, 1e-300)[:, None])


def chunk(instance: Instance, w: np.ndarray, length: float = 0.0) -> Chunk:
    """Return runs of the probe that start at each row of ``w``, all with seed 1."""
    linear = parametrization("linear", instance.dimension)
    return prepare_together(
        [RunSpec(instance, linear, probe, (length,), seed=1, theta=theta) for theta in w]
    )


def evaluate(instance: Instance, w: np.ndarray, garbage: float = 0.0) -> Chunk:
    """Return loss and gradient at each row of ``w``, as the engine computes them.

    ``garbage`` is what their memory holds before.
    """
    made = chunk(instance, w)
    made.runs.gradient[:], made.runs.loss[:] = garbage, garbage
    made.advance(0)
    return made


def gradient(instance: Instance) -> str:
    """The gradient agrees with central differences of the loss, in a few directions."""
    if instance.kind == "game":
        raise NotApplicable("the field of a game is no gradient")
    if instance.stochastic:
        raise NotApplicable("loss and gradient are those of samples")
    w = points(instance)
    direction = np.roll(w, 1, axis=0)
    slope = np.sum(evaluate(instance, w).runs.gradient * direction, axis=1)
    ahead = evaluate(instance, w + 1e-5 * direction).runs.loss
    behind = evaluate(instance, w - 1e-5 * direction).runs.loss
    gap = difference((ahead - behind) / 2e-5, slope)
    require(gap <= DIFFERENCES, f"gradient and differences of the loss differ by {gap:.1e}")
    return f"central differences agree to {gap:.1e}"


def twin(instance: Instance) -> str:
    """The compiled kernel agrees with plain Python, in which an index outside is an error."""
    w = points(instance)
    plain = _plain_rows(instance, w) if instance.row is not None else _plain_own(instance, w)
    found = evaluate(instance, w).runs
    for point, gradient, run in zip(w, plain[1], range(len(w)), strict=True):
        if instance.penalty is not None:
            plain[0][run] += instance.penalty(read_only(point), gradient)
    gap = max(difference(found.loss, plain[0]), difference(found.gradient, plain[1]))
    require(gap <= TWIN, f"compiled and plain Python differ by {gap:.1e}")
    return f"plain Python agrees to {gap:.1e}"


def _plain_rows(instance: Instance, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    losses, gradients = np.zeros(len(w)), np.zeros_like(w)
    for run, point in enumerate(w):
        found, slopes = plain_rows(instance, instance.predictions(point), instance.targets)
        losses[run] = found.sum() * instance.scale
        gradients[run] = np.asarray(slopes.T @ instance.features).ravel() * instance.scale
    return losses, gradients


def plain_rows(
    instance: Instance, predictions: np.ndarray, targets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Evaluate the row loss as plain Python: losses (m,), and slopes as predictions are."""
    row = instance.row
    assert row is not None
    given = () if instance.parameters is None else (instance.parameters,)
    losses, slopes = np.zeros(len(targets)), np.zeros_like(predictions)
    for i, (z, y) in enumerate(zip(predictions, targets, strict=True)):
        target = read_only(y) if isinstance(y, np.ndarray) else float(y)
        if instance.several:
            losses[i] = row(read_only(z), target, slopes[i], *given)
        else:
            losses[i], slopes[i] = row(float(z), target, *given)
    return losses, slopes


def _plain_own(
    instance: Instance, w: np.ndarray, rows: slice = slice(None)
) -> tuple[np.ndarray, np.ndarray]:
    """Evaluate ``loss_and_grad`` as plain Python; what it may not write is read only."""
    kernel = instance.loss_and_grad
    assert kernel is not None
    losses, gradients = np.zeros(len(w)), np.zeros_like(w)
    fixed: dict[str, Any] = {
        "data": read_only(np.array(instance.features[rows], dtype=float, order="C")),
        "targets": read_only(np.array(instance.targets[rows], dtype=float)),
        "parameters": instance.parameters,
    }
    for run, point in enumerate(w):
        given = fixed | {
            "w": read_only(point),
            "grad": gradients[run],
            "scratch": np.zeros(instance.scratch),
            "rng": seeded(1),
        }
        with bounds_checks(True):  # of helpers that the plug-in compiles itself
            losses[run] = kernel(*(given[name] for name in arguments(kernel)))
    return losses, gradients


def mean_of_rows(instance: Instance) -> str:
    """An objective that says so is the mean of what it is on each of its rows."""
    if not instance.mean_of_rows:
        raise NotApplicable("mean_of_rows= is not declared")
    w, count = points(instance), instance.features.shape[0]
    single = [_plain_own(instance, w, slice(row, row + 1)) for row in range(count)]
    means = (np.mean(each, axis=0) for each in zip(*single, strict=True))
    for name, whole, mean in zip(("loss", "gradient"), _plain_own(instance, w), means, strict=True):
        gap = difference(mean, whole)
        require(gap <= TWIN, f"the {name} differs by {gap:.1e} from the mean over single rows")
    return f"the mean over its {count} rows"


def writes(instance: Instance) -> str:
    """Data stay as they are, and the gradient is written whole, whatever was there before."""
    w = points(instance)
    before = [array.tobytes() for array in _data(chunk(instance, w))]
    results = []
    for garbage in GARBAGE:
        made = evaluate(instance, w, garbage)
        require(np.array_equal(made.runs.theta, w), "writes into w")
        same = before == [array.tobytes() for array in _data(made)]
        require(same, "writes into data, targets or parameters")
        results.append(made.runs)
    for name in ("loss", "gradient"):
        one, other = (getattr(runs, name) for runs in results)
        require(
            np.array_equal(one, other, equal_nan=True),
            f"the {name} depends on what its memory held before: write all of it",
        )
    return "loss and gradient, and nothing else"


def _data(made: Chunk) -> list[np.ndarray]:
    data = made.combination.data
    return [data.panels, data.row_targets, data.targets, data.values, data.numbers, data.integers]


def deterministic(instance: Instance) -> str:
    """The same bits alone and in a batch, on one thread and on two, twice."""
    w = points(instance)
    length = 0.1 / instance.curvature if instance.curvature > 0.0 else 1e-3
    batch = np.concatenate([w[1:], w, w[:2]])  # the first point is its third row

    def path(start: np.ndarray, threads: int = 1) -> Chunk:
        made = chunk(instance, start, length)
        made.advance(STEPS, threads=threads)
        return made

    alone, together = path(w[:1]), path(batch)
    with ThreadPoolExecutor(THREADS) as pool:
        beside = list(pool.map(path, [w[:1], batch] * THREADS))
    others = {
        "in a batch of 7": (together, 2),
        "twice": (path(w[:1]), 0),
        "with two threads for each step": (path(w[:1], THREADS), 0),
        "beside another thread": (beside[0], 0),
        "in a batch beside another thread": (beside[1], 2),
    }
    for how, (made, row) in others.items():
        for name in ("theta", "loss", "gradient"):
            one, other = getattr(alone.runs, name)[0], getattr(made.runs, name)[row]
            same = np.array_equal(one, other, equal_nan=True)
            require(same, f"{name} of the same run differs {how}")
    return f"the same bits alone, in a batch of 7, on {THREADS} threads and twice"


def optimum(instance: Instance) -> str:
    """The certified optimal value is below the loss everywhere."""
    value = instance.optimum
    if instance.stochastic:
        raise NotApplicable("the loss is that of a sample, which may be below the optimal value")
    if not np.isfinite(value):
        raise NotApplicable("no optimal value")
    lowest = float(np.min(evaluate(instance, points(instance)).runs.loss))
    message = f"loss {lowest:.6g} is below the optimal value {value:.6g}"
    require(lowest >= value - 1e-12 * abs(value), message)
    return f"no loss is below {value:.6g}"


def curvature(instance: Instance) -> str:
    """The second derivative of its row loss is that of central differences."""
    second = instance.second_derivative
    if second is None:
        raise NotApplicable("row_curvature= is not declared")
    along = np.linspace(-FAR, FAR, 20 * round(FAR) + 1)
    given = () if instance.parameters is None else (instance.parameters,)
    for target in np.unique(instance.targets)[:FEW]:
        targets = np.full(along.size, target)
        higher, lower = (plain_rows(instance, along + s * APART, targets)[1] for s in (1, -1))
        expected = (higher - lower) / (2.0 * APART)
        found = np.array([second(float(z), float(target), *given) for z in along])
        # what rounding of slopes leaves, and the third derivative of the slopes
        allowed = DIFFERENCES * (np.abs(higher) + np.abs(lower) + np.abs(expected))
        near = np.abs(found - expected) <= allowed
        worst = int(np.argmin(near))
        require(
            bool(near[worst]),
            f"at prediction {along[worst]:g} and target {target:g} it is {found[worst]:g}; "
            f"central differences of the slopes say {expected[worst]:g}",
        )
    return "central differences of the slopes agree"


def steepness(instance: Instance) -> str:
    """No row's loss changes faster, in proportion to itself, than the instance says."""
    limit = instance.steepness
    if instance.row is None or not np.isfinite(limit):
        raise NotApplicable("steepness= is not declared")
    along = np.linspace(-FAR, FAR, 20 * round(FAR) + 1)
    for target in np.unique(instance.targets, axis=0)[:FEW]:
        predictions = along
        if instance.several:  # and in random directions
            generator = np.random.Generator(np.random.PCG64(5))
            shape = along.size, instance.outputs
            predictions = np.abs(along)[:, None] * generator.uniform(-1.0, 1.0, shape)
        losses, slopes = plain_rows(instance, predictions, np.repeat([target], along.size, axis=0))
        sizes = np.linalg.norm(slopes.reshape(along.size, -1), axis=1)
        worst = np.argmax(sizes - limit * losses * (1.0 + TWIN))
        require(
            bool(sizes[worst] <= limit * losses[worst] * (1.0 + TWIN)),
            f"at prediction {predictions[worst]} and target {target} the slope is "
            f"{sizes[worst]:g}, more than steepness={limit:g} times the loss {losses[worst]:g}",
        )
    return f"at most {limit:g} times the loss"
