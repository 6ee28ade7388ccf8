"""optbench: the shipped plug-ins on the public engine, no records between start and end."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from benchmarks.peers.task import Fresh, Run, Task
from optbench.losses import cross_entropy, logistic_loss, squared_error

REQUIRES = ("numba", "scipy")
ROW_LOSSES = {"logistic": logistic_loss, "squared": squared_error, "softmax": cross_entropy}


def prepare(task: Task, threads: int) -> Fresh:
    """Compile the combination (or load it from the cache of compiled kernels)."""
    from optbench.engine.ensemble import CHUNK_RUNS
    from optbench.engine.stop import StopSignal
    from optbench.executors.local import run_tasks
    from optbench.parametrizations import parametrization
    from optbench.registry import load_registry
    from optbench.runs import RunSpec
    from optbench.runs import prepare as prepare_runs

    optimizer = load_registry().optimizer(task.optimizer)
    hypers = [
        task.rates if hyper.default is None else np.full(task.runs, hyper.default)
        for hyper in optimizer.hypers.values()
    ]
    instance = make_instance(task)
    built = parametrization(specification(task), instance.dimension)
    specs = [
        RunSpec(instance, built, optimizer, tuple(own), task.steps, theta=theta)
        for own, theta in zip(np.stack(hypers, axis=1).tolist(), task.theta, strict=True)
    ]
    share = threads if task.runs <= CHUNK_RUNS else 1

    def fresh() -> Run:
        chunks = prepare_runs(specs)
        for chunk in chunks:
            chunk.advance(0)
        jobs = [
            functools.partial(
                chunk.advance, task.steps, steps=np.array([task.steps]), threads=share
            )
            for chunk in chunks
        ]

        def run() -> np.ndarray:
            if threads == 1 or len(jobs) == 1:
                for job in jobs:
                    job()
            else:
                run_tasks(jobs, threads, StopSignal())
            return np.concatenate([chunk.runs.theta for chunk in chunks])

        return run

    fresh()
    return fresh


def make_instance(task: Task) -> Any:
    """Return the task as an instance with the row loss that the problem plug-ins use."""
    from optbench.instance import Instance

    features: Any = task.dense
    if task.sparse:
        from scipy.sparse import csr_array

        features = csr_array((task.values, task.columns, task.starts), shape=task.shape)
    return Instance(
        problem=task.loss,
        name="peers",
        features=features,
        targets=task.targets,
        kind="other",
        row=ROW_LOSSES[task.loss],
        outputs=task.outputs,
        scale=task.scale,
        exponential_tail=task.separable,
    )


def specification(task: Task) -> str:
    """Return the parametrization as a user names it."""
    if task.parametrization == "deep_linear":
        widths = "x".join(str(rows) for rows, _ in task.layers[:-1])
        return f"deep_linear:widths={widths}"
    return task.parametrization


def used_threads(task: Task, threads: int) -> int:
    """Return how many threads the engine uses: one a chunk of runs, or some for one large chunk."""
    from optbench.engine.data.layouts import arranged_shape
    from optbench.engine.data.segments import count_segments
    from optbench.engine.ensemble import CHUNK_RUNS

    chunks = -(-task.runs // CHUNK_RUNS)
    if chunks > 1 or task.sparse:
        return min(threads, chunks)
    return min(threads, count_segments(arranged_shape(*task.shape)))
