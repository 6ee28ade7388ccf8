"""Dual averaging (Nesterov 2009): from the start along the sum of all gradients.

z <- z + g;  theta <- theta_0 - learning_rate t^-decay z.

With decay = 0 it is gradient descent.
"""

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Nesterov 2009, doi:10.1007/s10107-007-0149-x; Xiao 2010, JMLR 11:2543",
    selects={"nonseparable": "l2", "regression": "l2"},
    condition="where it converges, from zero: steps stay in the span of the data",
    homogeneous=True,
    default=False,
    convention="simple averages with beta_t = gamma sqrt(t) as in Xiao's RDA without a "
    "regularizer, learning_rate = 1 / gamma; Nesterov's beta_t is near sqrt(2 t), and he reports "
    "an average",
)
def dual_averaging(
    theta,
    grad,
    step,
    start=Slot(),
    total=Slot(degree=1),
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
    decay=Hyper(0.5, low=0.0, high=1.0),
):
    rate = learning_rate * step ** (-decay)
    for i in range(theta.size):
        if step == 1:
            start[i] = theta[i]
        total[i] += grad[i]
        theta[i] = start[i] - rate * total[i]
