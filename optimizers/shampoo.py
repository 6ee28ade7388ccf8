"""Shampoo: a preconditioner for each side of a weight matrix (Gupta, Koren, Singer 2018).

For each weight matrix W with gradient G:  L <- L + G G^T;  R <- R + G^T G;
W <- W - learning_rate (L + eps I)^(-1/4) G (R + eps I)^(-1/4).

The Kronecker product of the two roots bounds the preconditioner of full-matrix AdaGrad.
"""

from math import sqrt

from optbench import Hyper, Slot, optimizer
from optbench.linear_algebra import (
    columns_by_columns,
    inverse_root,
    layer,
    multiply,
    rows_by_rows,
)


def root_of(total, added, root, work, eps):
    """Add to the sum; write ((total + eps I) / size)^(-1/4) to ``root`` and return size, its trace.

    Relative to their size numbers have no unit, and neither under- nor overflow.
    """
    size = 0.0
    for i in range(total.shape[0]):
        for j in range(total.shape[1]):
            total[i, j] += added[i, j]
        size += total[i, i] + eps
    for i in range(total.shape[0]):
        for j in range(total.shape[1]):
            added[i, j] = total[i, j] / size if size > 0.0 else 0.0
    inverse_root(added, 4.0, root, work, eps / size if size > 0.0 else 0.0)
    return size


@optimizer(
    reference="Gupta, Koren, Singer 2018, arXiv:1802.09568",
    selects={"nonseparable": "l2", "regression": "l2"},
    condition="from zero: the rows of a matrix stay in the span of the data",
    homogeneous=True,
    symmetries=(),  # exchanging or flipping single entries changes singular values
    default=False,
    convention="the paper's algorithm 1: sums, exponent -1/4, roots in every step; later programs "
    "(arXiv:2309.06497) have averages, momentum and grafting",
)
def shampoo(
    theta,
    grad,
    layers,
    left=Slot(shape="rows x rows", degree=2),
    right=Slot(shape="columns x columns", degree=2),
    left_added=Slot(shape="rows x rows"),
    right_added=Slot(shape="columns x columns"),
    left_root=Slot(shape="rows x rows"),
    right_root=Slot(shape="columns x columns"),
    left_work=Slot(shape="rows x rows"),
    right_work=Slot(shape="columns x columns"),
    half=Slot(degree=1),
    moved=Slot(degree=1),
    learning_rate=Hyper(tune="log", low=0.0),
    eps=Hyper(1e-4, low=0.0, degree=2),
):
    for k in range(layers.shape[0]):
        slope = layer(grad, layers, k)
        added, root = rows_by_rows(left_added, layers, k), rows_by_rows(left_root, layers, k)
        multiply(slope, slope.T, added)
        work = rows_by_rows(left_work, layers, k)
        size = root_of(rows_by_rows(left, layers, k), added, root, work, eps)
        between = layer(half, layers, k)
        multiply(root, slope, between)
        added = columns_by_columns(right_added, layers, k)
        root = columns_by_columns(right_root, layers, k)
        multiply(slope.T, slope, added)
        work = columns_by_columns(right_work, layers, k)
        other = root_of(columns_by_columns(right, layers, k), added, root, work, eps)
        multiply(between, root, layer(moved, layers, k))
        scale = sqrt(sqrt(size)) * sqrt(sqrt(other))
        rate = learning_rate / scale if scale > 0.0 else 0.0
        for i in range(layers[k, 0], layers[k, 0] + layers[k, 1] * layers[k, 2]):
            theta[i] -= rate * moved[i]
