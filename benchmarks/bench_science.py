"""What must not get worse while the code gets faster; smaller is better in every row.

asv takes a rise for a regression, so that margins are tracked as what is missing to the optimum.
"""

from __future__ import annotations

import inspect
import math

from benchmarks import prepared
from benchmarks.names import named
from optbench.analysis.kinds import kind_of
from optbench.check.second_process import compiled_by_second_process
from optbench.engine.bind import bind_loop
from optbench.registry import load_registry
from optbench.solutions import solved
from optbench.tuning.grid import natural_rate


class Bias:
    """1 - margin / largest margin of digits 3 against 8 after 100,000 steps at the natural rate."""

    params = (
        "gradient_descent margin_ratio_l2",
        "normalized_gradient_descent margin_ratio_l2",
        "sign_descent margin_ratio_linf",
        "coordinate_descent margin_ratio_l1",
    )
    param_names = ("optimizer and measure",)

    def setup(self, row: str) -> None:
        optimizer, self.measure = row.split()
        self.place = prepared.cell(prepared.DIGITS, "", optimizer)
        (self.run,) = prepared.chunks(self.place, [natural_rate(self.place)])

    @named("Margin missing to the largest after 100,000 steps", unit="share of the largest margin")
    def track_margin_missing(self, row: str) -> float:
        prepared.advance([self.run], 100_000)
        instance = self.place.instance
        measured = kind_of(instance).measure(instance, solved(instance), self.run.runs.w[0])
        return 1.0 - measured[self.measure]


class Convergence:
    """Steps to 1e-8 of the first gap, on the first linear regression, at half the natural rate."""

    params = ("gradient_descent", "nesterov", "adam")
    param_names = ("optimizer",)

    def setup(self, optimizer: str) -> None:
        self.place = prepared.cell("linear_regression", "", optimizer)
        (self.run,) = prepared.chunks(self.place, [0.5 * natural_rate(self.place)])

    @named("Steps until 1e-8 of the first gap is left", unit="steps")
    def track_steps_to_1e_8(self, optimizer: str) -> float:
        self.run.advance(100_000)
        return float(self.run.passages(self.place.instance.optimum).counted(self.run.status)[0, -1])


class Certificates:
    """Largest relative duality gap of the reference solutions of a problem's first instance."""

    params = prepared.names_in("problems")
    param_names = ("problem",)

    @named("Largest duality gap of the reference solutions", unit="relative to the value")
    def track_largest_gap(self, problem: str) -> float:
        found = solved(prepared.instance(problem)).values()
        return max((reference.gap for reference in found), default=math.nan)


class Compilation:
    """One signature a kernel, and nothing is compiled twice."""

    def setup(self) -> None:
        registry = load_registry()
        plugins = [registry.optimizer(name) for name in ("gradient_descent", "adam", "nesterov")]
        self.files = [(inspect.getfile(p.kernel), p.name, None) for p in plugins]

    @named("Signatures for which the loop is compiled", unit="signatures")
    def track_signatures_of_the_loop(self) -> int:
        return len(bind_loop().signatures)

    @named("Kernels that a second process compiles again", unit="compilations")
    def track_cache_misses_of_a_second_process(self) -> int:
        compiled_by_second_process(self.files)
        return len(compiled_by_second_process(self.files))
