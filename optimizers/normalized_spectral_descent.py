"""Normalized spectral descent: steps of prescribed length in the spectral norm.

For each weight matrix W with gradient G = U S V^T:  W <- W - learning_rate t^-decay U V^T.

All singular values of a step are alike.  A matrix with one row is a vector, for which this is
normalized gradient descent.  Muon approximates it, with momentum.
"""

from optbench import Hyper, Slot, optimizer
from optbench.linear_algebra import layer, polar


def selected(kind, decay):
    """With one row it is normalized gradient descent: the largest margin in L2."""
    if decay == 0.0:
        return None
    if kind == "multiclass":
        return "spectral"
    return "l2" if kind in ("classification", "regression", "nonseparable") else None


@optimizer(
    reference="Bernstein, Newhouse 2024, arXiv:2409.20325; bias: Fan, Schmidt, Thrampoulidis 2025, "
    "arXiv:2502.04664",
    selects=selected,
    condition="learning rate t^-decay, 0 < decay <= 1; a minimum from zero: the rows of a matrix "
    "stay in the span of the data",
    homogeneous=True,
    symmetries=(),  # exchanging or flipping single entries changes singular values
    default=False,
    convention="steps of length 1 in the spectral norm, as the papers; Muon's factor "
    "sqrt(max(1, rows / columns)) is left out",
)
def normalized_spectral_descent(
    theta,
    grad,
    step,
    layers,
    direction=Slot(),
    work=Slot(shape=(3, "theta")),
    learning_rate=Hyper(tune="log", low=0.0),
    decay=Hyper(0.5, low=0.0, high=1.0),
):
    rate = learning_rate * step ** (-decay)
    for i in range(theta.size):
        direction[i] = grad[i]
    for k in range(layers.shape[0]):
        polar(layer(direction, layers, k), work)
    for i in range(theta.size):
        theta[i] -= rate * direction[i]
