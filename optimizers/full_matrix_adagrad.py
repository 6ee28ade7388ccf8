"""AdaGrad with the full matrix (Duchi, Hazan, Singer 2011).

G <- G + g g^T;  theta <- theta - learning_rate (G^+)^(1/2) g, G^+ the pseudo-inverse.

It commutes with rotations, so that theta stays in the span of the data, which the diagonal form
leaves.  Kept are orthogonal rows r_k with G = sum_k r_k r_k^T: the new g is rotated into them,
pair by pair, until all are orthogonal again (one-sided Jacobi); without forming G, its small
eigenvalues keep their digits.  Rows shorter than ``cutoff`` times the longest count as zero.
"""

from math import copysign, sqrt

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Duchi, Hazan, Singer 2011, JMLR 12:2121; "
    "bias: Shah, Basu, Kyrillidis, Sanghavi 2020, arXiv:2011.14066",
    selects={"nonseparable": "l2", "regression": "l2"},
    condition="from zero: steps stay in the span of the data",
    homogeneous=True,
    default=False,
    convention="the paper's with delta = 0: it divides by delta I + G^(1/2); here what G does not "
    "reach is left alone",
)
def full_matrix_adagrad(
    theta,
    grad,
    rows=Slot(shape="matrix", degree=1),
    rest=Slot(degree=1),
    learning_rate=Hyper(tune="log", low=0.0),
    cutoff=Hyper(1e-6, low=0.0, high=1.0),
):
    size = theta.size
    for i in range(size):
        rest[i] = grad[i]
    longest = 0.0
    rotated = True
    sweeps = 0
    while rotated and sweeps < 30:
        rotated = False
        sweeps += 1
        for p in range(size):
            for q in range(p + 1, size + 1):
                upper = rows[p]
                lower = rows[q] if q < size else rest
                first = 0.0
                second = 0.0
                product = 0.0
                for i in range(size):
                    first += upper[i] * upper[i]
                    second += lower[i] * lower[i]
                    product += upper[i] * lower[i]
                # long rows move up: of size + 1 orthogonal rows the last, which is lost, is zero
                exchange = second > 2.0 * first
                if exchange:
                    first, second = second, first
                if p == 0:
                    longest = sqrt(first)
                orthogonal = abs(product) <= 1e-15 * sqrt(first) * sqrt(second)
                noise = sqrt(second) <= 1e-14 * longest
                if exchange or not (orthogonal or noise):
                    rotated = True
                    tangent = 0.0
                    if product != 0.0:
                        slope = 0.5 * (first - second) / product
                        tangent = copysign(1.0, slope) / (abs(slope) + sqrt(1.0 + slope * slope))
                    cosine = 1.0 / sqrt(1.0 + tangent * tangent)
                    for i in range(size):
                        x = lower[i] if exchange else upper[i]
                        y = upper[i] if exchange else lower[i]
                        upper[i] = cosine * (x + tangent * y)
                        lower[i] = cosine * (y - tangent * x)
    for p in range(size):
        along = 0.0
        square = 0.0
        for i in range(size):
            along += rows[p, i] * grad[i]
            square += rows[p, i] * rows[p, i]
        length = sqrt(square)
        if length > cutoff * longest:
            for i in range(size):
                theta[i] -= learning_rate * (along / square) * (rows[p, i] / length)
