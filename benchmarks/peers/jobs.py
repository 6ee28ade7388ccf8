"""The jobs (a)-(j): data, objective, optimizer, steps and learning rates of each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.task import Task
from optbench.data import load_dataset, load_program, prepare, to_standard_form, two_classes
from optbench.data.dataset import Dataset
from optbench.parametrizations import parametrization
from optbench.references import solve_bounded_program

ROOT = Path(__file__).resolve().parents[2]
MUSHROOMS = ROOT.parent / "shared" / "data" / "libsvm" / "mushrooms.svm.gz"
NOISE = 1e-3  # standard deviation of the start of seeds 1, 2, ...


class Absent(Exception):
    """A job's data is not on this machine."""


@dataclass(frozen=True)
class Job:
    """One line of the table.

    Attributes
    ----------
    name, title : str
        What ``--jobs`` takes (the letter before the dash also does), and what the table says.
    data : callable
        Returns features (an array or CSR) and targets.
    loss, optimizer, parametrization : str
        As in :class:`benchmarks.peers.task.Task`; the parametrization as a user names it.
    steps, rates, seeds : int, sequence of float, int
        Every learning rate meets every seed.
    start : ndarray, optional
        Predictor w (d,) to start at, when it is not the parametrization's own.
    fewer : mapping of str to int
        Steps of contenders that would take minutes: their time per step is compared.
    separable : bool
        Whether the infimum of a logistic loss is at infinity.
    """

    name: str
    title: str
    data: Callable[[], tuple[Any, np.ndarray]]
    loss: str
    optimizer: str
    steps: int
    rates: tuple[float, ...]
    seeds: int = 1
    parametrization: str = "linear"
    start: np.ndarray | None = None
    fewer: Mapping[str, int] = field(default_factory=dict)
    separable: bool = False


