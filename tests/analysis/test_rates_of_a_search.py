"""Every rate that a search tried is told: how far it ran, and what it did until then."""

from __future__ import annotations

import pytest
from small_instances import one_chunk

from optbench import compare
from optbench.registry import load_registry
from optbench.study import build_instances

REGRESSION = "linear_regression:data=gaussian,n=5,d=12,seed=3"
HORIZON = 20_000


@pytest.fixture(scope="module")
def compared():
    return compare(
        REGRESSION, ["gradient_descent", "sign_descent"], horizon=HORIZON, threads=1, rerun=True
    )


def test_the_winner_is_among_them_and_ran_to_the_horizon(compared):
    for row in compared.convergence_rows:
        entries = {entry.learning_rate: entry for entry in row.learning_rates}
        assert list(entries) == sorted(entries) and len(entries) >= 13
        best = entries[row.best_learning_rate]
        assert row.searched and best.steps == HORIZON
        assert (best.steps_to, best.final_loss) == (row.steps_to, row.final_loss)
        assert {entry.steps for entry in entries.values()} > {HORIZON}


def test_numbers_are_those_of_a_run_of_so_many_steps(compared):
    ((instance,),) = build_instances(load_registry(), REGRESSION, 1)
    for row in compared.convergence_rows:
        for entry in row.learning_rates[::3]:
            chunk = one_chunk(instance, row.optimizer, [entry.learning_rate])
            chunk.advance(entry.steps)
            if entry.final_loss is None:
                assert chunk.status == ["diverged"]
            else:
                assert chunk.records.loss[-1, 0] == entry.final_loss or chunk.status != ["horizon"]


def test_only_runs_to_the_horizon_select_a_solution(compared):
    for row in compared.convergence_rows:
        for entry in row.learning_rates:
            assert entry.selected is None or entry.steps == HORIZON
        assert any(entry.selected for entry in row.learning_rates)


def test_pandas_has_all_of_them(compared):
    frame = compared.learning_rates
    assert len(frame) == sum(len(row.learning_rates) for row in compared.convergence_rows)
    assert set(frame.groupby("optimizer").steps.max()) == {HORIZON}
