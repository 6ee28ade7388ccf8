"""Shapes of slots: what a kernel sees of its row of memory, compiled and as plain Python."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_instances import data, one_chunk, regression

from optbench import Hyper, Slot, UserError, optimizer
from optbench.check.kernels import compiled_path, plain_path
from optbench.contract import Sizes
from optbench.engine.compiler.bounds import needs_bounds_checks
from optbench.engine.oracles.catalogue import missing_oracle
from optbench.engine.oracles.declared import FIRST_SLOT
from optbench.linear_algebra import (
    columns_by_columns,
    layer,
    layer_columns,
    layer_rows,
    orthogonalize,
    rows_by_rows,
)
from optbench.parametrizations import parametrization
from optbench.rehearsal.quadratic import Quadratic

LAYERS = [(2, 3, 2), (8, 1, 4)]  # theta has 14 numbers, some in no matrix
INSTANCE = replace(regression(data(5, 14), data(5, 1, 1)[:, 0]), layers=LAYERS)


@optimizer(reference="a test")
def recent_gradients(theta, grad, step, history=Slot(shape=(3, "theta")), rate=Hyper(0.1)):
    """Step along the mean of the last three gradients."""
    newest = step % history.shape[0]
    for i in range(theta.size):
        history[newest, i] = grad[i]
        theta[i] -= rate * (history[0, i] + history[1, i] + history[2, i]) / 3.0


@optimizer(reference="a test")
def marked(
    theta,
    grad,
    layers,
    number=Slot(shape="layers"),
    left=Slot(shape="layer rows"),
    right=Slot(shape="layer columns"),
    square_left=Slot(shape="rows x rows"),
    square_right=Slot(shape="columns x columns"),
    dual=Slot(shape="rows"),
    duals=Slot(shape=(2, "rows")),
    table=Slot(shape=("rows", "theta")),
    square=Slot(shape="matrix"),
    two=Slot(shape=2),
    rate=Hyper(0.1),
):
    """Write into every slot where it is."""
    for k in range(layers.shape[0]):
        mark = 100.0 * (k + 1)
        number[k] = mark
        w = layer(theta, layers, k)
        for i in range(w.shape[0]):
            layer_rows(left, layers, k)[i] = mark + i
            for j in range(w.shape[1]):
                w[i, j] = mark + 10 * i + j
            for j in range(w.shape[0]):
                rows_by_rows(square_left, layers, k)[i, j] = mark + 10 * i + j
        for i in range(w.shape[1]):
            layer_columns(right, layers, k)[i] = mark + i
            for j in range(w.shape[1]):
                columns_by_columns(square_right, layers, k)[i, j] = mark + 10 * i + j
    for i in range(dual.size):
        dual[i] = i
        duals[1, i] = i
        for j in range(theta.size):
            table[i, j] = 100 * i + j
    for i in range(theta.size):
        for j in range(theta.size):
            square[i, j] = 100 * i + j
    two[1] = 2.0


@optimizer(reference="Jordan and others 2024, https://kellerjordan.github.io/posts/muon")
def small_muon(
    theta,
    grad,
    layers,
    velocity=Slot(degree=1),
    update=Slot(),
    work=Slot(shape=(3, "theta")),
    rate=Hyper(0.1),
    momentum=Hyper(0.9),
):
    """Muon as a plug-in would write it."""
    for i in range(theta.size):
        velocity[i] = momentum * velocity[i] + grad[i]
        update[i] = momentum * velocity[i] + grad[i]
    for k in range(layers.shape[0]):
        weights, direction = layer(theta, layers, k), layer(update, layers, k)
        orthogonalize(direction, work)
        scale = rate * max(1.0, weights.shape[0] / weights.shape[1]) ** 0.5
        for i in range(weights.shape[0]):
            for j in range(weights.shape[1]):
                weights[i, j] -= scale * direction[i, j]


def grid(first: float, rows: int, columns: int, row: float = 10.0) -> np.ndarray:
    return first + row * np.arange(rows)[:, None] + np.arange(columns)


def test_every_slot_is_where_its_shape_says() -> None:
    chunk = one_chunk(INSTANCE, marked, [0.1])
    chunk.advance(1)
    slots = np.split(chunk.runs.state[0], chunk.combination.rule.offsets[0, FIRST_SLOT + 1 : -1])
    found = dict(zip(marked.slots, slots, strict=True))
    rows, p = 5, 14
    expected = {
        "number": [100.0, 200.0],
        "left": [100.0, 101.0, 102.0, 200.0],
        "right": [100.0, 101.0, 200.0, 201.0, 202.0, 203.0],
        "square_left": [*grid(100.0, 3, 3).ravel(), 200.0],
        "square_right": [*grid(100.0, 2, 2).ravel(), *grid(200.0, 4, 4).ravel()],
        "dual": np.arange(rows),
        "duals": [*np.zeros(rows), *np.arange(rows)],
        "table": grid(0.0, rows, p, 100.0).ravel(),
        "square": grid(0.0, p, p, 100.0).ravel(),
        "two": [0.0, 2.0],
    }
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
    theta = np.zeros(p)
    theta[2:8], theta[8:12] = grid(100.0, 3, 2).ravel(), grid(200.0, 1, 4).ravel()
    np.testing.assert_array_equal(chunk.runs.theta[0], theta)


@pytest.mark.parametrize("rule", [recent_gradients, marked, small_muon], ids=lambda r: r.name)
def test_plain_python_sees_the_same(rule) -> None:
    compiled, plain = compiled_path(rule, Quadratic()), plain_path(rule, Quadratic())
    # five quintic steps make rounding 3.4445^5 times as large, in each of 40 steps
    np.testing.assert_allclose(compiled.theta, plain.theta, rtol=0, atol=1e-9)
    np.testing.assert_allclose(compiled.state, plain.state, rtol=0, atol=1e-9)


def test_history_is_that_of_the_last_gradients() -> None:
    chunk = one_chunk(INSTANCE, recent_gradients, [0.1])
    chunk.advance(7)
    theta, recent = np.zeros(14), []
    for _ in range(7):
        residual = INSTANCE.features @ theta - INSTANCE.targets
        recent = [*recent, INSTANCE.features.T @ residual / 5][-3:]
        theta -= 0.1 * np.sum(recent, axis=0) / 3.0
    # seven contracting steps of a few roundings of numbers below 10
    np.testing.assert_allclose(chunk.runs.theta[0], theta, rtol=0, atol=1e-13)


def test_a_constant_row_of_a_history_needs_no_bounds_check() -> None:
    @optimizer(reference="a test")
    def inside(theta, grad, history=Slot(shape=(2, "theta"))):
        for i in range(theta.size):
            history[1, i] = grad[i]

    @optimizer(reference="a test")
    def outside(theta, grad, history=Slot(shape=(2, "theta"))):
        for i in range(theta.size):
            history[2, i] = grad[i]

    assert not needs_bounds_checks(inside, inside.kernel)
    assert needs_bounds_checks(outside, outside.kernel)
    chunk = one_chunk(INSTANCE, outside, [0.1])
    chunk.advance(3)
    assert chunk.status == ["failed"]


@pytest.mark.parametrize(
    "view", [layer, layer_rows, layer_columns, rows_by_rows, columns_by_columns]
)
def test_a_view_that_a_slot_does_not_hold_ends_the_run(view) -> None:
    @optimizer(reference="a test")
    def beyond(theta, grad, layers, few=Slot(shape=1)):
        view(few, layers, 0)

    @optimizer(reference="a test")
    def no_such_layer(theta, grad, layers, many=Slot(shape="matrix")):
        view(theta, layers, 2)

    for rule in (beyond, no_such_layer):
        chunk = one_chunk(INSTANCE, rule, [0.1])
        chunk.advance(3)
        assert chunk.status == ["failed"]


@pytest.mark.parametrize(
    "shape",
    [
        "big",
        0,
        -3,
        True,
        2.0,
        (3,),
        ("theta", 3),
        ("theta", "theta"),
        ("rows", "rows"),
        (0, "theta"),
        (3, 4),
        (1, 2, "theta"),
        ["theta"],
    ],
    ids=repr,
)
def test_a_wrong_shape_is_one_line(shape) -> None:
    with pytest.raises(UserError, match=r"Slot 'h' has shape=.*; known are None") as raised:

        @optimizer(reference="a test")
        def wrong(theta, grad, h=Slot(shape=shape)):
            pass

    assert "\n" not in str(raised.value)


def test_a_slot_of_layers_needs_the_layers() -> None:
    with pytest.raises(UserError, match=r"so that the kernel needs the argument 'layers' too"):

        @optimizer(reference="a test")
        def wrong(theta, grad, h=Slot(shape="rows x rows")):
            pass


def test_slots_that_no_memory_holds_are_a_reason_to_skip() -> None:
    wide = regression(np.ones((2, 10_000)), np.ones(2))

    @optimizer(reference="a test")
    def full(theta, grad, h=Slot(shape="matrix")):
        pass

    linear = parametrization("linear", 10_000)
    assert missing_oracle(wide, linear, full).startswith("needs 0.8 GB a run for its slots")
    assert missing_oracle(wide, linear, recent_gradients) is None


def test_sizes_are_products_of_extents() -> None:
    sizes = Sizes(7, 5, np.array([(0, 2, 3)]))
    shapes = {(3, "theta"): 21, ("rows", "theta"): 35, "rows": 5, "rows x rows": 4, None: 7, 4: 4}
    for shape, size in shapes.items():
        assert Slot(shape=shape).size(sizes) == size
