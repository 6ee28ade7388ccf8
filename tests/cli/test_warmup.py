"""``optbench warmup``: compiles what comparisons need, once, and says so in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numba
import pytest

from optbench.cli import main, warmup
from optbench.registry import load_registry

BROKEN = '''"""theta <- theta - no_such_name g."""
from optbench import Hyper, optimizer

@optimizer(reference="none")
def unknown_name(theta, grad, learning_rate=Hyper(tune="log")):
    theta[0] -= no_such_name * grad[0]
'''


def optbench(*arguments):
    """Run the command in a process of its own; return what it printed."""
    command = [sys.executable, "-m", "optbench.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("compiled", [("update-adam", "slopes-x"), ()])
def test_one_line_says_what_was_done(capsys, monkeypatch, compiled):
    def compile_all(work, processes, plugins, quiet):
        assert len(work) == len(set(work)) and processes == 3
        return [warmup.Done(compiled, None)]

    monkeypatch.setattr(warmup, "compile_all", compile_all)
    assert main(["warmup", "--jobs", "3"]) == 0
    captured = capsys.readouterr()
    assert captured.err == "" and captured.out.count("\n") == 1
    start = "compiled 2 functions of" if compiled else "nothing to do:"
    assert captured.out.startswith(start)
    assert f"{len(load_registry().optimizers)} optimizers" in captured.out


def test_a_kernel_that_does_not_compile_is_named(capsys, monkeypatch, tmp_path):
    file = tmp_path / "unknown_name.py"
    file.write_text(BROKEN)
    work = warmup.Kernels("optimizer", "unknown_name")
    done = warmup.compile_one(work, (str(file),))
    assert done.compiled == ()
    assert (
        "unknown_name.py:6: optimizer 'unknown_name' does not compile at `theta[0] -= "
        in done.failure
    )
    monkeypatch.setattr(warmup, "compile_all", lambda *arguments: [done])
    assert main(["warmup", "--plugin", str(file)]) == 1
    assert "does not compile" in capsys.readouterr().err


def test_choices_of_a_problem_are_compiled_too():
    """The exponential loss is a kernel of its own."""
    registry = load_registry()
    built = warmup.instances(registry.problem("logistic_regression"), registry)
    assert {instance.row.__name__ for instance in built} == {"logistic_loss", "exponential_loss"}


BOUND = """
import json
from optbench.engine.compiler import cache

names, compile_kernel = set(), cache.compile_kernel
def recorded(function, *arguments, **options):
    names.add(function.__qualname__)
    return compile_kernel(function, *arguments, **options)
cache.compile_kernel = recorded

from optbench.cli import warmup
from optbench.engine.ensemble import bind
from optbench.engine.oracles.catalogue import missing_oracle
from optbench.parametrizations import parametrization
from optbench.registry import load_registry

registry = load_registry()
work = [warmup.Kernels("engine", name) for name in warmup.ENGINE]
work += [warmup.Kernels("optimizer", name) for name in registry.optimizers]
work += [warmup.Kernels("parametrization", "linear")]
problems = ("lasso", "linear_program", "softmax_regression", "logistic_regression")
for each in work + [warmup.Kernels("problem", name) for name in problems]:
    warmup.bind(each, registry)
ahead = set(names)
for name in problems:
    for instance in warmup.instances(registry.problem(name), registry):
        linear = parametrization("linear", instance.dimension)
        for optimizer in registry.optimizers.values():
            if missing_oracle(instance, linear, optimizer) is None:
                bind(instance, linear, optimizer, threads=2)
print(json.dumps([sorted(ahead), sorted(names - ahead)]))
"""


def test_comparisons_bind_nothing_else():
    """Penalties, products with the data, Hessians: whatever any optimizer asks of an instance.

    Without machine code, so that nothing is found in a cache either.
    """
    done = subprocess.run(
        [sys.executable, "-c", BOUND],
        capture_output=True,
        text=True,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
    )
    assert done.returncode == 0, done.stderr
    ahead, later = json.loads(done.stdout)
    assert {"dense_product", "panels_product"} <= set(ahead) and later == []


def test_wrong_surroundings_are_one_line(capsys, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OPTBENCH_CACHE", str(tmp_path / "file"))
    assert main(["warmup"]) == 2
    assert "cannot be written" in capsys.readouterr().err
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    assert main(["warmup"]) == 2
    assert "NUMBA_DISABLE_JIT" in capsys.readouterr().err


@pytest.mark.slow
def test_afterwards_nothing_is_compiled():
    """Neither by a second call nor by a comparison of everything, in processes of their own."""
    optbench("warmup", "--quiet")
    assert optbench("warmup", "--quiet").startswith("nothing to do: ")
    compared = json.loads(optbench("compare", "--horizon", "10", "--rerun", "--format", "json"))
    assert compared["environment"]["compiled"] == 0
