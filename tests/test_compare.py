"""``optbench.compare`` end to end: the same rows, seeds, limits, bad plug-ins, the document."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from optbench import UserError, compare
from optbench.report import render

REPOSITORY = Path(__file__).resolve().parents[1]
REGRESSION = "linear_regression:data=gaussian,n=5,d=12,seed=3"
SEPARABLE = "logistic_regression:data=gaussian,n=6,d=12,seed=11"
TRANSPORT = "linear_program:data=transport,m=3"
TIMINGS = ("ns_per_step", "relative_cost", "relative_cost_interval", "timed_on", "seconds_to")


def quick(problems=REGRESSION, optimizers="gradient_descent", **options):
    return compare(problems, optimizers, **{"horizon": 300, "threads": 1, "rerun": True, **options})


def without_timings(result) -> str:
    document = result.to_dict()
    for row in document["convergence"]:
        for key in TIMINGS:
            del row[key]
    return json.dumps([document[key] for key in ("instances", "bias", "convergence")])


def test_one_and_two_threads_and_a_second_time_give_the_same_rows():
    """To the last bit: chunks have a fixed size, and no run's arithmetic depends on another's."""
    arguments = {
        "problems": [REGRESSION, SEPARABLE, TRANSPORT, "small_network:n=5,d=3,hidden=6"],
        "optimizers": ["gradient_descent", "adam", "exponentiated_gradient"],
        "seeds": 2,
    }
    first, second, third = (quick(**arguments, threads=threads) for threads in (1, 2, 2))
    assert without_timings(first) == without_timings(second) == without_timings(third)
    for a, b in zip(first.traces, second.traces, strict=True):
        assert a.log_gap.tobytes() == b.log_gap.tobytes()
    assert [first.environment["threads"], second.environment["threads"]] == [1, 2]


def test_who_does_not_run_at_the_rates_that_were_given_is_named():
    names = ["gradient_descent", "polyak_step", "gradient_descent[learning_rate=0.01]"]
    (note,) = quick(optimizers=names, learning_rates=[0.1]).notes
    assert note.endswith("polyak_step, gradient_descent[learning_rate=0.01]: none to tune")
    assert quick(optimizers=names[:1], learning_rates=[0.1]).notes == []
    assert quick(optimizers=names[1:]).notes == []


def test_too_many_rates_stop_before_the_work():
    with pytest.raises(UserError, match="20,000 rates: at most 10,000"):
        quick(learning_rates=np.geomspace(1e-3, 1.0, 20_000))


def test_every_cell_has_a_row_in_both_tables_skipped_ones_with_their_reason():
    optimizers = ["gradient_descent", "exponentiated_gradient", "natural_gradient"]
    result = quick([REGRESSION, TRANSPORT], optimizers)
    asked = "gradient_descent[small rate] (theorem)"  # on the program: its theorem is on the flow
    expected = {
        "linear_regression": optimizers,
        "linear_program": [optimizers[0], asked, *optimizers[1:]],
    }
    for rows in (result.bias_rows, result.convergence_rows):
        cells = [(row.problem, row.optimizer) for row in rows]
        assert cells == [(problem, o) for problem, names in expected.items() for o in names]
        assert [row.optimizer for row in rows if row.as_theorem_asks] == [asked]
    skipped = [row for row in result.bias_rows if row.status == "skipped"]
    assert [row.reason for row in skipped] == [
        "acts on positive parameters; those of linear_regression are signed",
        "needs the Fisher matrix; linear_program declares none",
    ]
    assert all(row.selected is None for row in skipped)
    assert not result.failed
    parametrizations = {r.optimizer: r.parametrization for r in result.bias_rows[3:]}
    assert parametrizations["gradient_descent"] == "nonnegative:depth=2"
    assert parametrizations["exponentiated_gradient"] == "linear"


def test_both_rows_where_a_theorem_asks_for_other_hyperparameters():
    """Adam on separable data, as it is used and as its theorem on the Linf margin asks."""
    long = {"horizon": 20_000, "until_verdict": True}
    used, asked = quick(SEPARABLE, "adam", **long).bias_rows
    assert used.hyperparameters["eps"] == 1e-8 and used.theory == "l2"
    assert asked.optimizer == "adam[eps=0,decay=0.5,beta2=0.99] (theorem)"
    assert asked.hyperparameters["eps"] == 0.0 and asked.hyperparameters["decay"] == 0.5
    assert asked.selected == asked.theory == "linf"
    (alone,) = quick(SEPARABLE, "adam[eps=0,decay=0.5,beta2=0.99]", **long).bias_rows
    assert alone.optimizer == "adam[eps=0,decay=0.5,beta2=0.99]" and not alone.as_theorem_asks
    assert alone.measures == asked.measures
    assert len(quick(SEPARABLE, "adam", learning_rates=[0.1]).bias_rows) == 1  # the user's rate
    text = render(quick(SEPARABLE, "adam"), "table")
    assert (
        "(theorem): the optimizer once more, with the settings that its theorem requires"
        in " ".join(text.split())
    )


def test_what_a_theorem_asks_for_is_searched_and_told_like_any_other_row():
    """Its grid ends at the natural rate on separable data, and the note says that of both rows."""
    result = quick(SEPARABLE, "adam")
    used, asked = result.convergence_rows
    assert asked.as_theorem_asks and not used.as_theorem_asks
    assert len(asked.learning_rates) == len(used.learning_rates) == 13
    for row in (used, asked):
        assert row.at_edge and row.best_learning_rate == row.learning_rates[-1].learning_rate
    text = " ".join(render(result, "table").split())
    assert "ends at the natural rate" in text and "one beyond it may be better" not in text


def test_small_steps_find_the_entropic_solution_where_the_fastest_do_not():
    """A theorem on the flow: a fifth of the natural rate, and five times the steps."""
    used, asked = quick("linear_program:data=transport", "heavy_ball", horizon=100_000).bias_rows
    assert asked.optimizer == "heavy_ball[small rate] (theorem)"
    assert (used.horizon, asked.horizon) == (100_000, 500_000)
    assert used.hyperparameters["learning_rate"] > 2.0 * asked.hyperparameters["learning_rate"]
    assert used.theory == "unknown" and asked.selected == asked.theory == "entropic"
    assert asked.measures["distance_entropic"] < 0.05
    assert asked.measures["distance_entropic"] < 0.5 * used.measures["distance_entropic"]


def test_rows_that_can_say_nothing_are_skipped_with_the_reason_and_converge_all_the_same():
    result = quick(REGRESSION, ["normalized_mirror_descent"])
    (bias,), (convergence,) = result.bias_rows, result.convergence_rows
    assert bias.status == "skipped" and bias.reason.startswith("selects nothing on regression")
    assert convergence.status == "horizon" and convergence.final_loss is not None
    again = quick(REGRESSION, ["normalized_mirror_descent"], rerun=False)
    assert again.bias_rows == [bias]  # from the store


def test_partly_separable_data_has_no_agreement_with_references_that_do_not_exist_there():
    result = quick("logistic_regression:data=partly_separable", "sign_descent", horizon=3_000)
    assert [row.theory for row in result.bias_rows] == ["unknown"]
    assert "as theory says" not in render(result, "table")


def test_seeds_vary_the_instance_of_a_seeded_problem():
    three, one = quick(SEPARABLE, seeds=3), quick(SEPARABLE, seeds=1)
    others = [quick(SEPARABLE.replace("11", str(seed))) for seed in (12, 13)]
    single = [r.bias_rows[0].measures for r in (one, *others)]
    row = three.bias_rows[0]
    assert row.seeds == 3
    for name, value in row.measures.items():
        assert value == pytest.approx(np.median([m[name] for m in single]), rel=0.05)
        low, high = row.intervals[name]
        assert low <= value <= high
        assert min(m[name] for m in single) * 0.95 <= low < high
    assert one.bias_rows[0].intervals == dict.fromkeys(row.measures)
    assert three.traces[0].log_gap.shape[1] == 3
    assert len(three.instances) == 1


def test_seeds_vary_the_start_on_real_data():
    """Noise of size 1e-3: the limits differ by as much outside the row space, and no more."""
    result = quick("linear_regression:data=digits,rows=10", seeds=3, horizon=3_000)
    (row,), (trace,) = result.bias_rows, result.traces
    assert row.seeds == 3 and row.selected == "l2"
    low, high = row.intervals["distance_l2"]
    assert 0 <= low < row.measures["distance_l2"] + 1e-12 and high > 1e-6
    starts = np.exp(trace.log_gap[0])
    assert len(set(starts)) == 3
    np.testing.assert_allclose(starts, starts[0], rtol=0.05)


def test_tables_have_the_documented_columns():
    result = quick([REGRESSION, SEPARABLE])
    text = (REPOSITORY / "docs" / "schema.md").read_text(encoding="utf-8")
    for name in ("problem", "instance", "parametrization", "optimizer", "hyperparameters", "seeds",
                 "horizon", "status", "reason"):  # fmt: skip
        assert f"`{name}`" in text
        assert name in result.bias.columns and name in result.convergence.columns
    for name in ("selected", "runner_up", "separation", "theory", "condition", "effective_p",
                 "effective_p_interval", "intervals", "margin_ratio_l1", "margin_ratio_l2",
                 "margin_ratio_linf", "angle_l2", "norm_excess_l1", "norm_excess_l2"):  # fmt: skip
        assert name in result.bias.columns
    for name in ("steps_to_1e-1", "steps_to_1e-8", "seconds_to_1e-4", "rate_law", "rate_value",
                 "rate_window", "ns_per_step", "relative_cost", "best_learning_rate", "at_edge",
                 "sensitivity_decades", "critical_learning_rate", "theory_learning_rate",
                 "success_rate", "success_target", "final_suboptimality"):  # fmt: skip
        assert name in result.convergence.columns
    assert len(result.bias) == len(result.convergence) == len(result.traces) == 2
    assert result.convergence["relative_cost"].tolist() == [1.0, 1.0]
    for trace in result.traces:
        assert trace.log_gap.shape == (trace.steps.size, 1)
        assert trace.steps[0] == 0 and trace.steps[-1] <= 300


def test_the_document_is_json_that_validates_against_its_schema(tmp_path):
    failing = plugin(tmp_path, "failing", "theta[step] = 1.0")
    result = quick(
        [REGRESSION, SEPARABLE, TRANSPORT],
        ["gradient_descent", "sign_descent", "exponentiated_gradient", "failing"],
        seeds=2, plugins=[failing],
    )  # fmt: skip
    schema = json.loads((files("optbench.report") / "schema.json").read_text())
    document = json.loads(render(result, "json"))
    jsonschema.validate(document, schema)
    assert document["bias"][1]["optimizer"] == "sign_descent"
    assert {row["status"] for row in document["bias"]} >= {"failed", "skipped", "horizon"}
    assert {*result.to_dict(), "profile"} == set(document)


def test_a_time_limit_ends_runs_with_status_timeout():
    result = quick(horizon=10**12, learning_rates=[1e-9], timeout=0.3)
    for row in (result.bias_rows[0], result.convergence_rows[0]):
        assert row.status == "timeout"
        assert row.reason.startswith("stopped by the time limit at step")
    assert result.environment["seconds"]["runs"] < 10.0
    assert any(note.startswith("timeout") for note in result.notes)


INTERRUPTED = """
import os, signal, sys, threading
from optbench import compare

