"""S0-07: a linear model on a trained network's gradients does what fine-tuning does."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from optbench.claims.framework import Check, claim
from optbench.claims.simulation import regression, start

Array = np.ndarray
HIDDEN, DIMENSION, FIRST, SAMPLES, FRESH = 50, 5, 100, 60, 500
RATE, STEPS = 0.5, 1500


@claim(
    id="S0-07",
    title="Gradients as features for deep representation learning",
    citation="Mu, Liang, Li 2020",
    arxiv="2004.05529",
    background="A network trained on one task is adapted to another: cheaply, by fitting a new "
    "output layer only, or fully, by training all layers. Between the two is a linear model on "
    "the derivatives of the outputs in all weights: the tangent of full training.",
    statement="A linear model on the activations and gradients of a network trained on task A "
    "comes close to its fine-tuning on task B, and its test error lies between those of a new "
    "output layer and of fine-tuning.",
    formula="||f_gradient - f_fine|| <= 0.5 ||f_head - f_fine|| on fresh inputs; "
    "error(fine) <= error(gradient) <= error(head)",
    cost="normal",
    tags=("network", "tanh", "lazy", "transfer"),
    seeds=10,
    perturbation={"change": 1.5},
    then_fails="||f_gradient",
    remarks="How far task B is from A is ours: all weights of the teacher move by 0.2 N(0, 1). ",
)
def gradients_as_features(change: float = 0.2, seed: int = 0) -> Iterator[Check]:
    """Measure tanh networks of 50 units in R^5, teachers of 3 units, a pair of tasks a seed."""
    (head, gradient, fine), ratio = transfer(seed, change)
    yield Check.at_most("||f_gradient - f_fine|| / ||f_head - f_fine||", ratio, 0.5)
    # errors on 500 fresh inputs: near to each other, their order is chance on some pairs
    yield Check.below("test error of gradients / new output layer", gradient / head, 1.0, share=0.9)
    yield Check.at_least("test error of gradients / fine-tuning", gradient / fine, 1.0, share=0.8)


def transfer(seed: int, change: float) -> tuple[Array, float]:
    """Return test errors of head, gradients and fine-tuning, and the ratio of distances."""
    generator = np.random.Generator(np.random.PCG64(seed))
    inputs = generator.standard_normal((FIRST + SAMPLES + FRESH, DIMENSION))
    first, second, fresh = np.split(inputs, [FIRST, FIRST + SAMPLES])
    teacher = generator.standard_normal(3 * DIMENSION + 3)
    other = teacher + change * generator.standard_normal(teacher.size)
    weights = generator.standard_normal(HIDDEN * DIMENSION) / math.sqrt(DIMENSION)
    theta = np.concatenate([weights, generator.standard_normal(HIDDEN)])
    theta = train(theta, first, outputs(teacher, first))
    fine = train(theta, second, outputs(other, second))
    residual = outputs(other, second) - outputs(theta, second)
    features, unseen = tangent(theta, second), tangent(theta, fresh)
    found = []
    for columns in (slice(HIDDEN * DIMENSION, None), slice(None)):
        instance = regression(features[:, columns], residual, 1.0 / SAMPLES)
        size = instance.dimension
        chunk = start(
            instance, "linear", "gradient_descent", [{"learning_rate": RATE}], np.zeros(size)
        )
        chunk.advance(STEPS, steps=np.array([STEPS]))
        found.append(outputs(theta, fresh) + unseen[:, columns] @ chunk.runs.theta[0])
    head, gradient = found
    tuned, expected = outputs(fine, fresh), outputs(other, fresh)
    ratio = np.linalg.norm(gradient - tuned) / np.linalg.norm(head - tuned)
    errors = [np.mean((f - expected) ** 2) for f in (head, gradient, tuned)]
    return np.array(errors), float(ratio)


def train(theta: Array, inputs: Array, targets: Array) -> Array:
    """Return all weights after gradient descent on the mean of squares."""
    from optbench.registry import load_registry

    problem = load_registry().problem("small_network")
    instance = problem.build(
        activation="tanh", loss="square", n=len(inputs), d=DIMENSION, hidden=HIDDEN
    )
    instance = replace(instance, features=inputs, targets=targets)
    chunk = start(instance, "linear", "gradient_descent", [{"learning_rate": RATE}], theta)
    chunk.advance(STEPS, steps=np.array([STEPS]))
    return np.asarray(chunk.runs.theta[0])


def hidden(theta: Array, inputs: Array) -> tuple[Array, Array]:
    """Return tanh(W x) (n, m) and the output weights a / sqrt(m)."""
    units = theta.size // (DIMENSION + 1)
    weights, second = theta[: units * DIMENSION].reshape(units, -1), theta[units * DIMENSION :]
    return np.tanh(inputs @ weights.T), second / math.sqrt(units)


def outputs(theta: Array, inputs: Array) -> Array:
    """Return f (n,)."""
    values, second = hidden(theta, inputs)
    return np.asarray(values @ second)


def tangent(theta: Array, inputs: Array) -> Array:
    """Return the derivatives of f in theta (n, p)."""
    values, second = hidden(theta, inputs)
    slopes = (1.0 - values**2) * second
    inner = slopes[:, :, None] * inputs[:, None, :]
    return np.hstack([inner.reshape(len(inputs), -1), values / math.sqrt(values.shape[1])])
