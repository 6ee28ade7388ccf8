"""A solution that an optimizer names is a reference of some problem, or the check says so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from optbench import UserError
from optbench.check.plugin import check_plugin
from optbench.check.selects import references_of, selects
from optbench.plugin_files import load_file
from optbench.registry import load_registry

PLUGIN = """from optbench import Hyper, optimizer, problem
@optimizer(reference="a test", selects={selects})
def rule(theta, grad, rate=Hyper(0.1)):
    for i in range(theta.size):
        theta[i] -= rate * grad[i]
"""
OWN = """
@problem(reference="a test", references=("own",), metrics=())
def a_problem(n=3):
    return None
"""


def told(tmp_path: Path, declared: str, more: str = "") -> str:
    """Return what the test says of an optimizer, beside built-in problems and its own."""
    file = tmp_path / "rule.py"
    file.write_text(PLUGIN.format(selects=declared) + more)
    module = load_file(file)
    problems = [*load_registry().problems.values()]
    own = [module.a_problem] if more else []
    (result,) = [
        each
        for each in check_plugin(module.rule, references_of([*problems, *own]))
        if each.name == "selects"
    ]
    return result.detail if result.passed is not False else f"FAIL {result.detail}"


@pytest.mark.parametrize(
    "declared",
    [
        "'L2'",
        "{'regression': 'L2'}",
        "lambda kind: 'L2' if kind == 'regression' else 'l1'",
        "'L2(rate)'",
    ],
)
def test_a_typing_error_fails_and_names_what_there_is(tmp_path, declared):
    found = told(tmp_path, declared)
    assert re.match(r"FAIL no problem has a reference 'L2'; known: .*\bl1, l2, linf\b", found)


def test_what_is_not_known_is_told_from_what_a_problem_of_the_same_file_has(tmp_path):
    assert told(tmp_path, "'own'").startswith("FAIL")
    assert told(tmp_path, "'own'", OWN) == "own"
    assert told(tmp_path, "'lp(rate)'") == "lp"
    assert told(tmp_path, "None") == "selects= names no solution"


@pytest.mark.parametrize("declared", ["''", "'(rate)'", "{'regression': ''}"])
def test_an_empty_name_is_refused_where_it_is_declared(tmp_path, declared):
    file = tmp_path / "rule.py"
    file.write_text(PLUGIN.format(selects=declared))
    with pytest.raises(UserError, match=r'must be like "l2" or "lp\(p\)"'):
        load_file(file)


def test_every_built_in_optimizer_names_references_that_there_are():
    registry = load_registry()
    known = references_of(registry.problems.values())
    named = [selects(o, known) for o in registry.optimizers.values() if o.selects is not None]
    assert len(named) > 20


@pytest.mark.parametrize(
    "declared",
    [
        "lambda kind, rate: 'L2' if rate > 100.0 else 'l2'",
        "lambda kind, size: 'L2' if kind == 'matrix' and size < 1.0 else 'l2'",
    ],
)
def test_a_typing_error_fails_whatever_the_hyperparameters_and_the_kind_are(tmp_path, declared):
    """A function was tried with the usual values of hyperparameters, and on five kinds."""
    assert told(tmp_path, declared).startswith("FAIL no problem has a reference 'L2'")


def test_a_function_that_fails_in_its_range_fails_and_says_with_which_values(tmp_path):
    found = told(tmp_path, "lambda kind, rate: 'l2' if 1.0 / rate > 0.0 else None")
    assert re.match(r"FAIL .*selects fails for 'classification': ZeroDivisionError", found)
    assert "; with rate=0, size=0" in found


@pytest.mark.parametrize(
    "declared",
    [
        "{'clasification': 'l2'}",
        "'l2', as_theorem_asks={'clasification': {'rate': 0.01}}",
        "'l2', only_for=('clasification',)",
    ],
)
def test_a_misspelt_kind_of_problem_fails_and_says_which_is_meant(tmp_path, declared):
    """It was a mapping of which no entry ever counted."""
    assert re.match(
        r"FAIL \w+ names a kind of problem 'clasification' \(did you mean 'classification'\?\)",
        told(tmp_path, declared),
    )


def test_a_kind_of_a_plug_in_s_own_is_no_misspelling(tmp_path):
    assert told(tmp_path, "{'game': 'l2'}") == "l2"
