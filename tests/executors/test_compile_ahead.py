"""A second process compiles too; whatever it does not deliver is compiled here."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_instances import optimizer, python

from optbench.engine.bind_instance import ENGINE_OBJECTIVES, bind_engine_objective
from optbench.engine.cache import is_kept
from optbench.executors import compile_ahead as module
from optbench.executors.compile_ahead import compile_ahead

ADAM = [optimizer("adam")]


@pytest.fixture
def nothing_kept(monkeypatch):
    monkeypatch.setattr(module, "is_kept", lambda function: False)


def test_what_is_kept_needs_no_second_process(monkeypatch):
    bind_engine_objective("dense")
    assert is_kept(ENGINE_OBJECTIVES["dense"])
    monkeypatch.setattr(module.subprocess, "Popen", None)  # starting one would be an error
    with compile_ahead(["dense"], ADAM) as finish:
        finish()
    with compile_ahead([], ADAM) as finish:
        finish()


def test_waits_for_every_objective(nothing_kept, monkeypatch):
    bind_engine_objective("dense")
    bind_engine_objective("sparse")
    lines = []
    monkeypatch.setattr(module, "wait_for", lambda count, out: lines.extend(out.readlines()))
    with compile_ahead(["dense", "sparse"], ADAM) as finish:
        finish()
    assert lines == [b"dense\n", b"sparse\n"]


@pytest.mark.parametrize("program", ["/bin/false", "/bin/true"])
def test_a_process_that_delivers_nothing_is_no_error(nothing_kept, monkeypatch, program):
    monkeypatch.setattr(sys, "executable", program)
    with compile_ahead(["dense"], ADAM) as finish:
        finish()


def test_it_ends_with_what_it_was_started_for(nothing_kept, monkeypatch):
    """Ctrl-C, or an error in a reference."""
    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(
        module.subprocess,
        "Popen",
        lambda arguments, **options: (
            started.append(popen([sys.executable, "-c", "import time; time.sleep(60)"], **options))
            or started[0]
        ),
    )
    began = time.perf_counter()
    with pytest.raises(KeyboardInterrupt), compile_ahead(["dense"], ADAM):
        raise KeyboardInterrupt
    assert started[0].returncode != 0 and time.perf_counter() - began < 30.0


def test_a_helper_that_cannot_be_started_is_no_error(nothing_kept, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))
    monkeypatch.setattr(sys, "path", [*sys.path, Path("somewhere")])  # as some notebooks have it
    with compile_ahead(["dense"], ADAM) as finish:
        finish()


def test_a_frozen_program_does_not_start_itself_again(monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert not module.can_share_work()


def test_files_of_the_current_directory_are_not_run(nothing_kept, monkeypatch, tmp_path):
    bind_engine_objective("dense")
    for name in ("json", "statistics", "numba"):
        (tmp_path / f"{name}.py").write_text("open('was_run', 'w')")
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    monkeypatch.chdir(tmp_path)
    with compile_ahead(["dense"], ADAM) as finish:
        finish()
    assert not (tmp_path / "was_run").exists()


@pytest.mark.parametrize("executable", ["", None])
def test_without_a_program_to_start_nothing_is_started(nothing_kept, monkeypatch, executable):
    monkeypatch.setattr(sys, "executable", executable)
    assert not module.can_share_work()


def test_nor_without_a_place_to_keep_anything(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("OPTBENCH_CACHE", str(tmp_path / "file"))
    assert not module.can_share_work()
    monkeypatch.setenv("OPTBENCH_CACHE", str(tmp_path / "new"))
    assert module.can_share_work()


COLD = """
from optbench import compare
from optbench.engine import cache

if True:  # a script without a guard around its main part
    result = compare("linear_regression", "gradient_descent", horizon=100, threads=2)
    print("dense_objective" in cache.compiled, "advance" in cache.compiled)
"""


@pytest.mark.slow
def test_an_empty_cache_is_filled_by_two_processes(tmp_path):
    assert python(COLD, OPTBENCH_CACHE=str(tmp_path)) == "False True\n"
