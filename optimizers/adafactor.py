"""Adafactor: Adam's second moment from its row and column sums (Shazeer and Stern 2018).

For each weight matrix X of n rows and m columns, with gradient G and b = 1 - t^-beta2_decay:
R <- b R + (1 - b) (G^2 + eps) 1_m;  C <- b C + (1 - b) 1_n^T (G^2 + eps);  V = R C / (1_n^T R);
U = G / sqrt(V);  U <- U / max(1, rms(U) / clip);
X <- X - min(learning_rate, t^-1/2) max(smallest, rms(X)) U.

rms is the root of the mean square.  Of a matrix with one row, or one column, V is the second moment
itself, as the paper has for vectors.
"""

from math import sqrt

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Shazeer, Stern 2018, arXiv:1804.04235",
    condition="the paper names no solution",
    homogeneous=True,
    symmetries=("sign",),  # exchanging entries of different matrices changes their scales
    default=False,
    convention="the paper's algorithms 4 and 5 and torch (which clips V instead of adding eps); "
    "optax: a constant rate, and only from 128 rows and columns on is a matrix factored",
)
def adafactor(
    theta,
    grad,
    step,
    layers,
    rows=Slot(degree=2),  # of a row: where its first weight is
    columns=Slot(degree=2),  # of a column: where its first weight is
    learning_rate=Hyper(tune="log", low=0.0),
    beta2_decay=Hyper(0.8, low=0.0, high=1.0),
    clip=Hyper(1.0, low=1e-300),
    eps=Hyper(1e-30, low=0.0, degree=2),
    smallest=Hyper(1e-3, low=0.0),
):
    kept = 1.0 - step ** (-beta2_decay)
    for k in range(layers.shape[0]):
        offset, height, width = layers[k, 0], layers[k, 1], layers[k, 2]
        for row in range(height):
            rows[offset + row * width] *= kept
        for column in range(width):
            columns[offset + column] *= kept
        for row in range(height):
            first = offset + row * width
            for column in range(width):
                added = (1.0 - kept) * (grad[first + column] * grad[first + column] + eps)
                rows[first] += added
                columns[offset + column] += added
        total = 0.0
        for row in range(height):
            total += rows[offset + row * width]
        update = 0.0  # sums of squares
        weights = 0.0
        for i in range(offset, offset + height * width):
            first = i - (i - offset) % width
            moment = rows[first] / total * columns[offset + i - first] if total > 0.0 else 0.0
            update += grad[i] * grad[i] / moment if moment > 0.0 else 0.0
            weights += theta[i] * theta[i]
        size = height * width
        rate = min(learning_rate, step**-0.5) * max(smallest, sqrt(weights / size))
        rate /= max(1.0, sqrt(update / size) / clip)
        for i in range(offset, offset + size):
            first = i - (i - offset) % width
            moment = rows[first] / total * columns[offset + i - first] if total > 0.0 else 0.0
            theta[i] -= rate * grad[i] / sqrt(moment) if moment > 0.0 else 0.0