# a shell's background jobs, such as a CI's, start with SIGINT ignored
signal.signal(signal.SIGINT, signal.default_int_handler)

def progress(done, total, label):
    if label == "running" and not timers:
        timers.append(threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)))
        timers[0].start()

timers = []
result = compare(
    sys.argv[1], ["gradient_descent", "adam", "sign_descent"], horizon=10**12,
    learning_rates=[1e-9], threads=int(sys.argv[2]), progress=progress, rerun=True,
)
print([row.status for row in result.bias_rows], result.notes)
print([row.reason for row in result.convergence_rows])
"""


@pytest.mark.parametrize("threads", [1, 3])
def test_ctrl_c_keeps_what_is_done(threads):
    finished = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, REGRESSION, str(threads)],
        capture_output=True, text=True, check=False, timeout=60, cwd=REPOSITORY,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    statuses, reasons = finished.stdout.splitlines()
    assert statuses.startswith("['interrupted', 'interrupted', 'interrupted'] ['interrupted: rows")
    assert reasons.count("at step") == 3  # they advance side by side
    assert finished.stderr == ""


def test_an_interrupted_comparison_continues():
    """One run converges at once, the other would take days; they advance side by side."""
    rules = [f"gradient_descent[learning_rate={rate}]" for rate in (0.1, 1e-9)]
    settings = {"optimizers": rules, "horizon": 10**12, "timeout": 1.0}
    cut = quick(**settings)
    assert [row.status for row in cut.bias_rows] == ["converged", "timeout"]
    done, unfinished = cut.convergence_rows
    assert done.ns_per_step > 0.0 and unfinished.ns_per_step is None
    again = quick(**settings, rerun=False)
    assert again.environment["cells_from_store"] == 1
    assert again.convergence_rows[0] == done
    assert again.bias_rows[1].status == "timeout"


KERNEL = '''"""A test."""
from optbench import Hyper, Slot, optimizer

@optimizer(reference="a test")
def {name}(theta, grad, step, velocity=Slot(degree=1), rate=Hyper(tune="log", degree=-1)):
    {body}
'''


def plugin(folder: Path, name: str, body: str) -> str:
    file = folder / f"{name}.py"
    file.write_text(KERNEL.format(name=name, body=body))
    return str(file)


BODIES = {
    "raises": ("raise ValueError('no')", "failed", "an error raised"),
    "writes_outside": ("theta[theta.size] = 1.0", "failed", "an index outside its arrays"),
    "reads_outside": ("theta[0] = grad[-theta.size - step]", "failed", "an index outside"),
    "infinite": ("theta[0] = 1e308 * 10.0", "diverged", "diverged at step 1"),
    "overflow": ("theta[0] += 10.0 ** (2 * step)", "diverged", "diverged at step"),
    "undefined": ("theta[0] = nothing", "failed", "does not compile"),
    "allocates": (
        "theta[0] = grad.copy()[0]",
        "failed",
        "cannot allocate",
    ),
    "wrong_type": ("theta[0] = 'a'", "failed", "does not compile"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_failing_plugin_has_its_reason_and_hurts_no_other_row(name, tmp_path):
    body, status, words = BODIES[name]
    file = plugin(tmp_path, name, body)
    result = quick(optimizers=[name, "gradient_descent"], plugins=[file])
    bad, good = result.bias_rows
    assert bad.status == result.convergence_rows[0].status == status
    assert words in bad.reason and "\n" not in bad.reason
    assert bad.selected is None and bad.measures == {}
    assert good == quick().bias_rows[0]
    assert result.failed == (status == "failed")


def test_a_broken_file_is_a_note_and_the_others_run(tmp_path):
    (tmp_path / "broken.py").write_text("def broken(:\n")
    plugin(tmp_path, "fine", "for i in range(theta.size): theta[i] -= rate * grad[i]")
    result = quick(optimizers=["fine", "gradient_descent"], plugins=[str(tmp_path)])
    assert [row.status for row in result.bias_rows] == ["horizon", "horizon"]
    (note,) = result.notes
    assert note.startswith("plug-in left out: ") and "broken.py:1: syntax error" in note
    with pytest.raises(UserError, match=r"broken\.py:1: syntax error"):
        quick(optimizers="broken", plugins=str(tmp_path))


ROSENBROCK = '''"""Rosenbrock's function in d dimensions: its own objective, of unknown optimum."""
import numpy as np
from optbench import Instance, problem

