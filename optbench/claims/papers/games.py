"""S4-01: linear interpolation with a slow iterate stabilises games, gradient by gradient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import start

ETA = 0.1
GAMMA = 0.5
INNER = 20
COHYPOMONOTONE = -0.05


@claim(
    id="S4-01",
    title="Stable nonconvex-nonconcave training via linear interpolation",
    citation="Pethick, Xie, Cevher 2023",
    arxiv="2310.13459",
    background="In a game each player descends its own loss, and simultaneous gradient steps "
    "can spiral outwards. Averaging with a slow copy of the players (Lookahead, or "
    "the relaxed proximal point method RAPP) turns the spiral inwards. On bilinear "
    "games every factor is an eigenvalue.",
    statement="Interpolating with a slow iterate stabilises games: descent-ascent spirals outwards "
    "on x y, Lookahead around it and RAPP converge, also in a cohypomonotone game; RAPP is the "
    "relaxed proximal point method as long as gamma L < 1.",
    formula="||z_t - z*|| grows by sqrt(1 + eta^2) a step; Lookahead: "
    "max |eig((1 - lambda) I + lambda (I - eta J)^k)|; RAPP: "
    "(1 - lambda) I + lambda (I + gamma J)^-1; extragradient: I - eta J + eta^2 J^2",
    cost="fast",
    tags=("game", "rate", "stability"),
    perturbation={"interpolation": 1.0},
    then_fails="bilinear, Lookahead: converges",
    remarks="Cohypomonotone: F(x, y) = (a x + y, a y - x) with a = -0.05, where "
    "eta = 0.1, k = 5, lambda = 0.5 of the bilinear game still converge. A step is an iteration, "
    "of several evaluations of F.",
)
def interpolation_stabilises(interpolation: float = 0.5) -> Iterator[Check | Curve]:
    """Measure min_x max_y x y and the game of monotonicity -0.05, from distance sqrt 2."""
    settings: dict[str, tuple[str, int, Mapping[str, float]]] = {
        "descent-ascent": ("gradient_descent", 1, {"learning_rate": ETA}),
        "extragradient": ("extragradient", 2, {"learning_rate": ETA}),
        **{
            name: ("lookahead", k, {"learning_rate": ETA, "k": k, "interpolation": interpolation})
            for k, name in ((5, "Lookahead"), (10, "Lookahead, k = 10"))
        },
        "RAPP": ("rapp", INNER, proximal(GAMMA, interpolation)),
    }
    measured, expected = {}, {}
    shown = np.arange(0, 201, INNER)  # evaluations after which every method is at an iterate
    for game, monotonicity in (("bilinear", 0.0), ("cohypomonotone", COHYPOMONOTONE)):
        for name, (optimizer, inner, hypers) in settings.items():
            away = distances(optimizer, hypers, monotonicity, 200 // inner)
            factor = (away[-1] / away[0]) ** (inner / 200)
            predicted = spectral_radius(optimizer, inner, hypers, monotonicity)
            tolerance = 1e-4 if optimizer == "rapp" else 1e-6
            yield Check.close(f"{game}, {name}: factor", factor, predicted, tolerance)
            if optimizer in ("lookahead", "rapp"):
                label = f"{game}, {name}: converges, factor"
                yield Check(label, factor, predicted, "< 1", bool(factor < 1.0))
            if game == "bilinear":
                measured[name] = away[:: INNER // inner]
                expected[name] = away[0] * predicted ** (shown / inner)
        away = distances("gradient_descent", {"learning_rate": ETA}, monotonicity, 200)
        yield Check.at_least(f"{game}, descent-ascent: growth in 200 steps", away[-1] / away[0], 1)
    far = distances("rapp", proximal(1.5, interpolation), 0.0, 1)
    name = "bilinear, RAPP with gamma = 1.5: growth in one iteration"
    yield Check.at_least(name, far[-1] / far[0], 1.0)
    yield Curve(
        title="Plain descent-ascent runs away, the others approach the solution",
        x_label="gradient evaluations",
        y_label="distance to the solution",
        x=shown.tolist(),
        measured={name: line.tolist() for name, line in measured.items()},
        predicted={name: line.tolist() for name, line in expected.items()},
        log="y",
    )


def proximal(gamma: float, interpolation: float) -> Mapping[str, float]:
    """Return the hyperparameters of RAPP."""
    return {"learning_rate": gamma, "inner_steps": INNER, "interpolation": interpolation}


def distances(
    optimizer: str, hypers: Mapping[str, float], monotonicity: float, horizon: int
) -> np.ndarray:
    """Return the distances to the solution after 0, 1, ..., horizon steps."""
    from optbench.registry import load_registry

    game = load_registry().problem("quadratic_game").build(monotonicity=monotonicity)
    chunk = start(game, "linear", optimizer, [hypers])
    chunk.advance(horizon, steps=np.arange(horizon + 1))
    solution = game.references["solution"]().solution
    return np.asarray(np.linalg.norm(chunk.records.snapshots[:, 0] - solution, axis=1))


def spectral_radius(
    optimizer: str, inner: int, hypers: Mapping[str, float], monotonicity: float
) -> float:
    """Return the largest |eigenvalue| of one outer iteration, from the Jacobian of F."""
    jacobian = np.array([[monotonicity, 1.0], [-1.0, monotonicity]])
    eye, rate = np.eye(2), hypers["learning_rate"]
    fast = np.linalg.matrix_power(eye - rate * jacobian, inner)
    if optimizer == "extragradient":
        fast = eye - rate * jacobian + rate**2 * jacobian @ jacobian
    if optimizer == "rapp":
        fast = np.linalg.inv(eye + rate * jacobian)
    weight = hypers.get("interpolation", 1.0)
    return float(np.abs(np.linalg.eigvals((1.0 - weight) * eye + weight * fast)).max())
