"""Online natural gradient, which is recursive least squares (Plackett 1950; Amari 1998).

k = P x / (1 + x^T P x);  theta <- theta - s k;  P <- P - k (P x)^T;  P_0 = prior I,

with x the drawn row and s the slope of its loss: its gradient is s x.  P is the inverse of the
Fisher matrix I / prior + sum x x^T of the rows so far, so that a learning rate of 1/t is built
in.  After t rows of a squared error theta is their ridge solution with weight 1 / prior.
"""

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Plackett 1950, doi:10.1093/biomet/37.1-2.149; "
    "Amari 1998, doi:10.1162/089976698300017746; "
    "Rattray, Saad 1999, arXiv:cond-mat/9901212",
    selects={"regression": "l2"},
    condition="mean squared error, from zero, prior large",
    default=False,
    convention="no forgetting: the recursive least squares of adaptive filters weigh a row of age "
    "a by a forgetting factor to the power a",
)
def online_natural_gradient(
    theta,
    sample_grad,
    sample_row,
    step,
    covariance=Slot(shape="matrix"),
    gain=Slot(),
    prior=Hyper(1e4, low=1e-300),
    batch=Hyper(1, low=1, high=1, integer=True),
):
    if step == 1:
        for i in range(theta.size):
            covariance[i, i] = prior
    for i in range(theta.size):
        gain[i] = 0.0
    for i in range(theta.size):  # P is symmetric: its rows are read in order
        for j in range(theta.size):
            gain[j] += covariance[i, j] * sample_row[i]
    inside, square, along = 1.0, 0.0, 0.0
    for i in range(theta.size):
        inside += gain[i] * sample_row[i]
        square += sample_row[i] * sample_row[i]
        along += sample_row[i] * sample_grad[i]
    slope = along / square if square > 0.0 else 0.0
    for i in range(theta.size):
        theta[i] -= slope * gain[i] / inside
        for j in range(theta.size):
            covariance[i, j] -= gain[i] * gain[j] / inside
