"""The atlas: every paper of the lists with what was measured, as one Markdown document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from optbench.claims.framework import Claim
from optbench.claims.library import Claims
from optbench.claims.report.claims import WORD, seeds_that_hold, summary
from optbench.claims.report.figures import caption
from optbench.claims.verification import Finding, Result
from optbench.environment import describe
from optbench.report.markdown import escape
from optbench.report.numbers import duration, significant

HEAD = """# Atlas: theorems about optimizers, measured

Written by `{command}`; do not edit.

Each section is about one paper. It says what the paper claims, on which data optbench measured it, the
measured and the predicted numbers, on how many seeds each check holds, and with which change the claim
fails. Measured numbers come from runs of optbench's loop, predicted ones from closed forms or from
independent solvers. Where data or starts are random, the numbers are medians over seeds 0, 1, ..., and
the share of seeds that pass has its 95 % interval. [How to read the verdicts](claims.md).

{measured_on}. {counts}.
"""
COMMAND = "optbench verify --format atlas --out docs/atlas.md --figures docs/atlas"


def atlas(
    results: Sequence[Result], found: Claims, figures: Mapping[str, str], seconds: float
) -> str:
    """Return the document.

    Parameters
    ----------
    results : sequence of Result
        One section each, in this order.
    found : Claims
        All claims and the papers without one: the rows of the first table.
    figures : mapping of str to str
        Path of a claim's figure, relative to the document, by identifier.
    seconds : float
        What measuring took.
    """
    known = describe(threads=1)
    libraries = (f"{name} {known['versions'][name]}" for name in ("optbench", "numba", "numpy"))
    place = f"{known['processor']}, {known['date'][:10]}"
    head = HEAD.format(
        command=COMMAND,
        measured_on=f"Measured with {', '.join(libraries)} on {place}",
        counts=summary(results, seconds),
    )
    sections = [section(result, figures.get(result.claim.id, "")) for result in results]
    return "\n".join([head, _contents(results, found), *sections])


def _contents(results: Sequence[Result], found: Claims) -> str:
    """Return the table of all rows: claims, other names of them, papers without one."""
    verdicts = {result.claim.id: result.verdict for result in results}
    rows = {}
    for claim in found.claims.values():
        verdict = verdicts.get(claim.id, "not run")
        link = f"[{escape(claim.title)}](#{claim.id.lower()})" if claim.id in verdicts else ""
        rows[claim.id] = (verdict, link or escape(claim.title), escape(claim.paper))
        for alias in claim.aliases:
            rows[alias] = (verdict, f"the same paper as {claim.id}", escape(claim.paper))
    for paper in found.unmeasured.values():
        reason = f"{escape(paper.title)}: {escape(paper.reason)}"
        rows[paper.id] = (paper.state, reason, escape(paper.citation))
    lines = ["| row | verdict | claim | paper |", "|---|---|---|---|"]
    lines += [f"| {name} | {' | '.join(rows[name])} |" for name in sorted(rows)]
    return "\n".join(lines) + "\n"


def introduction(claim: Claim) -> str:
    """Return what a section says before anything is measured."""
    parts = [
        escape(claim.background),
        f"**Claim.** {escape(claim.statement)}",
        f"> {escape(claim.formula)}",
        f"**Instance.** {escape(' '.join((claim.measure.__doc__ or '').split()))}",
    ]
    return "\n\n".join(part for part in parts if part)


def section(result: Result, figure: str) -> str:
    """Return the section of one claim."""
    claim = result.claim
    reason = f": {escape(result.reason)}" if result.reason else ""
    changed = ", ".join(f"`{name} = {value}`" for name, value in claim.perturbation.items())
    lines = [
        f'<a id="{claim.id.lower()}"></a>',
        "",
        f"## {claim.id} {escape(claim.title)}",
        "",
        f"{escape(claim.paper)}. **{result.verdict}**{reason} ({duration(result.seconds)})",
        "",
        introduction(claim),
        "",
        "| check | measured | predicted | criterion | seeds that hold | result |",
        "|---|---:|---:|---|---:|---|",
        *(_row(check) for check in result.checks),
    ]
    if figure:
        titles = "; ".join(curve.title for curve in result.curves)
        lines += ["", f"![{escape(titles)}]({figure})", "", f"*{caption(result.curves)}*"]
    if claim.remarks:
        lines += ["", f"**Remarks.** {escape(claim.remarks)}"]
    fails = f"Fails with {changed}. " if changed else ""
    lines += ["", f"{fails}Measure it: `optbench verify {claim.id}`.", ""]
    return "\n".join(lines)


def _row(check: Finding) -> str:
    numbers = significant(check.measured, 4), significant(check.predicted, 4)
    seeds = " ".join(seeds_that_hold(check)).strip()
    texts = (escape(check.name), *numbers, escape(check.criterion), seeds, WORD[check.passed])
    return f"| {' | '.join(texts)} |"
