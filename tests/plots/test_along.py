"""Figures of what is selected on the way: their numbers anew with NumPy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

import optbench
from optbench.plots import Asked, NothingToShow, draw, find
from optbench.plots.seeds import ENDED
from optbench.report.html.curves import over_seeds, spread


def solution(comparison, trace, name):
    return comparison.solutions[trace.instance_id][name]


def kind_of(comparison, trace):
    facts = {each.instance_id: each for each in comparison.instances}
    return facts[trace.instance_id].kind


def test_selection_has_every_number_of_one_sort_of_measure(compared):
    data = draw(compared, "selection").data
    sorts = {"classification": "margin_ratio", "regression": "norm_excess"}
    for trace in compared.traces:
        sort = sorts[kind_of(compared, trace)]
        own = data[(data.instance_id == trace.instance_id) & (data.optimizer == trace.optimizer)]
        assert set(own.measure) == {f"{sort}_{name}" for name in ("l1", "l2", "linf")}
        for name, part in own.groupby("reference"):
            expected = trace.measures[f"{sort}_{name}"]
            found = part.pivot_table(index="steps", columns="seed", values="value")
            told = ~np.isnan(expected).all(axis=1)
            np.testing.assert_array_equal(found.to_numpy(), expected[told])
            assert found.index.tolist() == trace.steps[told].tolist()


def test_selection_has_a_panel_for_each_reference_and_says_where_it_is(compared):
    drawn = draw(compared, "selection")
    assert len(drawn.figure.axes) == 6
    for axes in drawn.figure.axes:
        lines = [line for line in axes.lines if set(line.get_ydata()) == {1.0}]
        assert lines and axes.get_xscale() == "log"
    assert "arrives at 1 selects the reference" in drawn.caption


def test_a_path_ends_at_the_projection_of_w(compared):
    """Onto the plane through 0 and both references: least squares, and a rotation."""
    data = draw(compared, "path").data
    for trace in compared.traces:
        own = data[data.instance_id == trace.instance_id]
        goals = own[own.optimizer == ""].set_index("reference")[["x", "y"]]
        pair = np.array([solution(compared, trace, name) for name in goals.index])
        w = trace.w[0]
        if kind_of(compared, trace) == "classification":
            pair = pair / np.linalg.norm(pair, axis=1, keepdims=True)
            w = w / np.linalg.norm(w)
        np.testing.assert_allclose(goals.to_numpy() @ goals.to_numpy().T, pair @ pair.T, rtol=1e-9)
        shares = np.linalg.lstsq(pair.T, w)[0]
        end = own[own.optimizer == trace.optimizer].iloc[-1]
        np.testing.assert_allclose([end.x, end.y], shares @ goals.to_numpy(), rtol=1e-8, atol=1e-10)
        assert end.steps == trace.steps[~np.isnan(trace.loss[:, 0])][-1]


def test_the_plane_is_that_of_the_references_that_are_farthest_apart(compared):
    data = draw(compared, "path").data
    for key, own in data.groupby("instance_id"):
        units = {n: w / np.linalg.norm(w) for n, w in compared.solutions[key].items()}
        pair = own[own.optimizer == ""].reference.tolist()
        least = min(a @ b for a in units.values() for b in units.values())
        assert units[pair[0]] @ units[pair[1]] == least


def test_angles_and_distances_between_solutions(compared):
    data = draw(compared, "angles").data
    for key, own in data.groupby("instance_id"):
        rows = {t.optimizer: t.w[0] for t in compared.traces if t.instance_id == key}
        rows |= compared.solutions[key]
        assert len(own) == len(rows) ** 2
        for pair in own.itertuples():
            a, b = rows[pair.first], rows[pair.second]
            sizes = np.linalg.norm(a), np.linalg.norm(b)
            if pair.unit == "deg":  # the arc cosine loses half of the digits near 0
                cosine = np.clip(a @ b / (sizes[0] * sizes[1]), -1.0, 1.0)
                assert pair.value == pytest.approx(np.degrees(np.arccos(cosine)), abs=5e-6)
            else:
                expected = np.linalg.norm(a - b) / np.mean(sizes)
                assert pair.value == pytest.approx(expected, rel=1e-12)


def test_weights_are_images_of_w(digits):
    drawn = draw(digits, "weights")
    rows = {trace.optimizer: trace.w[0] for trace in digits.traces}
    rows |= digits.solutions[digits.instances[0].instance_id]
    assert len(drawn.figure.axes) == len(rows) == 5
    raw = datasets.load_digits().data[:8]
    pixels = np.flatnonzero(raw.max(axis=0) > raw.min(axis=0))
    assert 16 < pixels.size < 64
    for axes, (name, own) in zip(
        drawn.figure.axes, drawn.data.groupby("name", sort=False), strict=True
    ):
        weights = rows[name] / np.abs(rows[name]).max()
        image = axes.images[0].get_array().filled(np.nan).ravel()
        np.testing.assert_array_equal(image[pixels], weights)
        assert np.isnan(np.delete(image, pixels)).all()
        assert (8 * own.row + own.column).tolist() == pixels.tolist()


def test_what_is_no_image_has_none(compared):
    with pytest.raises(NothingToShow, match="square image"):
        draw(compared, "weights")


def test_a_saved_comparison_draws_the_same(digits, tmp_path):
    digits.save(tmp_path / "r.parquet")
    again = optbench.load(tmp_path / "r.parquet")
    for kind in ("selection", "path", "angles", "weights"):
        one, other = draw(digits, kind), draw(again, kind)
        assert one.data.equals(other.data) and one.caption == other.caption


@pytest.mark.parametrize("kind", ["path", "angles", "weights"])
def test_without_solutions_or_predictors_there_is_nothing(digits, kind):
    bare = [dataclasses.replace(trace, w=None) for trace in digits.traces]
    with pytest.raises(NothingToShow, match=f"^{kind}: "):
        draw(dataclasses.replace(digits, traces=bare, solutions={}), kind)


def curves_of(ends, **columns):
    """Return the runs of one optimizer: of each seed its values at steps 1, 2, ..."""
    return pd.DataFrame(
        [
            {**PLACE, "seed": seed, "steps": step, "evaluations": step, "seconds": 1e-6 * step}
            | {**columns, "value": value, "log10_gap": value, "log10_left": value}
            for seed, values in enumerate(ends)
            for step, value in enumerate(values, start=1)
        ]
    )


PLACE = {"problem": "p", "instance": "i", "instance_id": "0", "parametrization": "linear",
         "optimizer": "gradient_descent"}  # fmt: skip
ENDS = [[-1.0, -9.0], [-1.0, -2.0, -3.0], [-1.0, -1.5, -2.0]]  # the first seed is at rest


def line_of(axes):
    """Return the only line of an optimizer, not that of a reference."""
    (line,) = [each for each in axes.lines if len(each.get_xdata()) == 3]
    return line.get_ydata()


def test_a_run_that_has_ended_still_counts_in_medians():
    data = curves_of(ENDS, loss=1.0)
    figure = find("loss").draw(data, Asked())
    np.testing.assert_allclose(np.log10(line_of(figure.axes[0])), [-1.0, -2.0, -3.0])
    assert ENDED in find("loss").read(data, Asked())
    (curve,) = over_seeds(data, "steps", "log10_gap", lambda label: "")
    np.testing.assert_allclose(curve.y, [-1.0, -2.0, -3.0])
    np.testing.assert_allclose(curve.low, [-1.0, -9.0, -9.0])
    table = np.array([[*each, np.nan][:3] for each in ENDS]).T
    np.testing.assert_allclose(spread(table)[0], [-1.0, -2.0, -3.0])


def test_margins_that_are_not_drawn_still_count_in_medians():
    data = curves_of(
        [[-1.0, 0.0, 0.1], [-2.0, 0.1, 0.2], [0.3, 0.2, 0.3]],
        measure="margin_ratio_l2", reference="l2",
    )  # fmt: skip
    axes = find("selection").draw(data, Asked()).axes[0]
    np.testing.assert_allclose(line_of(axes), [-1.0, 0.1, 0.2])
    assert axes.get_ylim()[0] == -0.25


def test_medians_against_evaluations_of_a_method_that_descends_descend():
    """Every seed's loss falls, so that the median at equal evaluations falls as well."""
    found = optbench.compare(
        "linear_regression:data=gaussian,n=20,d=50", "armijo_gradient_descent",
        horizon=60, seeds=3, threads=1,
    )  # fmt: skip
    evaluations = (
        find("loss").data(found).pivot_table(index="steps", columns="seed", values="evaluations")
    )
    assert (evaluations.nunique(axis=1) > 1).any()
    (axes,) = found.plot("loss", against="evaluations").axes
    (line,) = (each for each in axes.lines if len(each.get_xdata()) > 3)
    assert (np.diff(line.get_ydata()) <= 0).all()
