"""At most a few dozen runs and their full state: advanced, resumed, recorded, read."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from optbench.engine import types
from optbench.engine.products import BLOCK_ROWS, LANES, aligned_zeros, padded_features
from optbench.engine.records import Records, record_steps
from optbench.engine.stop import StopSignal
from optbench.parametrizations import Parametrization
from optbench.random import seeded

GROWTH = 1e8  # a loss this many times the initial one, at a record, has diverged
FLAT = 1e-10  # a gradient below this fraction of the initial one has converged


@dataclass
class Combination:
    """What the loop needs of instance x parametrization x optimizer, compiled and arranged."""

    advance: Any
    kernels: types.Kernels
    data: types.Data
    rule: types.Rule
    slots: list[Any]
    oracle: types.Oracle


class Chunk:
    """Some runs of one optimizer on one instance.

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
    """

    def __init__(
        self,
        combination: Combination,
        parametrization: Parametrization,
        theta: np.ndarray,
        hypers: np.ndarray,
        seeds: Sequence[int],
        dimension: int,
    ) -> None:
        # The compiled loop reads rows that lie one after the other, whatever it is given.
        theta, hypers = np.array(theta, float, order="C"), np.array(hypers, float, order="C")
        count, parameters = theta.shape
        linear = combination.rule.linear
        offsets = combination.rule.offsets
        state = np.zeros((count, int(offsets[-1])))
        for slot, start, end in zip(combination.slots, offsets[:-3], offsets[1:-2], strict=True):
            state[:, start:end] = slot.initial
        gradient = np.zeros((count, parameters))
        self.combination = combination
        self.step = 0
        self.seconds = 0.0
        self.ended_by_host = "horizon"
        self._scratch = parametrization.scratch
        self._previous = theta.copy()
        self._seeded = np.stack([seeded(seed) for seed in seeds])
        self.runs = types.Runs(
            theta=theta,
            w=theta if linear else np.zeros((count, dimension)),
            state=state,
            hypers=hypers,
            scaled_hypers=hypers.copy(),
            exponents=np.zeros(count, np.int64),
            status=np.zeros(count, np.int64),
            stopped=np.zeros(count, np.int64),
            rng=self._seeded.copy(),
            loss=np.zeros(count),
            lowest=np.zeros(count),
            gradient_w=gradient if linear else np.zeros((count, dimension)),
            gradient=gradient,
        )
        self.records = Records.blank(record_steps(0), count, dimension)

    def advance(
        self,
        horizon: int,
        steps: np.ndarray | None = None,
        stop: StopSignal | None = None,
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
        """
        planned = record_steps(horizon) if steps is None else np.asarray(steps, np.int64)
        self.records = self.records.extended(np.union1d(self.records.steps, planned))
        rule = self.combination.rule
        rule = rule if stop is None else rule._replace(stop=stop.flag)
        self.ended_by_host = "horizon"
        start = 0
        if self.step > 0:
            start = int(np.searchsorted(self.records.steps, self.step, side="right"))
        for record in range(start, self.records.steps.size):
            alive = np.flatnonzero(self.runs.status == types.RUNNING)
            if alive.size == 0:
                break
            step = int(self.records.steps[record])
            if step == 0:  # evaluated again it must draw the same samples
                self.runs.rng[:] = self._seeded
            self._take_steps(alive, step, rule)
            if self.step == step:
                self._record(record, alive)
                if record > 0:
                    self._end_runs(record, alive)
            if stop is not None and stop.is_set() and self.step < horizon:
                self.ended_by_host = stop.reason
                break

    def _take_steps(self, alive: np.ndarray, last: int, rule: types.Rule) -> None:
        """Run the loop on the runs that are still running; ended ones cost nothing."""
        whole = alive.size == self.runs.theta.shape[0]
        runs = self.runs
        if not whole:
            picked = {name: getattr(runs, name)[alive] for name in types.Runs._fields}
            if rule.linear:
                picked["w"], picked["gradient_w"] = picked["theta"], picked["gradient"]
            runs = types.Runs(**picked)
        used = self.combination
        count, features = runs.w.shape
        sparse = used.data.starts.size > 0
        dense = used.data.panels.shape[1] if sparse else padded_features(features)
        together = (LANES if count >= LANES else 1) if sparse else 0
        scratch = types.Scratch(
            sums=aligned_zeros(count, dense, LANES),
            predictions=aligned_zeros(LANES * BLOCK_ROWS),
            targets=aligned_zeros(LANES * BLOCK_ROWS),
            slopes=aligned_zeros(LANES * BLOCK_ROWS),
            lanes=aligned_zeros(together * (used.data.targets.size + 1)),
            weights=aligned_zeros(together * (padded_features(features) + 1)),
            dense=aligned_zeros(LANES, dense if sparse else 0),
            pullback=np.zeros((alive.size, self._scratch)),
            rng=runs.rng,
        )
        oracle = used.oracle.with_scratch()
        began = time.perf_counter()
        self.step = used.advance(
            self.step, last, used.kernels, used.data, scratch, runs, rule, oracle
        )
        self.seconds += time.perf_counter() - began
        if not whole:
            for name in types.Runs._fields:
                getattr(self.runs, name)[alive] = getattr(runs, name)

    def _record(self, record: int, alive: np.ndarray) -> None:
        runs, records = self.runs, self.records
        unit = runs.exponents[alive] * math.log(2.0)
        w = runs.w[alive]
        size = np.abs(w)
        with np.errstate(all="ignore"):
            records.log_loss[record, alive] = np.log(runs.loss[alive]) - unit
            norm = np.linalg.norm(runs.gradient[alive], axis=1)
            records.log_gradient_norm[record, alive] = np.log(norm) - unit
            records.norms[record, alive, 0] = size.sum(axis=1)
            records.norms[record, alive, 1] = np.linalg.norm(w, axis=1)
            records.norms[record, alive, 2] = size.max(axis=1)
        records.lowest[record, alive] = runs.lowest[alive]
        if records.place[record] >= 0:
            records.snapshots[records.place[record], alive] = w

    def _end_runs(self, record: int, alive: np.ndarray) -> None:
        """End runs whose loss has exploded, or whose parameters repeat since the last record."""
        runs, records = self.runs, self.records
        running = alive[runs.status[alive] == types.RUNNING]
        grown = records.log_loss[record, running] > records.log_loss[0, running] + math.log(GROWTH)
        still = np.all(runs.theta[running] == self._previous[running], axis=1)
        self._previous[running] = runs.theta[running]
        # On separable data nothing is ever at rest: a gradient of 1e-300 still has a direction.
        still &= not self.combination.rule.rescale
        still &= bool(records.steps[record] >= records.steps[record - 1] + 3)
        gradient = records.log_gradient_norm
        flat = gradient[record, running] <= gradient[0, running] + math.log(FLAT)
        runs.status[running[still & flat]] = types.CONVERGED
        runs.status[running[still & ~flat]] = types.STALLED
        runs.status[running[grown]] = types.DIVERGED
        runs.stopped[running[still | grown]] = self.step

    def subset(self, rows: np.ndarray) -> Chunk:
        """Return some of the runs, with their state and records, as a chunk of its own."""
        part = copy.copy(self)
        runs = types.Runs(*(array[rows] for array in self.runs))
        if self.combination.rule.linear:
            runs = runs._replace(w=runs.theta, gradient_w=runs.gradient)
        part.runs = runs
        part._previous, part._seeded = self._previous[rows], self._seeded[rows]
        part.records = self.records.of_runs(rows)
        return part

    @property
    def status(self) -> list[str]:
        """Status of each run; a run at rest at the horizon has ``converged``."""
        names = [self.ended_by_host, *types.STATUS_NAMES[1:]]
        return [names[code] for code in self.runs.status]

    @property
    def stopped(self) -> np.ndarray:
        """Step at which each run ended, int64 (K,)."""
        return np.where(self.runs.status == types.RUNNING, self.step, self.runs.stopped)
