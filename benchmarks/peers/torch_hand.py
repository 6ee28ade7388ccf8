"""PyTorch: a Python loop, the gradient by hand and batched over runs, no autograd."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.peers.maps import muon_directions, predictor, pull_back
from benchmarks.peers.task import BETA1, BETA2, EPS, Fresh, Run, Task

REQUIRES = ("torch",)


def prepare(task: Task, threads: int) -> Fresh:
    """Arrange the matrix and its scaled transpose as tensors."""
    import torch

    torch.set_num_threads(threads)
    if task.loss == "softmax":
        return prepare_softmax(task)
    matrix, transposed = matrices(task)
    targets = torch.from_numpy(task.signed()[1])
    targets = targets if task.runs == 1 else targets[:, None]
    sizes = [rows * columns for rows, columns in task.layers]
    shapes = [(a,) if b == 1 else (a, b) for a, b in task.layers]

    def fresh() -> Run:
        theta = torch.from_numpy(task.batch())
        pieces = zip(theta.split(sizes), shapes, strict=True)
        parts = [theta] if task.runs > 1 else [part.view(shape) for part, shape in pieces]
        update = make_update(task, theta)
        rows = torch.empty((task.shape[0], *theta.shape[1:]), dtype=torch.float64)
        gradient_w = torch.empty((task.features, *theta.shape[1:]), dtype=torch.float64)
        # mv is for one run; a sparse product has no out=
        multiply = torch.matmul if task.sparse or task.runs > 1 else torch.mv
        buffers = ({}, {}) if task.sparse else ({"out": rows}, {"out": gradient_w})

        def gradient() -> Any:
            w, saved = predictor(parts, task.parametrization)
            z = multiply(matrix, w, **buffers[0])
            z = z.sub_(targets) if task.loss == "squared" else z.sigmoid_()
            in_w = multiply(transposed, z, **buffers[1])
            if not task.copies_transpose:
                in_w.mul_(task.scale)
            if task.parametrization == "linear":
                return in_w
            pieces = pull_back(parts, saved, in_w, task.parametrization)
            return torch.cat([piece.reshape(-1) for piece in pieces])

        def run() -> np.ndarray:
            for step in range(1, task.steps + 1):
                update(step, gradient())
            return np.atleast_2d(theta.numpy().T)

        def without_autograd() -> np.ndarray:
            with torch.inference_mode():
                return run()

        return without_autograd

    return fresh


def prepare_softmax(task: Task) -> Fresh:
    """All rows of all runs' matrices in one product; a class's scores lie next to each other."""
    import torch

    matrix = torch.from_numpy(task.dense)
    features, backward = matrix.t().contiguous(), task.scale * matrix
    one_hot, rows = torch.from_numpy(task.one_hot), task.shape[0]
    rates = torch.from_numpy(np.repeat(task.rates, task.outputs)[:, None])

    def fresh() -> Run:
        theta = torch.from_numpy(task.theta.reshape(-1, task.features).copy())
        scores = torch.empty((len(theta), rows), dtype=torch.float64)
        by_run, gradient = scores.view(task.runs, -1, rows), torch.empty_like(theta)
        shaped = gradient.view(task.runs, *task.layers[0])
        muon = task.optimizer == "muon"
        update = muon_update(shaped, theta, rates) if muon else make_update(task, theta, rates)

        def run() -> np.ndarray:
            with torch.inference_mode():
                for step in range(1, task.steps + 1):
                    torch.mm(theta, features, out=scores)
                    by_run.sub_(by_run.amax(dim=1, keepdim=True)).exp_()
                    by_run.div_(by_run.sum(dim=1, keepdim=True)).sub_(one_hot)
                    torch.mm(scores, backward, out=gradient)
                    update(step, gradient)
                return theta.numpy().reshape(task.runs, -1)

        return run

    return fresh


def muon_update(shaped: Any, theta: Any, rates: Any) -> Any:
    """Return Muon's step; the gradient of all runs is ``shaped`` (K, k, d)."""
    import torch

    state = [torch.zeros_like(shaped)]

    def update(step: int, _gradient: Any) -> None:
        directions, state[0] = muon_directions(shaped, state[0])
        theta.addcmul_(directions.view(theta.shape), rates, value=-1.0 / math.sqrt(step))

    return update


def matrices(task: Task) -> tuple[Any, Any]:
    """Return B (see :meth:`Task.signed`) and scale * B^T, or B^T, as tensors, dense or CSR."""
    import torch

    matrix = task.signed()[0]
    if not task.sparse:
        tensor = torch.from_numpy(matrix)
        return tensor, (
            task.scale * tensor.t()
        ).contiguous() if task.copies_transpose else tensor.t()
    # int32 indices are what MKL's products take without a copy
    starts, columns = (torch.from_numpy(a.astype(np.int32)) for a in (task.starts, task.columns))
    tensor = torch.sparse_csr_tensor(starts, columns, torch.from_numpy(matrix), task.shape)
    return tensor, (task.scale * tensor.to_sparse_coo().t()).to_sparse_csr()


def make_update(task: Task, theta: Any, rates: Any = None) -> Any:
    """Return the optimizer's step: theta is changed in place."""
    import torch

    single = task.runs == 1
    rates = torch.from_numpy(task.rates) if rates is None else rates
    rate: Any = float(task.rates[0]) if single else rates
    m, v = torch.zeros_like(theta), torch.zeros_like(theta)

    def gradient_descent(step: int, gradient: Any) -> None:
        if single:
            theta.sub_(gradient, alpha=rate)
        else:
            theta.addcmul_(gradient, rate, value=-1.0)

    def sign_descent(step: int, gradient: Any) -> None:
        theta.sub_(torch.sign(gradient), alpha=rate / math.sqrt(step))

    def exponentiated_gradient(step: int, gradient: Any) -> None:
        theta.mul_(gradient.mul_(-rate).exp_())

    def adam(step: int, gradient: Any) -> None:
        m.lerp_(gradient, 1.0 - BETA1)
        v.mul_(BETA2).addcmul_(gradient, gradient, value=1.0 - BETA2)
        correction = math.sqrt(1.0 - BETA2**step)
        size = v.sqrt().add_(EPS * correction)
        factor = correction / (1.0 - BETA1**step)
        if single:
            theta.addcdiv_(m, size, value=-rate * factor)
        else:
            theta.addcmul_(torch.div(m, size, out=size), rate, value=-factor)

    updates = {f.__name__: f for f in (gradient_descent, sign_descent, adam)}
    updates["exponentiated_gradient"] = exponentiated_gradient
    return updates[task.optimizer]
