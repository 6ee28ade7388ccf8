"""Gradient descent with averaging (Polyak, Juditsky 1992; Ruppert 1988).

theta_t <- theta_(t-1) - learning_rate g;  output_t = (theta_1 + ... + theta_t) / t.

What is measured is the mean of all iterates.  A power > 0 forgets the first ones: output_t is
output_(t-1) + (1 + power) / (t + power) (theta_t - output_(t-1)), the mean with weights t^power.
"""

from optbench import Hyper, optimizer


@optimizer(
    reference="Polyak, Juditsky 1992, doi:10.1137/0330046; Ruppert 1988, Cornell ORIE 781; "
    "power: Shamir, Zhang 2013, arXiv:1212.1824",
    selects={"nonseparable": "l2", "regression": "l2"},
    condition="from zero (steps stay in the span of the data), learning_rate < 2 / L",
    homogeneous=True,
    default=False,
    convention="the mean is over theta_1, ..., theta_t, without the start; torch's AveragedModel "
    "begins where it is first updated",
)
def averaged_gradient_descent(
    theta,
    grad,
    output,
    step,
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
    power=Hyper(0.0, low=0.0),
):
    for i in range(theta.size):
        theta[i] -= learning_rate * grad[i]
        output[i] += (1.0 + power) / (step + power) * (theta[i] - output[i])
