"""S1-13: large steps trade a small norm for a small sharpness."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import regression, start

SHARES = np.geomspace(0.05, 2.0, 25)  # of the critical rate

TITLES = {
    "sharpness": "Beyond the edge of stability the sharpness is 2 / rate",
    "L1 norm": "Beyond the edge of stability the L1 norm rises",
}


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
    cost="normal",
    tags=("regression", "diagonal", "implicit_bias", "edge_of_stability"),
    perturbation={"optimizer": "heavy_ball"},
    then_fails="least eta sharpness",
    remarks="Rates are shares of the critical rate, 2 / the sharpness at the limit of gradient "
    "flow; a run counts when its loss falls to 1e-20: the others diverge, or wander where no "
    "minimum is flat enough.",
)
def edge_of_stability(
    optimizer: str = "gradient_descent", seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure 5 equations for 20 unknowns, 25 rates from 0.05 to 2 times the critical one."""
    from optbench.references import hypentropy

    generator = np.random.Generator(np.random.PCG64(seed))
    features = generator.standard_normal((5, 20)) / np.sqrt(5.0)
    sparse = np.zeros(20)
    sparse[:2] = 2.0, -1.0
    flow = hypentropy(features, features @ sparse, 0.05**2).solution
    # u^2 + v^2 = sqrt(w^2 + 4 alpha^4) at the limit of the flow, where u v = alpha^2
    flow_sharpness = sharpness(features, np.sqrt(flow**2 + 4.0 * 0.05**4)[None])[0]
    rates = SHARES * 2.0 / flow_sharpness
    chunk = start(
        regression(features, features @ sparse),
        "diagonal:depth=2,scale=0.05",
        optimizer,
        [{"learning_rate": rate} for rate in rates],
    )
    chunk.advance(300_000)
    arrived = chunk.runs.loss < 1e-20
    u, v = np.split(np.where(arrived[:, None], chunk.runs.theta, 0.0), 2, axis=1)
    sharp = np.where(arrived, sharpness(features, u**2 + v**2), np.nan)
    norm = np.where(arrived, np.abs(u**2 - v**2).sum(axis=1), np.nan)
    ratio, rise = rates / 2.0 * sharp, norm / np.abs(flow).sum() - 1.0
    below, above = SHARES < 0.9, SHARES > 1.1
    yield Check.reported("rates beyond the critical one that converge", arrived[above].sum())
    yield Check.at_most("largest eta sharpness / 2", np.nanmax(ratio), 1.001, 1.0)
    # one may also go on to a minimum that is much flatter than it must be
    beyond = largest(-ratio[above])
    yield Check.at_least("least eta sharpness / 2 beyond the critical eta", -beyond, 0.95, 1.0, 0.9)
    yield Check.reported("rise of the L1 norm below the critical eta", largest(rise[below]))
    change = largest(rise[above]) / largest(rise[below])
    yield Check.at_least("rise of the L1 norm above the critical eta over that below", change, 1.0)
    yield picture("sharpness", rates, sharp, np.minimum(2.0 / rates, flow_sharpness))
    yield picture("L1 norm", rates, norm, np.full(rates.size, np.abs(flow).sum()))


def largest(values: np.ndarray) -> float:
    """Return the largest number, nan when there is none."""
    numbers = values[np.isfinite(values)]
    return float(numbers.max()) if numbers.size else np.nan


def picture(name: str, rates: np.ndarray, measured: np.ndarray, predicted: np.ndarray) -> Curve:
    """A quantity at the end by learning rate: that of gradient flow until 2 / eta forbids it."""
    bound = "gradient flow, at most 2 / rate" if name == "sharpness" else "gradient flow"
    return Curve(
        TITLES[name],
        "learning rate",
        f"{name} at the end",
        rates.tolist(),
        {"gradient descent": measured.tolist()},
        {bound: predicted.tolist()},
    )


def sharpness(features: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Largest eigenvalue of 4 X diag(squares) X^T for each row of squares (K, d)."""
    kernels = 4.0 * np.einsum("ij,kj,lj->kil", features, squares, features)
    return np.asarray(np.linalg.eigvalsh(kernels)[:, -1])
