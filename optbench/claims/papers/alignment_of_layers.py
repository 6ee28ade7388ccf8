"""S0-15: alignment of adjacent layers is kept by gradient descent only on special data."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import start

WIDTHS = (4, 4, 4)


@claim(
    id="S0-15",
    title="On alignment in deep linear neural networks",
    citation="Radhakrishnan, Nichani, Bernstein, Uhler 2020",
    arxiv="2003.06340",
    background="Gradient descent on linear networks is often analysed as if the layers stayed "
    "aligned: the right singular vectors of one the left ones of the next. The "
    "paper shows when that is true for all times. It needs conditions on the data, "
    "and generic data breaks it at once.",
    statement="Layers that start aligned with the singular vectors of the target stay aligned "
    "under gradient descent when the inputs' covariance commutes with them, and not otherwise.",
    formula="W_1 = Q D_1 V^T, W_2 = U D_2 Q^T for all t if V^T Sigma V is diagonal",
    cost="fast",
    tags=("matrix", "deep_linear", "alignment"),
    perturbation={"turn": 0.1},
    then_fails="whitened",
    remarks="The off-diagonal part is in Frobenius norm over that of the layer, its largest value "
    "over the steps. Spectra are ours: target 2, 1.5, 1, 0.5; layers 0.5, 0.3, 0.4, 0.2 and 0.2, "
    "0.4, 0.1, 0.3; inputs 1, 0.7, 0.4, 1.3.",
)
def alignment_of_layers(turn: float = 0.0, seed: int = 0) -> Iterator[Check | Curve]:
    """Measure a 4-4-4 network, 3000 steps of 0.01, with three covariances (seed 0).

    ``turn`` rotates the first layer at the start.
    """
    from optbench.claims.simulation.network import flat, matrices, network

    generator = np.random.Generator(np.random.PCG64(seed))
    left, right, middle, other = (
        np.linalg.qr(generator.standard_normal((4, 4)))[0] for _ in range(4)
    )
    target = (left * [2.0, 1.5, 1.0, 0.5]) @ right.T
    stretch = np.array([1.0, 0.7, 0.4, 1.3])
    rotation = np.eye(4)
    rotation[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    theta = flat([
        rotation @ (middle * [0.5, 0.3, 0.4, 0.2]) @ right.T,
        (left * [0.2, 0.4, 0.1, 0.3]) @ middle.T,
    ])  # fmt: skip
    energies = {}
    for name, inputs, aligned in (
        ("whitened", np.eye(4), True),
        ("commuting", right * stretch, True),
        ("generic", other * stretch, False),
    ):
        instance = network(WIDTHS, inputs, target @ inputs)
        chunk = start(instance, "linear", "gradient_descent", [{"learning_rate": 0.01}], theta)
        chunk.advance(3000, steps=np.arange(0, 3001, 10))
        first, second = matrices(chunk.records.snapshots[:, 0], WIDTHS)
        energy = np.maximum(
            off_diagonal(middle.T @ first @ right), off_diagonal(left.T @ second @ middle)
        )
        check = Check.at_most if aligned else Check.at_least
        bound = 1e-10 if aligned else 0.05
        yield check(f"{name}: largest off-diagonal part", energy.max(), bound)
        energies[f"{name} inputs"] = energy[::2].tolist()
    yield Curve(
        "Aligned layers stay aligned on special inputs only",
        "steps",
        "off-diagonal part of the layers",
        list(range(0, 3001, 20)),
        energies,
        {"rounding of float64": [float(np.finfo(float).eps)] * 151},
        log="y",
    )


def off_diagonal(matrices: np.ndarray) -> np.ndarray:
    """Frobenius norm off the diagonal over the whole norm, for matrices (R, 4, 4)."""
    rest = matrices * (1.0 - np.eye(4))
    return np.asarray(np.linalg.norm(rest, axis=(1, 2)) / np.linalg.norm(matrices, axis=(1, 2)))
