"""S0-09: the best learning rate does not depend on the width in the mean-field parametrization."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import regression, start

INPUTS, SAMPLES, STEPS = 20, 400, 60
WIDTHS = (8, 32, 128, 256)
OCTAVES = np.arange(-3.0, 6.51, 0.5)

TITLES = {
    "mean field": "Mean field: the same learning rate is best at every width",
    "NTK": "NTK: wider networks want a larger learning rate",
}


@claim(
    id="S0-09",
    title="Deep linear network training dynamics from random initialization: data, width, depth, "
    "and hyperparameter transfer",
    citation="Bordelon & Pehlevan 2025",
    arxiv="2502.02531",
    background="A learning rate tuned on a small network is useless if its best value moves "
    "with the width. In the mean-field parametrization (muP) it does not, in the "
    "neural-tangent one it does. The paper derives this for deep linear networks; "
    "here the best rate is found by a sweep at each width.",
    statement="In the mean-field (muP) parametrization the best learning rate of a deep linear "
    "network is the same at every width, and wider is better; in the NTK parametrization it moves.",
    formula="f(x) = N^-a w.W_1 W_0 x / sqrt(N D), learning rate eta N^(2a - 1), standard normal "
    "start: argmin_eta loss(60) is constant in N for a = 1 (mean field), not for a = 1/2 (NTK)",
    cost="normal",
    tags=("regression", "deep_linear", "learning_rate", "width"),
    seeds=10,
    perturbation={"power": 0.5},
    then_fails="mean field: octaves",
    remarks="The teacher is ours: y = X b with X and b standard normal, no noise, loss "
    "||f - y||^2 / (2 P). That wider is better is judged from the narrowest to the widest: best "
    "losses of neighbours, around 1e-20, exchange places on every other seed. With targets of unit "
    "variance the NTK rate moves by 0 to 1.5 octaves only.",
)
def learning_rate_transfer_across_widths(
    power: float = 1.0, seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure three layers, 20 inputs, 400 samples, 60 steps, widths 8 to 256, 20 rates.

    ``power`` is the exponent of the mean-field parametrization: 1; 1/2 makes it the NTK one.
    """
    for name, exponent in (("mean field", power), ("NTK", 0.5)):
        losses = np.array([final_losses(width, exponent, seed) for width in WIDTHS])
        best = OCTAVES[np.nanargmin(losses, axis=1)]
        shift = best.max() - best.min()
        label = f"{name}: octaves by which the best rate moves"
        if name == "mean field":
            # rates are half an octave apart: the best one does not move, or to its neighbour
            yield Check.at_most(label, shift, 0.5)
            lowest = np.nanmin(losses, axis=1)
            change = f"{name}: change of the best log loss from width {WIDTHS[0]} to {WIDTHS[-1]}"
            yield Check.below(change, lowest[-1] - lowest[0], 0.0)
        else:
            yield Check.at_least(label, shift, 1.0)
        yield Curve(
            title=TITLES[name],
            x_label="log2(learning rate)",
            y_label="loss after 60 steps",
            x=OCTAVES.tolist(),
            measured={
                f"width {width}": np.exp(row).tolist()
                for width, row in zip(WIDTHS, losses, strict=True)
            },
            log="y",
        )


def final_losses(width: int, power: float, seed: int) -> np.ndarray:
    """Return the log loss after 60 steps for each rate, nan where the run diverged.

    The factors between the layers commute with the linear maps: they are one factor of the inputs.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    features = generator.standard_normal((SAMPLES, INPUTS))
    targets = features @ generator.standard_normal(INPUTS)
    factor = width**-power / np.sqrt(width * INPUTS)
    weights = np.random.Generator(np.random.PCG64([seed, width]))
    rates = 2.0**OCTAVES * width ** (2.0 * power - 1.0)
    chunk = start(
        regression(factor * features, targets, 1.0 / SAMPLES),
        f"deep_linear:widths={width}x{width}",
        "gradient_descent",
        [{"learning_rate": rate} for rate in rates],
        weights.standard_normal(INPUTS * width + width * width + width),
    )
    chunk.advance(STEPS, steps=np.arange(0, STEPS + 1, 5))
    return np.asarray(chunk.records.log_loss[-1])
