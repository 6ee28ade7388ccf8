"""Automatic gradient descent (Bernstein et al. 2023): no learning rate to tune.

With g_k the gradient of weight matrix W_k (k = 1..L), s_k = sqrt(rows / columns):
G = (1/L) sum_k s_k ||g_k||_F;  eta = log((1 + sqrt(1 + 4 G)) / 2);
W_k <- W_k - gain (eta / L) s_k g_k / ||g_k||_F.

The paper starts at semi-orthogonal matrices times s_k.  With one matrix and G -> 0 it is gradient
descent with learning rate s^2; deeper, every matrix moves the same relative distance.
"""

from math import log1p, sqrt

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Bernstein, Mingard, Huang, Azizan, Yue 2023, arXiv:2304.05187",
    selects={"classification": "l2", "nonseparable": "l2", "regression": "l2"},
    condition="one weight matrix, from zero, rows of the data of norm at most sqrt(columns)",
    symmetries=("sign",),  # exchanging entries of different matrices changes their norms
    convention="the authors' code, but from the given start: it begins with semi-orthogonal "
    "matrices scaled by s_k",
)
def automatic_gradient_descent(
    theta,
    grad,
    layers,
    norms=Slot(shape="layers", degree=1),
    gain=Hyper(1.0, low=0.0),
):
    depth = layers.shape[0]
    summary = 0.0
    for k in range(depth):
        offset, rows, columns = layers[k, 0], layers[k, 1], layers[k, 2]
        square = 0.0
        for i in range(offset, offset + rows * columns):
            square += grad[i] * grad[i]
        norms[k] = sqrt(square)
        summary += sqrt(rows / columns) * norms[k] / depth
    # log((1 + r) / 2) = log1p(2 G / (1 + r)) with r = sqrt(1 + 4 G): full accuracy for small G
    eta = log1p(2.0 * summary / (1.0 + sqrt(1.0 + 4.0 * summary)))
    for k in range(depth):
        offset, rows, columns = layers[k, 0], layers[k, 1], layers[k, 2]
        rate = gain * eta / depth * sqrt(rows / columns) / norms[k] if norms[k] > 0.0 else 0.0
        for i in range(offset, offset + rows * columns):
            theta[i] -= rate * grad[i]
