"""Cells of many instances: in which order they run, and that no thread waits for another."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import pytest
from small_instances import data, one_chunk, regression

from optbench.engine.chunk import Chunk
from optbench.engine.stop import StopSignal
from optbench.executors.batches import Batch
from optbench.executors.cells import by_instance, run_cells

HORIZONS = (1, 10, 100)
ROUNDS = len(HORIZONS)


@dataclass
class Asks:
    """In the place of a tuner: asks ``rounds`` times for its one chunk."""

    instances: str
    chunk: Chunk | None = None
    rounds: int = ROUNDS

    @property
    def cell(self):
        return self

    def search(self):
        chunks = [] if self.chunk is None else [self.chunk]
        for horizon in HORIZONS[: self.rounds]:
            chunks = yield chunks, horizon
        return self.instances


def some_chunk() -> Chunk:
    return one_chunk(regression(data(3, 4), data(3, 1)[:, 0]), "gradient_descent", [1e-3])


def asking(instances: str) -> list[Asks]:
    return [Asks(instance, some_chunk()) for instance in instances]


@pytest.fixture
def log(monkeypatch):
    """Who advanced, in the order in which that began: (chunks, horizon, threads)."""
    began = []
    advance = Batch.advance

    def logged(self, stop, threads):
        began.append((self.chunks, self.horizon, threads))
        return advance(self, stop, threads)

    monkeypatch.setattr(Batch, "advance", logged)
    return began


@pytest.mark.parametrize(
    ("cells", "expected"),
    [("aaabbbccc", ["aaa", "bbb", "ccc"]), ("abc", ["a", "b", "c"]), ("aa", ["aa"]), ("", [])],
)
def test_the_cells_of_an_instance_are_together(cells, expected):
    cut = by_instance([Asks(instance) for instance in cells])
    assert ["".join(cell.instances for cell in own) for own in cut] == expected


def test_nothing_to_run():
    assert run_cells([], 2, StopSignal()) == []
    assert run_cells([Asks("a", None)], 2, StopSignal()) == ["a"]
    assert run_cells([Asks("a", some_chunk(), 0), *asking("b")], 2, StopSignal()) == ["a", "b"]


def test_one_thread_ends_an_instance_before_it_begins_another(log):
    """What has ended is kept when time is up: so little else is under way then."""
    reports = []
    found = run_cells(asking("abb"), 1, StopSignal(), lambda *report: reports.append(report))
    assert found == ["a", "b", "b"]
    assert [horizon for _, horizon, _ in log][:ROUNDS] == [1, 10, 100]
    assert [done for done, _, _ in reports] == [0, 0, 0, 1, 1, 1, 1, 3]
    assert {total for _, total, _ in reports} == {3}


def test_threads_share_a_batch_when_there_is_nothing_else(log):
    """Of three threads one batch has all, and three have one each."""
    run_cells(asking("a"), 3, StopSignal())
    assert [threads for _, _, threads in log] == [3] * ROUNDS
    log.clear()
    run_cells(asking("abc"), 3, StopSignal())
    assert [threads for _, _, threads in log][:3] == [1, 1, 1]


def test_an_instance_goes_on_while_another_has_a_long_batch(log, monkeypatch):
    """The first batch of ``a`` returns when ``b`` and ``c`` have had all their rounds."""
    tuners = asking("abc")
    slow, others_ended = tuners[0].chunk, threading.Event()
    advance = Batch.advance

    def held(self, stop, threads):
        if self.chunks[0] is slow:
            assert others_ended.wait(30)
        return advance(self, stop, threads)

    def report(done, total, label):
        if done == 2:
            others_ended.set()

    monkeypatch.setattr(Batch, "advance", held)
    assert run_cells(tuners, 2, StopSignal(), report) == ["a", "b", "c"]
    assert len(log) == 3 * ROUNDS


def test_the_error_of_a_batch_is_raised(monkeypatch):
    def fails(self, stop, threads):
        raise RuntimeError("no memory")

    monkeypatch.setattr(Batch, "advance", fails)
    with pytest.raises(RuntimeError, match="no memory"):
        run_cells(asking("ab"), 2, StopSignal())
