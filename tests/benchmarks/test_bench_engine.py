"""The asv suite runs: each benchmark once, with its first parameter."""

from __future__ import annotations

import inspect

import pytest

from benchmarks import bench_engine

SUITES = [
    suite
    for _, suite in inspect.getmembers(bench_engine, inspect.isclass)
    if suite.__module__ == bench_engine.__name__
]


@pytest.mark.slow
@pytest.mark.parametrize("suite", SUITES)
def test_runs(suite: type) -> None:
    parameters = getattr(suite, "params", ())[:1]
    names = [name for name in vars(suite) if name.startswith(("time_", "peakmem_", "track_"))]
    assert names
    for name in names:
        prepared = suite()
        prepared.setup(*parameters)
        value = getattr(prepared, name)(*parameters)
        assert name.startswith("track_") == (value is not None)
        assert value is None or value > 0
