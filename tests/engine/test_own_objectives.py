"""A plug-in's own kernels: arguments by name, parameters, scratch, read-only data, layers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

import numba
import numpy as np
import pytest
from small_instances import bits, data, one_chunk, python, regression

from optbench import UserError
from optbench.claims.simulation import start
from optbench.claims.simulation.network import network
from optbench.claims.simulation.two_layer import two_layer
from optbench.engine import cache
from optbench.engine.bind_instance import bind_instance
from optbench.instance import Instance
from optbench.parameters import pack, shown

DATA, TARGETS = data(4, 3), data(1, 4, 2)[0]


class Weighted(NamedTuple):
    power: int
    factor: float
    centred: bool
    weights: np.ndarray
    matrix: np.ndarray
    order: np.ndarray


GIVEN = Weighted(2, 0.5, True, np.array([1.0, 2.0, 3.0, 4.0]), data(2, 3, 5), np.array([2, 0, 1]))


def weighted(w, data, grad, targets, parameters, scratch):
    """factor / power sum_i weights_i r_i^2 + sum_k matrix_1k w_order(k), r = X w - y."""
    total = 0.0
    for i in range(data.shape[0]):
        for j in range(w.size):
            scratch[i] += data[i, j] * w[j]
        if parameters.centred:
            scratch[i] -= targets[i]
        total += parameters.factor / parameters.power * parameters.weights[i] * scratch[i] ** 2
    for j in range(w.size):
        grad[j] = 0.0
        for i in range(data.shape[0]):
            slope = parameters.factor * parameters.weights[i] * scratch[i]
            grad[j] += 2.0 / parameters.power * slope * data[i, j]
    for k in range(w.size):
        total += parameters.matrix[1, k] * w[parameters.order[k]]
        grad[parameters.order[k]] += parameters.matrix[1, k]
    return total


def own(kernel, parameters=None, scratch=0, **given) -> Instance:
    fields = {"features": DATA, "targets": TARGETS, **given}
    return Instance(
        problem="test",
        name="own",
        kind="other",
        loss_and_grad=kernel,
        parameters=parameters,
        scratch=scratch,
        **fields,
    )


def expected(w, given):
    residual = w @ DATA.T - given.centred * TARGETS
    losses = given.factor / given.power * (given.weights * residual**2).sum(axis=-1)
    gradient = 2.0 * given.factor / given.power * (given.weights * residual) @ DATA
    linear = np.zeros(3)
    linear[given.order] = given.matrix[1]
    return losses + w @ linear, gradient + linear


@pytest.mark.parametrize(
    "given", [GIVEN, GIVEN._replace(power=3, factor=-1.5, centred=False, weights=np.ones(4))]
)
def test_parameters_of_every_kind_against_numpy(given) -> None:
    """Sums of about ten terms of size one."""
    w = data(5, 3, 7)
    chunk = one_chunk(own(weighted, given, 4), "gradient_descent", [0.1] * 5, [0] * 5)
    chunk.runs.theta[:] = w
    chunk.advance(0)
    losses, gradients = expected(w, given)
    np.testing.assert_allclose(chunk.runs.loss, losses, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(chunk.runs.gradient, gradients, rtol=1e-12, atol=1e-13)


def test_other_values_of_parameters_compile_nothing() -> None:
    bind_instance(own(weighted, GIVEN, 4))
    before = len(cache.compiled)
    other = GIVEN._replace(power=7, weights=data(1, 9)[0], matrix=data(6, 2), order=np.arange(5))
    bind_instance(own(weighted, other, 8))
    assert len(cache.compiled) == before


def test_without_compilation_parameters_are_the_same() -> None:
    script = """
