"""S3-19: natural gradient descent does not see the parametrization: depth loses its bias."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import regression, start

RATES = (0.2, 0.05, 0.0125)  # times 1 / ||X||^2: eta, eta / 4, eta / 16
DURATION = 160.0
EQUAL = np.ones(12)
Array = np.ndarray
Starts = dict[str, tuple[str, Array | None]]  # parametrization and theta


@claim(
    id="S3-19",
    title="Depth without the magic: inductive bias of natural gradient descent",
    citation="Kerekes, Meszaros, Huszar 2021",
    arxiv="2111.11542",
    background="Gradient descent on products of weights prefers sparse or low-rank solutions: a "
    "bias of the parametrization. The natural gradient measures steps by how they change the "
    "model, not its parameters, so that to first order in the rate the parametrization drops out, "
    "and with it the bias.",
    statement="Natural gradient descent removes the effect of the parametrization: linear, "
    "diagonal and deep linear models follow the same path to the least norm in the metric of "
    "the inputs, and the sparse bias that gradient descent has on the diagonal one is lost.",
    formula="dw = -eta Sigma^-1 dL/dw + O(eta^2) for F = J^T Sigma J; "
    "limit: least ||w||_Sigma with X w = y",
    cost="normal",
    tags=("regression", "natural_gradient", "diagonal", "deep_linear"),
    seeds=10,
    perturbation={"optimizer": "gradient_descent"},
    then_fails="diagonal, eta = 0.0125",
    remarks="X is Gaussian, so that Sigma = I, and the path of w is known in closed form; the "
    "limit is also checked in the metric of another Sigma. Distances are divided by "
    "the largest entry of the whole path. The deep network starts at an orthogonal W1 and "
    "W2 = 0, the diagonal one at u = v = 0.1: all paths start at w = 0.",
)
def natural_gradient_and_depth(
    optimizer: str = "natural_gradient", seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure on 8 equations for 12 unknowns, two of them 1 and the others 0."""
    generator = np.random.Generator(np.random.PCG64(seed))
    features, sparse = generator.standard_normal((8, 12)), np.repeat([1.0, 0.0], [2, 10])
    targets = features @ sparse
    first = np.linalg.qr(generator.standard_normal((12, 12)))[0]
    starts: Starts = {
        "linear": ("linear", None),
        "diagonal": ("diagonal:scale=0.1", None),
        "deep linear": ("deep_linear:widths=12", np.r_[first.ravel(), np.zeros(12)]),
    }
    least = np.linalg.lstsq(features, targets, rcond=None)[0]
    paths: dict[str, Array] = {}
    missed: dict[str, float] = {}
    for name, (parameters, theta) in starts.items():
        gaps = []
        for rate in RATES:
            steps, path = follow(features, targets, parameters, optimizer, rate, theta)
            exact = closed_form(features, targets, rate, steps)
            gaps.append(float(np.abs(path - exact).max() / np.abs(exact).max()))
            check = f"{name}, eta = {rate:g} / ||X||^2: distance to the path of w"
            if name == "linear":
                yield Check.at_most(check, gaps[-1], 1e-12)
            elif rate == RATES[-1]:
                # of first order in the rate: a step moves w by up to 0.0125 of its way
                yield Check.at_most(check, gaps[-1], rate)
            else:
                yield Check.reported(check, gaps[-1])
        if name != "linear":
            check = f"{name}: distance at eta / 16 over that at eta"
            yield Check.below(check, gaps[2] / gaps[0], 1.0, 1.0 / 16.0)
        paths[name] = path
        # along small singular values of X the way is long: so far as w itself has come
        gap = np.linalg.norm(path[-1] - exact[-1]) / np.linalg.norm(least)
        yield Check.at_most(
            f"{name}: end against that of w, which tends to the least norm", gap, 0.01
        )
        missed[name] = float(np.linalg.norm(path[-1] - sparse))
    yield from unequal_inputs(features, targets, starts, optimizer)
    _, path = follow(features, targets, "diagonal:scale=0.01", "gradient_descent", 0.05)
    found = float(np.linalg.norm(path[-1] - sparse))
    # on some instances w* is not the solution of least L1 norm, to which it tends
    name = "diagonal: distance to w* of gradient descent / of natural gradient descent"
    yield Check.below(name, found / missed["diagonal"], 1.0, share=0.8)
    yield Curve(
        "Natural gradient descent ignores the parametrization",
        "steps",
        "distance to the sparse w*, relative",
        steps[1:].tolist(),
        {name: distance(path[1:], sparse) for name, path in paths.items()},
        {"closed form in w": distance(exact[1:], sparse)},
        "x",
    )


def unequal_inputs(
    features: Array, targets: Array, starts: Starts, optimizer: str
) -> Iterator[Check]:
    """Compare limits with the least Sigma-norm where the inputs have different variances."""
    variances = np.linspace(1.0, 4.0, 12)
    scale = np.sqrt(variances)
    for name, (parameters, theta) in starts.items():
        steps, path = follow(features, targets, parameters, optimizer, RATES[-1], theta, variances)
        # in the coordinates Sigma^(1/2) w it is the path of w again
        exact = closed_form(features / scale, targets, RATES[-1], steps[-1:])[0] / scale
        gap = np.linalg.norm(path[-1] - exact) / np.linalg.norm(exact)
        name = f"{name}, Sigma = diag(1 ... 4): end against that of w"
        yield Check.at_most(name, gap, 0.01)


def follow(
    features: Array,
    targets: Array,
    parameters: str,
    optimizer: str,
    rate: float,
    theta: Array | None = None,
    variances: Array = EQUAL,
) -> tuple[Array, Array]:
    """Return recorded steps and w at them, up to ``DURATION`` / rate steps."""
    instance = regression(features, targets, inverse_fisher=np.diag(1.0 / variances))
    size = float(np.linalg.norm(features / np.sqrt(variances), 2))
    hypers = {"learning_rate": rate / size**2}
    chunk = start(instance, parameters, optimizer, [hypers], theta)
    horizon = int(DURATION / rate) * (20 if parameters.endswith("scale=0.01") else 1)
    chunk.advance(horizon, steps=np.unique(np.geomspace(1, horizon, 300).astype(int)))
    return chunk.records.steps, chunk.records.snapshots[:, 0]


def closed_form(features: Array, targets: Array, rate: float, steps: Array) -> Array:
    """w_t = V diag((1 - (1 - eta s^2)^t) / s) U^T y: descent on w from zero."""
    u, s, vt = np.linalg.svd(features, full_matrices=False)
    left = (1.0 - rate * (s / s[0]) ** 2) ** steps[:, None]
    return np.asarray((1.0 - left) / s * (u.T @ targets) @ vt)


def distance(path: Array, sparse: Array) -> list[float]:
    """Return ||w - w*|| / ||w*|| along a path."""
    lengths = np.linalg.norm(path - sparse, axis=1) / np.linalg.norm(sparse)
    return [float(length) for length in lengths]
