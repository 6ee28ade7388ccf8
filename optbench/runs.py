"""One run and what came of it: the way in which everything here is run.

A :class:`RunSpec` says which run, a :class:`RunResult` what came of it.  Both can be pickled: what
travels are names, numbers and identities; machine code and data are found, or made, on arrival.
Searches, claims, checks, timings, benchmarks and executors prepare their runs here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from optbench.contract import Optimizer
from optbench.engine.chunk import Chunk
from optbench.engine.ensemble import make_chunks
from optbench.engine.together import join
from optbench.errors import UserError
from optbench.identity import identity
from optbench.instance import Instance
from optbench.parametrizations import Parametrization, as_typed, parametrization
from optbench.status import Status
from optbench.targets import Passages

if TYPE_CHECKING:
    from optbench.engine.stop import StopSignal

DEFAULT_HORIZON = 100_000


@dataclass(frozen=True, eq=False, repr=False)
class RunSpec:
    """Which run: everything that its numbers depend on, and what to record of it.

    Attributes
    ----------
    instance : Instance
    parametrization : Parametrization
        The map from theta to the predictor w.
    optimizer : Optimizer
    hypers : tuple of float
        All hyperparameters, in the order of the optimizer's signature.
    horizon : int
        How many steps.
    seed : int
        Of its start and of its random numbers.
    perturbation : float
        Seeds other than 0 add so much Gaussian noise (standard deviation) to theta at the start.
    theta : ndarray, float64 (p,), optional
        Where it starts; by default where the parametrization does.
    steps : tuple of int, optional
        Which steps are recorded, besides the first; ten a decade by default.
    snapshots : {"all", "last decades", "none"}
        Where the predictor w is recorded too: at every record; at the horizon, a tenth and a
        hundredth of it, and halfway between these.
    passages : bool
        Whether the loop keeps, exactly, when the run passes relative targets: needs the optimum.
    """

    instance: Instance
    parametrization: Parametrization
    optimizer: Optimizer
    hypers: tuple[float, ...]
    horizon: int = DEFAULT_HORIZON
    seed: int = 0
    perturbation: float = 0.0
    theta: np.ndarray | None = None
    steps: tuple[int, ...] | None = None
    snapshots: Literal["all", "last decades", "none"] = "all"
    passages: bool = False

    @property
    def identity(self) -> str:
        """Hash of everything that its numbers depend on."""
        own = (self.instance.identity, self.parametrization, self.optimizer.identity)
        names = ("hypers", "horizon", "seed", "perturbation", "theta", "steps")
        return identity(*own, *(getattr(self, name) for name in names))

    def __repr__(self) -> str:
        hypers = ", ".join(f"{k}={v:g}" for k, v in self.optimizer.given(self.hypers).items())
        what = f"{self.optimizer.name}({hypers}) on {self.instance!r}, {self.parametrization.name}"
        return f"<RunSpec {what}, seed {self.seed}, {self.horizon} steps>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel with the parametrization as it is typed."""
        told = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        typed = as_typed(self.parametrization, self.instance.dimension)
        return _spec_again, ({**told, "parametrization": typed},)


def _spec_again(told: dict[str, Any]) -> RunSpec:
    built = parametrization(told["parametrization"], told["instance"].dimension)
    return RunSpec(**{**told, "parametrization": built})


@dataclass(frozen=True, eq=False, repr=False)
class RunResult:
    """What came of a run: the whole trajectory, and the state from which it can go on.

    Attributes
    ----------
    spec : RunSpec
    chunk : Chunk
        The state at the end: of this run alone.
    """

    spec: RunSpec
    chunk: Chunk

    def __repr__(self) -> str:
        return f"<RunResult {self.status} at step {self.stopped} of {self.spec!r}>"

    @property
    def instance(self) -> Instance:
        """What it ran on: ``features``, ``targets``, ``facts``."""
        return self.spec.instance

    @property
    def status(self) -> Status:
        """How it ended."""
        return self.chunk.status[0]

    @property
    def stopped(self) -> int:
        """The step at which it ended."""
        return int(self.chunk.stopped[0])

    @property
    def steps(self) -> np.ndarray:
        """The recorded steps, int64 (R,), up to its end."""
        return np.asarray(self.chunk.records.steps[self._recorded])

    @property
    def log_loss(self) -> np.ndarray:
        """Natural logarithm of the loss at each recorded step, float64 (R,)."""
        return np.asarray(self.chunk.records.log_loss[self._recorded, 0])

    @property
    def loss(self) -> np.ndarray:
        """The loss at each recorded step, float64 (R,); 0 where it is below the least float64."""
        return np.asarray(self.chunk.records.loss[self._recorded, 0])

    @property
    def log_gradient_norm(self) -> np.ndarray:
        """Natural logarithm of the gradient's L2 norm at each recorded step, float64 (R,)."""
        return np.asarray(self.chunk.records.log_gradient_norm[self._recorded, 0])

    @property
    def norms(self) -> np.ndarray:
        """L1, L2 and Linf norm of w at each recorded step, float64 (R, 3)."""
        return np.asarray(self.chunk.records.norms[self._recorded, 0])

    @property
    def snapshots(self) -> tuple[np.ndarray, np.ndarray]:
        """Steps, int64 (S,), and the predictor w at each of them, float64 (S, d)."""
        records = self.chunk.records
        kept = self._recorded & (records.place >= 0)
        return records.steps[kept], records.snapshots[records.place[kept], 0]

    @property
    def theta(self) -> np.ndarray:
        """Trained parameters at the end, float64 (p,)."""
        return np.asarray(self.chunk.runs.theta[0])

    @property
    def w(self) -> np.ndarray:
        """The predictor at the end, float64 (d,)."""
        return np.asarray(self.chunk.measured.w[0])

    @property
    def passages(self) -> Passages:
        """When it reached, left and kept relative targets, one row: see ``passages.exact``."""
        return self.chunk.passages(self.spec.instance.optimum)

    @property
    def _recorded(self) -> np.ndarray:
        return np.asarray(~np.isnan(self.chunk.records.norms[:, 0, 0]))

    def continued(self, horizon: int) -> RunResult:
        """Return the run as it is after more steps: the same bits as if it had gone there at once.

        Parameters
        ----------
        horizon : int
            Total number of steps since the start.

        Raises
        ------
        UserError
            When it has gone farther already, or its optimizer reads the horizon: every step of a
            schedule belongs to one.  Interrupted it can be resumed to the same.
        """
        if not isinstance(horizon, Integral) or horizon < self.spec.horizon:
            raise UserError(
                f"horizon={horizon!r} must be a whole number of steps, {self.spec.horizon} or more"
            )
        if horizon != self.spec.horizon and self.spec.optimizer.reads_horizon:
            raise UserError(
                f"optimizer {self.spec.optimizer.name}: its steps depend on the horizon "
                f"{self.spec.horizon}; to another one it must run from the start"
            )
        further = self.chunk.subset(np.array([0]))
        spec = dataclasses.replace(self.spec, horizon=horizon)
        _advance(further, spec, None, 1)
        return RunResult(spec, further)


