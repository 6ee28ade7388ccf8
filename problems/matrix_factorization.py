"""Matrix factorization: minimise 1/2 ||W - M||_F^2 with W = W_L ... W_1.

Linear regression on whitened inputs.  The predictor is W row by row; the solution M is unique, and
the question is the path: from a small start a deep linear network learns the singular values one
after the other, resting near the best matrices of rank 1, 2, ... (Eckart and Young), which are the
references.  ``--parametrization deep_linear:outputs=ROWS,widths=8`` factorizes.
"""

import numpy as np

from optbench import Instance, Option, UserError, problem
from optbench.losses import squared_errors


@problem(
    reference="Gidel, Bach, Lacoste-Julien 2019, arXiv:1904.13262",
    references=("minimizer", "rank*"),
    metrics=(
        "distance_minimizer",
        "distance_rank*",
        "effective_rank",
        "stable_rank",
        "residual",
    ),
    default=(),  # one solution: which one is selected is no question
)
def matrix_factorization(singular_values=Option("4x2x1x0.5"), rows=6, columns=8, seed=0):
    """Build M = U diag(singular values) V^T with random orthogonal U and V."""
    modes = parse(singular_values)
    if min(rows, columns) < modes.size:
        raise UserError(
            f"matrix_factorization: {modes.size} singular values need at least as many rows and "
            f"columns; given are rows={rows} and columns={columns}"
        )
    generator = np.random.Generator(np.random.PCG64(seed))
    left = np.linalg.qr(generator.standard_normal((rows, rows)))[0][:, : modes.size]
    right = np.linalg.qr(generator.standard_normal((columns, columns)))[0][:, : modes.size]
    target = (left * modes) @ right.T
    size = rows * columns
    return Instance(
        problem="matrix_factorization",
        features=np.eye(columns),
        targets=np.ascontiguousarray(target.T),
        outputs=rows,
        kind="regression",
        row=squared_errors,
        references=solutions(target, modes.size),
        optimal_value=float,
        smoothness=lambda: 1.0,
        seeded=True,
        facts={
            "n": size,
            "d": size,
            "source": f"random singular vectors, seed {seed}",
            "outputs": rows,
            "rank": modes.size,
        },
    )


def parse(text):
    """Positive numbers joined by x, in decreasing order."""
    try:
        modes = np.array([float(part) for part in text.split("x")])
    except ValueError:
        modes = np.zeros(0)
    if modes.size == 0 or not (np.all(np.diff(modes) <= 0.0) and 0.0 < modes[-1] < np.inf):
        raise UserError(
            f"matrix_factorization: singular_values={text} must be positive numbers in decreasing "
            "order joined by x, such as 4x2x1x0.5"
        )
    return modes


def solutions(target, rank):
    """The target and the best approximations of lower rank, row by row."""
    from dataclasses import replace

    from optbench.references.reduced_rank import reduced_rank

    def best(k):
        return reduced_rank(np.eye(target.shape[1]), target.T, k)

    found = {"minimizer": lambda: replace(best(rank), name="minimizer")}
    return found | {f"rank{k}": lambda k=k: best(k) for k in range(1, rank)}
