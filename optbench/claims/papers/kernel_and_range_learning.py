"""S0-01 and S0-10: learning a network's layers by least squares, without gradients."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import regression, start

SAMPLES, INPUTS, OUTPUTS = 60, 8, 3
STEPS = 3000
UNITS = (3, 5, 8, 20)


@claim(
    id="S0-01",
    title="Learning from the Kernel and the Range Space",
    citation="Toh 2018",
    background="A linear system can be solved without gradients by moving between the row "
    "space and the kernel of its matrix; the paper shows that this gives the least- "
    "squares solution and builds learning on it. The claim asks whether such "
    "closed-form learning of two layers gives the map that least squares gives, and "
    "what is lost when the hidden layer is too narrow.",
    statement="Solving the layers of a linear network as linear systems gives the least-squares "
    "map as soon as the hidden layer does not lose rank, the one of least norm when there are "
    "more inputs than samples. Gradient descent reaches the same maps, but trains both layers: "
    "it needs only as many hidden units as outputs.",
    formula="W_2 = pinv(X W_1) Y with W_1 random (d x h): W_1 W_2 = pinv(X) Y for h >= d; "
    "W_1 = pinv(X) Y pinv(R) for n < d",
    cost="normal",
    tags=("regression", "matrix", "gradient_free", "implicit_bias"),
    perturbation={"rank": 5},
    then_fails="8 hidden units: residual / least squares",
    remarks="The method has no steps: its layers are solved by NumPy, not in the engine. "
    "The part of gradient descent is ours: it places the method among the optimizers here. "
    "With fewer samples than inputs a random first layer interpolates without least norm; the "
    "first layer is then learned too, from a random R.",
)
def kernel_and_range_learning(rank: int = INPUTS, seed: int = 0) -> Iterator[Check | Curve]:
    """Measure 60 samples, 8 inputs, 3 outputs, all standard normal (seed 0); then 5 samples.

    ``rank`` is the number of inputs that the random first layer sees.
    """
    from optbench.references.kernel_and_range import output_layer

    inputs, targets, least = data(SAMPLES, seed)
    best = np.linalg.norm(inputs @ least - targets)
    generator = np.random.Generator(np.random.PCG64([1, seed]))
    solved, trained = [], []
    for hidden in UNITS:
        first = generator.standard_normal((INPUTS, hidden))
        first[rank:] = 0.0
        found = first @ output_layer(inputs, targets, first)
        ratio = np.linalg.norm(inputs @ found - targets) / best
        solved.append(float(ratio))
        name = f"{hidden} hidden units"
        if hidden < INPUTS:
            yield Check.at_least(f"{name}: residual / least squares", ratio, 1.001)
        else:
            yield Check.close(f"{name}: residual / least squares", ratio, 1.0, 1e-10)
            difference = np.linalg.norm(found - least) / np.linalg.norm(least)
            yield Check.at_most(f"{name}: distance to the least-squares map", difference, 1e-10)
        descended = gradient_descent(hidden, seed)
        ratio = np.linalg.norm(inputs @ descended - targets) / best
        trained.append(float(ratio))
        label = f"{name}: residual of gradient descent / least squares"
        yield Check.close(label, ratio, 1.0, 1e-10)
    yield from fewer_samples_than_inputs(seed)
    yield Curve(
        f"A random first layer needs as many units as inputs ({INPUTS})",
        "hidden units",
        "residual / least-squares residual",
        UNITS,
        {"random first layer": solved, "gradient descent": trained},
        {"gradient descent": [1.0] * len(UNITS)},
    )


@claim(
    id="S0-10",
    title="Gradient-free learning based on the kernel and the range space",
    citation="Toh 2018",
    arxiv="1810.11581",
    background="The same kernel-and-range idea as S0-01 trains a network layer by layer in "
    "closed form, without a gradient. With a nonlinear hidden layer one pass must "
    "at least not be worse than plain least squares on the inputs.",
    statement="A network is learned in one pass of least squares, layer after layer, also with "
    "tanh: its training residual is at most that of plain least squares, where gradient descent "
    "on the linear network ends.",
    formula="W_1 = pinv(X) f^-1(Y pinv(R)), W_2 = pinv(f(X W_1)) Y, R random",
    cost="fast",
    tags=("regression", "matrix", "gradient_free"),
    perturbation={"widths": (3,)},
    then_fails="tanh, 3 hidden units: residual / where gradient descent",
    remarks="From as many hidden units as inputs (8) the residual is at most that of least "
    "squares; with 3 units it is not.",
)
def gradient_free_learning(widths: tuple[int, ...] = (8, 12, 20), seed: int = 0) -> Iterator[Check]:
    """Measure 60 samples, 8 inputs, 3 outputs (seed 0), linear and tanh, 8, 12 and 20 units."""
    from optbench.references.kernel_and_range import layerwise_least_squares

    inputs, targets, least = data(SAMPLES, seed)
    best = np.linalg.norm(inputs @ gradient_descent(8, seed) - targets)
    exact = np.linalg.norm(inputs @ least - targets)
    yield Check.close("gradient descent: residual / least squares", best / exact, 1.0, 1e-10)
    for hidden in widths:
        generator = np.random.Generator(np.random.PCG64([1, seed]))
        first, second = layerwise_least_squares(inputs, targets, hidden, generator)
        difference = np.linalg.norm(first @ second - least) / np.linalg.norm(least)
        name = f"linear, {hidden} hidden units: distance to the least-squares map"
        yield Check.at_most(name, difference, 1e-10)
        generator = np.random.Generator(np.random.PCG64([1, seed]))
        first, second = layerwise_least_squares(inputs, targets, hidden, generator, "tanh")
        ratio = np.linalg.norm(np.tanh(inputs @ first) @ second - targets) / best
        name = f"tanh, {hidden} hidden units: residual / where gradient descent on the linear ends"
        yield Check.at_most(name, ratio, 1.0, 1.0)


def data(samples: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return inputs (n, 8), targets (n, 3) and the least-squares map of least norm (8, 3)."""
    generator = np.random.Generator(np.random.PCG64(seed))
    inputs = generator.standard_normal((samples, INPUTS))
    targets = generator.standard_normal((samples, OUTPUTS))
    return inputs, targets, np.linalg.lstsq(inputs, targets, rcond=None)[0]


