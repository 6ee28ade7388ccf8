"""At most a few dozen runs and their full state: advanced, resumed, recorded, read."""

from __future__ import annotations

import copy
import itertools
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from optbench.engine import types
from optbench.engine.data.segments import assistants
from optbench.engine.meters import Meter, Meters, Waiting
from optbench.engine.oracles.catalogue import with_scratch
from optbench.engine.oracles.declared import PLACES
from optbench.engine.passages import begin, no_passages, passages
from optbench.engine.records import Records, Snapshots, record_steps
from optbench.engine.rules import initial_state
from optbench.engine.scratch import working_memory
from optbench.engine.state import fresh_runs, picked_runs, put_back, runs_aside
from optbench.engine.stop import StopSignal
from optbench.parametrizations import Parametrization
from optbench.status import Status
from optbench.targets import Passages, interpolated, log_suboptimality

GROWTH = 1e8  # a loss this many times the initial one, at a record, has diverged
FLAT = 1e-10  # a gradient below this fraction of the initial one has converged


class Combination(NamedTuple):
    """What the loop needs of instance x parametrization x optimizer, compiled and arranged."""

    again: Callable[[], Combination]  # makes it in another process
    advance: Any
    kernels: types.Kernels
    data: types.Data
    rule: types.Rule
    slots: list[Any]
    needs_loss: bool  # the optimizer reads it at every step
    needs_probe_loss: bool
    repeats: np.ndarray  # bool (O,): a step that changes nothing is followed by the same one
    evaluations: np.ndarray  # (O,): how often a step has the objective evaluated, without probes
    memories: Any
    segments: int
    group: int  # runs that are evaluated together
    scratch: int  # numbers that an objective of the plug-in's own needs for itself

    @property
    def shares_steps(self) -> bool:
        """Whether threads may share a step: each evaluates theta, and nothing else, in full."""
        return bool(self.keeps_passages and not self.rule.probing)

    @property
    def keeps_passages(self) -> bool:
        """Whether what is measured is evaluated at every step."""
        return bool(self.rule.every_step and not self.rule.has_output)

    def evaluations_of(self, runs: types.Runs) -> np.ndarray:
        """Return how often each run has had the whole objective evaluated in a step: (K,).

        Samples count for the rows that they have; probes are counted by the runs.
        """
        sample = self.memories.sampled_gradient
        drawn = runs.hypers[:, sample.batch] * (1 + sample.at_probe) if sample.wanted else 0.0
        return self.evaluations[runs.optimizer] + drawn / self.data.rows


