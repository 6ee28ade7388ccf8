"""The asv suite: asv knows every key of its configuration, finds every benchmark, and each runs."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import bench_speed_compare, prepared
from optbench.parametrizations import PARAMETRIZATIONS
from optbench.registry import load_registry

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(file.stem for file in (ROOT / "benchmarks").glob("bench_*.py"))
KINDS = ("time_", "timeraw_", "peakmem_", "track_")


def benchmarks() -> dict[str, tuple[type, str]]:
    """Return class and method of every benchmark, by the name that asv gives it."""
    found = {}
    for file in FILES:
        module = importlib.import_module(f"benchmarks.{file}")
        for name, suite in inspect.getmembers(module, inspect.isclass):
            if suite.__module__ == module.__name__ and not name.startswith("_"):
                for method in filter(lambda m: m.startswith(KINDS), dir(suite)):
                    found[f"{file}.{name}.{method}"] = suite, method
    return found


ALL = benchmarks()


def configuration() -> dict[str, Any]:
    util = pytest.importorskip("asv.util")
    loaded: dict[str, Any] = util.load_json(str(ROOT / "asv.conf.json"), js_comments=True)
    return loaded


def test_asv_knows_every_key_of_its_configuration() -> None:
    """It ignores those that it does not know without a word."""
    config = pytest.importorskip("asv.config")
    read_beside_config = {"version", "build_cache_size"}
    given = configuration()
    assert set(given) <= set(vars(config.Config())) | read_beside_config
    assert set(given["matrix"]) <= {"req", "env", "env_nobuild"}


def test_threads_are_pinned_in_one_environment() -> None:
    """Two values of a variable would measure everything twice."""
    pinned = configuration()["matrix"]["env_nobuild"]
    assert {"OMP_NUM_THREADS", "NUMBA_NUM_THREADS"} <= set(pinned)
    assert all(values == ["1"] for values in pinned.values())


def test_every_benchmark_has_a_threshold_and_every_threshold_benchmarks() -> None:
    """asv matches from the start of the name, as `re.match` does."""
    patterns = configuration()["regressions_thresholds"]
    for name in ALL:
        assert sum(re.match(pattern, name) is not None for pattern in patterns) == 1, name
    for pattern in patterns:
        assert any(re.match(pattern, name) for name in ALL), pattern


def test_a_stranger_can_read_the_dashboard() -> None:
    """Every benchmark has a name of its own, what is tracked a unit, each parameter a name."""
    names = [getattr(suite, method).pretty_name for suite, method in ALL.values()]
    assert len(set(names)) == len(names)
    for name, (suite, method) in ALL.items():
        assert hasattr(getattr(suite, method), "unit") == method.startswith("track_"), name
        params = getattr(suite, "params", ())
        dimensions = len(params) if params and isinstance(params[0], tuple | list) else bool(params)
        assert len(getattr(suite, "param_names", ())) == dimensions, name
    assert min(FILES) == "bench_science"  # groups are in the order of their names


def test_every_plug_in_is_measured() -> None:
    """Under the name of its file, which is the same for all commits."""
    registry = load_registry()
    assert set(registry.optimizers) <= set(prepared.names_in("optimizers"))
    assert set(registry.problems) <= set(prepared.names_in("problems"))
    assert set(PARAMETRIZATIONS) <= set(prepared.names_in("optbench/parametrizations"))


def test_what_a_commit_does_not_have_is_not_measured() -> None:
    for names in (("no_such_problem", "", "adam"), (prepared.DIGITS, "", "no_such_optimizer")):
        with pytest.raises(NotImplementedError, match="no_such"):
            prepared.cell(*names)
    with pytest.raises(NotImplementedError, match="signed"):
        prepared.cell(prepared.DIGITS, "", "exponentiated_gradient")


@pytest.mark.slow
def test_asv_finds_them_all(tmp_path: Path) -> None:
    """In a process of its own, as `asv run` does."""
    discovery = pytest.importorskip("asv_runner.discovery")
    program = (
        f"from {discovery.__name__} import disc_benchmarks; import sys; "
        "sys.path.insert(0, sys.argv[1]); "
        "print(*(b.name for b in disc_benchmarks(sys.argv[1] + '/benchmarks')), sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(ROOT)],
        capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == set(ALL)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ALL if ".Compare." not in name])
def test_runs(name: str) -> None:
    """Once, with the first value of every parameter."""
    suite, method = ALL[name]
    params = getattr(suite, "params", ())
    nested = bool(params) and isinstance(params[0], tuple | list)
    first = [values[0] for values in params] if nested else list(params[:1])
    prepared_suite = suite()
    if hasattr(prepared_suite, "setup"):
        prepared_suite.setup(*first)
    value = getattr(prepared_suite, method)(*first)
    if method.startswith("timeraw_"):
        statement, before = value if isinstance(value, tuple) else (value, "")
        program = f"{before}\n{statement}"
        subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, capture_output=True)
    elif method.startswith("track_"):
        assert 0.0 <= value < float("inf")
    else:
        assert value is None


@pytest.mark.slow
def test_compares(tmp_path: Path) -> None:
    """The sweep; tests/test_speed.py runs the other commands of bench_speed_compare."""
    suite = bench_speed_compare.Compare()
    first = (str(tmp_path), 40.0)
    suite.time_sweep_of_200_rates(first)
    assert any((tmp_path / "kernels").iterdir())
    assert suite.track_cold(first) == 40.0
