"""What the declarations promise holds for every file in the folder, without naming one."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re

import numpy as np
import pytest
from plain_runs import PlainRun, all_optimizers

OPTIMIZERS = all_optimizers()
SIZE = 6
LAYERS = np.array([(0, 2, 2), (4, 2, 1)])
THETA = np.array([0.7, -1.2, 0.4, 2.1, -0.3, 0.9])
STEPS = 40
GRADIENTS = np.sin(0.37 * np.arange(1.0, STEPS * SIZE + 1.0) ** 2).reshape(STEPS, SIZE)
LOSSES = 1.5 + np.cos(np.arange(float(STEPS)))
# a metric with no symmetry among coordinates
METRIC = np.diag([1.0, 2.0, 0.5, 3.0, 1.5, 0.7]) + 0.1 * np.cos(np.add.outer(THETA, THETA))
HOMOGENEOUS = [name for name, optimizer in OPTIMIZERS.items() if optimizer.homogeneous]
PAIRS = list(itertools.product(OPTIMIZERS, ("permutation", "sign")))
DECLARED = [(name, kind) for name, kind in PAIRS if kind in OPTIMIZERS[name].symmetries]
UNDECLARED = [
    (name, kind)
    for name, kind in PAIRS
    if kind not in OPTIMIZERS[name].symmetries
    # random numbers are for coordinates in their order: what differs are the draws
    if "rng" not in (*OPTIMIZERS[name].arguments, *OPTIMIZERS[name].probe_arguments)
]
TRANSFORMATIONS = {
    "permutation": np.eye(SIZE)[[3, 0, 5, 1, 2, 4]],
    "sign": np.diag([1.0, -1.0, -1.0, -1.0, 1.0, -1.0]),  # no flip of whole rows and columns
}


def start_of(name: str) -> np.ndarray:
    return np.abs(THETA) if OPTIMIZERS[name].start == "positive" else THETA


def follow(run: PlainRun, gradients: np.ndarray) -> np.ndarray:
    return np.array([run.step(g, loss) for g, loss in zip(gradients, LOSSES, strict=True)])


def test_one_optimizer_per_file() -> None:
    assert len(OPTIMIZERS) >= 14


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_says_what_it_is(name: str) -> None:
    optimizer = OPTIMIZERS[name]
    assert name in optimizer.file
    assert "<-" in optimizer.formula
    assert re.search(r" (19|20)\d\d, (arXiv:|doi:|JMLR|PMLR)", optimizer.reference)
    assert optimizer.condition
    assert len(optimizer.convention) <= 200


def test_a_convention_is_prose_and_makes_no_other_optimizer() -> None:
    adam = OPTIMIZERS["adam"]
    assert dataclasses.replace(adam, convention="").identity == adam.identity
    assert dataclasses.replace(adam, homogeneous=False).identity != adam.identity


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_moves_and_stays_finite(name: str) -> None:
    run = PlainRun(name, start_of(name), LAYERS, METRIC)
    path = run.follow(lambda w: METRIC @ w, STEPS, lambda w: 0.5 * w @ METRIC @ w)
    assert np.all(np.isfinite(path))
    assert np.all(np.any(np.diff(path, axis=0) != 0.0, axis=1))


@pytest.mark.parametrize("power", [40, -40])
@pytest.mark.parametrize("name", HOMOGENEOUS)
def test_path_does_not_depend_on_the_unit_of_the_objective(name: str, power: int) -> None:
    plain = PlainRun(name, start_of(name), LAYERS, METRIC)
    scaled = PlainRun(name, start_of(name), LAYERS, METRIC)
    scaled.change_unit(power)
    # powers of two are exact in every sum, product, quotient and root: the same bits
    assert np.array_equal(follow(scaled, GRADIENTS), follow(plain, GRADIENTS))


@pytest.mark.parametrize("name", HOMOGENEOUS)
def test_the_unit_may_change_on_the_way(name: str) -> None:
    plain = follow(PlainRun(name, start_of(name), LAYERS, METRIC), GRADIENTS)
    run = PlainRun(name, start_of(name), LAYERS, METRIC)
    moving = []
    for t in range(STEPS):
        if t in (3, 17, 30):
            run.change_unit(-24 if t == 30 else 40)  # eighth roots of its square are exact too
        moving.append(run.step(GRADIENTS[t], LOSSES[t]))
    assert np.array_equal(moving, plain)


def test_what_is_not_declared_homogeneous_is_not() -> None:
    for name in set(OPTIMIZERS) - set(HOMOGENEOUS):
        plain = PlainRun(name, start_of(name), LAYERS, METRIC)
        scaled = PlainRun(name, start_of(name), LAYERS, METRIC)
        scaled.change_unit(40)
        assert not np.allclose(follow(scaled, GRADIENTS), follow(plain, GRADIENTS))


@pytest.mark.parametrize("loss", [0.0, 1.0])
@pytest.mark.parametrize("name", [n for n in OPTIMIZERS if OPTIMIZERS[n].fixed_point])
def test_zero_gradient_is_a_fixed_point(name: str, loss: float) -> None:
    hypers = {"eps": 0.0} if "eps" in OPTIMIZERS[name].hypers else {}
    for size in (1.0, 37.3, 1e-3):  # maps to a dual variable and back round some of these
        start = size * start_of(name)
        for given in (hypers, {}):
            run = PlainRun(name, start, LAYERS, METRIC, **given)
            for _ in range(3):
                assert np.array_equal(run.step(np.zeros(SIZE), loss), start)


@pytest.mark.parametrize("name", [n for n in OPTIMIZERS if not OPTIMIZERS[n].fixed_point])
def test_zero_gradient_moves_what_is_not_declared_a_fixed_point(name: str) -> None:
    assert np.any(PlainRun(name, start_of(name), LAYERS, METRIC).step(np.zeros(SIZE)) != THETA)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_starts_at_zero_without_trouble(name: str) -> None:
    if OPTIMIZERS[name].start == "zero":
        run = PlainRun(name, np.zeros(SIZE), LAYERS, METRIC)
        for gradient in GRADIENTS[:2]:  # soap begins with a step that only looks
            moved = run.step(gradient)
        assert np.all(np.isfinite(moved)) and np.any(moved)


@pytest.mark.parametrize(("name", "kind"), DECLARED)
def test_declared_symmetries_hold(name: str, kind: str) -> None:
    turn = TRANSFORMATIONS[kind]
    # a large prior covariance amplifies each rounding by itself
    hypers = {"prior": 1.0} if "prior" in OPTIMIZERS[name].hypers else {}
    plain = PlainRun(name, start_of(name), LAYERS, METRIC, **hypers)
    turned = PlainRun(name, turn @ start_of(name), LAYERS, turn @ METRIC @ turn.T, **hypers)
    expected = follow(plain, GRADIENTS) @ turn.T
    # sums over coordinates run in another order: one rounding a step
    np.testing.assert_allclose(follow(turned, GRADIENTS @ turn.T), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize(("name", "kind"), UNDECLARED)
def test_undeclared_symmetries_fail(name: str, kind: str) -> None:
    turn, gradients = TRANSFORMATIONS[kind], np.round(GRADIENTS)  # rounded: with ties
    plain = PlainRun(name, start_of(name), LAYERS, METRIC)
    turned = PlainRun(name, turn @ start_of(name), LAYERS, turn @ METRIC @ turn.T)
    assert not np.allclose(follow(turned, gradients @ turn.T), follow(plain, gradients) @ turn.T)


@pytest.mark.parametrize("name", [n for n in OPTIMIZERS if "learning_rate" in OPTIMIZERS[n].tuned])
def test_step_length_grows_with_the_gradient_as_the_degree_says(name: str) -> None:
    hypers = OPTIMIZERS[name].hypers
    rate = hypers["learning_rate"]
    assert rate.tune == "log" and rate.low == 0.0
    others = {key: hyper for key, hyper in hypers.items() if key != "learning_rate"}
    lengths = []
    for unit in (1.0, 1e-3):
        units = {key: unit**hyper.degree for key, hyper in others.items() if not hyper.integer}
        given = {key: others[key].default * size for key, size in units.items()}
        run = PlainRun(name, start_of(name), LAYERS, METRIC, learning_rate=1e-4, **given)
        moved = run.step(unit * GRADIENTS[0], unit)
        if np.array_equal(moved, start_of(name)):  # soap begins with a step that only looks
            moved = run.step(unit * GRADIENTS[0], unit)
        lengths.append(np.linalg.norm(moved - start_of(name)))
    # mirror maps are linear only to first order in a step of 1e-4
    exponent = math.log10(lengths[0] / lengths[1]) / 3.0
    assert exponent == pytest.approx(-rate.degree, abs=1e-3)
