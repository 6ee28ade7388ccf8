"""Restarted primal-dual hybrid gradient for linear programs, in Halpern's form (Lu, Yang 2024).

min c.x, A x = b, x >= 0.  One step of PDHG, with a step size for each column (t) and row (s), is

x' = max(x - t / w (c - A^T y), 0);  y' = y + w s (b - A (2 x' - x)).

What is measured is x'.  The k-th step since the last restart, from z = (x, y) at the anchor z_0, is

z <- k / (k + 1) (2 z' - z) + 1 / (k + 1) z_0.

Step sizes come from six sweeps that divide rows and columns by the roots of their sums of |a_ij|.
It restarts at z' when the error, the length of z' - z in the norm of PDHG, has fallen far enough,
has fallen and rises again, or after a third of all steps.  w then follows how far y and x moved,
but does not fall while x is far less feasible than y: a smaller w would make that worse.
"""

import math

from optbench import Slot, optimizer
from optbench.linear_algebra import (
    absolute_times,
    absolute_transposed_times,
    features_times,
    transposed_times,
)

SWEEPS = 6  # the last is the scaling of Pock and Chambolle, after which steps of size 1 converge
SUFFICIENT, NECESSARY = 0.2, 0.8  # the error relative to that after the last restart
LONGEST = 0.36  # steps since the last restart, relative to all
PERIOD = 20  # steps between two looks at the error
TINY = 1e-12  # distances below this say nothing about the weight
FAR = 100.0  # relative infeasibility of x over that of y, beyond which w does not fall


def root_of_quotient(scale, sums):
    """Divide rows or columns by the roots of their sums; an empty one keeps its scale."""
    for i in range(scale.size):
        if sums[i] > 0.0:
            scale[i] = math.sqrt(scale[i] / sums[i])


def square(vector):
    for i in range(vector.size):
        vector[i] *= vector[i]


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


def primal_is_behind(forward, backward, targets, cost, x_steps, y_steps):
    """Whether b - A x is far larger than the negative part of c - A^T y, relative to b and c."""
    primal, dual = 0.0, 0.0
    for i in range(targets.size):
        primal += y_steps[i] * (targets[i] - forward[i]) ** 2
    for j in range(cost.size):
        dual += x_steps[j] * min(cost[j] - backward[j], 0.0) ** 2
    relative = weighted_norm(targets, y_steps), weighted_norm(cost, x_steps)
    return math.sqrt(primal) * relative[1] > FAR * math.sqrt(dual) * relative[0]


def mixed(y_next, y, forward_next, forward):
    """Return (y' - y) . A (x' - x)."""
    total = 0.0
    for i in range(y.size):
        total += (y_next[i] - y[i]) * (forward_next[i] - forward[i])
    return total


def toward_reflection(share, image, point, anchor):
    for i in range(point.size):
        point[i] = share * (2.0 * image[i] - point[i]) + (1.0 - share) * anchor[i]


def begin(image, point, anchor):
    for i in range(point.size):
        point[i] = image[i]
        anchor[i] = image[i]


@optimizer(
    reference="Lu, Yang 2024, arXiv:2407.16144; restarts and weight: Applegate, Diaz, Hinder, Lu, "
    "Lubin, O'Donoghue, Schudy 2021, arXiv:2106.04447; step sizes: Pock, Chambolle 2011, "
    "doi:10.1109/ICCV.2011.6126441",
    only_for=("linear_program",),
    condition="a linear program with a solution",
    homogeneous=True,
    fixed_point=False,
    symmetries=("permutation",),
    start="positive",
    default=False,
    convention="the reflected form; sweeps of row and column sums where PDLP divides by largest "
    "entries; no presolve, no feasibility polishing",
)
def restarted_pdhg(
    theta,
    features,
    targets,
    cost,
    step,
    x=Slot(),
    x_anchor=Slot(),
    x_steps=Slot(initial=1.0),
    backward=Slot(),
    backward_next=Slot(),
    backward_anchor=Slot(),
    y=Slot("rows"),
    y_next=Slot("rows"),
    y_anchor=Slot("rows"),
    y_steps=Slot("rows", initial=1.0),
    forward=Slot("rows"),
    forward_next=Slot("rows"),
    forward_anchor=Slot("rows"),
    weight=Slot(shape=1),
    length=Slot(shape=1),
    errors=Slot(shape=2),
):
    if step == 1:
        for _sweep in range(SWEEPS):
            absolute_times(features, x_steps, forward)
            absolute_transposed_times(features, y_steps, backward)
            root_of_quotient(y_steps, forward)
            root_of_quotient(x_steps, backward)
        square(x_steps)
        square(y_steps)
        scale = weighted_norm(targets, y_steps)
        ratio = weighted_norm(cost, x_steps) / scale if scale > 0.0 else 1.0
        weight[0] = ratio if ratio > 0.0 else 1.0
        begin(theta, x, x_anchor)
        features_times(features, theta, forward_next)
        begin(forward_next, forward, forward_anchor)
        begin(backward_next, backward, backward_anchor)  # y = 0

    w = weight[0]
    for j in range(theta.size):
        theta[j] = max(x[j] - x_steps[j] / w * (cost[j] - backward[j]), 0.0)
    features_times(features, theta, forward_next)
    for i in range(y.size):
        y_next[i] = y[i] + w * y_steps[i] * (targets[i] - 2.0 * forward_next[i] + forward[i])
    transposed_times(features, y_next, backward_next)
    length[0] += 1.0

    restarts = False
    if length[0] == 1.0 or length[0] % PERIOD == 0.0:
        in_x, in_y = distance(theta, x, x_steps), distance(y_next, y, y_steps)
        both = w * in_x**2 + in_y**2 / w - 2.0 * mixed(y_next, y, forward_next, forward)
        found = math.sqrt(max(both, 0.0))
        if length[0] == 1.0:
            errors[0] = found
        else:
            fallen = found <= SUFFICIENT * errors[0]
            rises = found <= NECESSARY * errors[0] and found > errors[1] > 0.0
            restarts = fallen or rises or length[0] >= LONGEST * step
        errors[1] = found
    if restarts:
        in_x, in_y = distance(theta, x_anchor, x_steps), distance(y_next, y_anchor, y_steps)
        behind = primal_is_behind(forward_next, backward_next, targets, cost, x_steps, y_steps)
        if in_x > TINY and in_y > TINY and not (behind and w * in_x > in_y):
            weight[0] = math.sqrt(w * in_y / in_x)
        begin(theta, x, x_anchor)
        begin(y_next, y, y_anchor)
        begin(forward_next, forward, forward_anchor)
        begin(backward_next, backward, backward_anchor)
        length[0], errors[1] = 0.0, 0.0
    else:
        share = length[0] / (length[0] + 1.0)
        toward_reflection(share, theta, x, x_anchor)
        toward_reflection(share, y_next, y, y_anchor)
        toward_reflection(share, forward_next, forward, forward_anchor)
        toward_reflection(share, backward_next, backward, backward_anchor)
