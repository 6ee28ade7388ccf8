"""Normalized p-GD: mirror descent with ||theta||_p^p / p, its step divided by the loss.

z <- z - learning_rate g / loss;  theta = sign(z) |z|^(1/(p-1)),
z_0 = sign(theta_0) |theta_0|^(p-1).

For separable data, where g / loss tends neither to zero nor to infinity; p = 2 is the
loss-normalized gradient descent of Ji and Telgarsky (margin gap O(1/t)).
"""

from optbench import Hyper, Slot, optimizer
from optbench.elementwise import exp, log


@optimizer(
    reference="Sun, Gatmiry, Ahn, Azizan 2023, arXiv:2306.13853; "
    "p = 2: Ji, Telgarsky 2021, arXiv:1906.04540",
    selects={"classification": "lp(p)"},
    # where a minimum is reached g / loss grows without bound
    only_for=("classification", "multiclass"),
    condition="separable data, constant, small enough learning_rate",
    homogeneous=True,
)
def normalized_mirror_descent(
    theta,
    grad,
    step,
    loss,
    dual=Slot(),
    learning_rate=Hyper(tune="log", low=0.0),
    p=Hyper(3.0, low=1.01),
):
    if step == 1:
        for i in range(theta.size):
            power = exp((p - 1.0) * log(abs(theta[i])))
            dual[i] = power if theta[i] >= 0.0 else -power
    inverse = 1.0 / (p - 1.0)
    rate = learning_rate / loss if loss > 0.0 else 0.0
    for i in range(theta.size):
        dual[i] -= rate * grad[i]
        power = exp(inverse * log(abs(dual[i])))
        moved = power if dual[i] >= 0.0 else -power
        # without a gradient theta keeps its bits: the map to z and back rounds
        theta[i] = moved if grad[i] != 0.0 else theta[i]
