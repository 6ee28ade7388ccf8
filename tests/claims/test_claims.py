"""Every claim passes, and fails as soon as the thing that matters is perturbed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from optbench.claim import load_claims, verify

FOUND = load_claims()
DOCS = Path(__file__).resolve().parents[2] / "docs" / "claims.md"


def by_cost() -> list[object]:
    """Claims that take long are tested with the slow tests."""
    marks = {"fast": (), "normal": pytest.mark.slow, "slow": pytest.mark.slow}
    return [pytest.param(name, marks=marks[claim.cost]) for name, claim in FOUND.claims.items()]


def test_all_files_load() -> None:
    assert FOUND.broken == []
    assert len(FOUND.claims) >= 20


def test_every_claim_has_a_perturbation() -> None:
    assert [c.id for c in FOUND.claims.values() if not (c.perturbation and c.then_fails)] == []


@pytest.mark.parametrize("name", by_cost())
def test_claim_passes(name: str) -> None:
    result = verify(FOUND.claims[name])
    assert result.verdict == "PASS", (result.reason, [c for c in result.checks if not c.passed])


@pytest.mark.parametrize("name", by_cost())
def test_claim_can_fail(name: str) -> None:
    claim = FOUND.claims[name]
    result = verify(claim, **claim.perturbation)
    assert result.verdict == "FAIL"
    failed = [check.name for check in result.checks if check.passed is False]
    assert any(check.startswith(claim.then_fails) for check in failed), (result.reason, failed)


def test_docs_list_exactly_the_claims_that_exist() -> None:
    rows = dict(re.findall(r"^\| (S\d-\d\d) \| ([a-z ]+?) \|", DOCS.read_text(), re.MULTILINE))
    assert len(rows) == 77  # the rows of the catalogue
    written = {claim.id for claim in FOUND.claims.values()}
    aliases = {alias for claim in FOUND.claims.values() for alias in claim.aliases}
    assert {name for name, state in rows.items() if state == "claim"} == written
    assert {name for name, state in rows.items() if state == "same as"} == aliases
    assert {name for name, state in rows.items() if state == "out"} == set(FOUND.out_of_scope)
