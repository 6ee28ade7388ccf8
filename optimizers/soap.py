"""SOAP: Adam in the eigenvectors of Shampoo's preconditioners (Vyas et al. 2024).

For each weight matrix W with gradient G and orthogonal matrices P, Q:
M <- beta1 M + (1 - beta1) G;  V <- beta2 V + (1 - beta2) (P^T G Q)^2;
W <- W - learning_rate P ((P^T M Q)_hat / (sqrt(V_hat) + eps)) Q^T;
L <- beta2 L + (1 - beta2) G G^T;  R <- beta2 R + (1 - beta2) G^T G;
every frequency steps the columns of P are ordered by p.L p, and P <- qr(L P); so are Q and R.

The first step finds the eigenvectors P, Q of G G^T and G^T G and moves nothing.  Where these, or
L P and R Q, lack full rank, no formula says what the last columns are: they stay as they are, as
far as those before let them, and begin along the axes.
"""

from math import sqrt

from optbench import Hyper, Slot, optimizer
from optbench.linear_algebra import (
    columns_by_columns,
    layer,
    multiply,
    rows_by_rows,
    symmetric_eigen,
)


def mix(average, added, beta):
    """Average <- beta average + (1 - beta) added."""
    for i in range(average.shape[0]):
        for j in range(average.shape[1]):
            average[i, j] = beta * average[i, j] + (1.0 - beta) * added[i, j]


def turn(left, matrix, right, between, out):
    """Write left matrix right to ``out``."""
    multiply(left, matrix, between)
    multiply(between, right, out)


NULL = 1e-10  # of the largest: of what is smaller, rounding has changed the direction


def left_over(columns, a, basis):
    """Subtract from a column what lies along those of ``basis`` before it; return what is left."""
    size = columns.shape[0]
    for _ in range(2):  # the second time it is orthogonal to rounding
        for b in range(a):
            along = 0.0
            for i in range(size):
                along += basis[i, b] * columns[i, a]
            for i in range(size):
                columns[i, a] -= along * basis[i, b]
    left = 0.0
    for i in range(size):
        left += columns[i, a] * columns[i, a]
    return sqrt(left)


def orthonormalize(columns, basis):
    """Turn ``columns`` into ``basis``; where nothing is left, from the one there, or an axis."""
    size = columns.shape[0]
    largest = 0.0
    for i in range(size):
        for a in range(size):
            largest = max(largest, abs(columns[i, a]))
    for i in range(size):
        for a in range(size):
            columns[i, a] = columns[i, a] / largest if largest > 0.0 else 0.0
    for a in range(size):
        left = left_over(columns, a, basis)
        if left <= NULL:
            for i in range(size):
                columns[i, a] = basis[i, a]
            left = left_over(columns, a, basis)
            axis = 0
            while left < 0.5 / sqrt(size) and axis < size:
                for i in range(size):
                    columns[i, a] = 1.0 if i == axis else 0.0
                left = left_over(columns, a, basis)
                axis += 1
        for i in range(size):
            basis[i, a] = columns[i, a] / left if left > 0.0 else 0.0
            columns[i, a] = 0.0  # without a unit: nothing of it stays beside what has one


def first_basis(matrix, basis, work):
    """Write the eigenvectors of a matrix to the columns of ``basis``, the largest first."""
    size = matrix.shape[0]
    for i in range(size):
        for j in range(size):
            work[i, j] = matrix[i, j]
    symmetric_eigen(work, basis)  # vectors are rows
    for a in range(size):
        best = a
        for b in range(a + 1, size):
            best = b if work[b, b] > work[best, best] else best
        work[a, a], work[best, best] = work[best, best], work[a, a]
        for i in range(size):
            basis[a, i], basis[best, i] = basis[best, i], basis[a, i]
    largest = work[0, 0]
    for a in range(size):
        known = 1.0 if work[a, a] > NULL * largest else 0.0
        for i in range(size):
            basis[a, i] *= known
    for i in range(size):
        for j in range(size):
            work[i, j] = basis[j, i]
    for i in range(size):
        for j in range(size):
            basis[i, j] = 0.0
    orthonormalize(work, basis)


