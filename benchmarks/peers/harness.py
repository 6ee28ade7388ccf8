"""Run a job with all contenders: prepare, check the last iterates, time in alternation."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.peers.contender import Contender, Failed
from benchmarks.peers.jobs import Absent, Job, make_task, with_steps
from benchmarks.peers.task import Task, save_task

TOLERANCE = 1e-8
PAUSE = 0.05  # seconds in which the threads of the contender before stop spinning

Say = Callable[[str], None]


@dataclass
class Entry:
    """One contender on one job: its times, or the reason why there are none."""

    job: str
    peer: str
    steps: int
    threads: int
    compile_s: float | None = None
    seconds: list[float] = field(default_factory=list)
    processor_seconds: list[float] = field(default_factory=list)
    reason: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    def median(self, clock: str) -> float:
        """Median of the repeats in seconds, by ``"wall"`` or ``"processor"`` clock."""
        return statistics.median(self.seconds if clock == "wall" else self.processor_seconds)

    def us_per_step(self, clock: str) -> float:
        """Median microseconds per step, all runs of a batch together."""
        return 1e6 * self.median(clock) / self.steps


def run_jobs(
    jobs: Sequence[Job],
    pythons: Mapping[str, str],
    repeats: int,
    threads: int,
    most_steps: int | None,
    say: Say,
) -> list[Entry]:
    """Measure every job.

    Parameters
    ----------
    jobs : sequence of Job
        What to run.
    pythons : mapping of str to str
        Interpreter of each contender; the first is ``optbench``, whose iterates are the reference.
    repeats, threads : int
        Timed runs of each contender; threads of each.
    most_steps : int, optional
        Upper bound of the steps of every job, for a quick look.
    say : callable
        Receives one line of progress at a time.

    Returns
    -------
    list of Entry
        In the order of jobs and contenders.
    """
    entries: list[Entry] = []
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        contenders = {
            name: stack.enter_context(Contender(name, python, threads))
            for name, python in pythons.items()
        }
        missing: dict[str, str] = {}
        for name, contender in contenders.items():
            try:
                contender.load()
            except Failed as error:
                missing[name] = str(error)
        for job in jobs:
            entries += Round(job, contenders, missing, Path(folder), threads, most_steps).run(
                repeats, say
            )
    return entries


class Round:
    """One job with all contenders."""

    def __init__(
        self,
        job: Job,
        contenders: Mapping[str, Contender],
        missing: dict[str, str],
        folder: Path,
        threads: int,
        most_steps: int | None,
    ) -> None:
        self._contenders = contenders
        self._missing = missing
        self._folder = folder
        most = most_steps or job.steps
        self._entries = {
            name: Entry(
                job.name,
                name,
                min(most, job.fewer.get(name, job.steps)),
                threads,
                reason=missing.get(name, ""),
                versions=contender.versions,
            )
            for name, contender in contenders.items()
        }
        self._job = job
        self._expected: dict[int, np.ndarray] = {}

    def run(self, repeats: int, say: Say) -> list[Entry]:
        """Prepare and check everyone, then time them in turn."""
        entries = list(self._entries.values())
        try:
            task = make_task(self._job)
        except Absent as absent:
            for entry in entries:
                entry.reason = str(absent)
            return entries
        # optbench comes last to the job's full number of steps: it is timed on them
        others = sorted({e.steps for e in entries if e.peer != "optbench"})
        own = self._entries["optbench"].steps
        for steps in [*(s for s in others if s != own), own]:
            self._attempt(self._entries["optbench"], self._expect, with_steps(task, steps))
        for entry in entries:
            if entry.peer != "optbench":
                self._attempt(entry, self._check, task)
        for repeat in range(repeats):
            for entry in entries:
                if not entry.reason:
                    time.sleep(PAUSE)
                    self._attempt(entry, self._time)
            say(f"{self._job.name}: repeat {repeat + 1} of {repeats}")
        return entries

    def _attempt(self, entry: Entry, action: Callable[..., None], *tasks: Task) -> None:
        """Do something with a contender that has not failed; note why when it fails."""
        if entry.reason:
            return
        try:
            action(entry, *tasks)
        except Failed as error:
            entry.reason = str(error)
            if entry.reason.startswith("worker died"):
                self._missing[entry.peer] = f"{entry.reason} (job {entry.job})"

    def _iterate(self, entry: Entry, task: Task) -> np.ndarray:
        """Prepare a contender for a task and return its last iterate (K, p)."""
        file = self._folder / "task.npz"
        save_task(task, file)
        contender = self._contenders[entry.peer]
        prepared = contender.ask("prepare", str(file))
        if entry.compile_s is None:  # the first time: a cache may serve later ones
            entry.compile_s = prepared["seconds"]
        entry.threads = prepared["threads"]
        written = self._folder / "final.npy"
        contender.ask("final", str(written))
        iterate: np.ndarray = np.load(written)
        return iterate

    def _expect(self, entry: Entry, task: Task) -> None:
        self._expected[task.steps] = self._iterate(entry, task)

    def _check(self, entry: Entry, task: Task) -> None:
        """Refuse a contender whose last iterate is another one."""
        iterate = self._iterate(entry, with_steps(task, entry.steps))
        if entry.steps not in self._expected:
            raise Failed("not checked: optbench failed")
        error = difference(iterate, self._expected[entry.steps])
        if not error <= TOLERANCE:
            raise Failed(f"MISMATCH: last iterate differs by {error:.1e} from optbench's")

    def _time(self, entry: Entry) -> None:
        answer = self._contenders[entry.peer].ask("time")
        entry.seconds.append(answer["seconds"])
        entry.processor_seconds.append(answer["processor_seconds"])
        if answer["processor_seconds"] > 1.2 * entry.threads * answer["seconds"] + 0.1:
            used = answer["processor_seconds"] / answer["seconds"]
            raise Failed(f"used {used:.1f} threads where {entry.threads} are allowed")


def difference(iterate: np.ndarray, expected: np.ndarray) -> float:
    """Largest relative difference of a run in the maximum norm; inf when shapes or values fail."""
    if iterate.shape != expected.shape:
        return float("inf")
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.abs(expected).max(axis=1)
        error = float(np.max(np.abs(iterate - expected).max(axis=1) / size))
    return error if np.isfinite(error) else float("inf")
