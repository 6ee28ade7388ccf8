"""`optbench verify --figures DIR --format atlas`: a picture and a section for a claim."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from optbench.claims.framework import Curve
from optbench.claims.report import figures
from optbench.cli import main
from optbench.plots.style import look

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
        measured = {"Adam, eps 0": [1.0, 2.0, float("nan")], "gradient_descent": [2.0, 1.0, 0.5]}
        predicted = {"Adam, eps 0": [1.0, 2.0, 3.0]}
        yield Curve("The gap | falls", "steps", "gap", x, measured, predicted, log="xy")

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
    for optimizer in ("adam", "gradient_descent"):
        colour = np.array(to_rgb(look(optimizer).colour))
        assert np.sum(np.abs(image - colour).max(axis=2) < 0.02) > 50
    before = (folder / "U-1.png").read_bytes()
    assert main([*arguments, "--figures", str(folder)]) == 0
    assert (folder / "U-1.png").read_bytes() == before


def long_curve(title: str = "t") -> Curve:
    x = [float(i) for i in range(1, 101)]
    lines = {f"a rather long name of line number {i}": [i * v for v in x] for i in range(1, 8)}
    return Curve(title, "steps", "a quantity, " * 6, x, lines, {"a bound": x}, log="xy")


@pytest.mark.parametrize(
    "title", ["short", "a title of so many words that it needs three lines " * 2]
)
def test_nothing_covers_the_data_or_is_cut(title: str) -> None:
    """The legend lies below the axes, and title, labels and legend lie in the figure."""
    figure = figures.draw_curves([long_curve(title), long_curve(title), long_curve(title)])
    renderer = figure.canvas.get_renderer()
    whole = figure.bbox.padded(1.0)
    for part in figure.subfigs:
        if not part.axes:  # three panels in two rows
            continue
        (axes,) = part.axes
        (legend,) = part.legends
        below = legend.get_window_extent(renderer)
        assert below.y1 < axes.xaxis.label.get_window_extent(renderer).y0
        for text in (axes.xaxis.label, axes.yaxis.label, axes._left_title, legend):
            box = text.get_window_extent(renderer)
            assert whole.x0 <= box.x0 and box.x1 <= whole.x1
            assert whole.y0 <= box.y0 and box.y1 <= whole.y1


def test_lines_of_one_optimizer_share_its_colour() -> None:
    found = figures.looks(["adam, penalty 0", "Adam, penalty 1", "gradient descent", "depth 2"])
    first, second, other, depth = found.values()
    assert first.colour == second.colour == look("adam").colour
    assert first.dashes != second.dashes
    assert other.colour == look("gradient_descent").colour
    assert depth.colour not in {first.colour, other.colour}


def test_coinciding_lines_carry_their_marks_elsewhere() -> None:
    values = [1.0] * 1000
    marks = [set(figures.marked(values, k / 3)) for k in range(3)]
    assert not marks[0] & marks[1] and not marks[1] & marks[2]
    assert all(5 <= len(each) <= 20 for each in marks)


def test_atlas_links_figures_relative_to_itself(arguments: list[str], tmp_path: Path) -> None:
    out = tmp_path / "docs" / "atlas.md"
    out.parent.mkdir()
    figures = out.parent / "pictures"
    options = ["--format", "atlas", "--out", str(out), "--figures", str(figures)]
    assert main([*arguments, *options]) == 0
    text = out.read_text()
    assert "![The gap \\| falls](pictures/U-1.png)" in text and text.count(".png)") == 1
    assert "Thin lines are measured, wide pale lines predicted." in text
    assert "| U-1 | PASS | [A \\| bar](#u-1) | Me 2026 |" in text
    assert "For a reader.\n\n**Claim.** s\n\n> f\\*g\n\n**Instance.** Measure nothing." in text
    assert "| pi | 3.14 | 3.142 | within 0.01 | - | holds |" in text
    assert "**Remarks.** One seed." in text and "Fails with `wrong = True`." in text


def test_json_has_the_curves(arguments: list[str], capsys) -> None:
    assert main([*arguments, "--format", "json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["claims"]
    (curve,) = first["curves"]
    assert curve["measured"]["Adam, eps 0"] == [1.0, 2.0, None]
    assert second["curves"] == []


def test_figures_into_a_file_is_one_line(arguments: list[str], tmp_path: Path, capsys) -> None:
    file = tmp_path / "mine.py"
    assert main([*arguments, "--figures", str(file)]) == 2
    told = f"optbench: error: --figures {file} is a file; name a folder\n"
    assert capsys.readouterr().err == told
