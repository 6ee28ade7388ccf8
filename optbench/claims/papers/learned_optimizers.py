"""S3-03: what optimizers learn on some functions transfers: constants, and a recurrent network."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import regression, start
from optbench.instance import Instance

MODES = 40
CONDITIONS = (25.0, 100.0)
STARTS = 4
FUNCTIONS, LONGEST = 1000, 100  # of a test; evaluations of random search


@claim(
    id="S3-03",
    title="Learning to learn without gradient descent by gradient descent",
    citation="Chen, Hoffman, Colmenarejo, Denil, Lillicrap, Botvinick, de Freitas 2017",
    arxiv="1611.03824",
    background="Can an optimizer be learned from examples? Here the two constants of heavy "
    "ball are learned on quadratics by a derivative-free search; theory knows the "
    "best ones (Polyak 1964), so that what is learned, and whether it transfers to "
    "problems not seen, can be judged. And a recurrent network that sees values alone is trained "
    "by gradients on random functions, as in the paper.",
    statement="An optimizer learned on one family of functions transfers to others. The two "
    "constants of heavy ball learned on one quadratic come out as Polyak's optimal ones. A "
    "recurrent network trained on Gaussian processes finds lower values of new ones, and of "
    "functions of another kind, than random search does with as many evaluations.",
    formula="learning rate 4 / (1 + sqrt k)^2, momentum ((sqrt k - 1) / (sqrt k + 1))^2 minimize "
    "max_i log|x_i(T)| / T, T = 8 sqrt k, curvatures linspace(1, k, 40)",
    cost="slow",
    tags=("quadratic", "rate", "learned_optimizer"),
    seeds=10,
    perturbation={"horizon": 1.0, "rounds": 0},
    then_fails=("k = 100: learned learning rate", "recurrent network"),
    remarks="Heavy ball is the part that has a closed form to compare with. The condition numbers "
    "are ours. Nelder-Mead minimizes on the engine's runs from the four best points of a 12 "
    "x 12 grid: the objective is not smooth, and from arbitrary points it ends in local "
    "minima. Over 8 sqrt k steps the optimum itself is 1 to 4 % from the constants for "
    "infinitely many. The network is simulated, as the engine's methods are of first order: "
    "32 tanh units where the paper has an LSTM, 16 evaluations in the square, 600 batches "
    "of 64 functions; of two equal methods each wins on half of the functions, with a "
    "standard error of 1.6 % over 1000, and 0.55 is three of them above. It does not "
    "transfer to Branin's function, on which the paper's larger network does well; perhaps "
    "as its values reach five standard deviations. Of the paper only the abstract was at "
    "hand; its comparison with Bayesian optimization is not measured.",
)
def learned_optimizers(
    horizon: float = 8.0, rounds: int = 600, seed: int = 0
) -> Iterator[Check | Curve]:
    """Learn constants on condition numbers 25 and 100, a network on 38400 functions; transfer.

    ``horizon`` is the number of steps of a training run in units of sqrt k, ``rounds`` that of
    the batches on which the network is trained.
    """
    yield from recurrent_network(rounds, seed)
    for condition in CONDITIONS:
        root = np.sqrt(condition)
        constants, learned = learn(condition, round(horizon * root))
        optimal = np.array([4.0 / (1.0 + root) ** 2, ((root - 1.0) / (root + 1.0)) ** 2])
        name = f"k = {condition:g}"
        yield Check.close(f"{name}: learned learning rate", constants[0], optimal[0], 0.05)
        yield Check.close(f"{name}: learned momentum", constants[1], optimal[1], 0.05)
        plain = (condition - 1.0) / (condition + 1.0)
        steps, norms = transferred(constants, condition, seed)
        half = len(steps) // 2
        rate = (norms[-1] / norms[half]) ** (1.0 / (steps[-1] - steps[half]))
        yield Check.at_most(f"{name}: rate on a new function / learned", rate / learned, 1.05, 1)
        yield Check.at_most(f"{name}: rate on a new function", rate, plain, np.sqrt(optimal[1]))
        if condition == 100.0:
            yield Curve(
                title="Learned constants are almost the best on a new quadratic",
                x_label="steps",
                y_label="distance to the minimum",
                x=steps.tolist(),
                measured={"heavy ball, learned": norms.tolist()},
                predicted={
                    "heavy ball, best constants": (norms[0] * optimal[1] ** (steps / 2.0)).tolist(),
                    "gradient descent, best rate": (norms[0] * plain**steps).tolist(),
                },
                log="y",
            )


def recurrent_network(rounds: int, seed: int) -> Iterator[Check | Curve]:
    """Train on Gaussian processes; compare with random search on three families."""
    from optbench.claims.simulation import black_boxes, recurrent

    generator = np.random.Generator(np.random.PCG64(seed))
    learner = recurrent.train(
        generator,
        lambda count: black_boxes.processes(generator, count),
        black_boxes.DIMENSION,
        rounds,
    )
    shape = (FUNCTIONS, black_boxes.DIMENSION)
    for family, draw in black_boxes.FAMILIES.items():
        function = draw(generator, FUNCTIONS)
        found = recurrent.search(learner, function, FUNCTIONS).values
        guessed = np.array([function(generator.uniform(-1, 1, shape))[0] for _ in range(LONGEST)])
        best, other = (np.minimum.accumulate(values, axis=0) for values in (found, guessed))
        count = len(best)
        name = f"recurrent network, {family}"
        won = np.mean(best[-1] < other[count - 1])
        label = f"{name}: share on which it is below random search"
        if family == "Branin":
            yield Check.reported(label, won)
            continue
        yield Check.at_least(label, won, 0.55, 0.5)
        needed = 1 + np.sum(other.mean(axis=1) > best[-1].mean())
        label = f"{name}: random evaluations for its mean of the best value, over its own"
        yield Check.at_least(label, needed / count, 1.5, 1.0)
        if family == "networks":
            yield Curve(
                title="A search learned on Gaussian processes is good on other functions",
                x_label="evaluations",
                y_label="mean best value so far",
                x=list(range(1, count + 1)),
                measured={
                    "recurrent network": best.mean(axis=1).tolist(),
                    "random search": other[:count].mean(axis=1).tolist(),
                },
            )


def log_contraction(instance: Instance, constants: np.ndarray, steps: int) -> np.ndarray:
    """Return max_i log|x_i(T)| / T of runs from ones with learning rates and momenta (K, 2)."""
    hypers = [{"learning_rate": rate, "momentum": momentum} for rate, momentum in constants]
    chunk = start(instance, "linear", "heavy_ball", hypers, np.ones(MODES))
    chunk.advance(steps, steps=np.array([steps]))
    worst = chunk.records.norms[-1, :, 2]
    # a run that has diverged ended before, and has no record
    return np.where(worst > 0.0, np.log(np.maximum(worst, 1e-300)) / steps, np.inf)


@lru_cache  # nothing is random there
def learn(condition: float, steps: int) -> tuple[np.ndarray, float]:
    """Return learning rate and momentum with the least worst contraction, and that contraction."""
    from scipy.optimize import minimize

    curvatures = np.linspace(1.0, condition, MODES)
    instance = regression(np.diag(np.sqrt(curvatures)), np.zeros(MODES))
    rates = np.geomspace(0.1, 4.0, 12) / condition
    momenta = 1.0 - np.geomspace(1.0, 1.0 / np.sqrt(condition), 12)
    grid = np.stack(np.meshgrid(rates, momenta, indexing="ij"), axis=-1).reshape(-1, 2)
    best = grid[np.argsort(log_contraction(instance, grid, steps))[:STARTS]]
    results = [
        minimize(
            lambda z: float(log_contraction(instance, to_constants(z)[None], steps)[0]),
            np.log([point[0], 1.0 - point[1]]),
            method="Nelder-Mead",
            options={"xatol": 1e-4, "fatol": 1e-7, "maxfev": 200},
        )
        for point in best
    ]
    winner = min(results, key=lambda result: float(result.fun))
    return to_constants(winner.x), float(np.exp(winner.fun))


def to_constants(z: np.ndarray) -> np.ndarray:
    """Return learning rate exp(z_0) and momentum 1 - exp(z_1)."""
    return np.array([np.exp(z[0]), 1.0 - np.exp(z[1])])


def transferred(
    constants: np.ndarray, condition: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return steps (R,) and distances to the minimum (R,) on a random spectrum and rotation."""
    horizon = int(40.0 * np.sqrt(condition))
    generator = np.random.Generator(np.random.PCG64(seed))
    curvatures = np.r_[1.0, condition, generator.uniform(1.0, condition, MODES - 2)]
    rotation = np.linalg.qr(generator.standard_normal((MODES, MODES)))[0]
    instance = regression(np.sqrt(curvatures)[:, None] * rotation.T, np.zeros(MODES))
    hypers = [{"learning_rate": constants[0], "momentum": constants[1]}]
    theta = generator.standard_normal(MODES)
    chunk = start(instance, "linear", "heavy_ball", hypers, theta / np.linalg.norm(theta))
    chunk.advance(horizon, steps=np.linspace(0, horizon, 51).astype(int))
    return chunk.records.steps, chunk.records.norms[:, 0, 1]
