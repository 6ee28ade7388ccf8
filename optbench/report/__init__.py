"""Tables of a comparison: for the terminal, Markdown, LaTeX, CSV, JSON and as an HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.errors import UserError

if TYPE_CHECKING:
    from optbench.report.table import Table
    from optbench.result import Comparison

COUNTS = ("steps", "evaluations")  # what profiles compare
FORMATS = ("table", "markdown", "latex", "csv", "json", "html")


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
    instances = list({facts.instance_id: facts for facts in comparison.instances}.values())
    for facts in instances:
        own = facts.instance_id
        bias = [row for row in comparison.bias_rows if row.instance_id == own]
        convergence = [row for row in comparison.convergence_rows if row.instance_id == own]
        if bias:
            found.append(bias_table(facts, bias, instances))
        if convergence:
            found.append(convergence_table(facts, convergence, instances))
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


def render(
    comparison: Comparison,
    format: str = "table",
    width: int = 120,
    styled: bool = False,
    details: bool = False,
    counted: str = "steps",
) -> str:
    """Return a comparison as text.

    Parameters
    ----------
    comparison : Comparison
    format : {"table", "markdown", "latex", "csv", "json", "html"}
    width : int
        Characters per line of ``table``; at least 80 are used.
    styled : bool
        Whether ``table`` uses ANSI codes.
    details : bool
        Whether tables show every learning rate that a search tried; CSV and JSON always have them.
    counted : {"steps", "evaluations"}
        What the profile over several instances compares.

    Raises
    ------
    UserError
        For an unknown format, or what cannot be counted.
    """
    if counted not in COUNTS:
        raise UserError(f"unknown count {counted!r}; known: {', '.join(COUNTS)}")
    if format not in FORMATS:
        raise UserError(f"unknown format {format!r}; known: {', '.join(FORMATS)}")
    if format == "csv":
        from optbench.report.long_csv import render_csv

        return render_csv(comparison, counted)
    if format == "json":
        from optbench.report.document import render_json

        return render_json(comparison, counted)
    if format == "html":
        from optbench.report.html import render_html

        return render_html(comparison, counted)
    notes = [*(f"note: {note}" for note in comparison.notes), *measured_on(comparison)]
    found = tables(comparison, details, counted)
    if format == "markdown":
        from optbench.report.markdown import render_markdown

        return render_markdown(found, notes)
    if format == "latex":
        from optbench.report.latex import render_latex

        return render_latex(found, notes)
    from optbench.report.terminal import render_terminal

    return render_terminal(found, notes, width, styled)


__all__ = ["COUNTS", "FORMATS", "render", "tables"]
