"""A comparison from beginning to end on one object: plan, prepare, run; the tables tell the rest.

A plan has one entry a cell, which collects what becomes of it: rows from the store, the reason why
it does not compile, its search.
"""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from optbench.contract import Optimizer
from optbench.engine.bind_instance import objective_kind
from optbench.engine.compiler import cache
from optbench.engine.ensemble import bind
from optbench.engine.stop import StopSignal
from optbench.errors import UserError
from optbench.executors.cells import run_cells
from optbench.executors.compile_ahead import compile_ahead
from optbench.instance import Instance
from optbench.norm_names import FAMILIES
from optbench.progress import Report
from optbench.solutions import norm_grid, solved, unsolved
from optbench.store.results import Finished, cell_key, stored_cell
from optbench.study import Cell
from optbench.tuning.search import Search, Tuner
from optbench.tuning.starts import Along
from optbench.tuning.until_verdict import Settled

PERTURBATION = 1e-3  # standard deviation of the initial noise of seeds 1, 2, ... on real data


@dataclass(frozen=True)
class Settings:
    """What all cells of a comparison share.

    Attributes
    ----------
    horizon, seeds : int
        How long each run is, and how many there are of each.
    rates : list of float, optional
        Learning rates that were given; None: searched.
    threads : int
        The results do not depend on it.
    timeout : float, optional
        Seconds for all runs together.
    rerun, fresh : bool
        Run again what the store has; find nothing at all that was kept.
    until_verdict : bool
        Whether winners run on beyond the horizon until they have settled.
    """

    horizon: int
    seeds: int
    rates: list[float] | None
    threads: int
    timeout: float | None = None
    rerun: bool = False
    fresh: bool = False
    until_verdict: bool = False


@dataclass
class Entry:
    """What became of one cell: rows from the store, a reason to fail, or a search."""

    cell: Cell
    key: str
    finished: Finished | None = None
    failure: str | None = None
    search: Search | None = None

    @property
    def open(self) -> bool:
        """Whether it has to run."""
        return self.cell.skip is None and self.finished is None and self.failure is None


@dataclass
class Plan:
    """All cells of a comparison.

    Attributes
    ----------
    settings : Settings
    instances : list of tuple of Instance
        For each instance that was asked for, one a seed when the problem is seeded.
    entries : list of Entry
        One a cell, in the order of the tables.
    notes : list of str
        What a reader must see.
    baseline : Optimizer, optional
        What costs of steps are relative to.
    seconds : dict of str to float
        How long each stage took.
    """

    settings: Settings
    instances: Sequence[tuple[Instance, ...]]
    entries: list[Entry]
    notes: list[str] = field(default_factory=list)
    baseline: Optimizer | None = None
    stop: StopSignal = field(default_factory=StopSignal)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def open(self) -> list[Entry]:
        """The entries that have to run."""
        return [entry for entry in self.entries if entry.open]

    @contextlib.contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time that passes meanwhile to that of a stage."""
        began = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - began

    def prepare(self, report: Report) -> None:
        """Read back what the store has, solve references, compile; nothing is timed before."""
        threads = self.settings.threads
        if not (self.settings.rerun or self.settings.fresh):
            for entry in self.open:
                entry.finished = stored_cell(entry.key, entry.cell)
        cells = [entry.cell for entry in self.open]
        ahead = compile_ahead(*needed(cells, threads, self.baseline))
        with quiet_numba(), ahead as finish_compiling:
            with self.timed("references"):
                self._solve_references(report)
            with self.timed("compile"):
                report(0, len(cells), "compiling")
                finish_compiling()
                self._compile(report)
        self.notes += [
            f"no reference: {reason}"
            for built in self.instances
            for reason in unsolved(built[0]).values()
        ]

    def _solve_references(self, report: Report) -> None:
        from threadpoolctl import threadpool_limits

        everyone = [instance for built in self.instances for instance in built]
        with threadpool_limits(limits=1):
            for done, own in enumerate(everyone):
                report(done, len(everyone), f"references: {own.problem} on {own.name}")
                _ = solved(own), own.optimum
                for family in FAMILIES:
                    norm_grid(own, family)

    def _compile(self, report: Report) -> None:
        entries = self.open
        for done, entry in enumerate(entries, start=1):
            cell, optimizer = entry.cell, entry.cell.choice.optimizer
            try:
                bind(cell.instance, cell.parametrization, optimizer, self.settings.threads)
            except UserError as error:
                entry.failure = str(error)
            report(done, len(entries), "compiling")

    def run(
        self, report: Report, settled: Settled | None = None, along: Along | None = None
    ) -> None:
        """Run the search of every open entry to its end, or until time is up.

        Parameters
        ----------
        report : callable
        settled : callable, optional
            Tells of the winner's runs whether they have settled; until then they run on.
        along : callable, optional
            Says what is measured along the runs of a cell.
        """
        if self.settings.timeout is not None:
            self.stop.set_after(self.settings.timeout)
        settings, entries = self.settings, self.open
        tuners = [
            Tuner(
                e.cell,
                settings.seeds,
                e.cell.horizon(settings.horizon),
                settings.rates,
                PERTURBATION,
                settled,
                along,
            )
            for e in entries
        ]
        with self.timed("runs"):
            searches = run_cells(tuners, settings.threads, self.stop, report)
        self.stop.cancel()
        for entry, search in zip(entries, searches, strict=True):
            entry.search = search
        if self.stop.is_set():
            reason = self.stop.reason
            self.notes.append(f"{reason}: rows with status {reason} are not complete")


def make_plan(
    settings: Settings,
    instances: Sequence[tuple[Instance, ...]],
    cells: Sequence[Cell],
    notes: Sequence[str] = (),
    baseline: Optimizer | None = None,
) -> Plan:
    """Return the plan of some cells; nothing has run yet."""
    entries = [
        Entry(
            cell,
            cell_key(
                cell,
                cell.horizon(settings.horizon),
                settings.seeds,
                settings.rates,
                baseline,
                settings.until_verdict,
            ),
        )
        for cell in cells
    ]
    return Plan(settings, instances, entries, list(notes), baseline)


def needed(
    cells: Sequence[Cell], threads: int, baseline: Optimizer | None
) -> tuple[list[str], list[Optimizer]]:
    """Return objectives of the engine, where there is a core for them, and the optimizers."""
    kinds = {objective_kind(cell.instance) for cell in cells} if threads > 1 else set()
    optimizers = {cell.choice.optimizer.identity: cell.choice.optimizer for cell in cells}
    if cells and baseline is not None:
        optimizers.setdefault(baseline.identity, baseline)
    return sorted(kinds - {"own"}), list(optimizers.values())


@contextlib.contextmanager
def quiet_numba() -> Iterator[None]:
    """Keep performance hints for kernel authors out of a user's terminal."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def renewed(settings: Settings) -> contextlib.AbstractContextManager[None]:
    """Let nothing be found meanwhile that was kept before, if that is what was asked for."""
    return cache.renewing() if settings.fresh else contextlib.nullcontext()
