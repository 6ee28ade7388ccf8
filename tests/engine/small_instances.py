"""Small instances and runs for the tests of the engine, and NumPy's answer to them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import sparse

from optbench.contract import Optimizer
from optbench.engine.chunk import Chunk
from optbench.engine.ensemble import make_chunks
from optbench.instance import Instance
from optbench.losses import logistic_loss, squared_error
from optbench.parametrizations import parametrization
from optbench.registry import load_registry
from optbench.targets import RELATIVE_TARGETS

REPOSITORY = Path(__file__).resolve().parents[2]


ROWS = {"regression": squared_error, "classification": logistic_loss}


def data(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, columns))


def regression(features, targets, **facts) -> Instance:
    return Instance(
        problem="test",
        name="regression",
        features=features,
        targets=targets,
        kind="regression",
        row=squared_error,
        scale=1.0 / len(targets),
        **facts,
    )


def separable(rows: int = 6, columns: int = 12, seed: int = 11, **facts) -> Instance:
    """Fewer points than dimensions, all labels +1: separable."""
    return Instance(
        problem="test",
        name="separable",
        features=data(rows, columns, seed),
        targets=np.ones(rows),
        kind="classification",
        row=logistic_loss,
        scale=1.0 / rows,
        exponential_tail=True,
        **facts,
    )


def some_zeros(matrix: np.ndarray, seed: int = 1) -> np.ndarray:
    """Set half of the entries to zero; some rows may become empty."""
    kept = np.random.default_rng(seed).random(matrix.shape) < 0.5
    return np.where(kept, matrix, 0.0)


def csr(matrix: np.ndarray) -> sparse.csr_array:
    return sparse.csr_array(matrix)


def optimizer(name: str) -> Optimizer:
    return load_registry().optimizer(name)


def chunks(
    instance: Instance,
    name: str | Optimizer,
    rates: Sequence[float],
    seeds: Sequence[int] | None = None,
    parameters: str = "linear",
    perturbation: float = 0.0,
    **fixed: float,
) -> list[Chunk]:
    """Prepare one run a learning rate; other hyperparameters are fixed or at their defaults."""
    rule = optimizer(name) if isinstance(name, str) else name
    hypers = np.array(
        [
            [
                fixed.get(key, rate if key in rule.tuned else hyper.default)
                for key, hyper in rule.hypers.items()
            ]
            for rate in rates
        ],
        dtype=float,
    ).reshape(len(rates), len(rule.hypers))
    built = parametrization(parameters, instance.dimension)
    seeds = [0] * len(rates) if seeds is None else seeds
    return make_chunks(instance, built, rule, hypers, seeds, perturbation)


def one_chunk(*arguments, **options) -> Chunk:
    (made,) = chunks(*arguments, **options)
    return made


def bits(chunk: Chunk, row: int = 0) -> list[bytes]:
    """Return everything that a run is, to the last bit."""
    return [np.ascontiguousarray(array[row]).tobytes() for array in chunk.runs]


def python(script: str, *arguments: str, **environment: str) -> str:
    """Run a script in another process and return what it printed; fail with its last line."""
    path = os.pathsep.join([str(REPOSITORY), str(Path(__file__).parent), *filter(None, sys.path)])
    finished = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    return finished.stdout


def of_trace(gaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First steps and kept steps of a trace of every step, by their definition."""
    reached, kept = np.full((2, len(RELATIVE_TARGETS)), np.inf)
    for k, target in enumerate(RELATIVE_TARGETS):
        below = gaps <= target * gaps[0]
        if below.any():
            reached[k] = np.flatnonzero(below)[0]
        if below[-1]:
            kept[k] = np.flatnonzero(~below).max(initial=-1) + 1
    return reached, kept
