"""p-GD: mirror descent with the potential ||theta||_p^p / p (Sun et al. 2022).

z <- z - learning_rate g;  theta = sign(z) |z|^(1/(p-1)),  z_0 = sign(theta_0) |theta_0|^(p-1).

p = 2 is gradient descent.  From theta = 0, z stays in the span of the data.
"""

from optbench import Hyper, Slot, optimizer
from optbench.elementwise import exp, log


@optimizer(
    reference="Sun, Ahn, Thrampoulidis, Azizan 2022, arXiv:2205.12808; "
    "regression: Gunasekar, Lee, Soudry, Srebro 2018, arXiv:1802.08246",
    selects={"classification": "lp(p)", "nonseparable": "lp(p)", "regression": "lp(p)"},
    condition="constant, small enough learning_rate; from zero, or separable data",
    homogeneous=True,
    convention="the papers' potential ||theta||_p^p / p; the p-norm algorithms of Grove, "
    "Littlestone, Schuurmans and of Gentile have ||theta||_p^2 / 2",
)
def p_norm_mirror_descent(
    theta,
    grad,
    step,
    dual=Slot(),
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
    p=Hyper(3.0, low=1.01),
):
    if step == 1:
        for i in range(theta.size):
            power = exp((p - 1.0) * log(abs(theta[i])))
            dual[i] = power if theta[i] >= 0.0 else -power
    inverse = 1.0 / (p - 1.0)
    for i in range(theta.size):
        dual[i] -= learning_rate * grad[i]
        power = exp(inverse * log(abs(dual[i])))
        moved = power if dual[i] >= 0.0 else -power
        # without a gradient theta keeps its bits: the map to z and back rounds
        theta[i] = moved if grad[i] != 0.0 else theta[i]