def gradient_descent(hidden: int, seed: int) -> np.ndarray:
    """Return the map (8, 3) that gradient descent on both layers, orthogonal at first, ends at."""
    from optbench.claims.simulation.network import flat, network, product
    from optbench.parametrizations.deep_linear import semi_orthogonal

    inputs, targets, _ = data(SAMPLES, seed)
    widths = (INPUTS, hidden, OUTPUTS)
    instance = network(widths, inputs.T, targets.T, 1.0 / SAMPLES)
    generator = np.random.Generator(np.random.PCG64([2, seed]))
    theta = flat([
        semi_orthogonal(rows, columns, generator) for columns, rows in pairwise(widths)
    ])  # fmt: skip
    rate = [{"learning_rate": 0.2}]
    chunk = start(instance, "linear", "gradient_descent", rate, theta)
    chunk.advance(STEPS)
    return np.asarray(product(chunk.runs.theta[0], widths).T)


def fewer_samples_than_inputs(seed: int) -> Iterator[Check]:
    """5 samples: the layerwise map and the limit of gradient descent from zero are pinv(X) Y."""
    from optbench.references.kernel_and_range import layerwise_least_squares

    inputs, targets, least = data(5, seed)
    size = np.linalg.norm(least)
    first, second = layerwise_least_squares(
        inputs, targets, 5, np.random.Generator(np.random.PCG64([1, seed]))
    )
    error = np.linalg.norm(first @ second - least) / size
    yield Check.at_most("5 samples: layerwise map, distance to the least norm", error, 1e-10)
    rate = 1.0 / float(np.linalg.norm(inputs, 2)) ** 2
    columns = []
    for target in targets.T:
        instance = regression(inputs, np.ascontiguousarray(target))
        chunk = start(instance, "linear", "gradient_descent", [{"learning_rate": rate}])
        chunk.advance(4 * STEPS)
        columns.append(chunk.runs.w[0])
    error = np.linalg.norm(np.stack(columns, axis=1) - least) / size
    yield Check.at_most("5 samples: gradient descent, distance to the least norm", error, 1e-10)
