"""A chain of scalars: minimise 1/2 (w - target)^2, w = theta_L ... theta_1.

The smallest deep network.  From equal layers gradient flow follows x' = L x^(2 - 2/L) (1 - x) for
x = w / target = 1: the deeper the chain and the smaller its start, the longer it stays near 0.
The layers of ``deep_linear`` start with random signs: gradient descent from a product of the wrong
sign ends at the saddle w = 0.  ``--parametrization nonnegative:depth=3`` starts them all equal.
"""

import numpy as np

from optbench import Instance, Option, UserError, problem
from optbench.losses import squared_error


@problem(
    reference="Saxe, McClelland, Ganguli 2013, arXiv:1312.6120",
    references=("minimizer",),
    metrics=("distance_minimizer",),
    examples=({"depth": 1},),
    default=(),  # one solution: which one is selected is no question
)
def scalar_chain(depth=3, target=1.0, scale=Option(0.4, unless={"depth": (1,)})):
    """Build the chain; its layers start at ``scale``, with random signs."""
    if depth < 1:
        raise UserError(f"scalar_chain: depth={depth} must be at least 1")
    if target == 0.0 or not np.isfinite(target):
        raise UserError(f"scalar_chain: target={target:g} must be a finite number other than 0")
    if not scale > 0.0:
        raise UserError(f"scalar_chain: scale={scale:g} must be positive")
    from optbench import references

    features, targets = np.ones((1, 1)), np.array([target])
    widths = "x".join(["1"] * (depth - 1))
    return Instance(
        problem="scalar_chain",
        features=features,
        targets=targets,
        kind="other",
        row=squared_error,
        references={"minimizer": lambda: references.least_squares(features, targets)},
        optimal_value=float,
        smoothness=lambda: 1.0,
        parametrization=f"deep_linear:widths={widths},scale={scale:g}" if widths else "linear",
        facts={"n": 1, "d": 1, "source": "one number", "depth": depth},
    )
