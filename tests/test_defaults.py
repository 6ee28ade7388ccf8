"""What a comparison runs when nothing is named: plug-ins say whether they belong to it."""

from __future__ import annotations

from pathlib import Path

import pytest

import optbench
from optbench.registry import load_registry

PLUGIN = '''"""Two steps: {name}."""
from optbench import Hyper, optimizer

@optimizer(reference="Nobody 2000", default={default})
def {name}(theta, grad, learning_rate=Hyper(tune="log", degree=-1)):
    for i in range(theta.size):
        theta[i] -= learning_rate * grad[i]
'''


@pytest.fixture
def plugins(tmp_path: Path) -> tuple[str, ...]:
    """Write an optimizer for every comparison and one for comparisons that name it."""
    for name, default in (("usual", True), ("special", False)):
        (tmp_path / f"{name}.py").write_text(PLUGIN.format(name=name, default=default))
    return (str(tmp_path),)


def test_the_default_comparison_is_of_those_that_say_so(plugins: tuple[str, ...]) -> None:
    registry = load_registry(plugins)
    assert "usual" in registry.default_optimizers
    assert "special" not in registry.default_optimizers
    assert {"adam", "gradient_descent", "sign_descent"} <= set(registry.default_optimizers)
    assert registry.default_problems == [
        "linear_program",
        "linear_regression",
        "logistic_regression",
    ]


def test_all_is_every_optimizer_and_a_name_beside_it_is_not_run_twice(
    plugins: tuple[str, ...],
) -> None:
    found = optbench.compare(
        "linear_regression:data=gaussian,n=4,d=6",
        ("special[learning_rate=0.1]", "all", "special[learning_rate=0.1]"),
        plugins=plugins,
        horizon=1,
        learning_rates=[0.1],
    )
    names = [row.optimizer for row in found.bias_rows]
    assert names == ["special[learning_rate=0.1]", *sorted(load_registry(plugins).optimizers)]


def test_a_file_of_claims_is_no_broken_plug_in(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from optbench.claim import Check, claim\n\n"
        '@claim(id="U-9", title="", citation="", statement="", formula="", cost="fast")\n'
        "def mine():\n    yield Check.reported('nothing', 0.0)\n"
    )
    assert str(file) not in [entry.file for entry in load_registry((str(file),)).broken]
