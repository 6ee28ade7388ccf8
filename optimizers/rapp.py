"""RAPP, the relaxed approximate proximal point method (Pethick, Xie, Cevher 2023).

inner_steps times  theta <- base - learning_rate F(theta),  always from the same base, then
base <- base + interpolation (theta - base);  theta <- base.

The inner iteration tends to the proximal point p = base - learning_rate F(p) if learning_rate < 1/L
(L: Lipschitz constant of F, the gradient or the field of a game).  Every evaluation of F is a step.
Two inner steps with interpolation 1 are extragradient.
"""

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Pethick, Xie, Cevher 2023, arXiv:2310.13459",
    selects={"nonseparable": "l2", "regression": "l2"},
    condition="from zero (steps stay in the span of the data), learning_rate < 1 / L",
    homogeneous=True,
    default=False,
    convention="a step is one evaluation of F: inner_steps of them are one iteration of the paper",
)
def rapp(
    theta,
    grad,
    step,
    base=Slot(),
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
    inner_steps=Hyper(20, low=1, integer=True),
    interpolation=Hyper(0.5, low=0.0, high=1.0),
):
    begins = (step - 1) % int(inner_steps) == 0
    ends = step % int(inner_steps) == 0
    for i in range(theta.size):
        if begins:
            base[i] = theta[i]
        theta[i] = base[i] - learning_rate * grad[i]
        if ends:
            theta[i] = base[i] + interpolation * (theta[i] - base[i])
