"""S1-13: large steps trade a small norm for a small sharpness."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import regression, start

RATES = np.geomspace(0.01, 1.0, 25)


@claim(
    id="S1-13",
    title="Conflicting biases at the edge of stability: norm versus sharpness regularization",
    citation="Matveev, Fojtik, Chou, Kutyniok, Maly 2025",
    arxiv="2505.21423",
    background="Large learning rates push gradient descent into flat regions: the sharpness "
    "ends just below 2/eta. On a diagonal network that fights with the bias towards "
    "small norms; up to a critical rate the norm stays, above it the flatness wins "
    "and the norm grows.",
    statement="On a diagonal network gradient descent ends at a sharpness of at most 2 / eta. "
    "Below a critical eta the L1 norm hardly depends on it; above, the sharpness is 2 / eta and "
    "the norm grows.",
    formula="eta ||J||_2^2 / 2 <= 1, with equality beyond the critical eta; J J^T = "
    "4 X diag(u^2 + v^2) X^T",
    cost="fast",
    tags=("regression", "diagonal", "implicit_bias", "edge_of_stability"),
    perturbation={"optimizer": "heavy_ball"},
    then_fails="largest eta sharpness",
    remarks="At eta = 1 rounding keeps the loss at 2e-23, above the 1e-24 that the other "
    "runs reach; the check on the final loss, at most 1e-20, is ours.",
)
def edge_of_stability(
    optimizer: str = "gradient_descent", seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure 5 equations for 20 unknowns (generator 5) for 25 step sizes, to rounding."""
    from optbench.references import hypentropy

    generator = np.random.Generator(np.random.PCG64(seed))
    features = generator.standard_normal((5, 20)) / np.sqrt(5.0)
    sparse = np.zeros(20)
    sparse[:2] = 2.0, -1.0
    chunk = start(
        regression(features, features @ sparse),
        "diagonal:depth=2,scale=0.05",
        optimizer,
        [{"learning_rate": rate} for rate in RATES],
    )
    chunk.advance(1_000_000)
    # at eta = 1 rounding, amplified 1e4 times by so slow a contraction, keeps the loss at 1e-23
    yield Check.at_most("largest final loss", chunk.runs.loss.max(), 1e-20)
    u, v = np.split(chunk.runs.theta, 2, axis=1)
    sharp = sharpness(features, u**2 + v**2)
    ratio = RATES / 2.0 * sharp
    norm = np.abs(chunk.runs.w).sum(axis=1)
    flow = hypentropy(features, features @ sparse, 0.05**2).solution
    # u^2 + v^2 = sqrt(w^2 + 4 alpha^4) at the limit of the flow, where u v = alpha^2
    flow_sharpness = sharpness(features, np.sqrt(flow**2 + 4.0 * 0.05**4)[None])[0]
    critical = 2.0 / flow_sharpness
    above = critical < RATES
    yield Check.at_most("largest eta sharpness / 2", ratio.max(), 1.001, predicted=1.0)
    yield Check.between(
        "least eta sharpness / 2 beyond the critical eta", ratio[above].min(), 0.95, 1.001
    )
    yield Check.at_least("least growth of the L1 norm in eta", np.diff(norm).min(), 0.0)
    rise = norm / norm[0] - 1.0
    yield Check.at_most("rise of the L1 norm below the critical eta", rise[~above].max(), 0.03)
    yield Check.at_least("rise of the L1 norm above it", rise[above].max(), 0.15)
    yield picture("sharpness", sharp, np.minimum(2.0 / RATES, flow_sharpness))
    yield picture("L1 norm", norm, np.full(RATES.size, np.abs(flow).sum()))


def picture(name: str, measured: np.ndarray, predicted: np.ndarray) -> Curve:
    """A quantity at the end by learning rate: that of gradient flow until 2 / eta forbids it."""
    bound = "gradient flow, at most 2 / eta" if name == "sharpness" else "gradient flow"
    return Curve(
        f"{name} at the end",
        "learning rate eta",
        name,
        RATES.tolist(),
        {"gradient descent": measured.tolist()},
        {bound: predicted.tolist()},
        log="x",
    )


def sharpness(features: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Largest eigenvalue of 4 X diag(squares) X^T for each row of squares (K, d)."""
    kernels = 4.0 * np.einsum("ij,kj,lj->kil", features, squares, features)
    return np.asarray(np.linalg.eigvalsh(kernels)[:, -1])
