"""Shampoo: a preconditioner for each side of a weight matrix (Gupta, Koren, Singer 2018).

For each weight matrix W with gradient G:  L <- L + G G^T;  R <- R + G^T G;
W <- W - learning_rate (L + eps I)^(-1/4) G (R + eps I)^(-1/4).

The Kronecker product of the two roots bounds the preconditioner of full-matrix AdaGrad.
"""

from optbench import Hyper, Slot, optimizer
from optbench.linear_algebra import (
    columns_by_columns,
    inverse_root,
    layer,
    multiply,
    rows_by_rows,
)


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
    left_root=Slot(shape="rows x rows"),
    right_root=Slot(shape="columns x columns"),
    left_work=Slot(shape="rows x rows"),
    right_work=Slot(shape="columns x columns"),
    gradient=Slot(),
    half=Slot(),
    learning_rate=Hyper(tune="log", low=0.0),
    eps=Hyper(1e-4, low=0.0, degree=2),
):
    for i in range(theta.size):
        gradient[i] = grad[i]
    for k in range(layers.shape[0]):
        slope, moved = layer(gradient, layers, k), layer(half, layers, k)
        rows, columns = slope.shape
        of_rows, of_columns = rows_by_rows(left, layers, k), columns_by_columns(right, layers, k)
        root, other = rows_by_rows(left_root, layers, k), columns_by_columns(right_root, layers, k)
        scratch, more = (
            rows_by_rows(left_work, layers, k),
            columns_by_columns(right_work, layers, k),
        )
        multiply(slope, slope.T, root)
        multiply(slope.T, slope, other)
        for i in range(rows):
            for j in range(rows):
                of_rows[i, j] += root[i, j]
        for i in range(columns):
            for j in range(columns):
                of_columns[i, j] += other[i, j]
        inverse_root(of_rows, 4.0, root, scratch, eps)
        inverse_root(of_columns, 4.0, other, more, eps)
        multiply(root, slope, moved)
        multiply(moved, other, slope)
    for i in range(theta.size):
        theta[i] -= learning_rate * gradient[i]
