"""Matrix completion: fit a matrix W to some entries, or random projections, of one of low rank.

Minimise the mean of (<A_i, W> - b_i)^2 / 2 over the measurements: A_i picks an entry, or is
Gaussian (matrix sensing).  The predictor is W row by row, and far more matrices fit than one.
References: least L2 (Frobenius) norm, which leaves unseen entries at 0; least nuclear norm; and the
hidden matrix.  ``--parametrization deep_linear:outputs=ROWS,widths=10x10,scale=0.1`` has the bias
towards low rank that the L2 norm lacks.  The least spectral norm that fits is not solved here, and
no row is compared with it.
"""

import numpy as np

from optbench import Instance, Option, UserError, problem
from optbench.losses import squared_error


@problem(
    reference="Gunasekar, Woodworth, Bhojanapalli, Neyshabur, Srebro 2017, arXiv:1705.09280",
    references=("l2", "nuclear", "hidden"),
    metrics=(
        "norm_excess_l2",
        "norm_excess_nuclear",
        "distance_l2",
        "distance_nuclear",
        "distance_hidden",
        "effective_rank",
        "stable_rank",
        "residual",
    ),
    default=(),  # 900 parameters: named where it is wanted
    examples=({"measurements": "gaussian", "rows": 5, "columns": 4},),
)
def matrix_completion(
    measurements=Option("entries", choices=("entries", "gaussian")),
    rows=30,
    columns=30,
    rank=2,
    observed=0.3,
    seed=0,
):
    """Build the measurements; ``observed`` is their number over that of the entries."""
    size = rows * columns
    if min(rows, columns) < 1 or not 1 <= rank <= min(rows, columns):
        raise UserError(
            f"matrix_completion: rank={rank} must be at least 1 and at most rows={rows} and "
            f"columns={columns}"
        )
    count = round(observed * size)
    if not 1 <= count < size:
        raise UserError(f"matrix_completion: observed={observed:g} of {size} entries must be some "
                        "but not all")  # fmt: skip
    generator = np.random.Generator(np.random.PCG64(seed))
    hidden = generator.standard_normal((rows, rank)) @ generator.standard_normal((rank, columns))
    features = MEASUREMENTS[measurements](count, size, generator)
    targets = features @ hidden.ravel()
    return Instance(
        problem="matrix_completion",
        features=features,
        targets=targets,
        kind="regression",
        row=squared_error,
        layers=[(0, rows, columns)],
        scale=1.0 / count,
        references=solutions(features, targets, hidden),
        optimal_value=float,
        smoothness=lambda: spectral_norm(features) ** 2 / count,
        seeded=True,
        facts={
            "n": count,
            "d": size,
            "source": f"{measurements} of a Gaussian product, seed {seed}",
            "outputs": rows,
            "rank": rank,
        },
    )


def entries(count, size, generator):
    """Rows of the identity: ``count`` entries without repetition."""
    import scipy.sparse as sparse

    seen = np.sort(generator.permutation(size)[:count])
    return sparse.csr_array((np.ones(count), (np.arange(count), seen)), shape=(count, size))


def gaussian(count, size, generator):
    """Gaussian matrices A_i, row by row."""
    return generator.standard_normal((count, size))


MEASUREMENTS = {"entries": entries, "gaussian": gaussian}


def solutions(features, targets, hidden):
    """References by name."""
    from optbench import references
    from optbench.references.nuclear_norm import least_nuclear_norm

    return {
        "l2": lambda: references.least_norm(features, targets, 2.0),
        "nuclear": lambda: least_nuclear_norm(features, targets, hidden.shape),
        "hidden": lambda: references.Reference(
            name="hidden",
            kind="interpolant",
            norm=None,
            solution=hidden.ravel(),
            value=0.0,
            bound=0.0,
            gap=0.0,
            dual=np.zeros(0),
            unique=False,
        ),
    }


def spectral_norm(features):
    """Largest singular value of dense features, 1 for entries."""
    return float(np.linalg.norm(features, 2)) if isinstance(features, np.ndarray) else 1.0
