"""`optbench verify --figures DIR --format atlas`: a picture and a section for a claim."""

from __future__ import annotations

import errno
import json
import os
import textwrap
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from optbench.cli import main

TEXT = """
    from optbench.claims.framework import Check, Curve, claim

    @claim(
        id="U-1", cost="fast", title="A | bar", citation="Me 2026", statement="s", formula="f*g",
        background="For a reader.", remarks="One seed.", perturbation={"wrong": True},
        then_fails="pi", tags=("mine",),
    )
    def drawn(wrong: bool = False):
        \"\"\"Measure nothing.\"\"\"
        yield Check.close("pi", 3.14, 3.14159, 1e-2)
        x = [1.0, 10.0, 100.0]
        measured = {"a": [1.0, 2.0, float("nan")], "b": [2.0, 1.0, 0.5]}
        yield Curve("decay", "steps", "gap", x, measured, {"a": [1.0, 2.0, 3.0]}, log="xy")

    FACTS = dict(title="T", citation="Me", statement="s", formula="f", tags=("mine",))

    @claim(id="U-2", cost="fast", **FACTS)
    def plain():
        yield Check.close("pi", 3.14, 3.14159, 1e-2)
"""


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """Return a call that verifies two claims, one of them with a curve."""
    file = tmp_path / "mine.py"
    file.write_text(textwrap.dedent(TEXT))
    return ["verify", "mine", "--plugin", str(file), "-q"]


def test_figure_of_each_claim_that_has_a_curve(
    arguments: list[str], tmp_path: Path, capsys
) -> None:
    folder = tmp_path / "figures"
    assert main([*arguments, "--figures", str(folder)]) == 0
    assert [file.name for file in folder.iterdir()] == ["U-1.png"]
    image = imread(folder / "U-1.png")[..., :3]
    assert image.shape[0] > 300 and image.shape[1] > 400  # pixels: legible in a document
    blue, orange = (1 / 255, 115 / 255, 178 / 255), (222 / 255, 143 / 255, 5 / 255)
    for colour in (blue, orange):  # the first two of seaborn's colorblind palette: both lines
        assert np.sum(np.abs(image - colour).max(axis=2) < 0.02) > 100
    before = (folder / "U-1.png").read_bytes()
    assert main([*arguments, "--figures", str(folder)]) == 0
    assert (folder / "U-1.png").read_bytes() == before


def test_atlas_links_figures_relative_to_itself(arguments: list[str], tmp_path: Path) -> None:
    out = tmp_path / "docs" / "atlas.md"
    out.parent.mkdir()
    figures = out.parent / "pictures"
    options = ["--format", "atlas", "--out", str(out), "--figures", str(figures)]
    assert main([*arguments, *options]) == 0
    text = out.read_text()
    assert "](pictures/U-1.png)" in text and text.count(".png)") == 1
    assert "| U-1 | PASS | [A \\| bar](#u-1) | Me 2026 |" in text
    assert "For a reader.\n\n**Claim.** s\n\n> f\\*g\n\n**Instance.** Measure nothing." in text
    assert "| pi | 3.14 | 3.142 | within 0.01 | - | holds |" in text
    assert "**Remarks.** One seed." in text and "Fails with `wrong = True`." in text


def test_json_has_the_curves(arguments: list[str], capsys) -> None:
    assert main([*arguments, "--format", "json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["claims"]
    (curve,) = first["curves"]
    assert curve["measured"]["a"] == [1.0, 2.0, None]
    assert second["curves"] == []


def test_figures_into_a_file_is_one_line(arguments: list[str], tmp_path: Path, capsys) -> None:
    file = tmp_path / "mine.py"
    assert main([*arguments, "--figures", str(file)]) == 2
    reason = os.strerror(errno.EEXIST)
    assert capsys.readouterr().err == f"optbench: error: --figures {file}: {reason}\n"
