"""Barzilai and Borwein's gradient method (1988): the last step's curvature is the next rate.

With s = theta - last theta and y = g - last g:
rate = s.s / s.y (the long step), or s.y / y.y when short = 1;  theta <- theta - rate g.

The first step moves the largest coordinate by first_length.  Where a step met no positive curvature
the rate stays as it was.
"""

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Barzilai, Borwein 1988, doi:10.1093/imanum/8.1.141; convergence: Raydan 1993, "
    "doi:10.1093/imanum/13.3.321",
    selects={"nonseparable": "l2", "regression": "l2"},
    condition="a convex quadratic; elsewhere it may need a line search; from zero: steps stay in "
    "the span of the data",
    homogeneous=True,
    default=False,
    convention="the paper's long step; its first rate is free: here 1 / ||g||_inf as in SPG of "
    "Birgin, Martinez and Raydan, whose line search this does without",
)
def barzilai_borwein(
    theta,
    grad,
    step,
    last_theta=Slot(),
    last_grad=Slot(degree=1),
    rate=Slot(shape=1, degree=-1),
    first_length=Hyper(1.0, low=1e-300),
    short=Hyper(0, low=0, high=1, integer=True),
):
    moved = 0.0  # s.s, s.y, y.y
    curved = 0.0
    changed = 0.0
    largest = 0.0
    for i in range(theta.size):
        s = theta[i] - last_theta[i]
        y = grad[i] - last_grad[i]
        moved += s * s
        curved += s * y
        changed += y * y
        largest = max(largest, abs(grad[i]))
        last_theta[i] = theta[i]
        last_grad[i] = grad[i]
    if step == 1:
        rate[0] = first_length / largest if largest > 0.0 else 0.0
    elif curved > 0.0:
        rate[0] = curved / changed if short == 1 else moved / curved
    for i in range(theta.size):
        theta[i] -= rate[0] * grad[i]
