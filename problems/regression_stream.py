"""A stream of noisy linear samples: y = w*.x + noise e, seen one after the other.

The features have standard deviations from 0.3 to 3 (geometric), w* and e are standard normal.
Stochastic optimizers read row after row: a horizon of ``samples`` steps of batch 1 is one pass.
Recorded losses are the mean over the whole stream; no estimate of w* from t samples can have a
smaller mean error than noise^2 d / (2 t) (Cramer-Rao), in units of the population loss.
"""

import numpy as np

from optbench import Instance, UserError, problem
from optbench.losses import squared_error


@problem(
    reference="Rattray, Saad 1999, arXiv:cond-mat/9901212",
    references=("minimizer",),
    metrics=("distance_minimizer",),
    default=(),  # for stochastic optimizers
)
def regression_stream(samples=4000, d=20, noise=0.5, seed=0):
    """Build the stream as rows that are read in order; ``seed`` also draws w*."""
    if d < 1 or samples < d:
        raise UserError(f"regression_stream: samples={samples} must be at least d={d}, which >= 1")
    if not noise >= 0.0:
        raise UserError(f"regression_stream: noise={noise:g} must not be negative")
    from optbench import references

    generator = np.random.Generator(np.random.PCG64(seed))
    teacher = generator.standard_normal(d)
    features = generator.standard_normal((samples, d)) * np.geomspace(0.3, 3.0, d)
    targets = features @ teacher + noise * generator.standard_normal(samples)
    scale = 1.0 / samples
    minimizer = references.least_squares(features, targets)
    residual = features @ minimizer.solution - targets
    hessian = scale * features.T @ features
    return Instance(
        problem="regression_stream",
        features=features,
        targets=targets,
        kind="other",
        row=squared_error,
        scale=scale,
        references={"minimizer": lambda: minimizer},
        optimal_value=lambda: 0.5 * scale * float(residual @ residual),
        smoothness=lambda: float(np.linalg.eigvalsh(hessian)[-1]),
        inverse_fisher=lambda: np.linalg.inv(hessian),
        in_order=True,
        seeded=True,
        facts={"n": samples, "d": d, "source": f"Gaussian stream, seed {seed}", "noise": noise},
    )
