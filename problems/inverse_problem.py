"""A linear inverse problem, learnt from samples: minimise 1/2 ||W Y - X||_F^2.

Signals X lie in a plane of few latent dimensions; the measurements Y = A X are fewer than the
unknowns.  W maps a measurement back to its signal and is only seen on the plane A X: what W does
off it stays where it started, unless weight decay removes it.  The predictor is W row by row.
Reference: X Y^+, the interpolant of least norm (L2, nuclear and every rotation-invariant one),
which is 0 off the plane.
"""

import numpy as np

from optbench import Instance, UserError, problem
from optbench.losses import squared_errors


@problem(
    reference="Laus, Parkinson, Charisopoulos, Krahmer, Willett 2025, arXiv:2502.15522",
    references=("l2",),
    metrics=("norm_excess_l2", "distance_l2", "effective_rank", "stable_rank", "residual"),
    default=(),  # one reference: made for deep networks and weight decay
)
def inverse_problem(measurements=6, unknowns=10, latent=2, samples=40, seed=0):
    """Build A Gaussian / sqrt(measurements), X = R Z with orthonormal R, ||X||_2 = 1."""
    from optbench import references

    if not 1 <= latent <= min(measurements, unknowns, samples):
        raise UserError(
            f"inverse_problem: latent={latent} must be at least 1 and at most "
            f"measurements={measurements}, unknowns={unknowns} and samples={samples}"
        )
    generator = np.random.Generator(np.random.PCG64(seed))
    sensing = generator.standard_normal((measurements, unknowns)) / np.sqrt(measurements)
    basis = np.linalg.qr(generator.standard_normal((unknowns, latent)))[0]
    signals = basis @ generator.standard_normal((latent, samples))
    signals = signals / np.linalg.norm(signals, 2)
    measured = sensing @ signals
    features, targets = np.ascontiguousarray(measured.T), np.ascontiguousarray(signals.T)
    return Instance(
        problem="inverse_problem",
        features=features,
        targets=targets,
        outputs=unknowns,
        kind="regression",
        row=squared_errors,
        references={"l2": lambda: references.least_norm_of_outputs(features, targets)},
        optimal_value=float,
        smoothness=lambda: np.linalg.norm(measured, 2) ** 2,
        seeded=True,
        facts={
            "n": samples,
            "d": measurements * unknowns,
            "source": f"Gaussian measurements, seed {seed}",
            "outputs": unknowns,
            "latent": latent,
        },
    )
