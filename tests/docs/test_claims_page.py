"""docs/claims.md: its example is a claim that passes, and fails when perturbed."""

from __future__ import annotations

import re
from pathlib import Path

from optbench.claims.library import load_claims
from optbench.claims.verification import verify

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "claims.md").read_text()


def test_the_example_is_a_claim(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    file = tmp_path / "my_claim.py"
    file.write_text(code)
    claim = load_claims([str(file)]).claims["MY-1"]
    assert verify(claim).verdict == "PASS"
    failed = [check for check in verify(claim, **claim.perturbation).checks if not check.passed]
    assert failed[0].name.startswith(claim.then_fails)
