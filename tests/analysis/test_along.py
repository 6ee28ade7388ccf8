"""What is measured along the runs: the numbers of the bias table at every record, and more."""

from __future__ import annotations

import numpy as np
import pytest

import optbench

GAUSSIAN = "logistic_regression:data=gaussian,n=6,d=12,seed=11"


@pytest.fixture(scope="module")
def found():
    """Kinds of every sort, two seeds, searched rates."""
    problems = [GAUSSIAN, "linear_regression", "linear_program", "matrix_completion"]
    return optbench.compare(
        problems, ["gradient_descent", "sign_descent"], horizon=1_000, seeds=2, rerun=True
    )


def last(column: np.ndarray) -> float:
    told = column[~np.isnan(column)]
    return float(told[-1])


def test_the_last_record_is_what_the_bias_table_says(found):
    rows = {(r.instance_id, r.parametrization, r.optimizer): r for r in found.bias_rows}
    assert len({r.problem for r in found.bias_rows if r.measures}) == 4
    for trace in found.traces:
        row = rows[trace.instance_id, trace.parametrization, trace.optimizer]
        for name, number in row.measures.items():
            middle = np.median([last(column) for column in trace.measures[name].T])
            assert middle == pytest.approx(number, rel=1e-9, abs=1e-12), (row.optimizer, name)