def standardized(features: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns of mean 0 and standard deviation 1."""
    dataset = prepare(Dataset("peers", features, targets, "synthetic"))
    assert isinstance(dataset.features, np.ndarray)
    return dataset.features, dataset.targets


def breast_cancer() -> tuple[np.ndarray, np.ndarray]:
    """569 x 30, standardized, not separable."""
    dataset = prepare(load_dataset("breast_cancer"))
    assert isinstance(dataset.features, np.ndarray)
    return dataset.features, dataset.targets


def gaussian_classes(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian features, labels of a linear model flipped at random one time in five."""
    generator = np.random.Generator(np.random.PCG64(0))
    features = generator.standard_normal((n, d))
    labels = np.where(features @ generator.standard_normal(d) >= 0.0, 1.0, -1.0)
    labels[generator.random(n) < 0.2] *= -1.0
    return standardized(features, labels)


def gaussian_regression() -> tuple[np.ndarray, np.ndarray]:
    """100 x 1,000, Gaussian targets."""
    generator = np.random.Generator(np.random.PCG64(0))
    return standardized(generator.standard_normal((100, 1000)), generator.standard_normal(100))


def mushrooms() -> tuple[Any, np.ndarray]:
    """8,124 x 112 one-hot columns as CSR, 170,604 entries, separable."""
    if not MUSHROOMS.is_file():
        raise Absent(f"{MUSHROOMS} is not there")
    dataset = two_classes(load_dataset(str(MUSHROOMS)))
    return dataset.features, dataset.targets


def random_program() -> tuple[np.ndarray, np.ndarray]:
    """A (50 x 200) / sqrt(200) Gaussian, b = A x with x positive."""
    generator = np.random.Generator(np.random.PCG64(0))
    matrix = generator.standard_normal((50, 200)) / np.sqrt(200)
    return matrix, matrix @ np.abs(generator.standard_normal(200))


def netlib_program() -> tuple[Any, np.ndarray]:
    """share2b in standard form as CSR: 96 x 162, 777 entries, at most 1 in size."""
    program = load_program("share2b")
    sides = program.row_lower, program.row_upper, program.col_lower, program.col_upper
    form = to_standard_form(program, solve_bounded_program(program.A, program.c, *sides).solution)
    return form.A, form.b


def digits() -> tuple[np.ndarray, np.ndarray]:
    """1,797 x 64 pixels between 0 and 1, ten classes."""
    dataset = load_dataset("digits")
    assert isinstance(dataset.features, np.ndarray)
    return dataset.features / 16.0, dataset.targets


JOBS = (
    Job(
        "a-gd",
        "breast_cancer 569x30, logistic, GD",
        breast_cancer,
        "logistic",
        "gradient_descent",
        10_000,
        (0.3,),
        fewer={"torch_optim": 2_000},
    ),
    Job(
        "a-sign",
        "breast_cancer 569x30, logistic, sign descent",
        breast_cancer,
        "logistic",
        "sign_descent",
        10_000,
        (0.01,),
    ),
    Job(
        "a-adam",
        "breast_cancer 569x30, logistic, Adam",
        breast_cancer,
        "logistic",
        "adam",
        10_000,
        (0.003,),
        fewer={"torch_optim": 2_000},
    ),
    Job(
        "b-gd",
        "Gaussian 2000x500, logistic, GD",
        lambda: gaussian_classes(2000, 500),
        "logistic",
        "gradient_descent",
        2_000,
        (1.0,),
    ),
    Job(
        "b-adam",
        "Gaussian 2000x500, logistic, Adam",
        lambda: gaussian_classes(2000, 500),
        "logistic",
        "adam",
        2_000,
        (0.003,),
    ),
    Job(
        "c",
        "breast_cancer, Adam, 64 rates x 4 seeds",
        breast_cancer,
        "logistic",
        "adam",
        5_000,
        tuple(np.logspace(-4, -2, 64)),
        seeds=4,
        fewer={"optax": 1_000},
    ),
    Job(
        "d",
        "linear regression 100x1000, GD",
        gaussian_regression,
        "squared",
        "gradient_descent",
        10_000,
        (0.05,),
    ),
    Job(
        "e-1",
        "mushrooms CSR 8124x112, logistic, GD, 1 run",
        mushrooms,
        "logistic",
        "gradient_descent",
        1_000,
        (1.0,),
        separable=True,
        fewer={"torch_optim": 100},
    ),
    Job(
        "e-64",
        "mushrooms CSR 8124x112, logistic, GD, 64 runs",
        mushrooms,
        "logistic",
        "gradient_descent",
        1_000,
        tuple(np.logspace(-2, 0, 64)),
        separable=True,
        fewer={"numpy": 100, "torch": 100, "jax": 20, "optax": 10, "c": 100},
    ),
    Job(
        "f-deep",
        "deep linear 30-16-16-1 on breast_cancer, GD",
        breast_cancer,
        "logistic",
        "gradient_descent",
        10_000,
        (0.1,),
        parametrization="deep_linear:widths=16x16,scale=0.5",
        fewer={"torch_optim": 2_000},
    ),
    Job(
        "f-diagonal",
        "diagonal network on linear regression 100x1000, GD",
        gaussian_regression,
        "squared",
        "gradient_descent",
        10_000,
        (0.01,),
        parametrization="diagonal",
        fewer={"torch_optim": 2_000},
    ),
    Job(
        "g-dense",
        "LP, dense 50x200, exponentiated gradient",
        random_program,
        "squared",
        "exponentiated_gradient",
        10_000,
        (0.05,),
        start=np.full(200, 0.1),
    ),
    Job(
        "g-netlib",
        "LP share2b CSR 96x162, exponentiated gradient",
        netlib_program,
        "squared",
        "exponentiated_gradient",
        10_000,
        (0.02,),
        start=np.full(162, 0.1),
    ),
    Job(
        "h",
        "tiny 10x3, logistic, GD",
        lambda: gaussian_classes(10, 3),
        "logistic",
        "gradient_descent",
        1_000_000,
        (0.1,),
        fewer={"numpy": 200_000, "torch": 100_000, "torch_optim": 20_000},
    ),
    Job(
        "i-1",
        "digits 1797x64, softmax of 10 classes, GD, 1 run",
        digits,
        "softmax",
        "gradient_descent",
        2_000,
        (1.0,),
        fewer={"torch_optim": 500},
    ),
    Job(
        "i-16",
        "digits, softmax of 10 classes, GD, 16 rates",
        digits,
        "softmax",
        "gradient_descent",
        500,
        tuple(np.logspace(-1.5, 0.3, 16)),
        fewer={"optax": 200},
    ),
    Job(
        "j",
        "digits 1797x64, softmax of 10 classes, Muon",
        digits,
        "softmax",
        "muon",
        500,
        (0.1,),
    ),
)


def chosen(names: str) -> list[Job]:
    """Return the jobs of a comma-separated list of names or letters; ``all`` for all.

    Raises
    ------
    ValueError
        For a name that is no job.
    """
    if names == "all":
        return list(JOBS)
    found: list[Job] = []
    for name in names.split(","):
        matches = [job for job in JOBS if name in (job.name, job.name.partition("-")[0])]
        if not matches:
            raise ValueError(f"no job {name!r}; jobs: {', '.join(job.name for job in JOBS)}")
        found += matches
    return found


def make_task(job: Job) -> Task:
    """Return the job's numbers: the same for every contender.

    Raises
    ------
    Absent
        When its data is not on this machine.
    """
    features, targets = job.data()
    n, d = features.shape
    sparse = hasattr(features, "indptr")
    outputs = int(targets.max()) + 1 if job.loss == "softmax" else 1
    form = parametrization(job.parametrization, outputs * d)
    kind = job.parametrization.partition(":")[0]
    matrix = (outputs, d) if job.loss == "softmax" else (d, 1)
    shapes = {"linear": [matrix], "diagonal": [(d, 1), (d, 1)]}
    layers = shapes.get(kind) or [(int(rows), int(columns)) for _, rows, columns in form.layers]
    starts = []
    for seed in range(job.seeds):
        generator = np.random.Generator(np.random.PCG64(seed))
        start = form.initial(job.start, generator)
        starts.append(start + (NOISE if seed else 0.0) * generator.standard_normal(start.size))
    return Task(
        loss=job.loss,
        optimizer=job.optimizer,
        parametrization=kind,
        layers=tuple(layers),
        separable=job.separable,
        scale=1.0 if job.optimizer == "exponentiated_gradient" else 1.0 / n,
        steps=job.steps,
        dense=np.zeros((0, 0)) if sparse else np.ascontiguousarray(features),
        values=features.data if sparse else np.zeros(0),
        columns=features.indices if sparse else np.zeros(0, np.int32),
        starts=features.indptr if sparse else np.zeros(0, np.int64),
        targets=targets,
        theta=np.repeat(np.stack(starts), len(job.rates), axis=0),
        rates=np.tile(job.rates, job.seeds),
    )


def with_steps(task: Task, steps: int) -> Task:
    """Return the same task with another number of steps."""
    return dataclasses.replace(task, steps=steps)
