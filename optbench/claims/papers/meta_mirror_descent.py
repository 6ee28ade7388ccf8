"""S3-18: the mirror map that learns fastest, found on a family of tasks, tells their geometry."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import regression, start

SAMPLES, DIMENSION, TASKS, HORIZON = 20, 60, 20, 100
POWERS = (1.05, 1.1, 1.2, 1.3, 1.5, 1.8, 2.0, 2.5, 3.0)
RATES = (0.003, 0.01, 0.03, 0.1, 0.3)
GRID = list(product(POWERS, RATES))


@claim(
    id="S3-18",
    title="Meta mirror descent: optimiser learning for fast convergence",
    citation="Gao, Gouk, Lee, Hospedales 2022",
    arxiv="2203.02711",
    background="Mirror descent measures distances by a divergence that one may choose. Given many "
    "tasks of one kind one can choose it by trial: the best on some tasks is then used on others. "
    "Here the divergences are those of ||w||_p^p / p, one number to learn.",
    statement="Chosen on sample tasks, p is near 1 where targets are sparse and near 2 where they "
    "are dense and isotropic; on new sparse tasks the chosen p errs less than gradient descent.",
    formula="p* = argmin_p min_eta mean ||w_100 - w*||^2 / ||w*||^2: p* <= 1.3 for 2-sparse w*, "
    "p* >= 1.8 for Gaussian w*",
    cost="normal",
    tags=("regression", "mirror_descent", "sparsity"),
    seeds=10,
    perturbation={"nonzeros": DIMENSION},
    then_fails="2-sparse targets: chosen p",
    remarks="Stopped after 100 steps; the learning rate is chosen together with p, from 0.003 to "
    "0.3. Chosen are p = 1.05 or 1.1 for sparse targets, 1.8 to 2.5 "
    "for dense ones.",
)
def meta_mirror_descent(nonzeros: int = 2, seed: int = 0) -> Iterator[Check | Curve]:
    """Choose p of 9 and the rate of 5 on 20 tasks, n = 20, d = 60; test them on 20 others."""
    errors = {}
    for family, count in (("2-sparse", nonzeros), ("dense", DIMENSION)):
        generator = np.random.Generator(np.random.PCG64(seed))
        mean = np.mean([learn(generator, count, GRID) for _ in range(TASKS)], axis=0)
        chosen = GRID[int(mean.argmin())]
        descent = GRID[min((k for k, (p, _) in enumerate(GRID) if p == 2.0), key=mean.__getitem__)]
        errors[family] = mean.reshape(len(POWERS), len(RATES)).min(axis=1)
        if family == "dense":
            yield Check.at_least("dense targets: chosen p", chosen[0], 1.8, 2.0)
            continue
        yield Check.at_most("2-sparse targets: chosen p", chosen[0], 1.3, 1.0)
        new = [learn(generator, count, [chosen, descent]) for _ in range(TASKS)]
        ratio = np.divide(*np.mean(new, axis=0))
        name = "2-sparse targets, new tasks: error of the chosen p / of gradient descent"
        yield Check.at_most(name, ratio, 1.0 - 1e-9)
    yield Curve(
        title="Sparse tasks need p near 1, for dense ones p hardly matters",
        x_label="p of the mirror map",
        y_label="squared relative error, mean of 20 tasks",
        x=POWERS,
        measured={f"{family} targets": values.tolist() for family, values in errors.items()},
        predicted={"dense targets, p = 2: 1 - n/d": [1.0 - SAMPLES / DIMENSION] * len(POWERS)},
        log="y",
    )


def learn(
    generator: np.random.Generator, nonzeros: int, settings: list[tuple[float, float]]
) -> np.ndarray:
    """Draw a task and return the error at each (p, learning rate), inf where it diverged."""
    features = generator.standard_normal((SAMPLES, DIMENSION))
    target = np.zeros(DIMENSION)
    support = generator.choice(DIMENSION, nonzeros, replace=False)
    if nonzeros < DIMENSION:
        target[support] = generator.choice([-1.0, 1.0], nonzeros)
    else:
        target[:] = generator.standard_normal(DIMENSION)
    instance = regression(features, features @ target, 1.0 / SAMPLES)
    runs = [{"p": p, "learning_rate": rate} for p, rate in settings]
    chunk = start(instance, "linear", "p_norm_mirror_descent", runs, np.zeros(DIMENSION))
    chunk.advance(HORIZON, steps=np.array([HORIZON]))
    with np.errstate(all="ignore"):
        error = np.sum((chunk.runs.theta - target) ** 2, axis=1) / np.sum(target**2)
    return np.where(np.isfinite(error), error, np.inf)
