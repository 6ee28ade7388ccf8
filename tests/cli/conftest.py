"""A comparison that costs nothing, in place of ``optbench.api.compare``."""

import sys
import types

import pytest

from optbench.result import Comparison

PLACE = {"problem": "linear_regression", "instance": "tiny", "parametrization": "linear"}
STATE = {"hyperparameters": {"learning_rate": 0.1}, "seeds": 1, "horizon": 10, "reason": None}


def tiny_comparison(status="horizon", notes=()):
    """Return a comparison of one optimizer on one instance."""
    row = {**PLACE, **STATE, "optimizer": "gradient_descent", "status": status}
    verdict = {
        "selected": "l2", "runner_up": "l1", "separation": 0.5, "theory": "l2", "condition": "",
        "effective_p": 2.0, "effective_p_interval": None, "measures": {"norm_excess_l2": 1e-9},
        "intervals": {},
    }  # fmt: skip
    speed = {
        "steps_to": {"1e-2": 5.0}, "seconds_to": {"1e-2": 1e-7}, "intervals": {}, "rate": None,
        "ns_per_step": 20.0, "relative_cost": 1.0, "best_learning_rate": 0.1, "at_edge": False,
        "sensitivity_decades": 1.0, "critical_learning_rate": None, "success_rate": 1.0,
        "theory_learning_rate": None, "success_target": "1e-2", "final_suboptimality": 1e-9,
        "learning_rates": [],
    }  # fmt: skip
    instance = {"problem": "linear_regression", "instance": "tiny", "n": 2, "d": 3,
                "references": [], "separation": {}}  # fmt: skip
    return Comparison([row | verdict], [row | speed], [instance], [], {}, list(notes))


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
