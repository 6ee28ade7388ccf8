"""The table and the JSON document of verified claims."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from optbench.claims.framework import Claim, Claims, Result, Unmeasured
from optbench.report.document import plain
from optbench.report.numbers import duration, significant
from optbench.report.table import Cell, Column, Table, cells

WORD = {True: "pass", False: "FAIL", None: "undecided"}
VERDICTS = ("PASS", "FAIL", "INCONCLUSIVE")


def claims_table(results: Sequence[Result], found: Claims, seconds: float) -> Table:
    """Return one row a check; a claim's first row carries its verdict and time."""
    rows: list[tuple[Cell, ...]] = []
    for result in results:
        head = (result.claim.id, result.verdict, duration(result.seconds))
        if not result.checks:
            rows.append(cells(*head[:2], result.claim.title, "-", "-", "-", "-", head[2]))
        for index, check in enumerate(result.checks):
            first = head if index == 0 else ("", "", "")
            numbers = significant(check.measured, 4), significant(check.predicted, 4)
            word = WORD[check.passed]
            rows.append(cells(*first[:2], check.name, *numbers, check.criterion, word, first[2]))
    return Table(
        title="Claims",
        columns=(
            Column("claim"),
            Column("verdict"),
            Column("check", prose=True),
            Column("measured", number=True),
            Column("predicted", number=True),
            Column("criterion"),
            Column("result"),
            Column("time", 1, number=True),
        ),
        rows=tuple(rows),
        reading=(f"{summary(results, seconds)}.",),
        notes=(
            *(f"{r.claim.id} {r.claim.title} ({r.claim.paper})" for r in results),
            *(f"{r.claim.id} {r.verdict}: {r.reason}" for r in results if r.reason),
            *notes_of(found.unmeasured.values()),
            *(f"could not be loaded: {reason}" for reason in found.broken),
        ),
    )


def summary(results: Sequence[Result], seconds: float) -> str:
    """Say how many claims have which verdict, and what measuring took."""
    counts = Counter(result.verdict for result in results)
    words = [f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict]]
    return f"{', '.join(words) or 'no claim'}; {duration(seconds)}"


def notes_of(papers: Iterable[Unmeasured]) -> list[str]:
    """Return one line for each paper without a claim."""
    return [f"{paper.id} is {paper.state}: {paper.reason}" for paper in papers]


def claims_document(results: Sequence[Result], found: Claims, seconds: float) -> str:
    """Return the JSON text of a verification; numbers without a value are null."""
    document = {
        "claims": [
            {
                **identity(result.claim),
                "verdict": result.verdict,
                "reason": result.reason,
                "checks": [vars(check) for check in result.checks],
                "curves": [vars(curve) for curve in result.curves],
                "seconds": result.seconds,
            }
            for result in results
        ],
        "unmeasured": [vars(paper) for paper in found.unmeasured.values()],
        "broken": found.broken,
        "seconds": seconds,
    }
    return json.dumps(plain(document), indent=2, allow_nan=False) + "\n"


def identity(claim: Claim) -> dict[str, Any]:
    """Return what a claim says of itself, without measuring it."""
    return {
        "id": claim.id,
        "title": claim.title,
        "citation": claim.paper,
        "statement": claim.statement,
        "formula": claim.formula,
        "cost": claim.cost,
        "tags": list(claim.tags),
        "aliases": list(claim.aliases),
        "missing": claim.missing,
        "background": claim.background,
        "remarks": claim.remarks,
    }
