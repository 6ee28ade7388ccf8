"""The columns of the convergence table, of its rate law, and of the learning rates of a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from optbench.column import REQUIRED, column
from optbench.columns.row import Interval, Intervals, Names, Number, Numbers, Row, Window
from optbench.status import Status


@dataclass(frozen=True, kw_only=True)
class RateLaw:
    """The laws of convergence that the last part of a trace does not rule out."""

    law: str | None = column(
        "the likeliest: `linear`, `power`, `logarithmic`, `log power`, `log over t`, `stretched`, "
        "`superlinear`, `power onto a floor`, or null"
    )
    laws: Names = column("all laws that are not ruled out, the likeliest first", default=())
    value: Number = column(
        "of the likeliest: factor per step (linear) or exponent; null where the law has none"
    )
    low: Number = column(
        "lower end of the 95% interval of `value`", header="rate\ninterval", rank=10
    )
    high: Number = column("upper end of the 95% interval of `value`")
    window: Window = column("first and last step of the fitted window", unit="steps")
    offset: Number = column("s of the laws in t + s", unit="steps")
    floor: Number = column(
        "what loss - optimum falls to, where a power onto a floor is the likeliest", unit="loss"
    )
    text: str = column("the laws for a table, or why there is none", default="")


@dataclass(frozen=True, kw_only=True)
class LearningRate:
    """What all runs of one learning rate did, one a seed."""

    learning_rate: float = column("the rate", unit="rate", default=REQUIRED)
    hyperparameters: Numbers = column("all hyperparameters of these runs", default={})
    steps: int = column(
        "how many steps its runs were given: the row's `horizon`, or less where the search left "
        "the rate behind; what follows is as of then",
        unit="steps",
        low=1,
        default=REQUIRED,
    )
    status: Status = column("how the runs ended; the worst of all seeds", default=REQUIRED)
    stopped: Number = column(
        "the step at which they ended, of the seed that ended first", unit="steps"
    )
    success_rate: Number = column(
        "fraction of seeds that keep the row's `success_target`", unit="ratio", low=0.0, high=1.0
    )
    steps_to: Numbers = column(
        "median steps from which on each target is kept; null: it is not", unit="steps",
        prefix="steps_to_", default={},
    )  # fmt: skip
    reached: Numbers = column(
        "first step at each target, as in the row; null: not reached", unit="steps",
        prefix="reached_", default={},
    )  # fmt: skip
    left_again_at: Numbers = column(
        "last step above a target that was reached before, as in the row", unit="steps",
        prefix="left_again_at_", default={},
    )  # fmt: skip
    passages: str = column("`exact` or `interpolated`, as in the row", default="")
    final_loss: Number = column("median of the last loss", unit="loss")
    final_suboptimality: Number = column("median of loss - optimum at the end", unit="loss")
    log10_final_suboptimality: Number = column(
        "its decimal logarithm, also where the number itself underflows"
    )
    log10_left: Number = column(
        "decimal logarithm of the median of (last loss - optimum) / (first loss - optimum), the "
        "unit of the targets"
    )
    selected: str | None = column(
        'the verdict of more than half of the seeds at the horizon, `"INCONCLUSIVE"`, or null when '
        "none has a last predictor there"
    )


@dataclass(frozen=True, kw_only=True)
class ConvergenceRow(Row):
    """How fast an optimizer gets there."""

    best_learning_rate: Number = column(
        "the learning rate that won; null when the optimizer has none to tune",
        unit="rate",
        header="lr",
    )
    at_edge: bool = column(
        "whether that is the smallest or largest rate that was tried, and better than the next; "
        "`*` in the table",
        default=False,
    )
    searched: bool = column(
        "whether learning rates were searched: neither given nor without one to tune",
        default=False,
    )
    steps_to: Numbers = column(
        "median steps from which on, to the end of the run, (loss - optimum) / (first loss - "
        "optimum) is at most the target that the key names; null: it is not, or the optimum is "
        "unknown",
        unit="steps",
        header="steps\nto",
        rank=1,
        prefix="steps_to_",
        default={},
    )
    intervals: Intervals = column(
        "bootstrap intervals of `steps_to` over seeds; null with one seed",
        unit="steps",
        of="steps_to",
        default={},
    )
    reached: Numbers = column(
        "first step at which it is at most the target, of the seed with the median of `steps_to`, "
        "of the two in the middle their mean; less than that where the target was left again; "
        "null: never",
        unit="steps",
        prefix="reached_",
        default={},
    )
    left_again_at: Numbers = column(
        "last step above the target after it was reached, of the same seed: the last of all where "
        "the run ends above it; null: none",
        unit="steps",
        prefix="left_again_at_",
        default={},
    )
    passages: str = column(
        "`exact`: these steps are from every step of the runs; `interpolated`: from their records, "
        "between which a trace that is not monotone passes targets unseen; empty: there are none",
        default="",
    )
    evaluations: Number = column(
        "how often a run had the whole objective evaluated, to its end, of the longest seed: see "
        "`evaluations` of the implicit-bias table",
        unit="steps",
    )
    evaluations_to: Numbers = column(
        "how often it had until the step in `steps_to`, of the same seed; between records the "
        "count is interpolated. In the table where it is not that step",
        unit="steps",
        header="evals\nto",
        rank=2,
        prefix="evaluations_to_",
        default={},
    )
    steps_by_seed: Mapping[str, tuple[Number, ...]] = column(
        "`steps_to` of each seed; infinite: the target is not kept",
        unit="steps",
        prefix="steps_by_seed_",
        data=("JSON", "pandas"),
        default={},
    )
    slower_than: Names = column(
        "rows on this instance that are significantly faster; the row is marked `†` in the table",
        default=(),
    )
    slower_p: Number = column(
        "smallest p-value of a row on this instance being faster, corrected for all pairs of rows; "
        "null: none can be told from chance with so few seeds",
        low=0.0,
        high=1.0,
    )
    rate: RateLaw = column(
        "the law of convergence that was fitted", header="rate law", rank=1, default=RateLaw()
    )
    ns_per_step: Number = column(
        "processor time for one step of one run", unit="ns", header="ns/\nstep", rank=2, low=0.0
    )
    relative_cost: Number = column(
        "`ns_per_step` over that of `baseline`, on the same instance and parametrization; both "
        "were measured in turn",
        unit="ratio",
        header="relative\ncost",
        rank=5,
    )
    relative_cost_interval: Interval = column(
        "smallest and largest `relative_cost` of the nine rounds of its measurement",
        unit="ratio",
        of="relative_cost",
    )
    baseline: str | None = column(
        "what `relative_cost` compares with: the optimizer declared with `baseline=True`, whether "
        "it has a row or not"
    )
    timed_on: str | None = column(
        "when `ns_per_step` and `relative_cost` were measured: UTC, ISO 8601; all rows of an "
        "instance were timed in one session"
    )
    seconds_to: Numbers = column(
        "`steps_to` times `ns_per_step`: compilation and tuning are not in it",
        unit="s",
        header="time\nto",
        rank=9,
        prefix="seconds_to_",
        default={},
    )
    final_loss: Number = column(
        "median of the last loss", unit="loss", header="final\nloss", rank=10
    )
    final_suboptimality: Number = column(
        "median of loss - optimum at the end; null: the optimum is unknown",
        unit="loss",
        header="final\ngap",
        rank=6,
    )
    log10_final_suboptimality: Number = column(
        "its decimal logarithm, also where the number itself underflows"
    )
    sensitivity_decades: Number = column(
        "width of the learning rates around the best of the short runs that are within a factor of "
        "2 of it, in steps to 1e-8, or in the gap that is left where it does not keep 1e-8: how "
        "carefully one must tune; null: none of them halved the gap",
        unit="decades",
        header="lr width\n(decades)",
        rank=11,
    )
    critical_learning_rate: Number = column(
        "the border between rates that survive the short run with all seeds and those that "
        "diverge; null: there is no single one, or fewer than 200 steps to see it",
        unit="rate",
        header="critical\nlr",
        rank=12,
    )
    theory_learning_rate: Number = column(
        "2 / L, where theory puts the critical rate of gradient descent",
        unit="rate",
        header="theory\n2/L",
        rank=13,
    )
    success_rate: Number = column(
        "fraction of seeds that keep `success_target`; null: the optimum is unknown, or no target "
        "is above rounding",
        unit="ratio",
        header="success",
        rank=3,
        low=0.0,
        high=1.0,
    )
    success_target: str = column(
        "the target that counts as success: the hardest of `steps_to` that is above rounding",
        default="",
    )
    below_rounding: Names = column(
        "targets at which the loss of some seed differs from the optimum by less than rounding: no "
        "run can show that it is there",
        default=(),
    )
    learning_rates: tuple[LearningRate, ...] = column(
        "what each learning rate did, in increasing order: those that were given, or all that the "
        "search tried; empty when there is none to tune",
        data=("JSON", "CSV"),
        default=(),
    )
