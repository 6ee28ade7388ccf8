"""The contract tests of a problem, on its default instances and its examples."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numba
import numpy as np

from optbench.check.declared import declared
from optbench.check.objective import (
    curvature,
    deterministic,
    gradient,
    mean_of_rows,
    optimum,
    steepness,
    twin,
    writes,
)
from optbench.check.outcome import CheckResult, NotApplicable, require, run
from optbench.check.second_process import compiled_by_second_process
from optbench.contract import Problem
from optbench.engine.bind_instance import bind_instance, bind_samples_of
from optbench.instance import Instance
from optbench.status import NOT_RUN


def build(problem: Problem, given: Mapping[str, Any]) -> Instance:
    """Build an instance and require that it is one."""
    made = problem.build(**given)
    require(isinstance(made, Instance), f"builds a {type(made).__name__}, not an Instance")
    return made  # type: ignore[no-any-return]


def builds(instance: Instance, problem: Problem, given: Mapping[str, Any]) -> str:
    """The same options give the same data; the instance knows its problem."""
    again = build(problem, given)
    for name in ("features", "targets"):
        one, other = getattr(instance, name), getattr(again, name)
        same = (one != other).nnz == 0 if hasattr(one, "indptr") else np.array_equal(one, other)
        require(same, f"{name} differ between two builds: use a seed")
    require(
        instance.identity == again.identity,
        "start, parameters, facts or what its functions hold differ between two builds: use a seed",
    )
    require(instance.problem == problem.name, f"its instance says problem={instance.problem!r}")
    rows, columns = instance.features.shape
    return f"{rows} x {columns}, the same data twice"


def compiles(instance: Instance) -> str:
    """The kernel compiles in nopython mode: it allocates nothing and writes nothing read-only."""
    bind_instance(instance)
    bind_samples_of(instance)
    return "compiled, without Python in the loop; what it may only read it cannot write"


def second_process(problem: Problem, given: Mapping[str, Any]) -> str:
    """Another process finds everything compiled."""
    try:
        options = json.loads(json.dumps(dict(given)))
    except TypeError:
        raise NotApplicable("its options are no JSON") from None
    file = str(Path(inspect.getfile(problem.builder)).resolve())
    names = compiled_by_second_process([(file, problem.name, options)])
    require(not names, f"a second process compiles {', '.join(names)} again")
    return "a second process compiles nothing"


CHECKS: dict[str, Callable[[Instance], str]] = {
    "compiles": compiles,
    "python twin": twin,
    "writes": writes,
    "deterministic": deterministic,
    "gradient": gradient,
    "mean of rows": mean_of_rows,
    "optimal value": optimum,
    "curvature": curvature,
    "steepness": steepness,
}
COMPILED = {"compiles", "deterministic"}


def check_instance(instance: Instance, file: Path) -> Iterator[CheckResult]:
    """Run the tests of one instance; without a compiled kernel only plain Python is tested."""
    broken = False
    for name, test in CHECKS.items():
        label = f"{instance.name}: {name}"
        if name in COMPILED and numba.config.DISABLE_JIT:
            yield CheckResult(label, None, "NUMBA_DISABLE_JIT is set", 0.0)
        elif broken:
            yield CheckResult(label, None, NOT_RUN, 0.0)
        else:
            result = run(label, file, test, instance)
            broken = name == "compiles" and result.passed is False
            yield result


def check_problem(problem: Problem) -> list[CheckResult]:
    """Run the tests on each default instance and example; what is declared, on all of them.

    The second process runs beside the others, from the first instance that compiles.
    """
    file = Path(inspect.getfile(problem.builder))
    results: list[CheckResult] = []
    built: list[Instance] = []
    later: Future[CheckResult] | None = None
    with ThreadPoolExecutor(max_workers=1) as pool:
        for given in (*(problem.default or ({},)), *problem.examples):
            made: list[Instance] = []

            def first(given: Mapping[str, Any] = given, made: list[Instance] = made) -> str:
                made.append(build(problem, given))
                return builds(made[0], problem, given)

            results.append(run("builds", file, first))
            for result in check_instance(made[0], file) if results[-1].passed else ():
                results.append(result)
                if later is None and result.passed and result.name.endswith(": compiles"):
                    wanted = "second process", file, second_process, problem, given
                    later = pool.submit(run, *wanted)
            built += made
        if not any(result.passed is False for result in results):
            results.append(run("declared", file, declared, problem, built))
        if later is not None:
            results.append(later.result())
    return results
