"""Schedule-free gradient descent (Defazio et al. 2024): an average in place of a schedule.

z <- z - learning_rate g(y);  x <- (1 - 1/t) x + 1/t z;  y <- (1 - momentum) z + momentum x.

theta is y, where gradients are taken; what is measured is x, the mean of all z.  With momentum = 0
it is averaged gradient descent (Polyak and Ruppert), with momentum = 1 primal averaging.
"""

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Defazio, Yang, Mehta, Mishchenko, Khaled, Cutkosky 2024, arXiv:2405.15682",
    selects={"nonseparable": "l2", "regression": "l2"},
    condition="where it converges, from zero: steps stay in the span of the data",
    homogeneous=True,
    default=False,
    convention="the authors' code and optax at a constant rate: the mean begins with the first z, "
    "in the paper's formula with the start, by weights 1 / (t + 1)",
)
def schedule_free_sgd(
    theta,
    grad,
    step,
    output,
    z=Slot(),
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
    momentum=Hyper(0.9, low=0.0, high=1.0),
):
    for i in range(theta.size):
        if step == 1:
            z[i] = theta[i]
        z[i] -= learning_rate * grad[i]
        output[i] += (z[i] - output[i]) / step
        theta[i] = z[i] + momentum * (output[i] - z[i])
