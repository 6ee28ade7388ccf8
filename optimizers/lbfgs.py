"""L-BFGS (Liu and Nocedal 1989) with steps that meet the weak Wolfe conditions.

d = -H g, H from the last ten pairs s = theta_+ - theta, y = g_+ - g by the two-loop recursion that
begins with s.y / y.y of the newest;  theta <- theta + t d,  t = 1, doubled or bisected until
f(theta + t d) <= f(theta) + decrease t g.d  and  g(theta + t d).d >= curvature g.d.

Without a pair d = -first_length g / ||g||_inf.  A search that finds nothing in sixty
trials, as where rounding hides the fall, leaves theta where it is and forgets all pairs.
"""

from optbench import Hyper, Slot, optimizer

PAIRS = 10
MOST_TRIALS = 60  # bisections and doublings
ROUNDING = 1e-10  # of the loss


def dot(one, other):
    """Sum of products."""
    total = 0.0
    for i in range(one.size):
        total += one[i] * other[i]
    return total


def descend(grad, steps, changes, products, shares, count, first_length, direction):
    """Write -H g to ``direction``: the two-loop recursion."""
    newest = int(count[0])
    oldest = max(newest - PAIRS, 0)
    largest = 0.0
    for i in range(grad.size):
        direction[i] = -grad[i]
        largest = max(largest, abs(grad[i]))
    for pair in range(newest - 1, oldest - 1, -1):
        k = pair % PAIRS
        shares[k] = dot(steps[k], direction) / products[k]
        for i in range(grad.size):
            direction[i] -= shares[k] * changes[k, i]
    scale = first_length / largest if largest > 0.0 else 0.0
    if newest > 0:
        k = (newest - 1) % PAIRS
        scale = products[k] / dot(changes[k], changes[k])
    for i in range(grad.size):
        direction[i] *= scale
    for pair in range(oldest, newest):
        k = pair % PAIRS
        share = dot(changes[k], direction) / products[k]
        for i in range(grad.size):
            direction[i] += (shares[k] - share) * steps[k, i]


def search(
    theta, step, trial, probe, probe_grad, probe_loss, grad_before, loss_before, steps, changes,
    products, shares, count, direction, slope, bracket, first_length, decrease, curvature,
):  # fmt: skip
    """Write the next trial; no more of them where the last one meets both conditions.

    The last trial of a step is theta of the next: only the first step asks for gradient and loss.
    """
    before = 1 if step == 1 else 0
    if trial == before:
        return True  # the probe is theta
    if trial == before + 1:
        if step == 1 or bracket[2] > 0.0:  # else theta has not moved
            loss_before[0] = probe_loss
            for i in range(theta.size):
                grad_before[i] = probe_grad[i]
        descend(grad_before, steps, changes, products, shares, count, first_length, direction)
        slope[0] = dot(grad_before, direction)
        bracket[0], bracket[1], bracket[2] = 0.0, 0.0, 1.0  # too short, too long, tried
    else:
        ahead = dot(probe_grad, direction)
        fell = probe_loss <= loss_before[0] + decrease * bracket[2] * slope[0]
        # where rounding hides the fall of the loss, slopes tell it (Hager and Zhang 2005)
        level = probe_loss <= loss_before[0] + ROUNDING * abs(loss_before[0])
        if not (fell or (level and ahead <= (2.0 * decrease - 1.0) * slope[0])):
            bracket[1] = bracket[2]
        elif ahead < curvature * slope[0]:
            bracket[0] = bracket[2]
        else:
            return False
        longer = bracket[1] == 0.0
        bracket[2] = 2.0 * bracket[2] if longer else 0.5 * (bracket[0] + bracket[1])
    found = trial <= MOST_TRIALS and slope[0] < 0.0
    if not found:
        count[0] = bracket[2] = 0.0
    for i in range(theta.size):
        probe[i] = theta[i] + bracket[2] * direction[i] if found else theta[i]
    return found


@optimizer(
    reference="Liu, Nocedal 1989, doi:10.1007/BF01589116; line search: Lewis, Overton 2013, "
    "doi:10.1007/s10107-012-0514-2",
    probe=search,
    selects={"nonseparable": "l2", "regression": "l2"},
    condition="from zero: steps stay in the span of the data",
    homogeneous=True,
    default=False,
    convention="ten pairs as SciPy and optax; their line searches interpolate and meet the strong "
    "Wolfe conditions, torch's takes steps of a fixed length by default; curvature 0.9 as in SciPy",
)
def lbfgs(
    theta,
    probe,
    probe_grad,
    grad_before=Slot(degree=1),
    loss_before=Slot(shape=1, degree=1),
    steps=Slot(shape=(PAIRS, "theta")),
    changes=Slot(shape=(PAIRS, "theta"), degree=1),
    products=Slot(shape=PAIRS, degree=1),
    shares=Slot(shape=PAIRS),
    count=Slot(shape=1),
    direction=Slot(),
    slope=Slot(shape=1, degree=1),
    bracket=Slot(shape=3),
    first_length=Hyper(1.0, low=1e-300),
    decrease=Hyper(1e-4, low=0.0, high=0.5),
    curvature=Hyper(0.9, low=0.0, high=1.0),
):
    k = int(count[0]) % PAIRS
    product = 0.0
    for i in range(theta.size):
        steps[k, i] = probe[i] - theta[i]
        changes[k, i] = probe_grad[i] - grad_before[i]
        product += steps[k, i] * changes[k, i]
        theta[i] = probe[i]
    if product > 0.0:
        products[k] = product
        count[0] += 1.0
