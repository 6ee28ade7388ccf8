"""The table and the JSON document of verified claims."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from optbench.claims.framework import Claim, Unmeasured
from optbench.claims.library import Claims
from optbench.claims.verification import VERDICTS, Finding, Result
from optbench.numerals import NOTHING
from optbench.records import plain
from optbench.report.numbers import duration, significant
from optbench.report.table import Cell, Column, Table, cells

WORD = {True: "holds", False: "does not", None: "undecided"}

SEEDS = "seeds: on how many of seeds 0, 1, ... a check holds; measured and predicted are medians"


def claims_table(results: Sequence[Result], found: Claims, seconds: float) -> Table:
    """Return one row a check; a claim's first row carries its verdict and time."""
    rows: list[tuple[Cell, ...]] = []
    for result in results:
        name = f"{result.claim.id} folklore" if result.claim.folklore else result.claim.id
        head = (name, result.verdict, duration(result.seconds))
        if not result.checks:
            rows.append(cells(*head[:2], result.claim.title, "-", "-", "-", "-", "-", head[2]))
        for index, check in enumerate(result.checks):
            first = head if index == 0 else ("", "", "")
            numbers = significant(check.measured, 4), significant(check.predicted, 4)
            judged = Cell(*seeds_that_hold(check)), WORD[check.passed]
            texts = (*first[:2], check.name, *numbers, check.criterion)
            rows.append((*cells(*texts), judged[0], *cells(judged[1], first[2])))
    return Table(
        title="Claims",
        columns=(
            Column("claim", names=True),
            Column("verdict", names=True),
            Column("check", prose=True),
            Column("measured", number=True),
            Column("predicted", number=True),
            Column("criterion"),
            Column("seeds", number=True),
            Column("result"),
            Column("time", 1, number=True),
        ),
        rows=tuple(rows),
        reading=(f"{summary(results, seconds)}.",),
        notes=(
            SEEDS,
            *(f"{r.claim.id} {r.claim.title} ({r.claim.paper})" for r in results),
            *(f"{r.claim.id} {r.verdict}: {r.reason}" for r in results if r.reason),
            *notes_of(found.unmeasured.values()),
            *(f"could not be loaded: {reason}" for reason in found.broken),
        ),
    )


def seeds_that_hold(check: Finding) -> tuple[str, str]:
    """Return "19 of 20" and the 95 % interval of the share; "-" where nothing is random."""
    if check.seeds == 1:
        return NOTHING, ""
    if check.criterion == "reported only":
        return f"{check.seeds}", ""
    low, high = (100.0 * end for end in check.interval)
    return f"{check.held} of {check.seeds}", f"[{low:.0f}, {high:.0f}] %"


def summary(results: Sequence[Result], seconds: float) -> str:
    """Say how many claims have which verdict, and what measuring took."""
    counts = Counter(result.verdict for result in results)
    words = [f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict]]
    folklore = sum(result.claim.folklore for result in results)
    words += [f"{folklore} of them folklore"] if folklore else []
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
                "checks": [vars(check) | {"interval": check.interval} for check in result.checks],
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
        "folklore": claim.folklore,
        "statement": claim.statement,
        "formula": claim.formula,
        "cost": claim.cost,
        "tags": list(claim.tags),
        "aliases": list(claim.aliases),
        "missing": claim.missing,
        "does_not_hold": claim.does_not_hold,
        "seeds": claim.seeds,
        "background": claim.background,
        "remarks": claim.remarks,
    }