def next_basis(matrix, basis, work, squares):
    """Order the columns of ``basis``, and the rows of V, by the quotients; then take a QR step."""
    size = matrix.shape[0]
    multiply(matrix, basis, work)
    for a in range(size):
        best, most = a, -1.0
        for b in range(a, size):
            along = 0.0
            for i in range(size):
                along += basis[i, b] * work[i, b]
            if along > most:
                best, most = b, along
        for i in range(size):
            basis[i, a], basis[i, best] = basis[i, best], basis[i, a]
            work[i, a], work[i, best] = work[i, best], work[i, a]
        for j in range(squares.shape[1]):
            squares[a, j], squares[best, j] = squares[best, j], squares[a, j]
    orthonormalize(work, basis)


@optimizer(
    reference="Vyas, Morwani, Zhao, Kwun, Shapira, Brandfonbrener, Janson, Kakade 2024, "
    "arXiv:2409.11321",
    condition="the paper names no solution",
    homogeneous=True,
    symmetries=(),  # exchanging or flipping single entries changes singular values
    default=False,
    convention="the authors' code: bias corrected, first step without a move, frequency 10; on "
    "vectors they run Adam, here they are rows",
)
def soap(
    theta,
    grad,
    step,
    layers,
    momentum=Slot(degree=1),
    second_moment=Slot(degree=2),
    left=Slot(shape="rows x rows", degree=2),
    right=Slot(shape="columns x columns", degree=2),
    left_basis=Slot(shape="rows x rows"),
    right_basis=Slot(shape="columns x columns"),
    left_work=Slot(shape="rows x rows", degree=2),
    right_work=Slot(shape="columns x columns", degree=2),
    turned=Slot(),
    half=Slot(),
    learning_rate=Hyper(tune="log", low=0.0),
    beta1=Hyper(0.95, low=0.0, high=0.999999),
    beta2=Hyper(0.95, low=0.0, high=0.999999),
    eps=Hyper(1e-8, low=0.0, degree=1),
    frequency=Hyper(10, low=1, integer=True),
):
    first = learning_rate / (1.0 - beta1 ** (step - 1)) if step > 1 else 0.0
    second = 1.0 / (1.0 - beta2 ** (step - 1)) if step > 1 else 0.0
    for k in range(layers.shape[0]):
        slope, average = layer(grad, layers, k), layer(momentum, layers, k)
        squares, moved = layer(second_moment, layers, k), layer(turned, layers, k)
        between, weights = layer(half, layers, k), layer(theta, layers, k)
        of_rows, of_columns = rows_by_rows(left, layers, k), columns_by_columns(right, layers, k)
        P, Q = rows_by_rows(left_basis, layers, k), columns_by_columns(right_basis, layers, k)
        rows, columns = (
            rows_by_rows(left_work, layers, k),
            columns_by_columns(right_work, layers, k),
        )
        if step > 1:
            turn(P.T, slope, Q, between, moved)
            for i in range(moved.shape[0]):
                for j in range(moved.shape[1]):
                    moved[i, j] *= moved[i, j]
            mix(squares, moved, beta2)
            mix(average, slope, beta1)
            turn(P.T, average, Q, between, moved)
            for i in range(moved.shape[0]):
                for j in range(moved.shape[1]):
                    scale = sqrt(second * squares[i, j]) + eps
                    moved[i, j] = first * moved[i, j] / scale if scale > 0.0 else 0.0
            turn(P, moved, Q.T, between, moved)
            for i in range(moved.shape[0]):
                for j in range(moved.shape[1]):
                    weights[i, j] -= moved[i, j]
        multiply(slope, slope.T, rows)
        mix(of_rows, rows, beta2)
        multiply(slope.T, slope, columns)
        mix(of_columns, columns, beta2)
        if step == 1:
            first_basis(of_rows, P, rows)
            first_basis(of_columns, Q, columns)
        elif (step - 1) % frequency == 0:
            next_basis(of_rows, P, rows, squares)
            next_basis(of_columns, Q, columns, squares.T)
