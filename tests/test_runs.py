"""One run: what comes of it, that it goes on, and that it comes back the same from elsewhere."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest

from optbench import UserError, run
from optbench.engine.chunk import Chunk
from optbench.parametrizations import parametrization
from optbench.registry import load_registry
from optbench.runs import RunSpec, hyper_values, prepare, run_all

REGISTRY = load_registry()
SEPARABLE = REGISTRY.problem("logistic_regression").build(data="gaussian", n=6, d=12, seed=11)


def spec(name="gradient_descent", instance=SEPARABLE, typed="linear", **options) -> RunSpec:
    rule = REGISTRY.optimizer(name)
    given = {"learning_rate": 0.1} if "learning_rate" in rule.hypers else {}
    built = parametrization(typed, instance.dimension)
    options = {"horizon": 300, **options}
    return RunSpec(instance, built, rule, hyper_values(rule, given), **options)


def same(first, second) -> None:
    assert (first.status, first.stopped) == (second.status, second.stopped)
    for name in ("steps", "log_loss", "log_gradient_norm", "norms", "theta", "w"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)
    for one, other in zip(first.snapshots, second.snapshots, strict=True):
        np.testing.assert_array_equal(one, other)


def test_gradient_descent_by_hand():
    """The whole trajectory of a run is that of three lines of NumPy."""
    instance = REGISTRY.problem("linear_regression").build(data="gaussian", n=5, d=8)
    (result,) = run_all([spec(instance=instance, horizon=50, steps=(1, 7, 30))])
    assert result.steps.tolist() == [0, 1, 7, 30, 50]
    w, losses = np.zeros(8), []
    for _ in range(51):
        residual = instance.features @ w - instance.targets
        losses.append(0.1 * residual @ residual)
        w = w - 0.1 * 0.2 * instance.features.T @ residual
    # fifty steps of sums over eight numbers in another order
    np.testing.assert_allclose(result.loss, np.array(losses)[result.steps], rtol=1e-12)
    assert (result.status, result.stopped) == ("horizon", 50)
    steps, snapshots = result.snapshots
    assert steps.tolist() == result.steps.tolist() and snapshots.shape == (5, 8)


def test_a_continued_run_has_the_bits_of_one_that_went_there_at_once():
    for name in ("heavy_ball", "adam", "stochastic_gradient_descent"):
        short, long = (run_all([spec(name, horizon=h)])[0] for h in (100, 1000))
        same(short.continued(1000), long)
        assert short.stopped == 100  # the shorter one stays as it is


def test_several_runs_are_what_each_is_alone():
    specs = [spec(name, seed=seed) for name in ("adam", "lookahead") for seed in range(3)]
    specs.append(spec("adam", horizon=40))
    for one, result in zip(specs, run_all(specs), strict=True):
        assert result.spec is one
        same(result, run_all([one])[0])


def test_runs_and_results_travel_without_addresses():
    """What is pickled is small, holds no machine code, and goes on with the same bits."""
    specs = [spec("adam"), spec("heavy_ball", typed="diagonal:depth=3,scale=0.5")]
    sent = pickle.dumps(specs)
    assert len(sent) < 4000 and b"Combination" not in sent and b"StopSignal" not in sent
    again = pickle.loads(sent)
    assert [one.identity for one in again] == [one.identity for one in specs]
    results = run_all(specs)
    returned = pickle.loads(pickle.dumps(results))
    for first, second in zip(results, returned, strict=True):
        same(first, second)
        same(first.continued(500), second.continued(500))


SCRIPT = """
import pickle, sys
from optbench.runs import run_all
sys.stdout.buffer.write(pickle.dumps(run_all(pickle.loads(sys.stdin.buffer.read()))))
"""


def test_another_process_gives_the_same_bits():
    specs = [spec("adam", seed=3), spec("natural_gradient")]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], input=pickle.dumps(specs), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    for first, second in zip(run_all(specs), pickle.loads(done.stdout), strict=True):
        same(first, second)


def test_what_no_other_process_finds_is_not_sent(tmp_path):
    from optbench import Hyper, optimizer

    @optimizer(reference="a test")
    def mine(theta, grad, learning_rate=Hyper(0.1)):
        for i in range(theta.size):
            theta[i] -= learning_rate * grad[i]

    built = parametrization("linear", SEPARABLE.dimension)
    local = RunSpec(SEPARABLE, built, mine, (0.1,), horizon=10)
    assert run_all([local])[0].status == "horizon"
    with pytest.raises(UserError, match="must stand in a plug-in file of its own"):
        pickle.dumps(local)


def test_an_optimizer_that_was_edited_on_its_way_is_refused(tmp_path):
    from optbench.plugin_files import load_file

    file = tmp_path / "mine.py"
    text = """from optbench import Hyper, optimizer
@optimizer(reference="a test")
def mine(theta, grad, learning_rate=Hyper(0.1)):
    for i in range(theta.size):
        theta[i] -= learning_rate * grad[i]
"""
    file.write_text(text)
    sent = pickle.dumps(load_file(file).mine)
    assert pickle.loads(sent).name == "mine"
    file.write_text(text.replace("-=", "+="))
    load_file(file)
    with pytest.raises(UserError, match="is not what it was"):
        pickle.loads(sent)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "give learning_rate a value"),
        ({"rate": 1.0}, "unknown hyperparameters rate; known: learning_rate"),
        ({"learning_rate": float("nan")}, "learning_rate=nan must be a finite number"),
    ],
)
def test_wrong_hyperparameters_are_one_line(given, message):
    with pytest.raises(UserError, match=message):
        run(SEPARABLE, "gradient_descent", horizon=10, **given)


def test_one_run_from_what_a_user_types():
    """Names, an instance and a kernel of this file give the same run."""
    typed = run("logistic_regression:data=gaussian", "adam[eps=0]", horizon=100, learning_rate=0.1)
    assert typed.spec.instance.identity == SEPARABLE.identity
    made = run(SEPARABLE, REGISTRY.optimizer("adam"), horizon=100, learning_rate=0.1, eps=0.0)
    same(typed, made)
    assert np.all(np.diff(typed.loss) < 0.0)
    with pytest.raises(UserError, match="acts on positive parameters"):
        run(SEPARABLE, "exponentiated_gradient", horizon=10, learning_rate=0.1)


def test_runs_that_share_everything_but_numbers_come_in_one_chunk():
    chunks = prepare([spec(seed=seed) for seed in range(5)] + [spec("adam")])
    assert [len(chunk.status) for chunk in chunks] == [5, 1]
    assert all(isinstance(chunk, Chunk) for chunk in chunks)
