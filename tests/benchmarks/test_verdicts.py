"""The simulation of verdicts, smaller: ``python -m benchmarks.verdicts`` is the whole one."""

from __future__ import annotations

import pytest

from benchmarks.verdicts import (
    AUDITED,
    SEPARABLE,
    Followed,
    audit,
    follow,
    half_decades,
    theorem_cells,
)
from optbench import compare
from optbench.analysis.settling import Verdict
from optbench.analysis.theory import theory_name
from optbench.registry import load_registry
from optbench.study import build_instances


def test_exact_solutions_of_one_norm_get_no_name_of_another():
    found = audit(AUDITED[0], 1)
    assert found.cases == 14 and not found.wrong


def test_what_is_counted_as_taken_back():
    """Another name, `between` or INCONCLUSIVE later; not that it moves there again."""
    steps = (10, 100, 1_000)

    def told(*selected, towards=(None, None, None)):
        pairs = zip(steps, selected, towards, strict=True)
        return Followed(0, {t: Verdict(name, towards=to) for t, name, to in pairs})

    assert list(told("l2", "l2", "linf").contradicted()) == [
        (10, "l2", 1_000, "linf"), (100, "l2", 1_000, "linf")
    ]  # fmt: skip
    assert list(told("l2", "between", "l2").contradicted()) == [(10, "l2", 100, "between")]
    assert not list(told("moving", "between", "l2").contradicted())
    assert not list(told("l2", "moving", "l2", towards=(None, "l2", None)).contradicted())
    assert list(told("l2", "moving", "l2", towards=(None, "linf", None)).contradicted())


def test_steps_are_half_decades():
    assert half_decades(10_000) == (100, 316, 1_000, 3_162, 10_000)


def test_the_rows_are_those_that_a_comparison_has_as_the_theorem_asks():
    (instances,) = build_instances(load_registry(), SEPARABLE, 1)
    labels = [cell.choice.label for cell in theorem_cells(instances)]
    shown = compare(instances[0], "all", horizon=10, threads=1).bias_rows
    second = {row.optimizer.partition("[")[0] for row in shown if row.as_theorem_asks}
    told = [
        row.optimizer
        for row in shown
        if row.theory != "unknown" and (row.as_theorem_asks or row.optimizer not in second)
    ]
    # where the data has as many rows as rank, the Fisher margin is the L2 margin; and after ten
    # steps nothing is far above the scale of the start
    limits = {"natural_gradient", "hypentropy"}
    assert set(told) - limits == set(labels) - limits and len(labels) > 10
    assert "hypentropy" in labels and "natural_gradient" not in labels


@pytest.mark.slow
def test_no_verdict_is_taken_back_and_most_runs_have_one_at_a_million_steps():
    seeds, last, right = 3, 1_000_000, 0
    (instances,) = build_instances(load_registry(), SEPARABLE, seeds)
    cells = theorem_cells(instances)
    for cell in cells:
        for run in follow(cell, seeds, last):
            assert not list(run.contradicted()), cell.choice.label
            right += run.verdicts[last].selected == theory_name(cell)
    assert right >= 0.85 * seeds * len(cells)  # 90 % over 20 seeds