class Chunk:
    """Some runs on one instance: of one optimizer, or of several that were joined.

    See :mod:`optbench.engine.together`.

    Parameters
    ----------
    combination : Combination
        From :func:`optbench.engine.ensemble.bind`.
    parametrization : Parametrization
        The map theta -> w.
    theta : ndarray, float64 (K, p)
        Initial parameters; copied.
    hypers : ndarray, float64 (K, H)
        Hyperparameters of each run.
    seeds : sequence of int
        Seeds of the runs' random numbers.
    dimension : int
        Size d of the predictor.
    snapshots : {"all", "none"} or int
        Which records keep w, see :class:`~optbench.engine.records.Records`.
    optimum : float
        From which the targets are measured whose passages are kept; nan: they are not.
    reach : float
        At most so much the logarithm of the loss changes per L2 distance of w; 0: evaluate it at
        every step.
    smoothness : float
        Of the loss in w, inf where it is unknown: a second bound of that change.
    horizons : sequence of int, optional
        How many steps each of them is to take in all, for optimizers that ask.
    """

    def __init__(
        self,
        combination: Combination,
        parametrization: Parametrization,
        theta: np.ndarray,
        hypers: np.ndarray,
        seeds: Sequence[int],
        dimension: int,
        snapshots: Snapshots = "all",
        optimum: float = math.nan,
        reach: float = 0.0,
        smoothness: float = math.inf,
        horizons: Sequence[int] | None = None,
    ) -> None:
        # The compiled loop reads rows that lie one after the other, whatever it is given.
        theta, hypers = np.array(theta, float, order="C"), np.array(hypers, float, order="C")
        rule, count = combination.rule, len(theta)
        bounded = 0.0 if combination.needs_loss else reach  # the loss is there without bounds
        self.combination = combination
        self.step = 0
        self.ended_by_host = Status.HORIZON
        self._scratch = parametrization.scratch
        self.runs = fresh_runs(
            theta,
            initial_state(rule, combination.slots, theta),
            hypers,
            seeds,
            horizons or [0] * count,
            dimension,
            rule.linear,
            combination.needs_loss,
            no_passages(count, optimum, bounded, smoothness, dimension if reach > 0.0 else 0),
        )
        self.aside = runs_aside(self.runs, rule, combination.needs_probe_loss)
        self.previous, self.previous_state = theta.copy(), self.runs.state.copy()
        self.seeded = self.runs.rng.copy()
        self.records = Records.blank(record_steps(0), count, dimension, snapshots)
        self.meters = Meters((), np.full(count, -1))

    def measure_along(self, meter: Meter) -> None:
        """Let something be measured of the predictor at every record, before the first step."""
        count, steps = self.runs.theta.shape[0], self.records.steps
        self.meters = Meters([meter], np.zeros(count, np.intp))
        dimension, asked = self.records.snapshots.shape[2], self.records.asked
        self.records = Records.blank(steps, count, dimension, asked, meter.names)

    def __getstate__(self) -> dict[str, Any]:
        """Travel without addresses: what is compiled is found, or compiled, on arrival."""
        return {**vars(self), "combination": self.combination.again}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.combination = state["combination"]()

    def advance(
        self,
        horizon: int,
        steps: np.ndarray | None = None,
        stop: StopSignal | None = None,
        threads: int = 1,
    ) -> None:
        """Continue to ``horizon`` steps.

        Parameters
        ----------
        horizon : int
            Total number of steps since the start.
        steps : ndarray of int64, optional
            Steps to record besides the first; log-spaced by default.
        stop : StopSignal, optional
            When set, the loop returns at its next step; the runs can still be resumed.
        threads : int
            At most so many threads share each step on large dense data; no bit depends on it.
        """
        planned = record_steps(horizon) if steps is None else np.asarray(steps, np.int64)
        self.records = self.records.extended(np.union1d(self.records.steps, planned))
        rule = self.combination.rule
        rule = rule if stop is None else rule._replace(stop=stop.flag)
        self.ended_by_host = Status.HORIZON
        waiting: list[Waiting] = []
        start = 0
        if self.step > 0:
            start = int(np.searchsorted(self.records.steps, self.step, side="right"))
        room = 0
        for record in range(start, self.records.steps.size):
            alive = np.flatnonzero(self.runs.status == types.RUNNING)
            if alive.size == 0:
                break
            step = int(self.records.steps[record])
            if step == 0:  # evaluated again it must draw the same samples
                self.runs.rng[:] = self.seeded
            rows = self._batch(alive)
            if rows.size != room:
                room = rows.size
                memory = self._memory(room, threads)
                memories = with_scratch(self.combination.memories, self.runs)
            self._take_steps(alive.size, rows, step, rule, memory, memories)
            if self.step == step:
                self._record(record, alive, waiting)
                if record > 0:
                    self._end_runs(record, alive)
                else:
                    begin(self.runs)
            if stop is not None and stop.is_set() and self.step < horizon:
                self.ended_by_host = stop.reason
                break
        self.meters.measure(waiting, self.records.along)

    def stopwatch(self) -> Callable[[int], float]:
        """Return what takes so many steps from here, without a record, and what time they take.

        Seconds of processor time; nan when a run ends meanwhile.  The chunk itself stays here.
        Where memory lies makes a difference of some per cent: each call has it elsewhere.
        """
        count, rule = self.runs.theta.shape[0], self.combination.rule
        everyone, again = np.arange(count), copy.copy(self)
        gaps = itertools.cycle(range(1, 4096, 331))  # other places in a page of memory

        def seconds(steps: int) -> float:
            _gap = np.empty(next(gaps))
            again.runs, again.step = picked_runs(self.runs, everyone, rule.linear), self.step
            again.aside = runs_aside(again.runs, rule, self.combination.needs_probe_loss)
            memory = again._memory(count)
            memories = with_scratch(self.combination.memories, again.runs)
            began = time.thread_time()
            again._take_steps(count, everyone, self.step + steps, rule, memory, memories)
            took = time.thread_time() - began
            return took if (again.runs.status == types.RUNNING).all() else math.nan

        return seconds

    def _batch(self, alive: np.ndarray) -> np.ndarray:
        """Return the runs to evaluate, in whole groups if only one run is missing to that.

        A group of four shares its products with the data, and three runs take as long as five do:
        the last run is evaluated twice then.
        """
        missing = -alive.size % self.combination.group
        return np.append(alive, alive[-1]) if missing == 1 else alive

    def _memory(self, count: int, threads: int = 1) -> list[types.Scratch]:
        """Return working memory for so many runs: for each thread."""
        used = self.combination
        # samples leave the others nothing to do but wait, and they know of one place to evaluate
        threads = min(threads, used.segments) if used.shares_steps else 1
        return working_memory(
            used.data,
            self.runs,
            count,
            threads,
            used.segments,
            self._scratch,
            used.scratch,
            used.rule.multiplying,
        )

    def _take_steps(
        self,
        count: int,
        rows: np.ndarray,
        last: int,
        rule: types.Rule,
        memory: list[types.Scratch],
        memories: Any,
    ) -> None:
        """Run the loop on some runs; those after the first ``count`` are only evaluated."""
        scratch, *others = memory
        whole = rows.size == self.runs.theta.shape[0] == count
        runs, aside = self.runs, self.aside
        if not whole:
            runs = picked_runs(runs, rows, rule.linear)
            aside = runs if aside is self.runs else picked_runs(aside, rows, rule.linear)
            runs.status[count:] = types.FAILED
            scratch = scratch._replace(rng=runs.rng)
        used = self.combination
        scratch.board[:] = 0
        with assistants(used.kernels, used.data, others, runs):
            self.step = used.advance(
                self.step, last, used.kernels, used.data, scratch, runs, aside, rule, memories
            )
        if not whole:
            put_back(runs, rows[:count], self.runs)
            if aside is not runs:
                put_back(aside, rows[:count], self.aside)

    @property
    def measured(self) -> types.Runs:
        """Where runs are measured: at theta, or at the output of their optimizer."""
        return self.aside if self.combination.rule.has_output else self.runs

    def _rows(self, chosen: np.ndarray) -> np.ndarray | slice:
        """Return what picks some runs; all of them are read in place."""
        return slice(None) if chosen.size == self.runs.theta.shape[0] else chosen

    def _record(self, record: int, alive: np.ndarray, waiting: list[Waiting]) -> None:
        runs, records, rows = self.measured, self.records, self._rows(alive)
        unit = runs.exponents[rows] * math.log(2.0)
        w = runs.w[rows]
        size = np.abs(w)
        with np.errstate(all="ignore"):
            records.log_loss[record, rows] = np.log(runs.loss[rows]) - unit
            records.loss[record, rows] = np.ldexp(runs.loss[rows], -runs.exponents[rows])
            norm = np.linalg.norm(runs.gradient[rows], axis=1)
            records.log_gradient_norm[record, rows] = np.log(norm) - unit
            records.norms[record, rows, 0] = size.sum(axis=1)
            records.norms[record, rows, 1] = np.linalg.norm(w, axis=1)
            records.norms[record, rows, 2] = size.max(axis=1)
        records.lowest[record, rows] = runs.lowest[rows]
        evaluations = self.step * self.combination.evaluations_of(self.runs) + self.runs.probed
        records.evaluations[record, rows] = evaluations[rows]
        if records.place[record] >= 0:
            records.snapshots[records.place[record], rows] = w
        if self.meters.meters:
            self.meters.take(Waiting(record, alive, np.array(w)), waiting, records.along)

    def _end_runs(self, record: int, alive: np.ndarray) -> None:
        """End runs whose loss has exploded, or that repeat what they were at the last record."""
        runs, records = self.runs, self.records
        running = alive[runs.status[alive] == types.RUNNING]
        rows = self._rows(running)
        with np.errstate(all="ignore"):  # the first loss may be negative
            first = np.fmax(records.log_loss[0, rows], np.log(np.abs(records.loss[0, rows])))
        grown = records.log_loss[record, rows] > first + math.log(GROWTH)
        grown |= ~np.isfinite(records.norms[record, rows, 2])  # where the loss is flat
        still = (runs.theta[rows] == self.previous[rows]).all(axis=1)
        for place in np.flatnonzero(still):
            still[place] = self._slots_repeat(running[place])
        self.previous[rows], self.previous_state[rows] = runs.theta[rows], runs.state[rows]
        # On separable data nothing is ever at rest: a gradient of 1e-300 still has a direction.
        still &= ~self.combination.rule.rescale[runs.optimizer[rows]]
        still &= bool(records.steps[record] >= records.steps[record - 1] + 3)
        gradient = records.log_gradient_norm
        flat = gradient[record, rows] <= gradient[0, rows] + math.log(FLAT)
        flat |= bool(self.combination.rule.prox)  # proximal steps rest at minimizers only
        still &= flat | self.combination.repeats[runs.optimizer[rows]]
        runs.status[running[still & flat]] = types.CONVERGED
        runs.status[running[still & ~flat]] = types.STALLED
        runs.status[running[grown]] = types.DIVERGED
        runs.stopped[running[still | grown]] = self.step

    def _slots_repeat(self, run: int) -> bool:
        """Whether a run's slots are as at the last record: Adam's shrink while theta waits."""
        offsets = self.combination.rule.offsets[self.runs.optimizer[run]]
        slots = slice(offsets[PLACES["output"]], offsets[-1])
        return np.array_equal(self.runs.state[run, slots], self.previous_state[run, slots])

    def subset(self, rows: np.ndarray) -> Chunk:
        """Return some of the runs, with their state and records, as a chunk of its own."""
        part = copy.copy(self)
        linear = self.combination.rule.linear
        part.runs = picked_runs(self.runs, rows, linear)
        beside = self.aside is not self.runs
        part.aside = picked_runs(self.aside, rows, linear) if beside else part.runs
        part.previous, part.seeded = self.previous[rows], self.seeded[rows]
        part.previous_state = self.previous_state[rows]
        part.records = self.records.of_runs(rows)
        part.meters = self.meters.subset(rows)
        return part

    def passages(self, optimum: float) -> Passages:
        """Return when the runs passed the relative targets.

        Parameters
        ----------
        optimum : float
            From which they are measured; where the loop measured from another one, or from none,
            passages are interpolated between records.  nan: unknown, none is reached.

        Returns
        -------
        Passages
            A run that diverged or failed keeps no target, whatever it reached.
        """
        found, records = passages(self.runs, self.stopped), self.records
        found.exact[self.runs.optimum != optimum] = False
        gaps = log_suboptimality(records.log_loss, records.loss, optimum)
        for run in np.flatnonzero(~found.exact):
            told = ~np.isnan(gaps[:, run])
            found.reached[run] = found.kept[run] = np.inf
            if told.any():
                read = interpolated(records.steps[told], gaps[told, run])
                found.reached[run], found.kept[run] = read.reached[0], read.kept[0]
        found.kept[[not status.has_numbers for status in self.status]] = np.inf
        return found

    @property
    def status(self) -> list[Status]:
        """Status of each run; a run at rest at the horizon has ``converged``."""
        names = [self.ended_by_host, *types.STATUSES[1:]]
        return [names[code] for code in self.runs.status]

    @property
    def stopped(self) -> np.ndarray:
        """Step at which each run ended, int64 (K,)."""
        return np.where(self.runs.status == types.RUNNING, self.step, self.runs.stopped)
