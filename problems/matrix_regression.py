"""Regression with several outputs: minimise 1/2 ||X W^T - Y||_F^2 over matrices W.

The targets come from a linear teacher of low rank and noise.  The predictor is W row by row, one
row an output; ``--parametrization deep_linear:outputs=K,widths=8`` makes it a deep linear network.
References: with at least as many samples as inputs the minimizer, and the best W of lower rank
(reduced-rank regression), where deep networks rest on their way; with fewer samples the
interpolant of least L2 (Frobenius) norm, X^+ Y.  As the outputs share their inputs, that one also
has the least nuclear norm, and the least of every norm that rotations leave unchanged.
"""

import numpy as np

from optbench import Instance, Option, UserError, problem
from optbench.losses import squared_errors


@problem(
    reference="Izenman 1975, doi:10.1016/0047-259X(75)90042-1",
    references=("minimizer", "l2", "rank*"),
    metrics=(
        "norm_excess_l2",
        "distance_l2",
        "distance_minimizer",
        "distance_rank*",
        "effective_rank",
        "stable_rank",
        "residual",
    ),
    default=(),  # least squares again: linear_regression stands for it
    examples=({"n": 4},),
)
def matrix_regression(
    n=30,
    d=6,
    outputs=4,
    rank=2,
    noise=0.1,
    loss=Option("sum", choices=("sum", "mean")),
    seed=0,
):
    """Build Gaussian data; ``loss=mean`` divides by samples times outputs (2304.05187)."""
    if min(n, d, outputs) < 1:
        raise UserError(f"matrix_regression: n={n}, d={d} and outputs={outputs} must be at least 1")
    if not 1 <= rank <= min(d, outputs):
        raise UserError(
            f"matrix_regression: rank={rank} must be between 1 and {min(d, outputs)}, the smaller "
            "of d and outputs"
        )
    generator = np.random.Generator(np.random.PCG64(seed))
    inputs = generator.standard_normal((n, d))
    teacher = generator.standard_normal((outputs, rank)) @ generator.standard_normal((rank, d))
    teacher /= np.sqrt(rank * d)
    targets = inputs @ teacher.T + noise * generator.standard_normal((n, outputs))
    scale = 1.0 / (n * outputs) if loss == "mean" else 1.0
    references, optimal_value = solutions(inputs, targets, scale)
    return Instance(
        problem="matrix_regression",
        features=inputs,
        targets=targets,
        outputs=outputs,
        kind="regression",
        row=squared_errors,
        scale=scale,
        references=references,
        optimal_value=optimal_value,
        smoothness=lambda: scale * np.linalg.norm(inputs, 2) ** 2,
        seeded=True,
        facts={
            "n": n,
            "d": d * outputs,
            "source": f"linear teacher, seed {seed}",
            "outputs": outputs,
            "rank": rank,
            "noise": noise,
        },
    )


def solutions(inputs, targets, scale):
    """References by name, and the optimal value."""
    from dataclasses import replace

    from optbench import references
    from optbench.references.reduced_rank import reduced_rank

    count, dimension = inputs.shape
    largest = min(count, dimension, targets.shape[1])

    def best(rank):
        return reduced_rank(inputs, targets, rank)

    found = {f"rank{k}": lambda k=k: best(k) for k in range(1, largest)}
    if count < dimension:
        return {"l2": lambda: references.least_norm_of_outputs(inputs, targets)} | found, float
    first = {"minimizer": lambda: replace(best(largest), name="minimizer")}
    return first | found, lambda: scale * best(largest).value
