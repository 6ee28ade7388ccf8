"""S1-13: large steps trade a small norm for a small sharpness."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claim import Check, claim
from optbench.claims.simulation import regression, start

RATES = np.geomspace(0.01, 1.0, 25)


@claim(
    id="S1-13",
    title="Conflicting biases at the edge of stability: norm versus sharpness regularization",
    citation="Matveev, Fojtik, Chou, Kutyniok, Maly 2025",
    arxiv="2505.21423",
    statement="On a diagonal network gradient descent ends at a sharpness of at most 2 / eta. Below "
    "a critical eta the L1 norm hardly depends on it; above, the sharpness is 2 / eta and the "
    "norm grows.",
    formula="eta ||J||_2^2 / 2 <= 1, with equality beyond the critical eta; J J^T = "
    "4 X diag(u^2 + v^2) X^T",
    cost="fast",
    tags=("regression", "diagonal", "implicit_bias", "edge_of_stability"),
)
def edge_of_stability(optimizer: str = "gradient_descent") -> Iterator[Check]:
    """Measure 5 equations for 20 unknowns (generator 5), 25 step sizes until a loss of 1e-24."""
    generator = np.random.Generator(np.random.PCG64(5))
    features = generator.standard_normal((5, 20)) / np.sqrt(5.0)
    sparse = np.zeros(20)
    sparse[:2] = 2.0, -1.0
    chunk = start(
        regression(features, features @ sparse),
        "diagonal:depth=2,scale=0.05",
        optimizer,
        [{"learning_rate": rate} for rate in RATES],
    )
    chunk.advance(200_000)
    print(chunk.status)
    u, v = np.split(chunk.runs.theta, 2, axis=1)
    kernels = 4.0 * np.einsum("ij,kj,lj->kil", features, u**2 + v**2, features)
    ratio = RATES / 2.0 * np.linalg.eigvalsh(kernels)[:, -1]
    norm = np.abs(chunk.runs.w).sum(axis=1)
    for r,s,n,l,L in zip(RATES, ratio,norm, chunk.runs.loss, chunk.stopped): print(r,s,n,l,L)
    yield Check.at_most("",0,1)
