"""What is told apart, what is not, and that another process says the same."""

from __future__ import annotations

import functools
import importlib
import subprocess
import sys
import threading
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numba
import numpy as np
import pytest
from scipy import sparse

from optbench.identity import identity
from optbench.plugin_files import load_file
from optbench.registry import load_registry

FACTOR = 2.0
FEATURES = np.array([[3.0, 4.0]])


class Pair(NamedTuple):
    first: float
    second: float


def scaled(factor):
    def row(prediction, target):
        return factor * (prediction - target)

    return row


def with_global(x):
    return FACTOR * x


def with_default(x, factor=2.0):
    return factor * x


def calls_another(x):
    return with_global(x) + 1.0


def read_as_attribute(x):
    return np.linalg.norm(x)


DIFFERENT = {
    "numbers": (1.0, 1, True, 2.0, -0.0, 0.0, float("nan"), np.float64(1.0), np.float32(1.0)),
    "text": ("a", b"a", "b", "", None),
    "containers": ((1, 2), [1, 2], {1, 2}, {1: 2}, (2, 1), (1, (2,)), ((1,), 2), Pair(1, 2)),
    "arrays": (
        FEATURES,
        FEATURES.T,
        FEATURES + 1e-15,
        FEATURES.astype(np.float32),
        FEATURES.ravel(),
        np.zeros((0, 2)),
        np.array(3.0),
        np.array(["2026-11-29"], dtype="M8[D]"),
        np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]),
        np.array(["text"]),
        np.array([None, 1.0], dtype=object),
        np.zeros((2, 0)),
        sparse.csr_array(FEATURES),
        sparse.csr_array(FEATURES[:, ::-1]),
    ),
    "closures": (scaled(1.0), scaled(2.0), scaled(np.ones(2)), scaled(np.ones(3)), scaled(scaled)),
    "defaults": (with_default, functools.partial(with_default, factor=3.0)),
    "constants": (lambda x: x + 1.0, lambda x: x + 2.0, lambda x: x - 1.0),
    "nested": (lambda: lambda x: x + 1.0, lambda: lambda x: x + 2.0),
    "attributes": (lambda x: np.exp(x), lambda x: np.log(x)),
    "keywords": (lambda x: dict(a=x), lambda x: dict(b=x)),
}


@pytest.mark.parametrize("kind", DIFFERENT)
def test_what_differs_is_told_apart(kind):
    values = DIFFERENT[kind]
    assert len({identity(value) for value in values}) == len(values)


def test_what_is_equal_is_the_same():
    assert identity(FEATURES) == identity(FEATURES.copy()) == identity(np.asfortranarray(FEATURES))
    assert identity(scaled(2.0)) == identity(scaled(2.0))
    assert identity(scaled(np.ones(2))) == identity(scaled(np.ones(2)))
    assert identity({"a": 1, "b": 2}) == identity({"b": 2, "a": 1})
    assert identity({"a": 1}) == identity(MappingProxyType({"a": 1}))
    assert identity({"x", "y", "z"}) == identity({"z", "y", "x"})
    assert identity(1.0, 2.0) != identity((1.0, 2.0)) != identity(2.0, 1.0)


def test_globals_are_followed_into_every_function_that_is_called(monkeypatch):
    compiled = numba.njit(calls_another)
    watched = (with_global, calls_another, compiled, functools.lru_cache(calls_another))
    before = [identity(value) for value in watched]
    assert before == [identity(value) for value in watched]
    monkeypatch.setitem(globals(), "FACTOR", 3.0)
    after = [identity(value) for value in watched]
    assert all(old != new for old, new in zip(before, after, strict=True))
    assert identity(read_as_attribute) == identity(read_as_attribute)


def test_a_long_chain_of_functions_is_followed_to_its_end():
    def link(number, following):
        return (lambda x: following(x) + number) if following else (lambda x: x * number)

    def chain(last):
        function = link(last, None)
        for number in range(3000):
            function = link(number, function)
        return function

    assert identity(chain(1.0)) == identity(chain(1.0)) != identity(chain(2.0))


class Method:
    """A solver as an object: what it keeps for speed is no part of it."""

    def __init__(self, factor):
        self.factor = factor

    @functools.cached_property
    def twice(self):
        return 2.0 * self.factor

    def __call__(self, x):
        return self.twice * x


def test_objects_are_their_class_and_their_attributes():
    first, second = Method(1.0), Method(2.0)
    assert identity(first) == identity(Method(1.0)) != identity(second)
    before = identity(first)
    assert first.twice == 2.0 and identity(first) == before
    assert identity(first.__call__) != identity(second.__call__)


def test_cycles_end():
    def even(n):
        return n == 0 or odd(n - 1)

    def odd(n):
        return n != 0 and even(n - 1)

    ring: list = []
    ring.append(ring)
    assert identity(even) == identity(even) and identity(ring) == identity(ring)


def by_module(name):
    return importlib.import_module(name).solve