def rosenbrock(w, data, grad):
    total = 0.0
    for i in range(w.size):
        grad[i] = 0.0
    for i in range(w.size - 1):
        a, b = 1.0 - w[i], w[i + 1] - w[i] * w[i]
        total += a * a + 100.0 * b * b
        grad[i] += -2.0 * a - 400.0 * w[i] * b
        grad[i + 1] += 200.0 * b
    return total

@problem(reference="Rosenbrock 1960, doi:10.1093/comjnl/3.3.175", references=(), metrics=())
def valley(d=2, wrong=False):
    """Build it."""
    def outside(w, data, grad):
        grad[w.size + 1000] = 1.0
        return 0.0
    objective = outside if wrong else rosenbrock
    data = np.ones((1, d))
    return Instance("valley", data, np.zeros(1), "other", loss_and_grad=objective)
'''


@pytest.fixture
def valley(tmp_path):
    file = tmp_path / "valley.py"
    file.write_text(ROSENBROCK)
    return str(file)


def test_a_problem_with_its_own_objective_works_end_to_end(valley):
    """From w = 0 loss is d - 1; SciPy agrees on value and gradient; the valley leads to 1."""
    result = quick("valley:d=3", ["gradient_descent", "adam"], plugins=valley, horizon=20_000)
    for row, trace in zip(result.bias_rows, result.traces, strict=True):
        assert row.selected is None
        assert row.reason == "no reference solution is known here"
        assert row.effective_p is None
        assert trace.loss[0, 0] == pytest.approx(2.0, rel=1e-12)
        assert trace.loss[-1, 0] < 1e-2
        assert np.isnan(trace.log_gap).all()  # of an unknown optimum
    assert result.instances[0].infimum is None
    assert result.convergence_rows[0].theory_learning_rate is None


def test_an_objective_that_writes_outside_ends_its_run(valley):
    result = quick(["valley:wrong=yes", REGRESSION], plugins=valley)
    assert [row.status for row in result.bias_rows] == ["diverged", "horizon"]
    assert result.bias_rows[0].measures == {}


BUILDERS = {
    "raise ValueError('two\\n    lines')": r"problem 'bad': ValueError: two lines",
    "return None": r"problem 'bad' must return an Instance, not NoneType",
    "return Instance('bad', [[1.0]], [1.0], 'other', row=row)": r"features must be an",
    "return Instance('bad', np.ones((0, 2)), np.ones(0), 'other', row=row)": "0 x 2",
    "return Instance('bad', np.ones((2, 0)), np.ones(2), 'other', row=row)": "2 x 0",
    "return Instance('bad', np.ones((2, 1)), np.ones(3), 'other', row=row)": "targets of",
    "return Instance('bad', np.ones((1, 1)) / 0, np.ones(1), 'other', row=row)": "NaN or infi",
    "return Instance('bad', np.ones((1, 1)), np.ones(1), 'other')": "exactly one of row and",
    "return Instance('bad', np.ones((1, 1)), np.ones(1), 'other', row=row, seeded=True)":
        "an option named seed",
}  # fmt: skip


@pytest.mark.parametrize("body", BUILDERS, ids=range(len(BUILDERS)))
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_problem_that_cannot_be_built_is_one_line(body, tmp_path):
    file = tmp_path / "bad.py"
    file.write_text(
        "import numpy as np\nfrom optbench import Instance, problem\n"
        "def row(p, t):\n    return 0.5 * (p - t) ** 2, p - t\n"
        "@problem(reference='', references=(), metrics=())\n"
        f"def bad(scale=1.0):\n    {body}\n"
    )
    with pytest.raises(UserError, match=BUILDERS[body]) as error:
        quick("bad", plugins=str(file))
    assert "\n" not in str(error.value)


def test_a_reference_that_cannot_be_solved_is_a_note_and_the_runs_go_on(tmp_path):
    file = tmp_path / "half.py"
    file.write_text(
        "import numpy as np\nfrom optbench import Instance, problem\n"
        "def row(p, t):\n    return 0.5 * (p - t) ** 2, p - t\n"
        "@problem(reference='', references=('a',), metrics=())\n"
        "def half(scale=1.0):\n"
        "    def solve():\n        raise ArithmeticError('no such number')\n"
        "    return Instance('half', np.ones((1, 1)), np.ones(1), 'other', row=row,\n"
        "                    references={'a': solve})\n"
    )
    result = quick("half", plugins=str(file))
    assert result.bias_rows[0].status == "converged"
    assert result.bias_rows[0].reason == "no reference solution is known here"
    assert any("reference 'a': ArithmeticError: no such number" in n for n in result.notes)


REFERENCES = """
import numpy as np
from optbench import Instance, problem
from optbench.losses import squared_error
from optbench.references import Reference

def reference(name, place, gap):
    solution = np.array([place])
    return Reference(name, "interpolant", None, solution, place, place, gap, np.zeros(0), None)

@problem(reference="a test", references=("near", "far"), metrics=())
def doubtful(gap=0.0):
    found = {"near": lambda: reference("near", 1.0, gap), "far": lambda: reference("far", 3.0, 0.0)}
    return Instance("doubtful", np.ones((1, 1)), np.ones(1), "other", row=squared_error,
                    references=found, optimal_value=float)
"""


def test_a_reference_that_is_not_certified_decides_no_verdict(tmp_path):
    """The run ends at w = 1, where the doubtful reference is; the other is 2/3 of itself away."""
    file = tmp_path / "doubtful.py"
    file.write_text(REFERENCES)
    sure, unsure = (
        quick(f"doubtful:gap={gap}", plugins=str(file)).bias_rows[0] for gap in (0.0, 1e-3)
    )
    assert (sure.selected, sure.runner_up, sure.uncertified) == ("near", "far", ())
    assert (unsure.selected, unsure.runner_up) == ("INCONCLUSIVE", None)
    assert unsure.reason == "0.67 from far; a verdict needs 0.05; it is at rest"
    assert unsure.uncertified == ("near",)
    assert unsure.measures["distance_near"] == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"horizon": 0}, "horizon=0 must be an integer of at least 1"),
        ({"horizon": 10.5}, "horizon=10.5 must be an integer"),
        ({"seeds": 0}, "seeds=0 must be"),
        ({"threads": 0}, "threads=0 must be"),
        ({"timeout": 0.0}, "timeout=0.0 must be a positive"),
        ({"timeout": math.nan}, "timeout=nan must be a positive"),
        ({"learning_rates": []}, "must be positive finite numbers"),
        ({"learning_rates": [0.1, math.inf]}, "must be positive finite numbers"),
        ({"learning_rates": "fast"}, "must be 'auto' or a list"),
        ({"plugins": "no.py"}, "no.py is neither a .py file nor a directory"),
        ({"problems": "linear_regresion"}, "did you mean 'linear_regression'"),
        ({"parametrizations": "diagnal"}, "did you mean 'diagonal'"),
        ({"parametrizations": "diagonal:depth=1"}, "depth=1 must be at least 2"),
        ({"parametrizations": "diagonal:deph=3"}, "did you mean 'depth'"),
        ({"parametrizations": "deep_linear:widths=4y4"}, "must be integers joined by x"),
    ],
)
def test_wrong_arguments(options, words):
    with pytest.raises(UserError, match=words) as error:
        quick(**options)
    assert "\n" not in str(error.value)


def test_every_learning_rate_that_was_given_is_told_and_stored():
    """From the store as from the runs; a search has rates of its own, whatever was stored."""
    rates, options = [0.05, 0.5, 0.005], {"seeds": 2, "rerun": False}
    first = quick(optimizers=["gradient_descent", "adam"], learning_rates=rates, **options)
    again = quick(optimizers=["gradient_descent", "adam"], learning_rates=rates, **options)
    assert again.environment["cells_from_store"] == 2
    assert again.convergence_rows == first.convergence_rows
    for row in again.convergence_rows:
        assert [entry.learning_rate for entry in row.learning_rates] == sorted(rates)
        (best,) = [e for e in row.learning_rates
                   if e.learning_rate == row.best_learning_rate]  # fmt: skip
        assert best.steps_to == row.steps_to and best.status == row.status
    assert len(again.learning_rates) == 6
    (searched,) = quick(optimizers="gradient_descent", **options).convergence_rows
    assert searched.searched and not first.convergence_rows[0].searched
    assert {entry.steps for entry in searched.learning_rates} >= {searched.horizon}
    assert not set(rates) & {entry.learning_rate for entry in searched.learning_rates}


def test_interrupted_rates_say_so():
    result = quick(learning_rates=[0.01, 0.1], horizon=10**9, timeout=0.2)
    (row,) = result.convergence_rows
    assert {entry.status for entry in row.learning_rates} <= {"timeout", "converged"}
    assert row.status in ("timeout", "converged")
