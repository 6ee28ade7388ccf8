"""A small two-layer network: f(x) = sum_j a_j s(w_j . x) / sqrt(hidden), both layers trained.

theta holds w_1, w_2, ..., then a; it is the predictor.  Inputs lie on the unit sphere, targets are
those of a teacher of three units (their signs for the logistic loss), so that the infimum of the
mean loss is 0 from three hidden units on.  Runs start at Gaussian w_j and random signs a_j.

A wide ReLU network with the squared loss contracts the residual at a rate of at least the least
eigenvalue of H_ij = x_i . x_j (pi - arccos(x_i . x_j)) / (2 pi), given as a fact of the instance.
"""

import math
from typing import NamedTuple

import numpy as np

from optbench import Instance, Option, UserError, problem
from optbench.elementwise import exp, log1p, sigmoid

ACTIVATIONS = ("relu", "leaky", "tanh", "erf")
TANH, ERF = ACTIVATIONS.index("tanh"), ACTIVATIONS.index("erf")
LEAKS = {"leaky": 0.1}  # slope at negative numbers
LOSSES = ("square", "logistic")
TEACHER = 3  # its hidden units


class Network(NamedTuple):
    """What the kernel is told beside the data."""

    activation: int
    leak: float
    logistic: bool


def network_loss(w, data, grad, targets, parameters):
    """Write the gradient and return the mean loss; data is a sample a row."""
    samples, inputs = data.shape
    hidden = w.size // (inputs + 1)
    second, size = hidden * inputs, math.sqrt(hidden)

    def activate(j, i):
        """s(w_j . x_i) and its derivative."""
        z = 0.0
        for k in range(inputs):
            z += w[j * inputs + k] * data[i, k]
        if parameters.activation == TANH:
            value = math.tanh(z)
            return value, 1.0 - value * value
        if parameters.activation == ERF:
            return math.erf(z), 2.0 / math.sqrt(math.pi) * math.exp(-z * z)
        slope = 1.0 if z > 0.0 else parameters.leak
        return slope * z, slope

    total = 0.0
    grad[:] = 0.0
    for i in range(samples):
        output, target = 0.0, targets[i]
        for j in range(hidden):
            output += w[second + j] * activate(j, i)[0] / size
        if parameters.logistic:
            margin = output * target
            total += log1p(exp(-abs(margin))) + max(-margin, 0.0)
            slope = -target * sigmoid(-margin)
        else:
            slope = output - target
            total += 0.5 * slope * slope
        slope /= size * samples
        for j in range(hidden):
            value, derivative = activate(j, i)
            grad[second + j] += slope * value
            for k in range(inputs):
                grad[j * inputs + k] += slope * w[second + j] * derivative * data[i, k]
    return total / samples


@problem(
    reference="Du, Zhai, Poczos, Singh 2018, arXiv:1810.02054",
    references=(),
    metrics=(),
    examples=({"activation": "tanh", "loss": "logistic"},),
    default=(),  # not a linear predictor: no reference solution is known
)
def small_network(
    activation=Option("relu", choices=ACTIVATIONS),
    loss=Option("square", choices=LOSSES),
    n=10,
    d=5,
    hidden=20,
    seed=0,
):
    """Build inputs, the teacher's targets and the start from one seed."""
    if n < 1 or d < 1 or hidden < TEACHER:
        raise UserError(
            f"small_network: n={n} and d={d} must be at least 1, hidden={hidden} at least {TEACHER}"
        )
    generator = np.random.Generator(np.random.PCG64(seed))
    inputs = generator.standard_normal((n, d))
    inputs /= np.linalg.norm(inputs, axis=1, keepdims=True)
    teacher = start(TEACHER, d, generator)
    theta = start(hidden, d, generator)
    targets = outputs(teacher, inputs, activation)
    if loss == "logistic":
        targets = np.where(targets < 0.0, -1.0, 1.0)
    facts = {"n": n, "d": theta.size, "source": f"teacher of {TEACHER} units, seed {seed}"}
    if (activation, loss) == ("relu", "square"):
        facts["least_kernel_eigenvalue"] = least_kernel_eigenvalue(inputs)
    leak = LEAKS.get(activation, 0.0)
    return Instance(
        problem="small_network",
        features=inputs,
        targets=targets,
        kind="other",
        loss_and_grad=network_loss,
        mean_of_rows=True,
        parameters=Network(ACTIVATIONS.index(activation), leak, loss == "logistic"),
        layers=[(0, hidden, d), (hidden * d, 1, hidden)],
        optimal_value=float,
        start=theta,
        seeded=True,
        facts=facts,
    )


def start(hidden, d, generator):
    """Gaussian w_j and random signs a_j."""
    weights = generator.standard_normal(hidden * d)
    return np.concatenate([weights, generator.choice([-1.0, 1.0], hidden)])


def outputs(theta, inputs, activation):
    """f(x) of the rows x of inputs."""
    from scipy.special import erf

    functions = {"tanh": np.tanh, "erf": erf}
    weights, second = np.split(theta, [theta.size // (inputs.shape[1] + 1) * inputs.shape[1]])
    z = inputs @ weights.reshape(second.size, -1).T
    leak = LEAKS.get(activation, 0.0)
    values = functions[activation](z) if activation in functions else np.where(z > 0, z, leak * z)
    return values @ second / math.sqrt(second.size)


def least_kernel_eigenvalue(inputs):
    """Least eigenvalue of H at infinite width."""
    cosines = np.clip(inputs @ inputs.T, -1.0, 1.0)
    kernel = cosines * (math.pi - np.arccos(cosines)) / (2.0 * math.pi)
    return float(np.linalg.eigvalsh(kernel)[0])
