"""A quadratic: minimise 1/2 (w - s)^T H (w - s) with a given spectrum of H.

H = Q diag(spectrum) Q^T; the spectrum runs from 1 to the condition number, evenly (linspace) or
geometrically (geomspace).  Q is the identity, or a random rotation.  The solution s is random,
standard normal, and runs start at 0: coordinates of equal size would let methods whose steps have
equal coordinates, such as sign descent and Adam's first step, end on it by one lucky step.  The
optimum is 0, and rates are known: (k - 1) / (k + 1) for gradient descent at 2 / (1 + k),
(sqrt k - 1) / (sqrt k + 1) for heavy ball.
"""

import numpy as np

from optbench import Instance, Option, UserError, problem
from optbench.losses import squared_error

SPECTRA = {"linspace": np.linspace, "geomspace": np.geomspace}


@problem(
    reference="Polyak 1964, doi:10.1016/0041-5553(64)90137-5",
    references=("minimizer",),
    metrics=("distance_minimizer",),
    default=(),  # one solution: which one is selected is no question
)
def quadratic(
    spectrum=Option("linspace", choices=tuple(SPECTRA)),
    kappa=100.0,
    d=50,
    rotated=False,
    seed=0,
):
    """Build the quadratic as least squares with the features diag(sqrt(spectrum)) Q^T."""
    if not kappa >= 1.0:
        raise UserError(f"quadratic: kappa={kappa:g} must be at least 1")
    if d < 2:
        raise UserError(f"quadratic: d={d} must be at least 2")
    from optbench import references

    curvatures = SPECTRA[spectrum](1.0, kappa, d)
    generator = np.random.Generator(np.random.PCG64(seed))
    minimizer = generator.standard_normal(d)
    rotation = np.eye(d)
    if rotated:
        rotation = np.linalg.qr(generator.standard_normal((d, d)))[0]
    features = np.sqrt(curvatures)[:, None] * rotation.T
    targets = features @ minimizer
    return Instance(
        problem="quadratic",
        features=features,
        targets=targets,
        kind="other",
        row=squared_error,
        references={"minimizer": lambda: references.least_squares(features, targets)},
        optimal_value=float,
        smoothness=lambda: kappa,
        inverse_fisher=lambda: (rotation / curvatures) @ rotation.T,
        seeded=True,
        facts={"n": d, "d": d, "source": f"{spectrum} spectrum", "condition_number": kappa},
    )
