"""Every claim passes, and fails as soon as the thing that matters is perturbed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from optbench.claim import load_claims, verify

FOUND = load_claims()
DOCS = Path(__file__).resolve().parents[2] / "docs" / "claims.md"

# What is changed, and the beginning of a check that must then fail.
PERTURBATIONS = {
    "S0-00": ({"optimizer": "sign_descent"}, "largest e(eta)"),
    "S0-02": ({"imbalance": 3.0}, "depth 3: rate"),
    "S0-06": ({"optimizer": "coordinate_descent"}, "deep_linear:widths=12: margin gap in L2"),
    "S0-08": ({"decay": 0.05}, "size 1: relative drift"),
    "S0-11": ({"decay_factor": 1.1}, "depth 3: largest distance"),
    "S0-13": ({"optimizer": "sign_descent"}, "direction: distance"),
    "S0-15": ({"turn": 0.1}, "whitened"),
    "S0-16": ({"start_factor": 0.0}, "depth 3, eta 0.01: rate"),
    "S1-00": ({"start_factor": 2.0}, "strength 0.2: error of exponentiated gradient"),
    "S1-02": ({"decay_factor": 0.0}, "unseen part of the product"),
    "S1-03": ({"extra_depth": 1}, "depth 2: slope"),
    "S1-04": ({"extra_depth": 1}, "depth 2, alpha 0.01: largest relative error"),
    "S1-05": ({"power": 0.5}, "slope of log motion"),
    "S1-07": ({"penalty_factor": 1.2}, "monotone path, eps = 1e-40"),
    "S1-11": ({"scale_factor": 200.0}, "underdetermined, u^2: L1 norm"),
    "S1-13": ({"optimizer": "heavy_ball"}, "largest eta sharpness"),
    "S1-15": ({"offset": 3.0}, "d = 200: largest distance"),
    "S1-18": ({"momentum": 0.9}, "depth 2, alpha 0.3: rate / predicted"),
    "S2-01": ({"optimizer": "sign_descent"}, "a = 1e-4: plateau distance to rank 1"),
    "S3-07": ({"momentum_factor": 0.9}, "heavy_ball"),
    "S3-09": ({"optimizer": "adagrad"}, "slope of log motion in the null space"),
    "S3-16": ({"precondition": False}, "preconditioned"),
    "S4-06": ({"imbalance": 3.0}, "depth 3: rate"),
    "S4-10": ({"decay_factor": 1.1}, "two layers: distance"),
}


def by_cost() -> list[object]:
    """Claims that take long are tested with the slow tests."""
    marks = {"fast": (), "normal": pytest.mark.slow, "slow": pytest.mark.slow}
    return [pytest.param(name, marks=marks[claim.cost]) for name, claim in FOUND.claims.items()]


def test_all_files_load() -> None:
    assert FOUND.broken == []
    assert len(FOUND.claims) >= 20


def test_every_claim_has_a_perturbation() -> None:
    assert sorted(PERTURBATIONS) == sorted(FOUND.claims)


@pytest.mark.parametrize("name", by_cost())
def test_claim_passes(name: str) -> None:
    result = verify(FOUND.claims[name])
    assert result.verdict == "PASS", (result.reason, [c for c in result.checks if not c.passed])


@pytest.mark.parametrize("name", by_cost())
def test_claim_can_fail(name: str) -> None:
    perturbation, broken = PERTURBATIONS[name]
    result = verify(FOUND.claims[name], **perturbation)
    assert result.verdict == "FAIL"
    failed = [check.name for check in result.checks if check.passed is False]
    assert any(check.startswith(broken) for check in failed), (result.reason, failed)


def test_docs_list_exactly_the_claims_that_exist() -> None:
    rows = dict(re.findall(r"^\| (S\d-\d\d) \| ([a-z ]+?) \|", DOCS.read_text(), re.MULTILINE))
    assert len(rows) == 77  # the rows of the catalogue
    written = {claim.id for claim in FOUND.claims.values()}
    aliases = {alias for claim in FOUND.claims.values() for alias in claim.aliases}
    assert {name for name, state in rows.items() if state == "claim"} == written
    assert {name for name, state in rows.items() if state == "same as"} == aliases
    assert {name for name, state in rows.items() if state == "out"} == set(FOUND.out_of_scope)
