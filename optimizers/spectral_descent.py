"""Spectral descent: steepest descent in the spectral norm of each matrix (Carlson et al. 2015).

For each weight matrix W with gradient G = U S V^T:  W <- W - learning_rate ||G||_* U V^T.

||G||_*, the sum of the singular values, is the dual norm.  A matrix with one row is a vector, for
which this is gradient descent.
"""

from optbench import Hyper, Slot, optimizer
from optbench.linear_algebra import layer, polar


@optimizer(
    reference="Carlson, Cevher, Carin 2015, PMLR 38:111",
    selects={"nonseparable": "l2", "regression": "l2"},
    condition="learning_rate <= 1 / L in the spectral norm; from zero: the rows of a matrix stay "
    "in the span of the data",
    homogeneous=True,
    symmetries=(),  # exchanging or flipping single entries changes singular values
    default=False,
    convention="the paper's sharp operator, ||G||_* U V^T, matrix by matrix; with steps of "
    "prescribed length it is normalized_spectral_descent",
)
def spectral_descent(
    theta,
    grad,
    layers,
    direction=Slot(),
    work=Slot(shape=(3, "theta")),
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
):
    for i in range(theta.size):
        direction[i] = grad[i]
    for k in range(layers.shape[0]):
        polar(layer(direction, layers, k), work)
        offset, end = layers[k, 0], layers[k, 0] + layers[k, 1] * layers[k, 2]
        dual = 0.0
        for i in range(offset, end):
            dual += grad[i] * direction[i]
        for i in range(offset, end):
            theta[i] -= learning_rate * dual * direction[i]
