"""The contract tests of a problem: lighter ones, on its default instances or default options."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from optbench.check.outcome import CheckResult, NotApplicable, difference, require, run
from optbench.contract import Hyper, Problem, optimizer
from optbench.engine.chunk import Chunk
from optbench.engine.ensemble import make_chunks
from optbench.instance import Instance
from optbench.parametrizations import parametrization

TWIN = 1e-12  # compiled against plain Python, relative
DIFFERENCES = 1e-6  # central differences with steps of 1e-5 lose 10 of 16 digits
POINTS = 3


@optimizer(reference="a probe: the checks set theta themselves")
def probe(theta, grad, length=Hyper(0.0)):  # type: ignore[no-untyped-def]
    """theta <- theta - length g."""
    for i in range(theta.size):
        theta[i] -= length * grad[i]


def build(problem: Problem, given: Mapping[str, Any]) -> Instance:
    """Build an instance and require that it is one."""
    made = problem.build(**given)
    require(isinstance(made, Instance), f"builds a {type(made).__name__}, not an Instance")
    return made  # type: ignore[no-any-return]


def points(instance: Instance) -> np.ndarray:
    """Return a few predictors of moderate predictions, float64 (3, d)."""
    generator = np.random.Generator(np.random.PCG64(5))
    w = generator.standard_normal((POINTS, instance.dimension))
    w = np.abs(w) if instance.positive else w
    largest = np.max(np.abs(instance.features @ w.T), axis=0)
    return np.asarray(w / np.maximum(largest, 1e-300)[:, None])


def evaluate(instance: Instance, w: np.ndarray) -> Chunk:
    """Return loss and gradient at each row of ``w``, as the engine computes them."""
    made = make_chunks(
        instance,
        parametrization("linear", instance.dimension),
        probe,
        np.zeros((len(w), 1)),
        [0] * len(w),
    )[0]
    made.runs.theta[:] = w
    made.advance(0)
    return made


def builds(instance: Instance, problem: Problem, given: Mapping[str, Any]) -> str:
    """The same options give the same data; declared names are there."""
    again = build(problem, given)
    for name in ("features", "targets"):
        one, other = getattr(instance, name), getattr(again, name)
        one, other = getattr(one, "data", one), getattr(other, "data", other)
        require(np.array_equal(one, other), f"{name} differ between two builds: use a seed")
    require(instance.problem == problem.name, f"its instance says problem={instance.problem!r}")
    rows, columns = instance.features.shape
    return f"{rows} x {columns}, the same data twice"


def gradient(instance: Instance) -> str:
    """The gradient agrees with central differences of the loss, in a few directions."""
    if instance.kind == "game":
        raise NotApplicable("the field of a game is no gradient")
    w = points(instance)
    direction = np.roll(w, 1, axis=0)
    slope = np.sum(evaluate(instance, w).runs.gradient * direction, axis=1)
    ahead = evaluate(instance, w + 1e-5 * direction).runs.loss
    behind = evaluate(instance, w - 1e-5 * direction).runs.loss
    gap = difference((ahead - behind) / 2e-5, slope)
    require(gap <= DIFFERENCES, f"gradient and differences of the loss differ by {gap:.1e}")
    return f"central differences agree to {gap:.1e}"


def twin(instance: Instance) -> str:
    """The compiled row loss agrees with plain Python."""
    if instance.row is None:
        raise NotApplicable("declares loss_and_grad, no row loss")
    w = points(instance)
    predictions = instance.features @ w.T
    pairs = [
        [instance.row(float(z), float(y)) for z, y in zip(column, instance.targets, strict=True)]
        for column in predictions.T
    ]
    rows = np.array(pairs)
    found = evaluate(instance, w).runs
    slopes = (instance.features.T @ rows[:, :, 1].T).T * instance.scale
    gap = max(
        difference(found.loss, rows[:, :, 0].sum(axis=1) * instance.scale),
        difference(found.gradient, np.asarray(slopes)),
    )
    require(gap <= TWIN, f"compiled and plain Python differ by {gap:.1e}")
    return f"plain Python agrees to {gap:.1e}"


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
    return f"{value:.6g}"


CHECKS: dict[str, Callable[[Instance], str]] = {
    "python twin": twin,
    "gradient": gradient,
    "optimal value": optimum,
}


def check_problem(problem: Problem) -> list[CheckResult]:
    """Run the tests on each default instance."""
    file = Path(inspect.getfile(problem.builder))
    results: list[CheckResult] = []
    for given in problem.default or ({},):
        made: list[Instance] = []

        def first(given: Mapping[str, Any] = given, made: list[Instance] = made) -> str:
            made.append(build(problem, given))
            return builds(made[0], problem, given)

        results.append(run("builds", file, first))
        if results[-1].passed:
            label = f"{made[0].name}: "
            results += [run(label + name, file, t, made[0]) for name, t in CHECKS.items()]
    return results
