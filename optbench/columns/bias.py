"""The columns of the implicit-bias table.

What it measures depends on the kind of problem: :mod:`optbench.analysis.kinds`.
"""

from __future__ import annotations

from dataclasses import dataclass

from optbench.column import column
from optbench.columns.row import Interval, Intervals, Names, Number, Numbers, Row


@dataclass(frozen=True, kw_only=True)
class BiasRow(Row):
    """Which solution an optimizer selects."""

    selected: str | None = column(
        "the certified reference that the optimizer has settled at, "
        '`"moving"` (see `towards`), `"between"` (of two references, see `effective_p`), '
        '`"INCONCLUSIVE"`, or null when nothing ran',
        header="selects",
    )
    nearest: str | None = column(
        "the reference that it is at, or nearest to, when the runs end: of norms the one to which "
        "least is missing"
    )
    towards: str | None = column(
        "the reference that a moving run approaches most: in the table `moving to` it"
    )
    decided_at: Number = column(
        "step at which a moving run would be close to `towards` if the law of its last two decades "
        "went on: an extrapolation, at most 1,000 times as far; null where no law fits",
        unit="steps",
        header="decided\nat",
        rank=3,
    )
    missing: Numbers = column(
        "what is missing to each reference: 1 - margin ratio, norm excess, or the distance where "
        "no norm defines it (`by_distance`); `residual`: to fitting, where a run does not fit yet",
        prefix="missing_",
        default={},
    )
    by_distance: Names = column(
        "references to which `missing` is a distance, in the unit of the instance's "
        "`separation_unit`",
        default=(),
    )
    trend: Numbers = column(
        "`missing` over what it was at a tenth of the steps: below 1 the reference is approached",
        unit="ratio",
        prefix="trend_",
        default={},
    )
    runner_up: str | None = column(
        "the reference that comes second: after the verdict, `towards` or `nearest`",
        header="runner-up",
        rank=4,
    )
    separation: Number = column(
        "distance from the selected (else the nearest) reference to the closest other one, in the "
        "unit of the instance's `separation_unit`"
    )
    steps: Number = column(
        "number of steps that the runs of this table took, of the longest seed; beyond the horizon "
        "where they went on until they had settled",
        unit="steps",
        header="steps",
        rank=2,
    )
    evaluations: Number = column(
        "how often such a run had the whole objective evaluated to take these steps, by the "
        "optimizer's own doing: at theta, at its probes; n drawn rows of n are one. In the table "
        "where it is not the number of steps",
        unit="steps",
        header="evalu-\nations",
        rank=3,
    )
    theory: str = column(
        'the reference that theory says the optimizer selects; `"unknown"`: there is no theorem',
        header="theory",
        default="unknown",
    )
    condition: str = column("the condition under which theory says so", note=True, default="")
    theory_reason: str = column(
        'why `theory` is `"unknown"` although a theorem names a solution', note=True, default=""
    )
    uncertified: Names = column(
        "references that are not certified: the verdict ignores them, and measures against them "
        "are marked in the table",
        note=True,
        default=(),
    )
    effective_p: Number = column(
        'the exponent whose p-margin or p-norm the run is closest to optimizing; `"inf"`: the '
        "maximum norm",
        unit="p",
        header="eff. p",
        rank=3,
    )
    effective_p_interval: Interval = column(
        "neighbours of `effective_p` in the grid of exponents, or the ends of a flat optimum: it "
        "is known no better",
        unit="p",
        header="eff. p\ninterval",
        rank=8,
        of="effective_p",
    )
    effective_schatten_p: Number = column(
        "of a matrix the exponent of the Schatten norm, the p-norm of the singular values, whose "
        'margin the run is closest to optimizing: 1 nuclear, 2 Frobenius, `"inf"` spectral norm',
        unit="p",
        header="eff.\nSchatten p",
        rank=3,
    )
    effective_schatten_p_interval: Interval = column(
        "neighbours of `effective_schatten_p` in its grid of exponents: it is known no better",
        unit="p",
        header="Schatten p\ninterval",
        rank=8,
        of="effective_schatten_p",
    )
    measures: Numbers = column(
        "medians over seeds of what this kind of problem measures", default={}
    )
    intervals: Intervals = column(
        "bootstrap intervals of the measures over seeds; null with one seed",
        of="measures",
        default={},
    )
