"""docs/atlas.md is of the claims that exist: written by `optbench verify --format atlas`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from optbench.claims.library import load_claims
from optbench.claims.report.atlas import COMMAND, introduction
from optbench.claims.verification import DOES_NOT_HOLD, PASS

DOCS = Path(__file__).resolve().parents[2] / "docs"
ATLAS = (DOCS / "atlas.md").read_text()
FOUND = load_claims()
STALE = f"run `{COMMAND}`"


def test_every_row_of_the_lists_is_there() -> None:
    rows = re.findall(r"^\| ([ST]\d-\d\d) \|", ATLAS, re.MULTILINE)
    aliases = [alias for claim in FOUND.claims.values() for alias in claim.aliases]
    assert rows == sorted([*FOUND.claims, *aliases, *FOUND.unmeasured]), STALE
    assert len(rows) == 84


@pytest.mark.parametrize("name", FOUND.claims)
def test_section_says_what_the_claim_says(name: str) -> None:
    assert introduction(FOUND.claims[name]) in ATLAS, STALE
    section = ATLAS.split(f'<a id="{name.lower()}"></a>')[1].split("<a id=")[0]
    verdict = DOES_NOT_HOLD if FOUND.claims[name].does_not_hold else PASS
    assert f"**{verdict}**" in section, STALE
    for figure in re.findall(r"\]\((atlas/.*?)\)", section):
        assert (DOCS / figure).is_file(), STALE


def test_no_section_or_figure_is_left_over() -> None:
    assert re.findall(r'<a id="(.*?)">', ATLAS) == [name.lower() for name in sorted(FOUND.claims)]
    figures = {file.stem for file in (DOCS / "atlas").iterdir()}
    assert figures == set(re.findall(r"\]\(atlas/(.*?)\.png\)", ATLAS)), STALE
