"""A comparison that costs nothing, in place of ``optbench.api.compare``."""

import sys
import types

import pytest

from optbench.columns import DECLARED, BiasRow, ConvergenceRow, InstanceFacts
from optbench.result import Comparison
from optbench.status import Status

PLACE = {"problem": "linear_regression", "instance": "tiny", "instance_id": "0" * 12}
STATE = {"parametrization": "linear", "optimizer": "gradient_descent", "seeds": 1, "horizon": 10}


def tiny_comparison(status="horizon", notes=()):
    """Return a comparison of one optimizer on one instance."""
    row = {**PLACE, **STATE, "hyperparameters": {"learning_rate": 0.1}, "status": Status(status)}
    verdict = BiasRow(
        **row, selected="l2", runner_up="l1", separation=0.5, theory="l2", effective_p=2.0,
        measures={"norm_excess_l2": 1e-9},
    )  # fmt: skip
    speed = ConvergenceRow(
        **row, steps_to={"1e-2": 5.0}, seconds_to={"1e-2": 1e-7}, ns_per_step=20.0,
        relative_cost=1.0, best_learning_rate=0.1, success_rate=1.0, success_target="1e-2",
        final_suboptimality=1e-9,
    )  # fmt: skip
    instance = InstanceFacts(**PLACE, kind="regression", n=2, d=3, infimum_from=DECLARED)
    return Comparison([verdict], [speed], [instance], [], {}, list(notes))


@pytest.fixture(name="tiny_comparison")
def tiny_comparison_fixture():
    return tiny_comparison


@pytest.fixture
def calls(monkeypatch):
    """Replace ``optbench.api``; return the arguments of every call and what it shall return."""
    fake = types.ModuleType("optbench.api")
    fake.calls, fake.returns = [], tiny_comparison()

    def compare(problems=(), optimizers=(), **options):
        fake.calls.append((problems, optimizers, options))
        if isinstance(fake.returns, BaseException):
            raise fake.returns
        return fake.returns

    fake.compare = compare
    monkeypatch.setitem(sys.modules, "optbench.api", fake)
    monkeypatch.delenv("COLUMNS", raising=False)
    return fake