def prepare(specs: Sequence[RunSpec]) -> list[Chunk]:
    """Return runs that have not begun, in chunks of those that advance together, in order.

    Parameters
    ----------
    specs : sequence of RunSpec
        Neighbours that share instance, parametrization and optimizer come in one chunk.

    Raises
    ------
    UserError
        When a kernel does not compile, or the optimizer asks for what there is not.
    """
    chunks: list[Chunk] = []
    for group in _groups(specs):
        first = group[0]
        chunks += make_chunks(
            first.instance,
            first.parametrization,
            first.optimizer,
            np.array([spec.hypers for spec in group], dtype=float).reshape(len(group), -1),
            [spec.seed for spec in group],
            first.perturbation,
            first.horizon if first.snapshots == "last decades" else first.snapshots,
            None if first.theta is None else [np.asarray(spec.theta) for spec in group],
            first.passages,
            [spec.horizon for spec in group],
        )
    return chunks


def prepare_together(specs: Sequence[RunSpec]) -> Chunk:
    """Return runs that have not begun in one chunk, however many there are.

    Parameters
    ----------
    specs : sequence of RunSpec
        All of one instance, parametrization and optimizer.
    """
    chunks = prepare(specs)
    return chunks[0] if len(chunks) == 1 else join(chunks)


def _groups(specs: Sequence[RunSpec]) -> list[list[RunSpec]]:
    """Cut specs into runs of neighbours that differ in numbers only."""
    groups: list[list[RunSpec]] = []
    last: object = None
    for spec in specs:
        own = (id(spec.instance), id(spec.parametrization), id(spec.optimizer))
        kept = spec.horizon if spec.snapshots == "last decades" else spec.snapshots
        key = (*own, spec.perturbation, kept, spec.theta is None, spec.passages)
        if key != last:
            groups.append([])
            last = key
        groups[-1].append(spec)
    return groups


def run_all(
    specs: Sequence[RunSpec], threads: int = 1, stop: StopSignal | None = None
) -> list[RunResult]:
    """Run all of them to their horizons, side by side where they share data.

    Parameters
    ----------
    specs : sequence of RunSpec
    threads : int
        At most so many share each step on large dense data; no bit depends on it.
    stop : StopSignal, optional
        When set, runs return with what they have.

    Returns
    -------
    list of RunResult
        In the order of ``specs``.
    """
    results: list[RunResult] = []
    for chunk in prepare(specs):
        own = specs[len(results) : len(results) + len(chunk.status)]
        if len({(spec.horizon, spec.steps) for spec in own}) == 1:
            _advance(chunk, own[0], stop, threads)
            parts = [chunk.subset(np.array([row])) for row in range(len(own))]
        else:
            parts = [chunk.subset(np.array([row])) for row in range(len(own))]
            for part, spec in zip(parts, own, strict=True):
                _advance(part, spec, stop, threads)
        results += [RunResult(spec, part) for spec, part in zip(own, parts, strict=True)]
    return results


def _advance(chunk: Chunk, spec: RunSpec, stop: StopSignal | None, threads: int) -> None:
    steps = None if spec.steps is None else np.union1d(spec.steps, spec.horizon)
    chunk.advance(spec.horizon, steps, stop, threads)


def hyper_values(optimizer: Optimizer, given: Mapping[str, float]) -> tuple[float, ...]:
    """Return all hyperparameters in the order of the signature: those given, else defaults.

    Raises
    ------
    UserError
        For one that is unknown, no number, or has neither a value nor a default.
    """
    where = f"optimizer {optimizer.name}"
    if unknown := sorted(set(given) - set(optimizer.hypers)):
        known = ", ".join(optimizer.hypers)
        raise UserError(f"{where}: unknown hyperparameters {', '.join(unknown)}; known: {known}")
    if wrong := [f"{name}={v!r}" for name, v in given.items() if not isinstance(v, Real)]:
        raise UserError(f"{where}: {', '.join(wrong)} must be a number")
    values = {name: hyper.default for name, hyper in optimizer.hypers.items()} | dict(given)
    if missing := [name for name, value in values.items() if value is None]:
        raise UserError(f"{where}: give {', '.join(missing)} a value")
    return tuple(float(value) for value in values.values() if value is not None)
