"""S1-05: a model multiplied by a large factor trains like its linearization."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import log_slope, regression, start

FACTORS = np.array([1.0, 3.0, 10.0, 30.0, 100.0])


@claim(
    id="S1-05",
    title="On lazy training in differentiable programming",
    citation="Chizat, Oyallon, Bach 2018",
    arxiv="1812.07956",
    background="Multiply a model by a large number and divide the loss accordingly: the "
    "parameters then hardly move while the outputs still fit, and training is that "
    "of a linear model. The paper calls this lazy training and warns that the "
    "success of such networks is that of a kernel method. The movement must fall "
    "like one over the factor.",
    statement="With the model multiplied by a factor and the loss divided by its square, training "
    "moves the parameters by O(1/factor): the model stays its linearization.",
    formula="factor ||theta_inf - theta_0|| / ||theta_0|| -> constant; min 1/(2 factor^2) "
    "||factor (f - f_0) - y||^2",
    cost="normal",
    tags=("deep_linear", "diagonal", "lazy"),
    perturbation={"power": 0.0},
    then_fails="slope of log motion",
    remarks="The factor is moved to the targets: training the model on targets X w_0 + y / factor "
    "is the same problem. The diagonal network starts at u = v = 1, which is nearly lazy without "
    "a factor: its excess is then 1.2e-6.",
)
def lazy_training(power: float = 1.0, seed: int = 0) -> Iterator[Check | Curve]:
    """Measure 10 samples, 5 inputs, 40 hidden units; a diagonal network for 5 and 10 (seed 0).

    ``power`` is the power of the factor by which the targets are divided.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    features = generator.standard_normal((10, 5))
    targets = features @ generator.standard_normal(5)
    first = generator.standard_normal((40, 5)) / np.sqrt(5.0)
    second = generator.standard_normal(40) / np.sqrt(40.0)
    theta = np.concatenate([first.ravel(), second])
    motion = []
    for factor in FACTORS:
        # 1/(2 f^2) ||f X (w - w0) - y||^2 = 1/2 ||X w - (X w0 + y / f)||^2
        instance = regression(features, features @ (second @ first) + targets / factor**power)
        rate = [{"learning_rate": 2e-3}]
        chunk = start(instance, "deep_linear:widths=40", "gradient_descent", rate, theta)
        chunk.advance(50_000)
        motion.append(float(np.linalg.norm(chunk.runs.theta[0] - theta) / np.linalg.norm(theta)))
    moved = np.array(motion)
    scaled = (FACTORS * moved)[1:]
    yield Check.at_most(
        "factor x motion: largest over least from factor 3", scaled.max() / scaled.min(), 1.5
    )
    slope = log_slope(FACTORS, moved)
    yield Check.between("slope of log motion in log factor", slope, -1.1, -0.9, -1.0)
    # the linearized model X (W J) moves by the least-norm solution of J step = y / factor
    jacobian = np.hstack([
        np.einsum("j,ik->ijk", second, features).reshape(10, 200),
        features @ first.T,
    ])  # fmt: skip
    step = np.linalg.lstsq(jacobian, targets, rcond=None)[0]
    linearized = np.linalg.norm(step) / np.linalg.norm(theta) / FACTORS
    yield Curve(
        "The larger the output's factor, the less parameters move",
        "factor of the output",
        "motion / size of the parameters",
        FACTORS.tolist(),
        {"network": motion},
        {"linearized network": linearized.tolist()},
        log="xy",
    )
    yield from diagonal_network(power, seed)


def diagonal_network(power: float, seed: int) -> Iterator[Check]:
    """u*u - v*v from u = v = 1, multiplied by the factor, ends at the least L2 norm."""
    generator = np.random.Generator(np.random.PCG64([1, seed]))
    features, targets = generator.standard_normal((5, 10)), generator.standard_normal(5)
    least = np.linalg.norm(np.linalg.lstsq(features, targets, rcond=None)[0])
    for factor in FACTORS[1:]:
        chunk = start(
            regression(features, targets / factor**power),
            "diagonal:depth=2,scale=1",
            "gradient_descent",
            [{"learning_rate": 1e-3}],
        )
        chunk.advance(100_000)
        excess = factor**power * np.linalg.norm(chunk.runs.w[0]) / least - 1.0
        name = f"diagonal network, factor {factor:g}: excess of the L2 norm"
        yield Check.at_most(name, excess, 1e-6)
