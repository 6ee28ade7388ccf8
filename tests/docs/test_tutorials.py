"""The tutorials' files are the shipped ones, or pass the contract tests and a comparison."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import optbench
from optbench.check import check

REPOSITORY = Path(__file__).resolve().parents[2]


def python_blocks(page: str) -> list[str]:
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def plugin(page: str, name: str, folder: Path) -> str:
    """Write the block that declares ``name`` to a file; return its path."""
    (block,) = (block for block in python_blocks(page) if f"def {name}(" in block)
    file = folder / f"{name}.py"
    file.write_text(block)
    return str(file)


@pytest.mark.parametrize("name", ["heavy_ball", "sharpness_aware", "averaged_gradient_descent"])
def test_shipped_files_are_shown_as_they_are(name) -> None:
    shipped = (REPOSITORY / "optimizers" / f"{name}.py").read_text(encoding="utf-8")
    assert shipped in python_blocks("docs/adding-an-optimizer.md")


@pytest.mark.parametrize(
    "page, name",
    [
        ("docs/adding-an-optimizer.md", "signed_momentum"),
        ("README.md", "signed_momentum"),
        ("docs/adding-a-problem.md", "huber_regression"),
    ],
)
def test_plugins_keep_the_contract(page: str, name: str, tmp_path: Path) -> None:
    results = check(plugin(page, name, tmp_path))
    assert len(results) >= 4
    failed = [result for result in results if result.passed is False]
    # an optimizer that a reader copies declares all that holds of it: nothing is left to say
    left_out = [each for each in results if each.passed is None and name == "signed_momentum"]
    assert not failed and not left_out


def test_a_tutorial_comparison_converges(tmp_path: Path) -> None:
    plugins = [
        plugin("docs/adding-an-optimizer.md", "signed_momentum", tmp_path),
        plugin("docs/adding-a-problem.md", "huber_regression", tmp_path),
    ]
    names = ["signed_momentum", "gradient_descent"]
    result = optbench.compare(["huber_regression"], names, horizon=2000, plugins=plugins)
    assert list(result.bias.optimizer) == names
    assert set(result.convergence.status) <= {"horizon", "converged"}
    # The certificate: Huber's loss is strongly convex here, so that gradient descent at 2 / L or
    # below gets to the minimizer as far as rounding allows.
    (facts,) = result.instances
    assert facts.references[0].certified
    assert result.bias.distance_minimizer[1] < 1e-6
