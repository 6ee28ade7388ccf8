"""What runs record, at log-spaced steps: 0, 1, 2, ... with ten records a decade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

RECORDS_PER_DECADE = 10
SNAPSHOT_NUMBERS = 2**24  # per chunk of runs: 128 MB; beyond it snapshots are thinned
# All of them, none, or those at half decades from a step: the last ones say whether a run settled.
Snapshots = Literal["all", "none"] | int
# The last ones, counted back: the first of these are kept where there is no room for all.
LAST_HALF_DECADES = (0, 2, 4, 1, 3)


def _kept(steps: np.ndarray, asked: Snapshots, room: int) -> np.ndarray:
    """Return the records at which w is kept, at most ``room`` of them."""
    if asked == "none" or steps[-1] == 0:
        return np.zeros(0, dtype=np.int64)
    if asked == "all":
        return np.unique(np.linspace(0, steps.size - 1, min(room, steps.size)).astype(int))
    last = np.floor(2.0 * np.log10(steps[-1] / asked) + 1e-3)
    wanted = asked * 10.0 ** (0.5 * (last - np.array(LAST_HALF_DECADES[:room])))
    nearest = np.abs(steps[:, None] - wanted).argmin(axis=0)
    return np.unique(nearest[steps[nearest] > 0])


def record_steps(horizon: int, per_decade: int = RECORDS_PER_DECADE) -> np.ndarray:
    """Return the log-spaced steps 0, 1, 2, ..., horizon at which runs are recorded, int64."""
    exponents = np.arange(0, per_decade * np.log10(max(horizon, 1)) + 1e-9)
    grid = np.rint(10.0 ** (exponents / per_decade)).astype(np.int64)
    return np.unique(np.concatenate([[0], grid[grid <= horizon], [horizon]])).astype(np.int64)


@dataclass
class Records:
    """What K runs recorded at R steps.

    Attributes
    ----------
    steps : ndarray, int64 (R,)
        Steps of the records; a run that ended early has nan after its end.
    log_loss, log_gradient_norm, lowest : ndarray, float64 (R, K)
        Natural logarithms of loss and gradient norm; the smallest margin (margin losses).
    loss : ndarray, float64 (R, K)
        The loss itself: it may be negative, and 0 where its logarithm goes on.
    evaluations : ndarray, float64 (R, K)
        How often the method has had the whole objective evaluated before: n drawn rows are one.
    norms : ndarray, float64 (R, K, 3)
        L1, L2 and Linf norms of w.
    place : ndarray, int64 (R,)
        Row of ``snapshots`` of each record, or -1: all of them unless K d R is large.
    snapshots : ndarray, float64 (S, K, d)
        The predictor w; S = 0 where nobody asked for it.
    asked : {"all", "none"} or int
        Which snapshots were asked for: of every record, of none, or of the last five of those that
        are half decades apart, this step among them.
    along : dict of str to ndarray, float64 (R, K)
        What is measured of w at every record, see :mod:`optbench.engine.meters`.
    """

    steps: np.ndarray
    log_loss: np.ndarray
    loss: np.ndarray
    log_gradient_norm: np.ndarray
    lowest: np.ndarray
    evaluations: np.ndarray
    norms: np.ndarray
    place: np.ndarray
    snapshots: np.ndarray
    asked: Snapshots = "all"
    along: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def blank(
        cls,
        steps: np.ndarray,
        runs: int,
        dimension: int,
        asked: Snapshots = "all",
        measures: Sequence[str] = (),
    ) -> Records:
        """Return records full of nan for these steps."""
        place = np.full(steps.size, -1, dtype=np.int64)
        kept = _kept(steps, asked, max(2, SNAPSHOT_NUMBERS // max(runs * dimension, 1)))
        place[kept] = np.arange(kept.size)
        shape = (steps.size, runs)
        return cls(
            steps,
            log_loss=np.full(shape, np.nan),
            loss=np.full(shape, np.nan),
            log_gradient_norm=np.full(shape, np.nan),
            lowest=np.full(shape, np.nan),
            evaluations=np.full(shape, np.nan),
            norms=np.full((*shape, 3), np.nan),
            place=place,
            snapshots=np.full((kept.size, runs, dimension), np.nan),
            asked=asked,
            along={name: np.full(shape, np.nan) for name in measures},
        )

    def extended(self, steps: np.ndarray) -> Records:
        """Return room for these steps, with the records there are."""
        _, runs, dimension = self.snapshots.shape
        new = Records.blank(steps, runs, dimension, self.asked, list(self.along))
        _, here, there = np.intersect1d(self.steps, steps, assume_unique=True, return_indices=True)
        for name in ("log_loss", "loss", "log_gradient_norm", "lowest", "evaluations", "norms"):
            getattr(new, name)[there] = getattr(self, name)[here]
        for name, numbers in self.along.items():
            new.along[name][there] = numbers[here]
        rows, places = self.place[here], new.place[there]
        kept = (rows >= 0) & (places >= 0)
        new.snapshots[places[kept]] = self.snapshots[rows[kept]]
        return new

    def of_runs(self, rows: np.ndarray) -> Records:
        """Return the records of some runs."""
        return Records(
            self.steps,
            self.log_loss[:, rows],
            self.loss[:, rows],
            self.log_gradient_norm[:, rows],
            self.lowest[:, rows],
            self.evaluations[:, rows],
            self.norms[:, rows],
            self.place,
            self.snapshots[:, rows],
            self.asked,
            {name: numbers[:, rows] for name, numbers in self.along.items()},
        )

    @staticmethod
    def side_by_side(parts: list[Records]) -> Records:
        """Join the records of several chunks, run after run."""
        first = parts[0]
        if len(parts) == 1:
            return first
        kept = np.flatnonzero(np.all([part.place >= 0 for part in parts], axis=0))
        place = np.full(first.steps.size, -1, dtype=np.int64)
        place[kept] = np.arange(kept.size)
        return Records(
            first.steps,
            log_loss=np.concatenate([part.log_loss for part in parts], axis=1),
            loss=np.concatenate([part.loss for part in parts], axis=1),
            log_gradient_norm=np.concatenate([part.log_gradient_norm for part in parts], axis=1),
            lowest=np.concatenate([part.lowest for part in parts], axis=1),
            evaluations=np.concatenate([part.evaluations for part in parts], axis=1),
            norms=np.concatenate([part.norms for part in parts], axis=1),
            place=place,
            snapshots=np.concatenate([part.snapshots[part.place[kept]] for part in parts], axis=1),
            asked=first.asked,
            along=_along_side_by_side(parts),
        )


def _along_side_by_side(parts: Sequence[Records]) -> dict[str, np.ndarray]:
    """Join what was measured; nan of runs of which something was not."""
    missing = [np.full(part.log_loss.shape, np.nan) for part in parts]
    return {
        name: np.concatenate(
            [part.along.get(name, gap) for part, gap in zip(parts, missing, strict=True)], axis=1
        )
        for name in dict.fromkeys(name for part in parts for name in part.along)
    }
