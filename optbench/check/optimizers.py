"""The contract tests of an optimizer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from optbench.check.degrees import find_degrees
from optbench.check.kernels import (
    CANARY,
    Bench,
    compiled_path,
    plain_path,
)
from optbench.check.outcome import CheckResult, Failed, NotApplicable, difference, require, run
from optbench.check.second_process import compiled_by_second_process
from optbench.contract import Optimizer
from optbench.engine.bind import bind_probe, bind_update
from optbench.engine.chunk import Chunk
from optbench.engine.compiler.bounds import needs_bounds_checks
from optbench.engine.compiler.cache import kernels_are_compiled
from optbench.parametrizations import parametrization
from optbench.plugin_files import explain
from optbench.rehearsal.plain import STEPS, Steps
from optbench.rehearsal.quadratic import SIZE, SIZES, Flat, NotANumber, Quadratic, instance
from optbench.runs import RunSpec, prepare_together
from optbench.status import NOT_RUN, Status

TWIN = 1e-12  # compiled against plain Python, relative
SYMMETRY = 1e-9  # sums over coordinates run in another order
UNIT = 400  # powers of two by which the engine changes the unit of the objective
EXPONENTS = 900  # of a slot's numbers in that unit: 2**900 leaves room
NUDGE = 2.0**-47  # of the start, relative: the rounding errors of all steps together
LARGEST = 1e300  # beyond it the last bits decide what overflows
DESCENT = 200  # steps in which an optimizer must get lower
RATES = (1e-3, 1e-2, 0.1, 1.0, 10.0)  # times those of the other tests
TURNS = {
    "permutation": np.eye(SIZE)[[3, 0, 5, 1, 2, 4]],
    "sign": np.diag([1.0, -1.0, -1.0, -1.0, 1.0, -1.0]),  # no flip of whole rows and columns
}
TURNED = {"permutation": "coordinates in another order", "sign": "signs of coordinates flipped"}


def chunk(optimizer: Optimizer, factors: tuple[float, ...] = (1.0,)) -> Chunk:
    """Return runs on the small problem; tuned hyperparameters are multiplied by ``factors``."""
    problem = instance(optimizer)
    plain = Quadratic().hypers(optimizer)
    tuned = np.array([name in optimizer.tuned for name in optimizer.hypers], dtype=bool)
    hypers = np.array([np.where(tuned, plain * factor, plain) for factor in factors])
    linear = parametrization("linear", problem.dimension)
    hypers = hypers.reshape(len(factors), len(optimizer.hypers))
    return prepare_together(
        [RunSpec(problem, linear, optimizer, tuple(own.tolist())) for own in hypers]
    )


def compiles(optimizer: Optimizer) -> str:
    """The kernels compile in nopython mode, and what runs of them need of the engine is there."""
    bind_update(optimizer)
    bind_probe(optimizer)
    chunk(optimizer)
    return "compiled, without Python in the loop"


def bounds(optimizer: Optimizer) -> str:
    """No index leaves its array: proven, or rehearsed here and checked in every run."""
    file = Path(inspect.getfile(optimizer.kernel))
    try:
        plain_path(optimizer, Quadratic())
    except IndexError as error:
        raise Failed(explain(file, error)) from None
    except Exception:  # the test of plain Python says what else it raises
        raise NotApplicable("not rehearsed: raises in plain Python") from None
    kernels = filter(None, (optimizer.kernel, optimizer.probe))
    if any(needs_bounds_checks(optimizer, kernel) for kernel in kernels):
        return "rehearsed in plain Python; compiled with bounds checks"
    return "every index is proven to be inside its array"


def twin(optimizer: Optimizer) -> str:
    """Compiled and plain Python agree."""
    plain = plain_path(optimizer, Quadratic())
    compiled = compiled_path(optimizer, Quadratic())
    steps = min(inside(plain), inside(compiled))
    gap = apart(compiled, plain, steps)
    if gap > TWIN:
        steps = min(steps, steady(optimizer, TWIN))
        gap = apart(compiled, plain, steps)
    require(gap <= TWIN, f"compiled and plain Python differ by {gap:.1e} after {steps} steps")
    return f"plain Python agrees to {gap:.1e} over {steps} steps"


def apart(one: Steps, other: Steps, steps: int) -> float:
    """Return how far two paths, parameters and slots, are from each other in the first steps."""
    return max(difference(a[:steps], b[:steps]) for a, b in zip(one, other, strict=True))


def steady(optimizer: Optimizer, tolerance: float) -> int:
    """Return the number of steps before a rounding error of the start grows to the tolerance.

    Some rules, such as Polyak's step, amplify it from step to step, and what L-BFGS remembers near
    a minimum is rounding itself: later steps say nothing.
    """
    path = compiled_path(optimizer, Quadratic())
    nudged = compiled_path(optimizer, Quadratic(nudge=NUDGE))
    grown = [apart(nudged, path, k) > tolerance / 10.0 for k in range(1, len(path.theta) + 1)]
    return max(grown.index(True), 1) if True in grown else len(path.theta)


def inside(path: Steps) -> int:
    """Return the number of steps after which theta and state are still in float64's range.

    What overflows does so in one step or another by its last bit: what comes after says nothing.
    """
    whole = np.hstack(path)
    within = np.all(np.abs(whole) < LARGEST, axis=1)  # false of NaN
    return int(within.size if within.all() else np.argmin(within))


def descends(optimizer: Optimizer) -> str:
    """At some learning rate theta moves and the loss falls."""
    runs = chunk(optimizer, RATES if optimizer.tuned else (1.0,))
    start = runs.runs.theta.copy()
    runs.advance(DESCENT)
    moved = runs.runs.theta != start
    require(bool(moved.any()), f"theta never moves in {DESCENT} steps on a quadratic")
    losses = np.exp(runs.records.log_loss)
    told = np.sum(~np.isnan(losses), axis=0)  # a run that is at rest has no more records
    last = np.min(losses[told - 1, np.arange(told.size)])
    first = float(losses[0, 0])
    climbs = f"the loss of a quadratic rises from {first:.3g} to {last:.3g} at best"
    require(last < first, f"{climbs}, whatever the learning rate, in {DESCENT} steps")
    return f"from loss {first:.3g} to {last:.3g} on a quadratic"


def writes(optimizer: Optimizer) -> str:
    """Only theta and slots change: neither what is read only nor the memory around them."""
    bench = Bench(optimizer, Quadratic())
    for step in range(1, STEPS + 1):
        bench.step(step)
        for name, (found, expected) in bench.given.items():
            require(np.array_equal(found, expected, equal_nan=True), f"writes into {name}")
    for name in ("theta", "state", "gradient", "scaled_hypers"):
        around = getattr(bench.runs, name)[[0, 2]]
        require(bool(np.all(around == CANARY)), f"writes outside, into the {name} of another run")
    return "only theta and slots change"


def allocations(optimizer: Optimizer) -> str:
    """A thousand more steps allocate nothing more."""
    from numba.core.runtime import _nrt_python, rtsys

    counted = _nrt_python.memsys_stats_enabled()
    _nrt_python.memsys_enable_stats()
    try:
        counts = []
        for horizon in (10, 1010):
            runs = chunk(optimizer)
            before = rtsys.get_allocation_stats().alloc
            runs.advance(horizon, steps=np.array([horizon]))
            counts.append(rtsys.get_allocation_stats().alloc - before)
    finally:
        if not counted:
            _nrt_python.memsys_disable_stats()
    per_step = (counts[1] - counts[0]) / 1000
    require(per_step == 0, f"allocates {per_step:g} times a step; write into a Slot instead")
    return "nothing is allocated in a step"


def deterministic(optimizer: Optimizer) -> str:
    """Twice the same bits, alone or in a batch."""
    alone, batch = chunk(optimizer), chunk(optimizer, (0.5, 1.0, 0.7, 0.3, 1.0, 0.9, 0.1))
    for runs in (alone, batch):
        runs.advance(200)
    for row in (1, 4):
        for name in ("theta", "state"):
            same = np.array_equal(
                getattr(alone.runs, name)[0], getattr(batch.runs, name)[row], equal_nan=True
            )
            require(same, f"{name} of the same run differs between a batch of 7 and alone")
    return "the same bits, alone and twice in a batch of 7"


def reset(optimizer: Optimizer) -> str:
    """A fresh run knows nothing of earlier ones."""
    paths = []
    for factor in (1.0, 0.5, 1.0):
        runs = chunk(optimizer, (factor,))
        sizes = SIZES._replace(layers=[(0, 1, SIZE)])
        expected = [np.full(slot.size(sizes), slot.initial) for slot in optimizer.slots.values()]
        initial = np.concatenate([np.zeros(0), *expected])
        slots = runs.runs.state[0, runs.runs.state.shape[1] - initial.size :]
        fresh = np.array_equal(slots, initial)
        require(fresh, "slots of a fresh run are not at their initial values")
        runs.advance(100)
        paths.append((runs.runs.theta.copy(), runs.runs.state.copy()))
    for first, last in zip(paths[0], paths[2], strict=True):
        require(np.array_equal(first, last, equal_nan=True), "a run depends on earlier runs")
    plain = [plain_path(optimizer, Quadratic()) for _ in range(2)]
    for before, after in zip(*plain, strict=True):
        same = np.array_equal(before, after, equal_nan=True)
        require(same, "a run in plain Python depends on earlier runs: state outside the slots")
    return "a second fresh run has the same bits"


def not_a_number(optimizer: Optimizer) -> str:
    """A gradient that is not a number ends the run at once; a kernel that gets one goes on."""
    for path in (plain_path, compiled_path):
        path(optimizer, NotANumber(), 3)  # neither raises nor indexes outside
    runs = chunk(optimizer, (1.0, 0.5))
    runs.advance(5)
    running = runs.status == [Status.HORIZON] * 2
    require(running, f"ends after {runs.stopped.min()} steps on a quadratic: {runs.status}")
    runs.combination.data.targets[0] = np.nan
    runs.advance(100)
    require(runs.status == [Status.DIVERGED] * 2, f"status {runs.status} after a NaN")
    require(bool(np.all(runs.stopped == 6)), f"goes on to step {runs.stopped.max()} after a NaN")
    return "a gradient that is not a number ends the run as diverged"


def fixed_point(optimizer: Optimizer) -> str:
    """With fresh state a zero gradient leaves theta as it is, bit for bit."""
    if not optimizer.fixed_point:
        raise NotApplicable("declares fixed_point=False")
    bench = Bench(optimizer, Flat())
    start = bench.runs.theta[1].copy()
    for step in range(1, 4):
        bench.step(step)
        moved = float(np.max(np.abs(bench.runs.theta[1] - start)))
        require(moved == 0.0, f"a zero gradient moves theta by {moved:.1e} in step {step}")
    return "with a zero gradient theta stays as it is, bit for bit"


def symmetry(optimizer: Optimizer, kind: str) -> str:
    """Turning coordinates and stepping commute."""
    if kind not in optimizer.symmetries:
        raise NotApplicable(f"symmetries= does not name {kind!r}")
    turn = TURNS[kind]
    expected = compiled_path(optimizer, Quadratic()).theta @ turn.T
    turned = compiled_path(optimizer, Quadratic(turn=turn)).theta
    gap = difference(turned, expected)
    if gap > SYMMETRY:
        steps = steady(optimizer, SYMMETRY)
        gap = difference(turned[:steps], expected[:steps])
    others = tuple(name for name in optimizer.symmetries if name != kind)
    require(
        gap <= SYMMETRY,
        f"with {TURNED[kind]} it takes another path, which differs by {gap:.1e}; if that is meant, "
        f"declare symmetries={others}",
    )
    return f"the same path with {TURNED[kind]}, to {gap:.1e}"


def homogeneous(optimizer: Optimizer) -> str:
    """The path does not depend on the unit of the objective."""
    if not optimizer.homogeneous:
        found = _degrees_that_hold(optimizer)
        hint = f"but it holds with {found}: declare homogeneous=True"
        nothing = "and no degrees were found: its gradients underflow where losses do"
        raise NotApplicable(f"not declared, {hint if found else nothing}")
    expected = compiled_path(optimizer, Quadratic()).theta
    unit = _unit(optimizer)
    gaps = {
        power: difference(compiled_path(optimizer, Quadratic(power)).theta, expected)
        for power in (unit, -unit)
    }
    power, gap = max(gaps.items(), key=lambda pair: pair[1])
    if gap > TWIN:
        found = _degrees_that_hold(optimizer)
        hint = f"it holds with {found}" if found else "no degrees were found"
        raise Failed(f"declared, but times 2^{power} the path differs by {gap:.1e}: {hint}")
    return f"the same path of the objective times 2^{unit} and 2^-{unit}, to {gap:.1e}"


def _unit(optimizer: Optimizer) -> int:
    """Return the powers of two by which the unit changes: slots stay in float64's range."""
    largest = max((abs(slot.degree) for slot in optimizer.slots.values()), default=1)
    return min(UNIT, EXPONENTS // max(largest, 1))


def _degrees_that_hold(optimizer: Optimizer) -> str:
    """Say with which degrees the path does not depend on the unit; empty if there are none."""
    try:
        degrees = find_degrees(optimizer)
        if degrees is None:
            return ""
        declared = degrees.of(optimizer)
        unit = _unit(declared)
        paths = [plain_path(declared, Quadratic(power)).theta for power in (0, unit, -unit)]
    except Exception:  # the test of plain Python says what it raises
        return ""
    holds = all(difference(path, paths[0]) <= TWIN for path in paths[1:])
    return str(degrees) if holds else ""


def second_process(optimizer: Optimizer) -> str:
    """Another process finds everything compiled; it may run beside the other tests."""
    file = str(Path(inspect.getfile(optimizer.kernel)).resolve())
    names = compiled_by_second_process([(file, optimizer.name, None)])
    require(not names, f"a second process compiles {', '.join(names)} again")
    return "a second process compiles nothing"


CHECKS: dict[str, Callable[[Optimizer], str]] = {
    "compiles": compiles,
    "bounds": bounds,
    "python twin": twin,
    "writes": writes,
    "allocations": allocations,
    "deterministic": deterministic,
    "state reset": reset,
    "NaN": not_a_number,
    "descends": descends,
    "zero gradient": fixed_point,
    "permutation": lambda optimizer: symmetry(optimizer, "permutation"),
    "sign": lambda optimizer: symmetry(optimizer, "sign"),
    "homogeneous": homogeneous,
    "second process": second_process,
}
FIRST = {"compiles", "bounds"}  # without these no compiled kernel is run
BESIDE = {"second process"}  # waits for another process, while the others are run
COMPILED = {"compiles", "allocations", "deterministic", "second process"}


def check_optimizer(optimizer: Optimizer) -> list[CheckResult]:
    """Run all tests; those that need the compiled kernel are skipped when there is none."""
    file = Path(inspect.getfile(optimizer.kernel))
    results: dict[str, CheckResult] = {}
    beside: dict[str, Future[CheckResult]] = {}

    def left_out(name: str) -> str:
        """Say why a test is not run."""
        if name in COMPILED and not kernels_are_compiled():
            return "NUMBA_DISABLE_JIT is set"
        broken = any(results[first].passed is False for first in FIRST & results.keys())
        return NOT_RUN if broken and name not in FIRST else ""

    with ThreadPoolExecutor(max_workers=1) as pool:
        for name in sorted(CHECKS, key=lambda name: (name not in FIRST, name not in BESIDE)):
            if reason := left_out(name):
                results[name] = CheckResult(name, None, reason, 0.0)
            elif name in BESIDE:
                beside[name] = pool.submit(run, name, file, CHECKS[name], optimizer)
            else:
                results[name] = run(name, file, CHECKS[name], optimizer)
        results |= {name: later.result() for name, later in beside.items()}
    return [results[name] for name in CHECKS]