from test_own_objectives import *
chunk = one_chunk(own(weighted, GIVEN, 4), "gradient_descent", [0.02], [4])
chunk.advance(5)
print(*chunk.runs.theta[0])
"""
    plain, fast = (
        np.array(python(script, NUMBA_DISABLE_JIT=disabled).split(), float) for disabled in "10"
    )
    np.testing.assert_allclose(plain, fast, rtol=1e-12)


class Huber(NamedTuple):
    delta: float
    penalties: np.ndarray


def huber(prediction, target, parameters):
    residual = prediction - target
    slope = min(max(residual, -parameters.delta), parameters.delta)
    loss = slope * (residual - 0.5 * slope) + parameters.penalties[1] * abs(prediction)
    return loss, slope + (parameters.penalties[1] if prediction > 0.0 else -parameters.penalties[1])


def huber_of(delta: float):
    def row(prediction, target):
        residual = prediction - target
        slope = min(max(residual, -delta), delta)
        loss = slope * (residual - 0.5 * slope) + 0.25 * abs(prediction)
        return loss, slope + (0.25 if prediction > 0.0 else -0.25)

    return row


def test_parameters_of_a_row_loss_are_constants_of_a_closure() -> None:
    """To the last bit, for each value: one does not get the machine code of another."""
    paths = []
    for delta in (0.1, 1.0):
        given = Huber(delta, np.array([0.0, 0.25]))
        by_name = replace(regression(DATA, TARGETS), row=huber, parameters=given)
        closed = replace(regression(DATA, TARGETS), row=huber_of(delta))
        found = []
        for instance in (by_name, closed):
            chunk = one_chunk(instance, "gradient_descent", [0.2, 0.3], [0, 0])
            chunk.advance(20)
            found.append(chunk.runs.theta.copy())
        assert np.array_equal(*found)
        paths.append(found[0])
    assert not np.array_equal(*paths)


def test_parameters_are_shown_and_part_of_the_identity() -> None:
    instance = own(weighted, GIVEN, 4)
    assert instance.facts["parameters"] == shown(GIVEN)
    assert "power=2, factor=0.5, centred=True, weights=[1 2 3 4]" in shown(GIVEN)
    assert "long (9,)" in shown(NamedTuple("Long", [("long", np.ndarray)])(np.ones(9)))
    keys = {own(weighted, given, 4).identity for given in
            (GIVEN, GIVEN._replace(factor=0.25), GIVEN._replace(order=np.array([0, 2, 1])),
             GIVEN._replace(matrix=data(2, 3, 6)), GIVEN._replace(centred=False))}  # fmt: skip
    assert len(keys) == 5
    assert own(weighted, GIVEN, 4).identity in keys


def test_packed_integers_are_exact() -> None:
    large = NamedTuple("Large", [("large", int)])(2**62 + 1)
    assert pack(large).integers.tolist() == [2**62 + 1]


def leftover(w, grad, scratch):
    """Count evaluations in memory that should be 0."""
    scratch[0] += 1.0
    for i in range(w.size):
        grad[i] = scratch[0] * w[i]
    return scratch[0]


def test_scratch_is_zero_at_every_evaluation() -> None:
    instance = own(leftover, None, 2)
    chunk = one_chunk(instance, "gradient_descent", [0.1] * 3, [0] * 3)
    chunk.advance(50)
    assert np.array_equal(chunk.runs.loss, np.ones(3))


def writes_w(w, data, grad):
    w[0] = 1.0
    return 0.0


def writes_data(w, data, grad):
    row = data[1]
    row[0] += 1.0
    return 0.0


def writes_slice(w, data, grad):
    data[0, :] += 1.0
    return 0.0


def writes_targets(w, grad, targets):
    for i in range(targets.size):
        targets[i] = 0.0
    return 0.0


def writes_parameters(w, grad, parameters):
    parameters.weights[0] = 0.0
    return 0.0


@numba.njit
def helper(x):
    x[0, 0] = 1.0


def writes_by_helper(w, data, grad):
    helper(data)
    return 0.0


@pytest.mark.parametrize(
    ("kernel", "line", "statement"),
    [
        (writes_w, 1, "w[0] = 1.0"),
        (writes_data, 2, "row[0] += 1.0"),
        (writes_slice, 1, "data[0, :] += 1.0"),
        (writes_targets, 2, "targets[i] = 0.0"),
        (writes_parameters, 1, "parameters.weights[0] = 0.0"),
    ],
)
def test_a_write_into_what_is_read_only_is_one_line(kernel, line, statement) -> None:
    given = GIVEN if kernel is writes_parameters else None
    with pytest.raises(UserError) as error:
        bind_instance(own(kernel, given))
    message = str(error.value)
    place = f"test_own_objectives.py:{kernel.__code__.co_firstlineno + line}: "
    assert place in message and f"`{statement}`" in message and "read only" in message
    assert "\n" not in message


def test_a_write_of_a_helper_names_the_line_of_the_helper() -> None:
    with pytest.raises(UserError) as error:
        bind_instance(own(writes_by_helper))
    place = f"test_own_objectives.py:{helper.py_func.__code__.co_firstlineno + 2}: "
    assert place in str(error.value) and "`x[0, 0] = 1.0`" in str(error.value)


def unknown(w, data, gradient):
    return 0.0


def without_grad(w, data):
    return 0.0


def asks_scratch(w, grad, scratch):
    return 0.0


def too_many(prediction, target, delta):
    return 0.0, 0.0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"loss_and_grad": unknown}, "unknown argument 'gradient'; it may take w, data, grad"),
        ({"loss_and_grad": without_grad}, "has no argument 'grad'"),
        ({"loss_and_grad": asks_scratch}, "takes scratch, which its instance does not give"),
        ({"loss_and_grad": leftover, "scratch": -1}, "scratch=-1 must be a whole number"),
        ({"loss_and_grad": writes_w, "scratch": 3}, "'writes_w' takes no scratch"),
        ({"row": too_many}, "takes (prediction, target, delta)"),
        ({"row": huber}, "takes parameters, which its instance does not give"),
        ({"row": huber, "parameters": (1.0,)}, "parameters are a tuple; they must be a NamedTuple"),
        ({"row": huber, "parameters": Huber("1", 0)}, "parameter 'delta' is of kind str"),
        ({"row": huber, "parameters": Huber(1.0, np.ones(3, np.float32))}, "kind float32 array"),
        ({"row": huber, "parameters": Huber(np.nan, np.ones(2))}, "'delta' is not finite"),
        ({"row": huber_of(1.0), "layers": [(0, 1, 4)]}, "leave the 3 numbers of the predictor"),
        ({"row": huber_of(1.0), "layers": [(1, 1, 2), (0, 2, 1)]}, "layers overlap"),
        ({"row": huber_of(1.0), "layers": [(0, 3)]}, "offset, rows and columns"),
    ],
)
def test_wrong_declarations_are_one_line(fields, words) -> None:
    with pytest.raises(UserError) as error:
        Instance("mine", DATA, TARGETS, "other", **fields)
    message = str(error.value)
    assert words in message and "\n" not in message
    kernel = fields.get("loss_and_grad") or fields["row"]
    if "argument" in words or "takes" in words:
        assert f"test_own_objectives.py:{kernel.__code__.co_firstlineno}: " in message


def networks() -> dict[str, Instance]:
    inputs, targets = data(20, 60), data(10, 60, 1)
    return {
        "by unit": network((20, 32, 32, 10), inputs, targets, 0.01),
        "by sample": network((20, 32, 32, 10), inputs, targets, 0.01, slope=0.1, by_sample=True),
        "two layers": two_layer(data(60, 20), targets[0], 40),
        "batches": two_layer(data(60, 20), targets[0], 40, batch=7),
    }


@pytest.mark.parametrize("name", networks())
def test_networks_have_the_same_bits_on_two_threads(name: str) -> None:
    """Two runs at once on one instance: no evaluation may see the memory of another."""
    instance = networks()[name]
    theta = 0.1 * data(2, instance.dimension)

    def path(first: np.ndarray) -> list[bytes]:
        chunk = start(instance, "linear", "gradient_descent", [{"learning_rate": 0.01}], first)
        chunk.advance(150)
        return bits(chunk)

    alone = [path(first) for first in theta]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            assert list(pool.map(path, theta)) == alone


def test_the_linear_parametrization_has_the_layers_of_the_problem() -> None:
    """``layers`` and a slot of one number for each of them, where an optimizer asks for them."""
    from optbench import Hyper, Slot, optimizer

    @optimizer(reference="a test")
    def by_layer(theta, grad, layers, seen=Slot(shape="layers"), rate=Hyper(1.0)):
        for k in range(layers.shape[0]):
            seen[k] = layers[k, 0] + 100.0 * layers[k, 1] + 10_000.0 * layers[k, 2]

    plain = own(leftover, None, 2)
    assert plain.layers is None
    for layers, codes in (([(0, 1, 2), (2, 1, 1)], [20_100.0, 10_102.0]), (None, [30_100.0])):
        chunk = one_chunk(replace(plain, layers=layers), by_layer, [0.0])
        chunk.advance(1)
        np.testing.assert_array_equal(chunk.runs.state[0], codes)
