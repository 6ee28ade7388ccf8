"""Every claim has its declared verdict, and another one as soon as what matters is perturbed."""

from __future__ import annotations

import pytest

from optbench.claims.framework import Claim
from optbench.claims.library import load_claims
from optbench.claims.verification import DOES_NOT_HOLD, PASS, verify

FOUND = load_claims()
SEEDS = 2  # `optbench verify` measures all of them; the result is docs/atlas.md


def by_cost() -> list[object]:
    """Claims that take long are tested with the slow tests."""
    marks = {"fast": (), "normal": pytest.mark.slow, "slow": pytest.mark.slow}
    return [pytest.param(name, marks=marks[claim.cost]) for name, claim in FOUND.claims.items()]


def test_all_files_load() -> None:
    assert FOUND.broken == []
    assert len(FOUND.claims) >= 20


def test_every_claim_has_a_perturbation() -> None:
    def controlled(claim: Claim) -> bool:
        return bool(claim.perturbation and (claim.then_fails or claim.does_not_hold))

    assert [claim.id for claim in FOUND.claims.values() if not controlled(claim)] == []


def test_folklore_is_known_as_such() -> None:
    assert [claim.id for claim in FOUND.claims.values() if claim.folklore] == ["S3-08", "S0-14"]


@pytest.mark.parametrize("name", by_cost())
def test_claim_has_its_verdict(name: str) -> None:
    claim = FOUND.claims[name]
    expected = DOES_NOT_HOLD if claim.does_not_hold else PASS
    if claim.cost == "fast":
        assert verify(claim).verdict == expected
        return
    result = verify(claim, seeds=SEEDS)
    assert "could not be measured" not in result.reason
    # two seeds say nothing of a share
    failed = [check.name for check in result.checks if check.passed is False and check.share == 1.0]
    wrong = [
        name for name in failed if not (expected != PASS and name.startswith(claim.does_not_hold))
    ]
    assert wrong == [], result.reason


@pytest.mark.parametrize("name", by_cost())
def test_claim_can_fail(name: str) -> None:
    claim = FOUND.claims[name]
    result = verify(claim, seeds=1, **claim.perturbation)
    assert result.verdict == "FAIL"
    failed = [check.name for check in result.checks if check.passed is False]
    for begin in claim.then_fails:
        assert any(check.startswith(begin) for check in failed), (begin, result.reason, failed)
    if claim.does_not_hold:
        assert not any(check.startswith(claim.does_not_hold) for check in failed), failed
