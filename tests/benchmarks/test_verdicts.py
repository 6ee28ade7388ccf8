"""The simulation of verdicts, smaller: ``python -m benchmarks.verdicts`` is the whole one."""

from __future__ import annotations

import pytest

from benchmarks.verdicts import AUDITED, Followed, audit, follow, half_decades
from optbench.analysis.settling import Verdict

OPTIMIZERS = (
    "gradient_descent",
    "sign_descent",
    "coordinate_descent",
    "normalized_gradient_descent",
    "adam[eps=0,decay=0.5,beta2=0.99]",
    "normalized_mirror_descent",
)


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


@pytest.mark.slow
def test_no_verdict_is_taken_back_and_most_runs_have_one_at_a_million_steps():
    seeds, last, right = 3, 1_000_000, 0
    for optimizer in OPTIMIZERS:
        theory, runs = follow(optimizer, seeds, last)
        for run in runs:
            assert not list(run.contradicted()), optimizer
            right += run.verdicts[last].selected == theory
    assert right >= 0.9 * seeds * len(OPTIMIZERS)
