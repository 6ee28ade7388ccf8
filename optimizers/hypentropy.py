"""Mirror descent with the hypentropy potential (Ghai, Hazan, Singer 2020).

z <- z - learning_rate g;  theta = 2 scale sinh(z),  z_0 = arcsinh(theta_0 / (2 scale)).

It is exponentiated gradient on theta = u - v with u v = scale^2, and follows the flow of the
diagonal network u*u - v*v that starts at u = v = sqrt(scale): scale -> 0 tends to the least L1
norm, scale -> infinity to gradient descent with learning rate 2 scale learning_rate.
"""

from math import asinh

from optbench import Hyper, Slot, optimizer
from optbench.elementwise import sinh


def selected(kind, scale, size):
    """On separable data theta grows without end: the norm is L1 once it is far above the scale."""
    if kind == "regression":
        return "hypentropy(scale)"
    return "l1" if kind == "classification" and size >= 100.0 * scale else None


@optimizer(
    reference="Ghai, Hazan, Singer 2020, arXiv:1902.01903; "
    "bias: Woodworth et al. 2020, arXiv:2002.09277; "
    "separable data: Pesme, Dragomir, Flammarion 2024, arXiv:2406.12763",
    selects=selected,
    condition="regression from zero, learning_rate small enough to converge; on separable data the "
    "flow, whose potential grows as |theta| log(|theta| / scale): max |theta| >= 100 scale (of "
    "arXiv:2406.12763 only the abstract was read: the shape of the potential at infinity decides)",
    homogeneous=True,
    convention="scale as in diagonal networks; the paper's beta is 2 scale",
)
def hypentropy(
    theta,
    grad,
    step,
    dual=Slot(),
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
    scale=Hyper(0.01, low=1e-30),
):
    if step == 1:
        for i in range(theta.size):
            dual[i] = asinh(theta[i] / (2.0 * scale))
    for i in range(theta.size):
        dual[i] -= learning_rate * grad[i]
        moved = 2.0 * scale * sinh(dual[i])
        # without a gradient theta keeps its bits: the map to z and back rounds
        theta[i] = moved if grad[i] != 0.0 else theta[i]
