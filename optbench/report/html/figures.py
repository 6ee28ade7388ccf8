"""The figures of the page: of each instance, and over all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from optbench.analysis.kinds import MEASURES, in_their_order, measure_named
from optbench.plots.ecdf import ECDF
from optbench.plots.kind import AGAINST
from optbench.plots.loss import DEEPEST, LABELS, LOSS
from optbench.plots.performance_profile import PERFORMANCE_PROFILE
from optbench.plots.rows import naming
from optbench.plots.selection import LEAST
from optbench.plots.sensitivity import FLOOR, SENSITIVITY
from optbench.report.html.charts import Axis, Chart, Line, Packed, PageFigure, Series
from optbench.report.html.curves import (
    RunOf,
    by_optimizer,
    curve,
    drawable,
    frame_of,
    logarithms,
    over_seeds,
    spread,
)
from optbench.report.table import Column as Heading

if TYPE_CHECKING:
    import pandas as pd

    from optbench.columns import ConvergenceRow
    from optbench.result import Comparison
    from optbench.traces import Trace

WORST = 2.0  # decades above the first gap: what grew further is drawn there
BANDS = "Curves are medians over seeds, bands reach from the smallest to the largest seed."
SEARCHED = "Of a rate that the search left behind, it shows what was left then."


class Figures:
    """The figures of a comparison; numbers for all instances are made once.

    Parameters
    ----------
    comparison : Comparison
    runs : mapping of str to ConvergenceRow
        The rows of the convergence table by their runs.
    """

    def __init__(self, comparison: Comparison, runs: Mapping[str, ConvergenceRow]) -> None:
        self.comparison = comparison
        self.loss = frame_of(LOSS, comparison)
        self.sensitivity = frame_of(SENSITIVITY, comparison)
        self.name = naming(comparison.convergence_rows)
        self.runs = {(row.instance_id, self.name(row)): run for run, row in runs.items()}
        seeds = max((row.seeds for row in comparison.convergence_rows), default=1)
        self.bands = BANDS if seeds > 1 else ""

    def of_instance(self, instance_id: str, key: str) -> list[PageFigure]:
        """Return the figures of an instance; those that have nothing to show are left out."""

        def run_of(label: str) -> str:
            return self.runs.get((instance_id, label), "")

        found = [
            self._loss(_part(self.loss, instance_id), key, run_of),
            self._measures(instance_id, key, run_of),
            self._sensitivity(_part(self.sensitivity, instance_id), key, run_of),
        ]
        return [each for each in found if each.charts]

    def other_rates(self, packed: Packed) -> dict[str, list[dict[str, Any]]]:
        """Return the loss of the learning rates that did not win, by run: behind its own curve."""
        import numpy as np

        found: dict[str, list[dict[str, Any]]] = {}
        for trace in self.comparison.traces:
            run = self.runs.get((trace.instance_id, self.name(trace)))
            if trace.won or run is None or not (trace.steps > 0).any():
                continue
            after = trace.steps > 0
            gaps = trace.log_gap / math.log(10.0)
            if not np.isfinite(gaps).any():
                gaps = logarithms(trace.loss)
            middle, _, _ = spread(gaps[after])
            at = logarithms(trace.steps[after])
            series = Series(f"learning rate {trace.learning_rate:.4g}", "", at, middle)
            told = packed.packed(series) | {"rate": trace.learning_rate}
            found.setdefault(run, []).append(told)
        return found

    def over_all(self) -> list[PageFigure]:
        """Return the figures over all instances."""
        found = [
            PageFigure(
                "ecdf",
                "Targets reached",
                f"{ECDF.shows} A curve at (x, y): within x the optimizer reaches, and keeps to the "
                "end, a fraction y of all pairs of an instance and a target.",
                _steps(frame_of(ECDF, self.comparison), LABELS.__getitem__, "fraction reached"),
            ),
            PageFigure(
                "profile-ratios",
                "Against the best on each target",
                f"{PERFORMANCE_PROFILE.shows} A curve at (x, y): on a fraction y of all pairs of "
                "an instance and a target it takes at most x times as many as the best.",
                _steps(
                    frame_of(PERFORMANCE_PROFILE, self.comparison),
                    lambda unit: f"factor of the fewest {unit}",
                    "fraction of targets",
                ),
            ),
        ]
        return [each for each in found if each.charts]

    def _loss(self, own: pd.DataFrame | None, key: str, run_of: RunOf) -> PageFigure:
        charts = []
        if own is not None:
            known = bool(own["log10_gap"].notna().any())
            told = own.assign(shown=own["log10_gap"] if known else logarithms(own["loss"]))
            label = "loss - optimum" if known else "loss (its optimum is unknown)"
            starts = told[told["steps"] == told["steps"].min()]["shown"]
            axis = Axis(label, log=True, least=float(starts.median()) - DEEPEST)
            for unit in AGAINST:
                curves = drawable(over_seeds(told, unit, "shown", run_of))
                charts += _chart(f"against {unit}", Axis(LABELS[unit], log=True), axis, curves)
        caption = f"{LOSS.shows} Lower and further left is better. {self.bands}".strip()
        return PageFigure(f"loss-{key}", "Loss gap", caption, charts)

    def _measures(self, instance_id: str, key: str, run_of: RunOf) -> PageFigure:
        traces = [t for t in self.comparison.traces if t.instance_id == instance_id and t.won]
        charts: list[Chart] = []
        for name in in_their_order(name for trace in traces for name in trace.measures):
            curves = drawable(self._measure(traces, name, run_of))
            measure = measure_named(name)
            title = Heading(measure.header).title
            charts += _chart(
                title,
                Axis("steps", log=True),
                Axis(title, least=LEAST["margin_ratio"] if measure.best == 1.0 else None),
                curves,
                [Line("best", measure.best)] if name in MEASURES else [],
                note=f"{measure.meaning}." if measure.meaning else "",
            )
        caption = f"What the implicit-bias table measures, along the runs. {self.bands}".strip()
        return PageFigure(f"measures-{key}", "Along the run", caption, charts)

    def _measure(self, traces: Sequence[Trace], name: str, run_of: RunOf) -> list[Series]:
        found = []
        for trace in traces:
            if name in trace.measures:
                after = trace.steps > 0
                middle, low, high = spread(trace.measures[name][after])
                label = self.name(trace)
                at = logarithms(trace.steps[after])
                found.append(curve(label, at, middle, run_of(label), low, high))
        return found

    def _sensitivity(self, own: pd.DataFrame | None, key: str, run_of: RunOf) -> PageFigure:
        charts = []
        searched = False
        if own is not None:
            searched = not bool(own["ended"].all())
            rates = logarithms(own["learning_rate"])
            axis = Axis("learning rate", log=True)
            left = own["log10_left"].clip(upper=WORST)
            steps = logarithms(own["steps_to_target"])
            curves = drawable(by_optimizer(own, rates, left, run_of))
            charts += _chart(
                "what is left", axis, Axis("last gap / first gap", True, FLOOR), curves, points=True
            )
            targets = ", ".join(dict.fromkeys(filter(None, own["target"])))
            curves = drawable(by_optimizer(own, rates, steps, run_of))
            charts += _chart(
                f"steps to {targets}", axis, Axis(f"steps to {targets}", log=True), curves,
                points=True,
            )  # fmt: skip
        caption = f"{SENSITIVITY.shows} {SEARCHED if searched else ''}".strip()
        return PageFigure(f"sensitivity-{key}", "Learning rates", caption, charts)


def _part(data: pd.DataFrame | None, instance_id: str) -> pd.DataFrame | None:
    """Return the rows of an instance, or None where there is none."""
    if data is None:
        return None
    own = data[data["instance_id"] == instance_id]
    return own if len(own) else None


def _chart(
    name: str,
    x: Axis,
    y: Axis,
    curves: Sequence[Series],
    lines: Sequence[Line] = (),
    points: bool = False,
    stepped: bool = False,
    note: str = "",
) -> list[Chart]:
    """Return a chart, or nothing where it has no curve."""
    return [Chart(name, x, y, curves, lines, stepped, points, note)] if curves else []


def _steps(data: pd.DataFrame | None, x: Callable[[str], str], y: str) -> list[Chart]:
    """Return the step functions of a profile in each unit, each to the end of the chart."""
    import pandas as pd

    found: list[Chart] = []
    if data is None:
        return found
    for unit in AGAINST:
        own = data[data["against"] == unit]
        ends = own.groupby("optimizer", sort=False).tail(1).assign(x=own["x"].max())
        whole = pd.concat([own, ends])
        curves = by_optimizer(whole, logarithms(whole["x"]), whole["fraction"], lambda _: "")
        found += _chart(
            f"by {unit}", Axis(x(unit), log=True), Axis(y), drawable(curves), stepped=True
        )
    return found
