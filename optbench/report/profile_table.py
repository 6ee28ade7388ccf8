"""The table over all instances: how many targets each optimizer reaches, and how soon."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from optbench.columns import UNKNOWN, ConvergenceRow
from optbench.labels import labels_across
from optbench.report.numbers import count
from optbench.report.rows import grouped, slower_note, with_mark
from optbench.report.table import Cell, Column, Table
from optbench.status import Status

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from optbench.analysis.significance import Slower
    from optbench.result import Comparison


class Profile(NamedTuple):
    """What is said of one optimizer over all instances.

    Attributes
    ----------
    optimizer : str
    shares : mapping of str to float
        Of all pairs of an instance and a target, those that it reaches.
    slower_than : tuple of str
        Optimizers that are significantly faster over instances.
    slower_p : float
        The smallest p-value of being slower than another one; nan where too few instances tell.
    """

    optimizer: str
    shares: Mapping[str, float]
    slower_than: tuple[str, ...]
    slower_p: float


FACTORS = (1, 2, 10)  # of the fewest steps of any optimizer
BUDGETS = (100, 1_000, 10_000, 100_000, 1_000_000)  # steps; those below the horizon are shown


def is_profiled(rows: Sequence[ConvergenceRow]) -> bool:
    """Return whether there is something to compare: several instances and several optimizers."""
    instances = {row.instance_id for row in rows}
    return len(instances) > 1 and len({label for label, _ in _labelled(rows)}) > 1


def with_targets(comparison: Comparison) -> list[ConvergenceRow]:
    """Return the rows of instances whose optimum is known: the others have no targets."""
    unknown = {facts.instance_id for facts in comparison.instances if facts.infimum_from == UNKNOWN}
    return [row for row in comparison.convergence_rows if row.instance_id not in unknown]


def profiles(comparison: Comparison, counted: str = "steps") -> list[Profile]:
    """Return what the profile says of each optimizer; none where there is nothing to compare."""
    rows = with_targets(comparison)
    if not is_profiled(rows):
        return []
    told = slower_by_label(rows)
    names = list(told)
    return [
        Profile(label, shares, tuple(names[i] for i in told[label].than), told[label].p)
        for label, shares in profile_shares(rows, counted).items()
    ]


def profile_table(rows: Sequence[ConvergenceRow], counted: str = "steps") -> Table:
    """Return what performance profiles and runtime distributions say over several instances.

    Parameters
    ----------
    rows : sequence of ConvergenceRow
        Those of all instances with targets; their steps to targets are compared.
    counted : {"steps", "evaluations"}
        What is compared.
    """
    from optbench.analysis.profiles import sentence
    from optbench.analysis.significance import fewest_blocks

    costs, shares = costs_by_label(rows, counted), profile_shares(rows, counted)
    told = slower_by_label(rows)
    ranked = sorted(shares, key=lambda label: tuple(shares[label].values()), reverse=True)
    instances = len({row.instance_id for row in rows})
    pairs = len(next(iter(costs.values())))
    columns = (
        Column("targets\nreached", number=True),
        Column(f"fewest\n{counted}", number=True),
        *(Column(f"within\n{factor}x", 1, number=True) for factor in FACTORS[1:]),
        *(Column(f"in {count(end)}\n{counted}", 2, number=True) for end in _budgets(rows)),
    )
    return Table(
        title=f"Profile over {instances} instances",
        facts=(
            f"share of the {pairs} pairs of an instance and a target that are reached: at all, "
            f"with the fewest {counted} of all optimizers, within a factor of these, in so many "
            f"{counted}",
        ),
        columns=(Column("optimizer", names=True), *columns),
        rows=tuple(
            (
                Cell(with_mark(label, bool(told[label].than))),
                *(Cell(f"{share:.0%}") for share in shares[label].values()),
            )
            for label in ranked
        ),
        reading=(sentence(costs),),
        notes=(
            *_not_run(rows),
            *slower_note(
                any(each.than for each in told.values()),
                len(told),
                instances,
                fewest_blocks(len(told)),
                "instance",
            ),
        ),
    )


def profile_shares(
    rows: Sequence[ConvergenceRow], counted: str = "steps"
) -> dict[str, dict[str, float]]:
    """Return for each optimizer the shares of pairs that it reaches, by the name of the quantity.

    Parameters
    ----------
    rows : sequence of ConvergenceRow
        Those of all instances with targets.
    """
    from optbench.analysis.profiles import performance_profile, runtime_ecdf

    costs = costs_by_label(rows, counted)
    ratios, within = performance_profile(costs)
    ends, reached = runtime_ecdf(costs)
    return {
        label: {
            "reached": _share(ends, reached[label], math.inf),
            **{f"within_{end}x": _share(ratios, within[label], end) for end in FACTORS},
            **{f"in_{end}_{counted}": _share(ends, reached[label], end) for end in _budgets(rows)},
        }
        for label in costs
    }


def slower_by_label(rows: Sequence[ConvergenceRow]) -> dict[str, Slower]:
    """Return what each optimizer is significantly slower than, over instances: by its place.

    An instance counts once, with the medians over its seeds: its seeds are alike, so that many of
    them would not tell more of other instances.

    Parameters
    ----------
    rows : sequence of ConvergenceRow
        Those of all instances with targets.
    """
    import numpy as np

    from optbench.analysis.significance import slower, within_horizon

    named = _labelled(rows)
    names = list(dict.fromkeys(label for label, _ in named))
    places = list(dict.fromkeys(row.instance_id for row in rows))
    targets = sorted({name for row in rows for name in row.steps_to}, key=float, reverse=True)
    steps = np.full((len(names), len(places), len(targets)), math.nan)
    for label, row in named:
        if row.status.has_numbers or row.status == Status.DIVERGED:
            found = [math.inf if (n := row.steps_to.get(t)) is None else n for t in targets]
            steps[names.index(label), places.index(row.instance_id)] = found
    return dict(zip(names, slower(within_horizon(steps, rows)), strict=True))


def _share(points: NDArray[np.float64], curve: NDArray[np.float64], end: float) -> float:
    """Return the step function at ``end``; it is 0 before its first point."""
    below = int((points <= end).sum())
    return float(curve[below - 1]) if below else 0.0


def _budgets(rows: Sequence[ConvergenceRow]) -> list[int]:
    return [steps for steps in BUDGETS if steps < min(row.horizon for row in rows)]


def costs_by_label(
    rows: Sequence[ConvergenceRow], counted: str = "steps"
) -> dict[str, list[float]]:
    """Return what every target of every instance costs each optimizer, inf where never reached.

    Parameters
    ----------
    rows : sequence of ConvergenceRow
        Those of all instances with targets.
    counted : {"steps", "evaluations"}

    Targets that are kept beyond the common horizon only are not reached.
    """
    from optbench.analysis.profiles import common_horizon, costs_within

    horizon = common_horizon(rows) if rows else 0
    found: dict[str, dict[tuple[str, str], float]] = {}
    for label, row in _labelled(rows):
        costs = row.steps_to if counted == "steps" else row.evaluations_to
        own = costs_within(row, costs, horizon).items()
        found.setdefault(label, {}).update({(row.instance_id, t): cost for t, cost in own})
    known = dict.fromkeys(pair for own in found.values() for pair in own)
    return {label: [own.get(pair, math.inf) for pair in known] for label, own in found.items()}


def _labelled(rows: Sequence[ConvergenceRow]) -> list[tuple[str, ConvergenceRow]]:
    return list(zip(labels_across(rows), rows, strict=True))


def _not_run(rows: Sequence[ConvergenceRow]) -> list[str]:
    """Say which optimizers did not run on some instances: their pairs count as not reached."""
    absent = Counter(label for label, row in _labelled(rows) if row.status == Status.SKIPPED)
    return grouped((label, f"skipped on {times} of them") for label, times in absent.items())
