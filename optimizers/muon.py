"""Muon: momentum orthogonalized by Newton-Schulz steps (Jordan et al. 2024).

For each weight matrix W with gradient G:  M <- momentum M + (1 - momentum) G;
X = (1 - momentum) G + momentum M when nesterov = 1, else M;  X <- X / ||X||_F,  then, rounds times,
X <- a X + b (X X^T) X + c (X X^T)^2 X  with (a, b, c) = (3.4445, -4.7750, 2.0315);
W <- W - learning_rate t^-decay sqrt(max(1, rows / columns)) X.

With M = U S V^T this is near U V^T: singular values end between 0.7 and 1.2, but tiny ones lower;
with exact = 1 it is U V^T, of which the theorems are.
A matrix with one row is a vector, for which X is 0.70 times the unit vector of the momentum.
"""

from math import sqrt

from optbench import Hyper, Slot, optimizer
from optbench.linear_algebra import layer, orthogonalize, polar


def selected(kind, momentum, nesterov, exact, decay):
    """With one row it is normalized momentum descent in L2; theorems are not about nesterov."""
    prescribed = decay > 0.0 and momentum < 1.0 and nesterov == 0
    if kind == "multiclass":
        return "spectral" if prescribed and exact == 1 else None
    if kind == "classification":
        return "l2" if prescribed else None
    return "l2" if kind in ("regression", "nonseparable") and decay > 0.0 else None


@optimizer(
    reference="Jordan, Jin, Boza, You, Cesista, Newhouse, Bernstein 2024, "
    "https://kellerjordan.github.io/posts/muon; norm: Bernstein, Newhouse 2024, arXiv:2409.20325; "
    "bias: Fan, Schmidt, Thrampoulidis 2025, arXiv:2502.04664",
    selects=selected,
    as_theorem_asks={"classification": {"nesterov": 0}, "multiclass": {"nesterov": 0, "exact": 1}},
    condition="learning rate t^-decay, 0 < decay <= 1, exact U V^T; a minimum from zero: the rows "
    "of a matrix stay in the span of the data",
    homogeneous=True,
    symmetries=(),  # exchanging or flipping single entries changes singular values
    default=False,
    convention="the authors and torch, in float64 where these have bfloat16; they leave vectors to "
    "AdamW, here they are rows; optax corrects bias; a rate t^-decay as in sign_descent",
)
def muon(
    theta,
    grad,
    step,
    layers,
    average=Slot(degree=1),
    direction=Slot(),
    work=Slot(shape=(3, "theta")),
    learning_rate=Hyper(tune="log", low=0.0),
    momentum=Hyper(0.95, low=0.0, high=1.0),
    nesterov=Hyper(1, low=0, high=1, integer=True),
    rounds=Hyper(5, low=1, integer=True),
    exact=Hyper(0, low=0, high=1, integer=True),
    decay=Hyper(0.5, low=0.0, high=1.0),
):
    for i in range(theta.size):
        average[i] = momentum * average[i] + (1.0 - momentum) * grad[i]
        ahead = (1.0 - momentum) * grad[i] + momentum * average[i]
        direction[i] = ahead if nesterov == 1 else average[i]
    rate = learning_rate * step ** (-decay)
    for k in range(layers.shape[0]):
        matrix = layer(direction, layers, k)
        if exact == 1:
            polar(matrix, work)
        else:
            orthogonalize(matrix, work, rounds)
        offset, rows, columns = layers[k, 0], layers[k, 1], layers[k, 2]
        scale = rate * sqrt(max(1.0, rows / columns))
        for i in range(offset, offset + rows * columns):
            theta[i] -= scale * direction[i]
