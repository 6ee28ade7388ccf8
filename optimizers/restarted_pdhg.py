"""Restarted primal-dual hybrid gradient for linear programs (Applegate et al. 2021).

min c.x, A x = b, x >= 0, with step sizes 1 / sum |a_ij| by column (t) and row (s), weight w:

x' <- max(x - t / w (c - A^T y), 0);  y' <- y + w s (b - A (2 x' - x)).

It restarts at the last iterate or at the mean since the last restart, whichever is nearer to
optimal, when the error sqrt(w^2 primal^2 + dual^2 / w^2 + gap^2) has fallen far enough, has fallen
and rises again, or after a third of all steps; w then follows how far y and x have moved.
"""

import math

from optbench import Slot, optimizer
from optbench.linear_algebra import absolute_sums, features_times, transposed_times

SUFFICIENT, NECESSARY = 0.2, 0.8  # the error relative to that at the last restart
LONGEST = 0.36  # steps since the last restart, relative to all
PERIOD = 20  # steps between two looks at the error
TINY = 1e-10  # distances below this say nothing about the weight


def invert(sums):
    """Write step sizes; an empty row or column may have any."""
    for i in range(sums.size):
        sums[i] = 1.0 / sums[i] if sums[i] > 0.0 else 1.0


def weighted_norm(vector, weights):
    total = 0.0
    for i in range(vector.size):
        total += weights[i] * vector[i] * vector[i]
    return math.sqrt(total)


def distance(vector, start, steps):
    total = 0.0
    for i in range(vector.size):
        total += (vector[i] - start[i]) ** 2 / steps[i]
    return math.sqrt(total)


def error(factor, weight, x, y, forward, backward, cost, targets, x_steps, y_steps):
    """Return how far from optimal factor (x, y) is; forward = A x, backward = A^T y."""
    primal, dual, gap = 0.0, 0.0, 0.0
    for i in range(y.size):
        primal += y_steps[i] * (targets[i] - factor * forward[i]) ** 2
        gap -= targets[i] * factor * y[i]
    for j in range(x.size):
        dual += x_steps[j] * min(cost[j] - factor * backward[j], 0.0) ** 2
        gap += cost[j] * factor * x[j]
    return math.sqrt(weight * weight * primal + dual / (weight * weight) + gap * gap)


def add(vector, total):
    for i in range(vector.size):
        total[i] += vector[i]


def take_mean(factor, total, vector):
    for i in range(vector.size):
        vector[i] = factor * total[i]


def begin(vector, start, total):
    """Remember where a restart was; sum from there."""
    for i in range(vector.size):
        start[i] = vector[i]
        total[i] = 0.0


@optimizer(
    reference="Applegate, Diaz, Hinder, Lu, Lubin, O'Donoghue, Schudy 2021, arXiv:2106.04756; "
    "step sizes: Pock, Chambolle 2011, doi:10.1109/ICCV.2011.6126441",
    only_for=("linear_program",),
    condition="a linear program with a solution",
    homogeneous=True,
    fixed_point=False,
    symmetries=("permutation",),
    start="positive",
    default=False,
    convention="errors as in PDLP (KKT error), not the normalized duality gap of the paper; no "
    "presolve, no Ruiz scaling, constant steps",
)
def restarted_pdhg(
    theta,
    features,
    targets,
    cost,
    step,
    x_steps=Slot(),
    x_start=Slot(),
    x_sum=Slot(),
    backward=Slot(),
    backward_sum=Slot(),
    y=Slot("rows"),
    y_steps=Slot("rows"),
    y_start=Slot("rows"),
    y_sum=Slot("rows"),
    forward=Slot("rows"),
    forward_before=Slot("rows"),
    forward_sum=Slot("rows"),
    weight=Slot(shape=1),
    length=Slot(shape=1),
    errors=Slot(shape=2),
):
    if step == 1:
        absolute_sums(features, y_steps, x_steps)
        invert(y_steps)
        invert(x_steps)
        scale = weighted_norm(targets, y_steps)
        ratio = weighted_norm(cost, x_steps) / scale if scale > 0.0 else 1.0
        weight[0] = ratio if ratio > 0.0 else 1.0
        begin(theta, x_start, x_sum)
        features_times(features, theta, forward)
        errors[0] = error(
            1.0, weight[0], theta, y, forward, backward, cost, targets, x_steps, y_steps
        )

    w = weight[0]
    for j in range(theta.size):
        theta[j] = max(theta[j] - x_steps[j] / w * (cost[j] - backward[j]), 0.0)
    for i in range(y.size):
        forward_before[i] = forward[i]
    features_times(features, theta, forward)
    for i in range(y.size):
        y[i] += w * y_steps[i] * (targets[i] - 2.0 * forward[i] + forward_before[i])
    transposed_times(features, y, backward)
    add(theta, x_sum)
    add(y, y_sum)
    add(forward, forward_sum)
    add(backward, backward_sum)
    length[0] += 1.0

    if length[0] < 10.0 or length[0] % PERIOD == 0.0:
        factor = 1.0 / length[0]
        last = error(1.0, w, theta, y, forward, backward, cost, targets, x_steps, y_steps)
        mean = error(
            factor, w, x_sum, y_sum, forward_sum, backward_sum, cost, targets, x_steps, y_steps
        )
        found = min(mean, last)
        fallen = found <= SUFFICIENT * errors[0]
        rises = found <= NECESSARY * errors[0] and found > errors[1] > 0.0
        errors[1] = found
        if fallen or rises or length[0] >= LONGEST * step:
            if mean < last:
                take_mean(factor, x_sum, theta)
                take_mean(factor, y_sum, y)
                features_times(features, theta, forward)
                transposed_times(features, y, backward)
            in_x, in_y = distance(theta, x_start, x_steps), distance(y, y_start, y_steps)
            if in_x > TINY and in_y > TINY:
                weight[0] = math.sqrt(w * in_y / in_x)
            begin(theta, x_start, x_sum)
            begin(y, y_start, y_sum)
            begin(forward, forward_before, forward_sum)
            begin(backward, backward_sum, backward_sum)
            length[0] = 0.0
            errors[0] = error(
                1.0, weight[0], theta, y, forward, backward, cost, targets, x_steps, y_steps
            )
            errors[1] = 0.0
