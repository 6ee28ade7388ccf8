"""Every kernel with a counterpart in torch or optax follows it for 1,000 steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import small_problems as problems
from plain_runs import PlainRun

FILES = sorted((Path(__file__).parent / "golden").glob("*.txt"))
CASES = {
    "quadratic": (problems.quadratic_gradient, problems.START, None),
    "logistic": (problems.logistic_gradient, problems.START, None),
    "network": (problems.network_gradient, problems.NETWORK_START, problems.LAYERS),
}


def test_golden_files_are_there() -> None:
    named = {file.stem.split("-")[0] for file in FILES}
    assert named == {
        "adagrad",
        "adam",
        "adamw",
        "automatic_gradient_descent",
        "gradient_descent",
        "heavy_ball",
        "nesterov",
        "normalized_gradient_descent",
        "rmsprop",
        "sign_descent",
        "weight_decay",
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_follows_torch_or_optax(file: Path) -> None:
    name, problem = file.stem.split("-")
    header = file.read_text().splitlines()[1].removeprefix("# ")
    hypers = {key: float(value) for key, value in (pair.split("=") for pair in header.split())}
    golden = np.loadtxt(file)
    steps, expected = golden[:, 0].astype(int), golden[:, 1:]
    gradient, start, layers = CASES[problem]
    run = PlainRun(name, start, layers, **hypers)
    path = run.follow(gradient, steps[-1])
    # 1,000 steps of 1e-16 each, not amplified: theta is of order 1
    np.testing.assert_allclose(path[steps - 1], expected, rtol=0, atol=1e-10)
