"""RAPP, the relaxed approximate proximal point method (Pethick, Xie, Cevher 2023).

inner <- theta;  inner_steps times  inner <- theta - learning_rate F(inner),  then
theta <- theta + interpolation (inner - theta).

The inner iteration tends to the proximal point p = theta - learning_rate F(p) if
learning_rate < 1/L (L: Lipschitz constant of F, the gradient or the field of a game).  Two inner
steps with interpolation 1 are extragradient.
"""

from optbench import Hyper, optimizer


def towards_proximal_point(theta, grad, probe, probe_grad, trial, learning_rate, inner_steps):
    """Go from one inner iterate to the next."""
    if trial >= inner_steps:
        return False
    for i in range(theta.size):
        if trial == 1:
            probe[i] = theta[i] - learning_rate * grad[i]
        else:
            probe[i] = theta[i] - learning_rate * probe_grad[i]
    return True


@optimizer(
    reference="Pethick, Xie, Cevher 2023, arXiv:2310.13459",
    probe=towards_proximal_point,
    selects={"nonseparable": "l2", "regression": "l2"},
    condition="from zero (steps stay in the span of the data), learning_rate < 1 / L",
    homogeneous=True,
    default=False,
    convention="a step is an iteration of the paper, which evaluates F inner_steps times",
)
def rapp(
    theta,
    grad,
    probe_grad,
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
    inner_steps=Hyper(20, low=1, integer=True),
    interpolation=Hyper(0.5, low=0.0, high=1.0),
):
    for i in range(theta.size):
        last = grad[i] if inner_steps == 1 else probe_grad[i]
        theta[i] -= interpolation * learning_rate * last
