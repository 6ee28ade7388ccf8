"""What every figure promises: legends beside the data, looks that stay, files that can be read."""

from __future__ import annotations

import itertools
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from optbench.errors import UserError
from optbench.plots import KINDS, SUFFIXES, Asked, NothingToShow, draw, find, save, save_all, style
from optbench.plots.kind import WIDTHS
from optbench.plots.outcomes import short
from optbench.plots.rows import part
from optbench.plots.style import COLOURS, OWN_COLOUR, look
from optbench.registry import load_registry

NAMES = [kind.name for kind in KINDS]
MAGIC = {".pdf": b"%PDF", ".svg": b"<?xml", ".png": b"\x89PNG"}


@pytest.fixture(scope="module")
def small(compared):
    """One optimizer less: less to draw."""
    return part(compared, optimizers=["gradient_descent", "heavy_ball"])


def drawn_from(kind, compared, swept, digits, width="two"):
    others = {"phase_diagram": swept, "weights": digits}
    return draw(others.get(kind, compared), kind, Asked(width))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", NAMES)
def test_nothing_is_covered_or_cut(kind, width, compared, swept, digits):
    figure = drawn_from(kind, compared, swept, digits, width).figure
    assert figure.get_figwidth() == WIDTHS[width] and figure.get_figheight() <= 9.0
    figure.canvas.draw()
    assert len(figure.legends) == (kind not in ("angles", "weights"))  # these name what they show
    boxes = [axes.get_tightbbox() for axes in figure.axes]
    corners = [legend.get_window_extent() for legend in figure.legends]
    assert not any(corner.overlaps(box) for corner in corners for box in boxes)
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    for box in (*corners, *boxes):
        assert box.x0 >= 0 and box.y0 >= 0
        assert box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
    texts = [text for axes in figure.axes for text in (*axes.get_xticklabels(), axes.title)]
    texts += [text for legend in figure.legends for text in legend.get_texts()]
    assert min(text.get_fontsize() for text in texts) >= 6


@pytest.mark.parametrize("kind", NAMES)
def test_every_format_is_written_with_numbers_and_caption(kind, small, swept, digits, tmp_path):
    told = drawn_from(kind, small, swept, digits, "one")
    for suffix in SUFFIXES:
        file = tmp_path / f"{kind}{suffix}"
        save(told, file)
        assert file.read_bytes().startswith(MAGIC[suffix])
    assert ElementTree.parse(tmp_path / f"{kind}.svg").getroot().tag.endswith("svg")
    numbers = pd.read_csv(tmp_path / f"{kind}.csv")
    assert list(numbers.columns) == list(told.data.columns) and len(numbers) == len(told.data)
    assert (tmp_path / f"{kind}.txt").read_text() == told.caption + "\n"


def test_the_same_numbers_give_the_same_bytes(small, tmp_path):
    for suffix in SUFFIXES:
        one, two = (tmp_path / f"{name}{suffix}" for name in ("one", "two"))
        for file in (one, two):
            save(draw(small, "ecdf", Asked("one")), file)
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("kind", NAMES)
def test_captions_say_on_what_it_was_measured(kind, compared, swept, digits):
    caption = drawn_from(kind, compared, swept, digits).caption
    assert caption.startswith(find(kind).shows)
    for told in ("linear_regression", "steps", "earning rate", "seed"):
        assert told in caption


def test_an_optimizer_looks_the_same_whoever_else_is_there(compared):
    def colours(figure):
        return {line.get_color() for axes in figure.axes for line in axes.lines}

    for kind in ("loss", "ecdf", "sensitivity"):
        alone = draw(compared, kind, optimizers=["heavy_ball"]).figure
        among = draw(compared, kind).figure
        assert colours(alone) == {look("heavy_ball").colour} <= colours(among)


def test_no_two_optimizers_look_alike():
    names = list(load_registry().optimizers)
    assert len({look(name) for name in names}) == len(names) > 50
    usual = [name for name in load_registry().default_optimizers if name in names]
    assert len({look(name).colour for name in usual[: len(COLOURS)]}) >= 8
    assert look("mine").colour == look("mine (mine.py)").colour == OWN_COLOUR
    assert look("adam (theorem)").colour == look("adam").colour
    assert look("adam (theorem)") != look("adam")


def test_looks_do_not_depend_on_the_folder_of_the_process(tmp_path, monkeypatch):
    before = [look(name) for name in load_registry().default_optimizers]  # loads the files here
    monkeypatch.chdir(tmp_path)
    style._places.cache_clear()
    assert [look(name) for name in load_registry().default_optimizers] == before
    assert OWN_COLOUR not in {each.colour for each in before}


