"""SVRG: stochastic gradients corrected by those of a snapshot (Johnson, Zhang 2013).

Every ``epoch`` steps  snapshot <- theta;  always
theta <- theta - learning_rate (g_B(theta) - g_B(snapshot) + g(snapshot)),
g_B the gradient on ``batch`` rows drawn with replacement, g the gradient on all rows.

The correction has mean zero, and vanishes with the distance to the snapshot: a constant rate
converges linearly on a strongly convex sum.
"""

from optbench import Hyper, optimizer


def snapshot(theta, probe, trial, step, epoch):
    if trial > 1 or (step - 1) % epoch != 0:
        return False
    for i in range(theta.size):
        probe[i] = theta[i]
    return True


@optimizer(
    reference="Johnson, Zhang 2013, NeurIPS 26:315; with a penalty: Xiao, Zhang 2014, "
    "arXiv:1403.4699",
    probe=snapshot,
    selects={"regression": "l2"},
    condition="from zero (steps stay in the span of the data), learning_rate < 1 / (4 max "
    "||x_i||^2), batch 1",
    homogeneous=True,
    default=False,
    convention="the snapshot is the last iterate (the paper's option I), an epoch is counted in "
    "steps; the paper takes 2 n of them on convex sums",
)
def stochastic_variance_reduced_gradient(
    theta,
    sample_grad,
    probe_sample_grad,
    probe_grad,
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
    batch=Hyper(1, low=1, integer=True),
    epoch=Hyper(100, low=1, integer=True),
):
    for i in range(theta.size):
        theta[i] -= learning_rate * (sample_grad[i] - probe_sample_grad[i] + probe_grad[i])
