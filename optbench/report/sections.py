"""What a comparison is told in: the first screen, the tables of each instance, notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from optbench.labels import distinct

if TYPE_CHECKING:
    from optbench.report.formats import View
    from optbench.report.table import Table
    from optbench.result import Comparison


def tables(comparison: Comparison, details: bool = False, counted: str = "steps") -> list[Table]:
    """Return the tables of each instance, then what holds over all.

    An implicit-bias and a convergence table; a third where several learning rates were given.

    Parameters
    ----------
    comparison : Comparison
    details : bool
        Whether there is a third one as well where learning rates were searched.
    counted : {"steps", "evaluations"}
        What the profile over several instances compares.
    """
    from optbench.report.bias_table import bias_table
    from optbench.report.convergence_table import convergence_table
    from optbench.report.learning_rate_table import is_swept, learning_rate_table
    from optbench.report.profile_table import is_profiled, profile_table, with_targets

    found: list[Table] = []
    instances = distinct(comparison.instances)
    for facts in instances:
        own = facts.instance_id
        bias = [row for row in comparison.bias_rows if row.instance_id == own]
        convergence = [row for row in comparison.convergence_rows if row.instance_id == own]
        above = [bias_table(facts, bias, instances)] if bias else []
        told = [note for table in above for note in table.notes]
        found += above
        if convergence:
            found.append(convergence_table(facts, convergence, instances, told))
        if is_swept(convergence, searched=details):
            found.append(learning_rate_table(facts, convergence, instances))
    rows = with_targets(comparison)
    if is_profiled(rows):
        found.append(profile_table(rows, counted))
    return found


def measured_on(comparison: Comparison) -> list[str]:
    """Return the line that says with what and where it was measured, and what took how long."""
    from optbench.report.numbers import duration

    known = comparison.environment
    versions = known.get("versions") or {}
    parts = [f"{name} {versions[name]}" for name in ("optbench", "numba") if name in versions]
    if "processor" in known:
        parts.append(str(known["processor"]))
    if "threads" in known:
        parts.append(f"threads {known['threads']}")
    seconds = known.get("seconds") or {}
    parts += [f"{name} {duration(value)}" for name, value in seconds.items()]
    return [f"measured with {'; '.join(parts)}"] if parts else []


def notes_of(comparison: Comparison) -> list[str]:
    """Return the lines below the tables."""
    return [*(f"note: {note}" for note in comparison.notes), *measured_on(comparison)]


def is_summarized(comparison: Comparison) -> bool:
    """Whether a matrix says more than the tables: there are several instances."""
    return len({row.instance_id for row in comparison.bias_rows}) > 1


def first_screen(
    comparison: Comparison, view: View, pointers: Mapping[str, str], longer: str = ""
) -> str:
    """Return the matrix of optimizers and instances, what was found, and where the rest is.

    Parameters
    ----------
    comparison : Comparison
    view : View
    pointers : mapping of str to str
        What to type for the rest, and what that shows.
    longer : str
        What to type so that runs go on; it is named where some still moved.
    """
    from optbench.analysis.settling import MOVING
    from optbench.report.summary import summarize
    from optbench.report.summary_table import summary_table
    from optbench.report.sweep import brief
    from optbench.report.terminal import NARROWEST, render_terminal

    table = summary_table(summarize(comparison, view.counted), max(view.width, NARROWEST))
    if longer and any(row.selected == MOVING for row in comparison.bias_rows):
        pointers = {longer: "runs go on until they have settled", **pointers}
    more = ", ".join(f"{command} ({shows})" for command, shows in pointers.items())
    notes = [*(f"note: {note}" for note in comparison.notes), f"More: {more}."]
    return render_terminal([brief(table)], notes, view.width, view.styled)
