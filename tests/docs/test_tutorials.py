"""The tutorials' files are the shipped ones, or pass the contract tests and a comparison."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
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


def test_the_shipped_file_is_shown_as_it_is() -> None:
    shipped = (REPOSITORY / "optimizers" / "heavy_ball.py").read_text(encoding="utf-8")
    assert python_blocks("docs/adding-an-optimizer.md")[0] == shipped


@pytest.mark.parametrize(
    "page, name",
    [
        ("docs/adding-an-optimizer.md", "signed_momentum"),
        ("docs/adding-an-optimizer.md", "clipped_descent"),
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


def test_a_table_with_one_hot_labels(tmp_path: Path) -> None:
    """The loss at the end of a run is scikit-learn's minimum, of the same table."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    generator = np.random.Generator(np.random.PCG64(0))
    features, labels = generator.standard_normal((60, 3)), generator.integers(0, 3, 60)
    lines = ["a,b,c,x,y,z"]
    for row, one_hot in zip(features, np.eye(3, dtype=int)[labels], strict=True):
        lines.append(",".join(map(repr, [*row.tolist(), *one_hot.tolist()])))
    table = tmp_path / "mine.csv"
    table.write_text("\n".join(lines))
    plugins = [plugin("docs/adding-a-problem.md", "one_hot_table", tmp_path)]
    name = f"one_hot_table:file={table}"
    run = optbench.run(name, "gradient_descent", learning_rate=1.0, horizon=3000, plugins=plugins)
    model = LogisticRegression(C=1e12, fit_intercept=False, tol=1e-10, max_iter=1000)
    expected = log_loss(labels, model.fit(features, labels).predict_proba(features))
    # both have come to a gradient of 1e-8 or less: the losses agree to its square
    assert run.loss[-1] == pytest.approx(expected, rel=1e-9)


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


def test_the_mistake_is_told_as_the_page_says(tmp_path: Path, monkeypatch) -> None:
    page = (REPOSITORY / "docs/adding-an-optimizer.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```text\n(sgd\.py:.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    declared = '@optimizer(reference="a test")\ndef sgd(theta, grad, lr):\n    theta -= lr * grad\n'
    Path("sgd.py").write_text(f"from optbench import optimizer\n\n\n{declared}")
    with pytest.raises(optbench.UserError) as error:
        check("sgd.py")
    assert str(error.value).split() == shown.split()