def by_function(name):
    return import_module(name).solve


def by_builtin(name):
    return __import__(name).solve


def by_text(text):
    return eval(text)


@pytest.mark.parametrize("decides", [by_module, by_function, by_builtin, by_text])
def test_code_that_decides_when_it_runs_what_it_reaches_is_never_the_same(decides):
    assert identity(decides) != identity(decides)


def test_what_cannot_be_told_is_unlike_everything_else():
    assert identity(threading.Lock()) != identity(threading.Lock())


PLUGIN = """
from optbench import Hyper, optimizer
{imports}
@optimizer(reference="a test")
def own(theta, grad, rate=Hyper(0.1)):
    for i in range(theta.size):
        theta[i] -= factor() * rate * grad[i]
"""
PLACES = {
    "beside": ("helper.py", "from helper import factor"),
    "subfolder": ("inside/helper.py", "from inside.helper import factor"),
    "sibling": ("../sibling/helper.py", "from sibling.helper import factor"),
    "chain": ("deeper.py", "import deeper\ndef factor():\n    return deeper.factor()"),
    "inside a function": (
        "late.py",
        "def factor():\n    from late import factor as other\n    return other()",
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_an_edited_helper_makes_another_kernel_wherever_it_stands(place, tmp_path, monkeypatch):
    helper, imports = PLACES[place]
    folder = tmp_path / "plugins"
    (folder / helper).parent.mkdir(parents=True, exist_ok=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(folder))
    file = folder / "own.py"
    file.write_text(PLUGIN.format(imports=imports))
    found = []
    for value in ("1.0", "2.0", "1.0"):
        (folder / helper).write_text(f"def factor():\n    return {value}\n")
        found.append(load_registry((str(file),)).optimizer("own").identity)
    assert found[0] == found[2] != found[1]


def test_what_a_function_says_that_an_optimizer_selects_is_part_of_it(tmp_path):
    """Rows from the store quote a theory: they are not those of another condition."""
    found = []
    for limit in (1.0, 0.5, 1.0):
        file = tmp_path / "own.py"
        text = THEORY.format(limit=limit)
        file.write_text(text)
        found.append(load_registry((str(file),)).optimizer("own").identity)
    assert found[0] == found[2] != found[1]


THEORY = """
from optbench import Hyper, optimizer

def selected(kind, rate):
    return "l2" if rate < {limit} else None

@optimizer(reference="a test", selects=selected)
def own(theta, grad, rate=Hyper(0.1)):
    theta[0] -= rate * grad[0]
"""


def test_a_data_file_read_at_import_makes_another_kernel(tmp_path):
    file, data = tmp_path / "own.py", tmp_path / "table.npy"
    reading = f"import numpy as np\nTABLE = np.load({str(data)!r})\n"
    file.write_text(PLUGIN.format(imports=reading + "def factor():\n    return TABLE[0]"))
    found = []
    for value in (1.0, 2.0, 1.0):
        np.save(data, np.array([value]))
        found.append(load_file(file).own.identity)
    assert found[0] == found[2] != found[1]


def test_a_kernel_is_what_was_imported_whatever_its_file_says_by_now(tmp_path):
    file = tmp_path / "own.py"
    file.write_text(PLUGIN.format(imports="def factor():\n    return 1.0"))
    first = load_file(file).own
    file.write_text(PLUGIN.format(imports="def factor():\n    return 2.0"))
    second = load_file(file).own
    assert first.identity != second.identity
    file.write_text(PLUGIN.format(imports="# a comment\ndef factor():\n    return 1.0"))
    assert load_file(file).own.identity == first.identity


SCRIPT = """
from optbench.registry import load_registry
registry = load_registry()
print(*sorted(rule.identity for rule in registry.optimizers.values()))
for problem in registry.problems.values():
    print(*(problem.build(**options).identity for options in problem.default or ({},)))
"""


def test_other_processes_say_the_same():
    """Whatever the order of sets there."""
    printed = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
            cwd=Path(__file__).parents[1],
        ).stdout
        for seed in ("1", "2")
    ]
    assert printed[0] == printed[1] and len(printed[0].split()) > 40


SAME_LABEL = "linear_regression:data=gaussian,n=10,d=30"


def test_instances_differ_wherever_an_option_does():
    problem = load_registry().problem("linear_regression")
    base = {"data": "gaussian", "n": 10, "d": 30, "sparsity": 2}
    others = [base, base | {"sparsity": 8}, base | {"noise": 0.1}, base | {"seed": 1}]
    built = [problem.build(**options) for options in others]
    assert len({instance.identity for instance in built}) == len(built)
    assert [instance.name for instance in built] == [
        "gaussian,n=10,d=30,sparsity=2",
        "gaussian,n=10,d=30,sparsity=8",
        "gaussian,n=10,d=30,sparsity=2,noise=0.1",
        "gaussian,n=10,d=30,sparsity=2,seed=1",
    ]
