"""S0-11: what weight decay makes of a deep linear network."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import decay_rate, start

MODES = np.array([3.0, 2.0, 1.0, 0.4])
ETA = 0.01


@claim(
    id="S0-11",
    title="Error bound analysis for the regularized loss of deep linear neural networks",
    citation="Chen, Jiang, Wang 2025",
    arxiv="2502.11152",
    background="Weight decay on the layers of a deep linear network changes which solutions "
    "exist: small singular values of the target are cut off, and the others shrink "
    "to the root of a polynomial. The paper finds all critical points and shows "
    "when gradient descent is linear; one exceptional value of the decay makes it "
    "sublinear, which is measured too.",
    statement="The critical points of the squared loss with weight decay are known in closed form; "
    "gradient descent converges to them linearly, unless a singular value of the target is "
    "exactly critical.",
    formula="each singular value of the product is 0 or s^L with s^(2L-2) - sigma s^(L-2) + decay "
    "= 0; L = 2: (sigma - decay)_+, sublinear when sigma = decay (our derivation)",
    cost="normal",
    tags=("matrix", "deep_linear", "weight_decay", "rate"),
    perturbation={"decay_factor": 0.0},
    then_fails="depth 3: largest distance",
    remarks="The tolerance of the linear rates, 5 %, is ours. The rate is that "
    "of the distance of all weights to where they end. The start is 0.5 times standard normal "
    "numbers; the sublinear case is one mode with sigma = decay = 1 from u = v = 1.",
)
def weight_decay_and_rank(decay_factor: float = 1.0, seed: int = 0) -> Iterator[Check | Curve]:
    """Measure singular values 3, 2, 1, 0.4 (4 x 5, seed 0), width 6, eta = 0.01.

    ``decay_factor`` multiplies the weight decay, but not what it is compared with.
    """
    grid = np.union1d(np.linspace(0.0, 3.2, 97), MODES)
    measured, predicted = {}, {}
    for depth, decay in ((2, 0.5), (3, 0.5), (4, 0.3)):
        values = yield from critical_values(depth, decay, decay_factor, seed)
        at, name = np.full(grid.size, np.nan), f"depth {depth}, decay {decay:g}"
        at[np.searchsorted(grid, MODES[::-1])] = values[::-1]
        measured[name] = at.tolist()
        predicted[name] = [roots(depth, decay, sigma)[-1] for sigma in grid]
    yield Curve(
        "Weight decay removes small singular values and shrinks large ones",
        "singular value of the target",
        "singular value of the product",
        grid.tolist(),
        measured,
        predicted,
    )
    if seed == 0:  # nothing is random there
        yield from critical_decay(decay_factor)


def roots(depth: int, decay: float, sigma: float) -> list[float]:
    """Return 0 and s^L for the largest positive root s of s^(2L-2) - sigma s^(L-2) + decay = 0."""
    if depth == 2:
        return [max(sigma - decay, 0.0)]
    polynomial = np.zeros(2 * depth - 1)
    polynomial[0], polynomial[depth], polynomial[-1] = 1.0, -sigma, decay
    found = np.roots(polynomial)
    real = found[(np.abs(found.imag) < 1e-9) & (found.real > 0.0)].real
    return [0.0] + ([float(real.max()) ** depth] if real.size else [])


def critical_values(
    depth: int, decay: float, decay_factor: float, seed: int
) -> Generator[Check, None, np.ndarray]:
    """Singular values at the end, returned, against the roots; the rate at which they come."""
    from optbench.claims.simulation.network import network, product

    generator = np.random.Generator(np.random.PCG64(seed))
    left = np.linalg.qr(generator.standard_normal((4, 4)))[0]
    right = np.linalg.qr(generator.standard_normal((5, 5)))[0]
    target = (left * MODES) @ right[:, :4].T
    widths = (5, *[6] * (depth - 1), 4)
    instance = network(widths, np.eye(5), target, decay=decay_factor * decay)
    theta = 0.5 * generator.standard_normal(instance.dimension)
    chunk = start(instance, "linear", "gradient_descent", [{"learning_rate": ETA}], theta)
    horizon = 20_000
    chunk.advance(horizon, steps=np.arange(0, horizon + 1, 20))
    last = product(chunk.runs.theta[0], widths)
    rotated = left.T @ last @ right
    values = np.diag(rotated)
    error = max(
        min(abs(value - root) for root in roots(depth, decay, sigma))
        for value, sigma in zip(values, MODES, strict=True)
    )
    yield Check.at_most(f"depth {depth}: largest distance of a mode to its roots", error, 1e-4)
    mixed = np.abs(rotated[~np.eye(4, 5, dtype=bool)]).max()
    yield Check.at_most(f"depth {depth}: largest part across the target's modes", mixed, 1e-4)
    distance = np.linalg.norm(chunk.records.snapshots[:, 0] - chunk.runs.theta[0], axis=1)
    tail = (distance < 1e-5 * distance[0]) & (distance > 1e-10 * distance[0])
    times = chunk.records.steps * ETA
    rate = decay_rate(times[tail], np.log(distance[tail]))
    predicted = float(np.abs(decay - MODES).min()) if depth == 2 else decay
    yield Check.close(f"depth {depth}: rate per unit time", rate, predicted, 0.05)
    return np.asarray(values)


def critical_decay(decay_factor: float) -> Iterator[Check | Curve]:
    """Depth 2, one mode with sigma = decay = 1: u = (2 t)^(-1/2)."""
    from optbench.claims.simulation.network import network

    instance = network((1, 1, 1), np.eye(1), np.eye(1), decay=decay_factor)
    chunk = start(instance, "linear", "gradient_descent", [{"learning_rate": ETA}], np.ones(2))
    chunk.advance(1_000_000)
    predicted = (2.0 * ETA * 1e6) ** -0.5
    yield Check.close("sigma = decay: u at t = 1e4", chunk.runs.theta[0, 0], predicted, 0.02)
    times = chunk.records.steps[1:] * ETA
    yield Curve(
        "A singular value equal to the decay fades like a power of time",
        "time (steps x learning rate)",
        "weight u of a layer",
        times.tolist(),
        {"gradient descent": chunk.records.snapshots[1:, 0, 0].tolist()},
        {"(2 t)^(-1/2)": ((2.0 * times) ** -0.5).tolist()},
        log="xy",
    )
