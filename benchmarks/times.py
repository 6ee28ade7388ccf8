"""How right the cost of a step is: on machines of which everything is known, and on this one.

``python -m benchmarks.times`` prints the table of docs/statistics.md and what repeats differ by.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from optbench.choices import choose_one
from optbench.registry import load_registry
from optbench.study import build_instances, make_cells
from optbench.timing import StepTime, Stopwatch, standing_still, step_time, stopwatch

OWN, BASELINE = 34.0, 10.0  # nanoseconds of a step
CELLS = (
    "linear_regression:data=gaussian,n=5,d=12,seed=3",
    "logistic_regression:data=digits_3v8",
    "linear_program:data=afiro",
    "linear_regression:data=gaussian,n=2000,d=50",
)
OPTIMIZERS = ("gradient_descent", "heavy_ball", "adam", "sign_descent")


class Machine:
    """A machine whose clock, disturbances and time are known.

    It is ``factor(t)`` times slower than at its best at time t, a call is lengthened by 1 % of
    noise and, with probability ``share``, by something that lasts a millisecond.
    """

    def __init__(
        self, seed: int, factor: Callable[[float], float] = lambda _: 1.0, share: float = 0.0
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.factor, self.share, self.now = factor, share, 0.0

    def runs(self, nanoseconds: float, around: float = 1e-5) -> Stopwatch:
        """Return what times a run: ``around`` are the seconds of a call beside its steps."""

        def watch(steps: int) -> float:
            took = (around + (steps - 1) * nanoseconds * 1e-9) * self.factor(self.now)
            took *= 1.0 + self.rng.exponential(0.01)
            if self.rng.random() < self.share:
                took += self.rng.exponential(1e-3)
            self.now += took + 1e-4
            return took

        return watch


def calm(seed: int) -> Machine:
    """1 % of noise."""
    return Machine(seed)


def faster(seed: int) -> Machine:
    """Three times faster from some moment on."""
    at = _moment(seed)
    return Machine(seed, lambda t: 1.0 if t > at else 3.0)


def slower(seed: int) -> Machine:
    """Three times slower from some moment on."""
    at = _moment(seed)
    return Machine(seed, lambda t: 3.0 if t > at else 1.0)


def ever_slower(seed: int) -> Machine:
    """40 % slower from the first burst to the last."""
    return Machine(seed, lambda t: 1.0 + 40.0 * t)


def disturbed(seed: int) -> Machine:
    """Every third burst takes about 1 ms more."""
    return Machine(seed, share=1.0 / 3.0)


MACHINES = (calm, faster, slower, ever_slower, disturbed)


def _moment(seed: int) -> float:
    """Return one within the 10 ms or so from the first to the last burst."""
    return float(np.random.default_rng(seed).uniform(0.0, 0.01))


def measured(machine: Callable[[int], Machine], count: int) -> list[StepTime]:
    """Measure the ratio of 3.4 on so many machines of a kind."""
    machines = map(machine, range(count))
    return [step_time(each.runs(OWN), each.runs(BASELINE)) for each in machines]


def covered(found: list[StepTime], ratio: float) -> int:
    """Return how many intervals have a ratio in them."""
    return sum(each.interval[0] <= ratio <= each.interval[1] for each in found)


def errors(found: list[StepTime], ratio: float) -> NDArray[np.float64]:
    """Return the relative errors of what has a ratio."""
    told = np.array([each.ratio for each in found])
    found_errors: NDArray[np.float64] = np.abs(told[~np.isnan(told)] / ratio - 1.0)
    return found_errors


def repeats(count: int) -> list[tuple[str, list[StepTime]]]:
    """Measure cells of this machine again and again."""
    registry, found = load_registry(), []
    for text in CELLS:
        (built,) = build_instances(registry, text, 1)
        for name in OPTIMIZERS:
            (cell,) = make_cells(built, [choose_one(registry, name)], ())
            assert registry.baseline is not None
            base = standing_still(cell, registry.baseline)
            times = [step_time(stopwatch(cell, 1e-4), base) for _ in range(count)]
            found.append((f"{name} on {text}", times))
    return found


def main() -> None:
    """Print both tables in Markdown."""
    count = 2000
    print(f"| {count:,} measurements of 3.4 | covers | 95 % of ratios within |\n|---|---|---|")
    for machine in MACHINES:
        found = measured(machine, count)
        within = np.quantile(errors(found, OWN / BASELINE), 0.95)
        share = covered(found, OWN / BASELINE) / count
        print(f"| {(machine.__doc__ or '').rstrip('.')} | {share:.1%} | {within:.1%} |")
    print("\n| cell, 25 times | median | covers it | 90 % of ratios within |\n|---|---|---|---|")
    for name, found in repeats(25):
        middle = float(np.nanmedian([each.ratio for each in found]))
        within = np.quantile(errors(found, middle), 0.9)
        print(f"| {name} | {middle:.3f} | {covered(found, middle) / 25:.0%} | {within:.1%} |")


if __name__ == "__main__":
    main()