def linear(colour):
    parts = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def cielab(rgb):
    """CIE 1976, from linear sRGB under D65."""
    matrix = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
    x, y, z = np.array(matrix) @ np.clip(rgb, 0, 1) / [0.95047, 1.0, 1.08883]
    fx, fy, fz = (np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


# Machado, Oliveira, Fernandes 2009, severity 1: protanopia, deuteranopia, tritanopia
SIGHT = [
    np.eye(3),
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
     [-0.003882, -0.048116, 1.051998]],
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
     [-0.011820, 0.042940, 0.968881]],
    [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
     [0.004733, 0.691367, 0.303900]],
]  # fmt: skip


def test_colours_differ_to_every_kind_of_sight():
    """Ten units are seen at a glance; of ten colours of seaborn the closest differ by 11."""
    for matrix in SIGHT:
        places = [cielab(np.array(matrix) @ linear(each)) for each in (*COLOURS, OWN_COLOUR)]
        pairs = itertools.combinations(places, 2)
        assert min(np.linalg.norm(one - other) for one, other in pairs) > 16


@pytest.mark.parametrize(
    ("steps", "text"),
    [(0, "0"), (7, "7"), (999, "999"), (1000, "1.0k"), (9_400, "9.4k"), (9_960, "10k"),
     (93_000, "93k"), (2_500_000, "2.5M"), (3e9, "3.0G")],
)  # fmt: skip
def test_steps_in_cells_are_short(steps, text):
    assert short(steps) == text


def test_more_lines_than_can_be_told_apart_are_said(compared):
    from dataclasses import replace

    traces, rows = (
        [replace(each, optimizer=f"{each.optimizer}_{k}") for k in range(5) for each in own]
        for own in (compared.traces, compared.convergence_rows)
    )
    told = draw(replace(compared, traces=traces, convergence_rows=rows), "loss")
    assert len(told.figure.legends[0].get_texts()) == 12 and "12 of 15" in told.caption
    assert told.data["optimizer"].nunique() == 15 and "the data behind" in told.caption


def test_a_folder_gets_all_that_there_is_and_the_reasons_for_the_rest(swept, tmp_path):
    missing = save_all(part(swept, optimizers=["heavy_ball[momentum=0.9]"]), tmp_path)
    written = {file.stem for file in tmp_path.glob("*.svg")}
    assert written == {file.stem for file in tmp_path.glob("*.csv")}
    along = {"selection", "path", "angles"}
    assert written == {"loss", "sensitivity", "status_map", "ecdf", *along}
    told = {line.split(":")[0] for line in missing}
    assert told == {f"no figure {name}" for name in set(NAMES) - written}


@pytest.mark.parametrize("kind", ["data_profile", "quality_profile"])
def test_profiles_of_one_instance_are_refused(kind, swept):
    with pytest.raises(NothingToShow, match=rf"{kind}: it needs (2|two) instances"):
        draw(swept, kind)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": "waterfall"}, "unknown kind of figure 'waterfall'.*`optbench plot` lists all"),
        ({"kind": "quality_profiles"}, "did you mean 'quality_profile'"),
        ({"asked": Asked("three")}, "must be one or two$"),
        ({"asked": Asked("one", "second")}, "must be steps or evaluations or seconds"),
        ({"kind": "pareto", "asked": Asked("one", "seconds")}, "must be steps$"),
        ({"instances": ["logistic"]}, "no instance 'logistic'.*logistic_regression"),
        ({"optimizers": ["heavyball"]}, "no optimizer 'heavyball'.*did you mean 'heavy_ball'"),
    ],
)
def test_wrong_wishes_are_one_clear_line(changes, reason, compared):
    with pytest.raises(UserError, match=reason) as caught:
        draw(compared, **{"kind": "loss", **changes})
    assert "\n" not in str(caught.value)


def test_an_unknown_suffix_names_those_that_are_known(compared, tmp_path):
    with pytest.raises(UserError, match=r"\.jpg: .* \.pdf or \.svg or \.png"):
        save(draw(compared, "ecdf"), tmp_path / "ecdf.jpg")
    assert list(tmp_path.iterdir()) == []


def test_the_page_shows_every_kind():
    docs = Path(__file__).parents[2] / "docs"
    page = (docs / "figures.md").read_text()
    for kind in KINDS:
        assert f"\n## `{kind.name}`: " in page
        picture = docs / "images" / "figures" / f"{kind.name}.svg"
        assert f"]({picture.relative_to(docs).as_posix()})" in page
        assert picture.stat().st_size < 250_000


@pytest.mark.parametrize("asked", [Asked(width="three"), Asked(against="weeks")])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_is_wrong_with_a_figure_is_told_once(kind, asked):
    with pytest.raises(UserError, match=r"'(three|weeks)': must be \w+( or \w+)*$"):
        kind.check(asked)
