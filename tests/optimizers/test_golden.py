"""Every kernel with a counterpart in torch or optax follows its recorded path."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from plain_runs import follow_case

FILES = sorted((Path(__file__).parent / "golden").glob("*.txt"))


def test_golden_files_are_there() -> None:
    named = {file.stem.split("-")[0] for file in FILES}
    assert named == {
        "adafactor",
        "adagrad",
        "adam",
        "adamw",
        "adan",
        "amsgrad",
        "automatic_gradient_descent",
        "dog",
        "gradient_descent",
        "heavy_ball",
        "lamb",
        "lars",
        "lion",
        "muon",
        "lookahead",
        "nesterov",
        "normalized_gradient_descent",
        "polyak_step",
        "prodigy",
        "rmsprop",
        "sign_descent",
        "signum",
        "weight_decay",
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_follows_torch_or_optax(file: Path) -> None:
    name, problem = file.stem.split("-")[:2]
    header = file.read_text().splitlines()[1].removeprefix("# ")
    hypers = {key: float(value) for key, value in (pair.split("=") for pair in header.split())}
    golden = np.loadtxt(file)
    steps, expected = golden[:, 0].astype(int), golden[:, 1:]
    path = follow_case(name, problem, steps[-1], hypers)
    # 1,000 steps of 1e-16 each, not amplified: theta is of order 1
    np.testing.assert_allclose(path[steps - 1], expected, rtol=0, atol=1e-10)
