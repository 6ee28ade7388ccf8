"""The page of a comparison: summary, then each instance, then what holds over all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optbench.labels import distinct, full_labels
from optbench.report.bias_table import bias_table
from optbench.report.citations import cited
from optbench.report.citations.bibtex import bibtex
from optbench.report.convergence_table import convergence_table
from optbench.report.facts import bias_facts, title_of
from optbench.report.html.charts import Packed, PageFigure
from optbench.report.html.figures import Figures
from optbench.report.html.files import as_json, scripts, styles, text_of_file
from optbench.report.html.matrix import page_matrix
from optbench.report.html.runs import keys_of, meanings, run_details
from optbench.report.html.tables import (
    PageTable,
    as_rows,
    bias_page_table,
    convergence_page_table,
    profile_page_table,
    rates_page_table,
    references_page_table,
)
from optbench.report.numbers import duration
from optbench.report.profile_table import is_profiled, profile_table, profiles, with_targets
from optbench.report.summary import Summary, summarize

if TYPE_CHECKING:
    from optbench.columns import BiasRow, ConvergenceRow, InstanceFacts
    from optbench.result import Comparison


@dataclass(frozen=True)
class ReadTable:
    """A table with the sentences that read it and the notes below it."""

    table: PageTable
    reading: Sequence[str]
    notes: Sequence[str]


@dataclass(frozen=True)
class Part:
    """What the page says of one instance."""

    key: str
    title: str
    short: str
    facts: Sequence[str]
    figures: Sequence[PageFigure]
    tables: Sequence[ReadTable]
    rates: PageTable | None
    references: PageTable


@dataclass(frozen=True)
class Overall:
    """What the page says over all instances."""

    reading: Sequence[str]
    figures: Sequence[PageFigure]
    table: PageTable
    notes: Sequence[str]


class Runs:
    """The rows of a comparison and what the page calls the runs behind them."""

    def __init__(self, comparison: Comparison) -> None:
        bias, convergence = comparison.bias_rows, comparison.convergence_rows
        self.bias = dict(zip(keys_of(bias), bias, strict=True))
        self.convergence = dict(zip(keys_of(convergence), convergence, strict=True))
        self.key_of_row = {id(row): key for key, row in self.bias.items()}

    def bias_of(self, instance_id: str) -> dict[str, BiasRow]:
        """Return the rows of an instance by their runs."""
        return {k: row for k, row in self.bias.items() if row.instance_id == instance_id}

    def convergence_of(self, instance_id: str) -> dict[str, ConvergenceRow]:
        """Return the rows of an instance by their runs."""
        return {k: row for k, row in self.convergence.items() if row.instance_id == instance_id}


def render_html(comparison: Comparison, counted: str = "steps") -> str:
    """Return a comparison as one HTML file.

    Parameters
    ----------
    comparison : Comparison
    counted : {"steps", "evaluations"}
        What is compared over instances.
    """
    from jinja2 import Environment, select_autoescape

    packed, runs = Packed(), Runs(comparison)
    summary = summarize(comparison, counted)
    instances = distinct(comparison.instances)
    figures = Figures(comparison, runs.convergence)
    parts = [
        _part(number, facts, instances, runs, figures)
        for number, facts in enumerate(instances, start=1)
    ]
    profile = _profile(comparison, figures, counted)
    shown = [figure for part in parts for figure in part.figures]
    for figure in (*shown, *(profile.figures if profile else ())):
        packed.add(figure)
    details = _details(parts, instances, runs)
    details["others"] = figures.other_rates(packed)
    template = Environment(
        autoescape=select_autoescape(default=True), trim_blocks=True
    ).from_string(text_of_file("page.html.jinja"))
    return template.render(
        title=_title(summary, instances),
        subtitle=_subtitle(comparison),
        version=(comparison.environment.get("versions") or {}).get("optbench", ""),
        styles=styles(),
        scripts=scripts(),
        data_figures=as_json(packed.document),
        data_rows=as_json({p.rates.key: as_rows(p.rates) for p in parts if p.rates}),
        data_runs=as_json(details),
        parts=parts,
        notes=comparison.notes,
        command=comparison.environment.get("command", ""),
        environment=list(_environment(comparison)),
        citations=_citations(comparison),
        bibtex=bibtex(comparison),
        sentences_first=summary.sentences,
        matrix=page_matrix(summary, runs.key_of_row) if summary.matrix else None,
        profile=profile,
    )


def _part(
    number: int,
    facts: InstanceFacts,
    instances: Sequence[InstanceFacts],
    runs: Runs,
    figures: Figures,
) -> Part:
    key = str(number)
    bias, convergence = runs.bias_of(facts.instance_id), runs.convergence_of(facts.instance_id)
    tables = []
    if bias:
        told = bias_table(facts, list(bias.values()), instances)
        table = bias_page_table(key, list(bias.values()), list(bias))
        tables.append(ReadTable(table, told.reading, told.notes))
    rates = None
    if convergence:
        rows, names = list(convergence.values()), list(convergence)
        read = convergence_table(facts, rows, instances)
        table = convergence_page_table(key, rows, names)
        tables.append(ReadTable(table, read.reading, read.notes))
        rates = rates_page_table(key, rows, names)
    return Part(
        key=f"instance-{key}",
        title=title_of(facts, instances),
        short=facts.instance if facts.instance != "default" else facts.problem,
        facts=bias_facts(facts),
        figures=figures.of_instance(facts.instance_id, key),
        tables=tables,
        rates=rates,
        references=references_page_table(key, facts),
    )


def _details(
    parts: Sequence[Part], instances: Sequence[InstanceFacts], runs: Runs
) -> dict[str, Any]:
    """Return what the page shows of each run, by the run."""
    found = {}
    drawn = {
        series.run: figure.key
        for part in parts
        for figure in part.figures[:1]
        for series in figure.charts[0].series
    }
    for part, facts in zip(parts, instances, strict=True):
        bias, convergence = runs.bias_of(facts.instance_id), runs.convergence_of(facts.instance_id)
        rows: dict[str, Any] = {**convergence, **bias}
        for (key, _), label in zip(rows.items(), full_labels(list(rows.values())), strict=True):
            told = run_details(label, part.title, bias.get(key), convergence.get(key))
            found[key] = told | {"figure": drawn.get(key, "")}
    return {"runs": found, "meanings": meanings()}


def _profile(comparison: Comparison, figures: Figures, counted: str) -> Overall | None:
    """Return what holds over all instances; None where there is one, or one optimizer."""
    rows = with_targets(comparison)
    if not is_profiled(rows):
        return None
    told = profile_table(rows, counted)
    table = profile_page_table(profiles(comparison, counted))
    return Overall(told.reading, figures.over_all(), table, told.notes)


def _title(summary: Summary, instances: Sequence[InstanceFacts]) -> str:
    if len(instances) != 1:
        return summary.title
    optimizers, _, _ = summary.title.partition(" on ")
    return f"{optimizers} on {title_of(instances[0], instances)}"


def _subtitle(comparison: Comparison) -> str:
    rows = comparison.convergence_rows or comparison.bias_rows
    parts = []
    if horizons := sorted({row.horizon for row in rows}):
        ends = dict.fromkeys((horizons[0], horizons[-1]))
        parts.append(f"{' to '.join(f'{end:,}' for end in ends)} steps")
    if rows:
        seeds = max(row.seeds for row in rows)
        parts.append("1 seed" if seeds == 1 else f"{seeds} seeds")
    if date := comparison.environment.get("date"):
        parts.append(f"{str(date)[:16].replace('T', ' ')} UTC")
    return "; ".join(parts)


def _environment(comparison: Comparison) -> Iterator[tuple[str, str]]:
    known = dict(comparison.environment)
    for left_out in ("command", "papers"):
        known.pop(left_out, None)
    for name, version in known.pop("versions", {}).items():
        yield name, str(version)
    seconds = known.pop("seconds", {})
    for name, value in known.items():
        yield name.replace("_", " "), str(value)
    for name, value in seconds.items():
        yield f"time: {name}", duration(value)


def _citations(comparison: Comparison) -> list[dict[str, str]]:
    return [
        {
            "text": paper.text,
            "title": paper.title,
            "place": paper.place or paper.journal,
            "address": paper.address,
            "names": ", ".join(names),
        }
        for paper, names in cited(comparison).items()
    ]
