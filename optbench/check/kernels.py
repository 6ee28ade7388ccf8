"""Step one kernel through a problem: compiled, and as plain Python on NumPy arrays."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from optbench.check.outcome import require
from optbench.contract import ORACLE_ARGUMENTS, Optimizer
from optbench.contract.probes import MOST_TRIALS
from optbench.engine import rules, types
from optbench.engine.bind import bind_probe, bind_update, bounds_checks
from optbench.engine.bind_instance import objective_kind
from optbench.engine.compiler.calls import entry_point
from optbench.engine.ensemble import make_data
from optbench.engine.oracles.declared import FIRST_SLOT, PLACES
from optbench.engine.oracles.features import product_for
from optbench.engine.passages import no_passages
from optbench.engine.scratch import working_memory
from optbench.engine.state import fresh_runs
from optbench.parametrizations import parametrization
from optbench.rehearsal import plain
from optbench.rehearsal.plain import STEPS, Steps, found_at, initial_slots
from optbench.rehearsal.quadratic import LAYERS, SIZE, Quadratic, instance

CANARY = 123.456  # in the memory before and behind what a kernel may write


class Bench:
    """Arrays for one compiled update: the run is row 1, ended runs with canaries are around it.

    Parameters
    ----------
    optimizer : Optimizer
        Whose update is stepped.
    problem : Quadratic
        Which gradients it gets.
    """

    def __init__(self, optimizer: Optimizer, problem: Quadratic) -> None:
        self.optimizer, self.problem = optimizer, problem
        self.update = entry_point(bind_update(optimizer))
        self.probe: Any = optimizer.probe and entry_point(bind_probe(optimizer))
        linear = dataclasses.replace(parametrization("linear", SIZE), layers=LAYERS.copy())
        whole = dataclasses.replace(
            instance(optimizer), features=problem.features, cost=problem.cost
        )
        rule = rules.make_rule(whole, linear, optimizer)
        self.rule = rule._replace(optimal_loss=problem.optimal_loss)
        theta = problem.start(optimizer)
        state = rules.initial_state(rule, initial_slots(optimizer, problem.power), theta[None])[0]
        self.runs = fresh_runs(
            self._rows(theta),
            self._rows(state),
            self._rows(problem.hypers(optimizer)),
            range(3),
            [STEPS] * 3,
            SIZE,
            True,
            True,
            no_passages(3, np.nan),
        )
        self.data = make_data(whole)
        product = product_for(optimizer, objective_kind(whole))
        self.kernels = types.Kernels(*[0] * len(types.Kernels._fields))._replace(product=product)
        (self.scratch,) = working_memory(self.data, self.runs, 3, 1, 1, 0, 0)
        self.runs.status[:] = types.CONVERGED, types.RUNNING, types.CONVERGED
        self.runs.gradient[[0, 2]] = CANARY
        places = rule.offsets[0]
        self.kept = {
            name: self.runs.state[1, places[place] : places[place + 1]]
            for name, place in PLACES.items()
        }
        self.slots = self.runs.state[1, places[FIRST_SLOT] :]
        self.given: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    @staticmethod
    def _rows(values: np.ndarray) -> np.ndarray:
        rows = np.full((3, values.size), CANARY)
        rows[1] = values
        return rows

    def step(self, step: int) -> None:
        """Take one step."""
        found = found_at(self.optimizer, self.problem, self.runs.theta[1], step)
        whole = "sample_grad" if self.optimizer.samples else "grad"
        self.runs.gradient[1], self.runs.loss[1] = found[whole], found["loss"]
        for name in ("natural_grad", "smooth_grad", "sample_row", "sample_index", "sample_slope"):
            self._keep(name, found[name])
        self._take_trials(step)
        if self.kept["probe_sample_grad"].size > 0:
            self._keep("probe_sample_grad", self.problem.sample(self.kept["probe"], step)[1])
        read = {name: self.kept[name] for name in ORACLE_ARGUMENTS if name != "output"}
        read |= {whole: self.runs.gradient[1], "layers": self.rule.layers}
        read |= {"targets": self.data.row_targets, "cost": self.data.cost}
        read["features"] = self.data.panels
        self.given = {name: (array, array.copy()) for name, array in read.items()}
        self.update(step, 1, self.kernels, self.data, self.scratch, self.runs, self.rule)
        failed = self.runs.status[1] == types.FAILED
        require(not failed, f"the compiled kernel raises, or indexes outside, in step {step}")

    def _take_trials(self, step: int) -> None:
        for trial in range(1, MOST_TRIALS + 1 if self.probe else 1):
            engine = self.kernels, self.data, self.scratch, self.runs, self.rule
            wrote = self.probe(step, trial, 1, *engine)
            failed = self.runs.status[1] == types.FAILED
            require(not failed, f"the compiled probe raises, or indexes outside, in step {step}")
            if not wrote:
                return
            self._keep("probe_grad", self.problem.gradient(self.kept["probe"]))
            self._keep("probe_loss", self.problem.loss(self.kept["probe"]))
            self._keep("hessian_vector", self.problem.product(self.kept["probe"]))
        asked = self.probe is not None
        require(not asked, f"the probe asks for more than {MOST_TRIALS} points in step {step}")

    def _keep(self, name: str, values: Any) -> None:
        if self.kept[name].size > 0:
            self.kept[name][:] = values


def compiled_path(optimizer: Optimizer, problem: Quadratic, steps: int = STEPS) -> Steps:
    """Step the compiled update."""
    bench = Bench(optimizer, problem)
    path: list[tuple[np.ndarray, ...]] = []
    for step in range(1, steps + 1):
        bench.step(step)
        parts = bench.runs.theta[1], bench.slots, bench.kept["output"]
        path.append(tuple(part.copy() for part in parts))
    return Steps(*(np.array(part) for part in zip(*path, strict=True)))


def plain_path(optimizer: Optimizer, problem: Quadratic, steps: int = STEPS) -> Steps:
    """Step the kernels as plain Python, with bounds checks in helpers that a plug-in compiles.

    Raises
    ------
    Exception
        Whatever a kernel raises.
    """
    with bounds_checks(True):
        return plain.plain_path(optimizer, problem, steps)
