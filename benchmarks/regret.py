"""What the learning-rate search misses: its winner against all rates that it tried, run to the end.

``python -m benchmarks.regret [HORIZON] [PROBLEM ...]`` prints how often another of the rates ends
ahead, by how much, and what the search costs, in horizons of one rate.  It takes minutes.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from typing import NamedTuple

from optbench.choices import choose_all
from optbench.engine.stop import StopSignal
from optbench.executors.cells import run_cells
from optbench.executors.local import default_threads
from optbench.plan import PERTURBATION
from optbench.registry import load_registry
from optbench.solutions import solved
from optbench.study import build_instances, make_cells
from optbench.tuning.score import Score
from optbench.tuning.search import Search, Tuner
from optbench.tuning.starts import Asking

PROBLEMS = (
    "linear_program",
    "linear_regression",
    "logistic_regression",
    *(f"linear_regression:data=gaussian,seed={seed}" for seed in range(2)),
    "linear_regression:data=gaussian,n=5,d=12,seed=3",
    "linear_regression:data=diabetes",
    "logistic_regression:data=gaussian,seed=5",
    "logistic_regression:data=breast_cancer",
    "quadratic",
    "quadratic:spectrum=geomspace",
    "quadratic:kappa=1000,rotated=true",
    "nonnegative_least_squares",
    "matrix_factorization",
    "matrix_regression",
    "small_network",
    "scalar_chain",
    "inverse_problem",
)


class Regret(NamedTuple):
    """One search: its winner, the best of all its rates, and what both cost, in horizons."""

    label: str
    winner: Score
    best: Score
    horizons: float
    exhaustive: float

    @property
    def kind(self) -> str:
        """How far the winner is behind."""
        if self.winner == self.best:
            return "the best"
        if self.winner.lost > self.best.lost:
            return "loses more seeds"
        if self.winner.kept == math.inf > self.best.kept:
            return "does not keep 1e-8, another does"
        if self.winner.kept < math.inf:
            slow = self.winner.kept + 1.0 > 1.5 * (self.best.kept + 1.0)
            return "over 1.5x the steps" if slow else "up to 1.5x the steps"
        if self.winner.missed > self.best.missed:
            return "keeps fewer targets"
        far = self.winner.gap > self.best.gap + math.log(2.0)
        return "over 2x the gap" if far else "up to 2x the gap"


class Exhaustive(Tuner):
    """The search, and then every rate that it tried to the horizon."""

    regret: Regret

    def search(self) -> Asking[Search]:
        """Run all of it; what the search missed is kept."""
        found = yield from super().search()
        searched, winner = self._horizons(found), found.winner.score
        yield from self._continue(found, found.tried, self.horizon)
        instance = self.cell.instance
        label = f"{self.cell.choice.label} on {instance.problem} {instance.name}"
        best = min(each.score for each in found.tried)
        self.regret = Regret(label, winner, best, searched, self._horizons(found))
        return found

    def _horizons(self, found: Search) -> float:
        steps = sum(int(chunk.stopped.sum()) for each in found.tried for chunk in each.chunks)
        return steps / self.horizon / self.starts.seeds


def regrets(problem: str, horizon: int) -> list[Regret]:
    """Return what the search misses with each of the usual optimizers."""
    registry = load_registry()
    choices, found = choose_all(registry, []), []
    for built in build_instances(registry, problem, 1):
        _ = solved(built[0]), built[0].optimum
        cells = [each for each in make_cells(built, choices, ()) if each.skip is None]
        tuners = [
            Exhaustive(cell, 1, horizon, None, PERTURBATION) for cell in cells if cell.choice.tuned
        ]
        run_cells(tuners, default_threads(), StopSignal())
        found += [tuner.regret for tuner in tuners]
    return found


def main(arguments: list[str]) -> None:
    """Print the table."""
    horizon, problems = int(arguments[0]) if arguments else 10_000, arguments[1:] or PROBLEMS
    found = [regret for problem in problems for regret in regrets(problem, horizon)]
    for regret in found:
        if regret.winner != regret.best:
            print(f"{regret.label}: {tuple(regret.winner)}, best {tuple(regret.best)}")
    for kind, count in Counter(regret.kind for regret in found).most_common():
        print(f"{count:4} of {len(found)}: {kind}")
    searched = sum(regret.horizons for regret in found) / len(found)
    exhaustive = sum(regret.exhaustive for regret in found) / len(found)
    print(f"cost {searched:.2f} horizons, of all rates {exhaustive:.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
