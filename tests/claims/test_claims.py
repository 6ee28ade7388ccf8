"""Every claim passes, and fails as soon as the thing that matters is perturbed."""

from __future__ import annotations

import pytest

from optbench.claims.library import load_claims
from optbench.claims.verification import verify

FOUND = load_claims()


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
