"""Verdicts of implicit bias, proved by simulation: ``python -m benchmarks.verdicts``.

Two questions.  Does the exact solution of another norm ever get the name of l1, l2 or linf?  And is
a verdict ever contradicted when the same run goes on?  The rows are those that a comparison of all
optimizers has "as the theorem asks", the rates those that the search finds at the default horizon;
each run is judged at every half decade, as the table would be that had ended there.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from optbench.analysis.kinds import kind_of
from optbench.analysis.selection import BETWEEN, NO_VERDICT, select
from optbench.analysis.settling import MOVING, Verdict, judge
from optbench.analysis.theory import candidates, theory_name
from optbench.choices import choose_all
from optbench.contract import UNKNOWN
from optbench.engine.stop import StopSignal
from optbench.executors.cells import run_cells
from optbench.instance import Instance
from optbench.registry import load_registry
from optbench.runs import DEFAULT_HORIZON, RunSpec, run_all
from optbench.solutions import family_member, solved
from optbench.study import Cell, build_instances, make_cells
from optbench.tuning.search import Tuner

EXPONENTS = (1.1, 1.25, 1.5, 1.75, 2.5, 3.0, 4.0, 6.0, 8.0, 10.0, 15.0)
AUDITED = (
    "logistic_regression:data=gaussian,seed=0",
    "logistic_regression:data=gaussian,n=20,d=30,seed=0",
    "linear_regression:data=gaussian,n=5,d=12,seed=0",
)
SEPARABLE = "logistic_regression:data=gaussian,seed=0"
FIRST = 10_000  # steps at the first verdict
JUDGED_BY = 5  # predictors, half a decade apart


@dataclass(frozen=True)
class Audit:
    """How often the exact solution of one norm got the name of another."""

    text: str
    cases: int
    wrong: list[tuple[float, str]]


@dataclass(frozen=True)
class Followed:
    """The verdicts on one run at growing numbers of steps."""

    seed: int
    verdicts: dict[int, Verdict]

    def contradicted(self) -> Iterator[tuple[int, str, int, str]]:
        """Yield each verdict that a longer run takes back: step, name, later step, what it says.

        A longer run may say `moving` only when it moves to that reference.
        """
        told = list(self.verdicts.items())
        for index, (step, verdict) in enumerate(told):
            name = verdict.selected
            if name is None or name in NO_VERDICT:
                continue
            for later, other in told[index + 1 :]:
                if other.selected != name and other.towards != name:
                    yield step, name, later, str(other.selected)
                    break

    def extrapolations(self, limit: float) -> Iterator[tuple[float, float]]:
        """Yield steps at which a moving run would be close, and at which it was (inf: never)."""
        told = list(self.verdicts.items())
        for index, (_, verdict) in enumerate(told):
            if verdict.selected == MOVING and verdict.decided_at is not None:
                towards = str(verdict.towards)
                close = [s for s, other in told[index + 1 :] if other.missing[towards] <= limit]
                yield verdict.decided_at, float(close[0]) if close else np.inf


def audit(text: str, seeds: int) -> Audit:
    """Judge exact solutions of many norms on instances of one kind."""
    wrong, cases = [], 0
    for instance in build_instances(load_registry(), text, seeds)[0]:
        kind, known = kind_of(instance), solved(instance)
        for name, reference in known.items():
            cases += 1
            found = str(select(instance, known, reference.solution).selected)
            wrong += [(reference.exponent or np.nan, found)] if found != name else []
        for p in EXPONENTS:
            cases += 1
            solution = family_member(instance, "lp", p).solution
            found = str(select(instance, known, solution).selected)
            same = found in known and kind.distance(instance, solution, known[found])
            if found != BETWEEN and (same is False or same > kind.told_apart):
                wrong.append((p, found))
    return Audit(text, cases, wrong)


def half_decades(last: int) -> tuple[int, ...]:
    """Return the steps at which predictors are kept."""
    exponents = np.arange(np.log10(FIRST) - 2.0, np.log10(last) + 1e-9, 0.5)
    return tuple(int(step) for step in np.rint(10.0**exponents))


def theorem_cells(instances: tuple[Instance, ...]) -> list[Cell]:
    """Return the rows of a comparison on which there is a theorem, as the theorem asks.

    Where what it asks for is not what is used, that is the second row of the optimizer.  Left out
    is a theorem whose solution is no other than that of another one on these instances.
    """
    choices = choose_all(load_registry(), ["all"])
    cells = [c for c in make_cells(instances, choices, (), as_theorems_ask=True) if c.skip is None]
    second = {c.choice.optimizer.name for c in cells if c.choice.as_theorem_asks}
    asked = [c for c in cells if c.choice.as_theorem_asks or c.choice.optimizer.name not in second]
    return [c for c in asked if theory_name(c) != UNKNOWN and _told_apart(c)]


def _told_apart(cell: Cell) -> bool:
    """Whether no other reference is the solution that theory names."""
    instance, known = cell.instance, candidates(cell, cell.instance)
    own, kind = known.pop(theory_name(cell)).solution, kind_of(instance)
    return all(kind.distance(instance, own, each) >= kind.told_apart for each in known.values())


def follow(cell: Cell, seeds: int, last: int) -> list[Followed]:
    """Return the verdicts on the run of each seed, at the rate that a search finds."""
    (search,) = run_cells([Tuner(cell, seeds, DEFAULT_HORIZON, None, 1e-3)], 1, StopSignal())
    hypers = tuple(cell.choice.hypers(search.rates[search.best]).tolist())
    return [_followed(cell, own, seed, hypers, last) for seed, own in enumerate(cell.instances)]


def _followed(
    cell: Cell, instance: Instance, seed: int, hypers: tuple[float, ...], last: int
) -> Followed:
    steps = half_decades(last)
    spec = RunSpec(
        instance, cell.parametrization, cell.choice.optimizer, hypers, last, seed, steps=steps
    )
    (result,) = run_all([spec])
    path = [(int(t), w) for t, w in zip(*result.snapshots, strict=True) if t in steps]
    references = candidates(cell, instance)
    verdicts = {
        path[end - 1][0]: judge(instance, references, path[end - JUDGED_BY : end])
        for end in range(JUDGED_BY, len(path) + 1)
    }
    return Followed(seed, verdicts)


def main(given: Sequence[str] | None = None) -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--steps", type=float, default=1e6)
    asked = parser.parse_args(given)
    print("| exact solutions | cases | wrong names |\n|---|---|---|")
    for text in AUDITED:
        found = audit(text, asked.seeds)
        print(f"| `{text}` and on | {found.cases} | {len(found.wrong)} {found.wrong or ''} |")
    last = int(asked.steps)
    decades = [t for t in half_decades(last) if t >= FIRST and np.log10(t) % 1 in (0.0, 1.0)]
    heads = " | ".join(f"1e{round(np.log10(t))}" for t in decades)
    print(f"\n| optimizer | theory | {heads} | contradicted |\n|{'---|' * (len(decades) + 3)}")
    _print_followed(asked.seeds, last, decades)


def _print_followed(seeds: int, last: int, decades: Sequence[int]) -> None:
    (instances,) = build_instances(load_registry(), SEPARABLE, seeds)
    cells, limit = theorem_cells(instances), kind_of(instances[0]).close
    right, extrapolations = Counter[int](), []
    for cell in cells:
        theory, runs = theory_name(cell), follow(cell, seeds, last)
        own = {t: sum(run.verdicts[t].selected == theory for run in runs) for t in decades}
        right.update(own)
        taken_back = [found for run in runs for found in run.contradicted()]
        counts = " | ".join(f"{n}" for n in own.values())
        label = cell.choice.label.removesuffix(" (theorem)")
        print(f"| `{label}` | {theory} | {counts} | {len(taken_back)} |", flush=True)
        extrapolations += [pair for run in runs for pair in run.extrapolations(limit)]
    shares = " | ".join(f"{right[t] / (seeds * len(cells)):.0%}" for t in decades)
    print(f"| all | | {shares} | |")
    due = [(at, was) for at, was in extrapolations if 3.0 * at <= last]
    order = sum(1 for at, was in due if 0.1 <= at / was <= 10.0)
    print(f"\nextrapolations that fall due: {len(due)}, of the right order: {order}")


if __name__ == "__main__":
    main()
