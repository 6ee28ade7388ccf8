"""PyTorch as its users write it: autograd and ``torch.optim``."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.peers.maps import predictor
from benchmarks.peers.task import BETA1, BETA2, EPS, Fresh, Run, Task, Unsupported
from benchmarks.peers.torch_hand import matrices

REQUIRES = ("torch",)


def prepare(task: Task, threads: int) -> Fresh:
    """Make parameters, loss and optimizer."""
    import torch

    if task.optimizer not in ("gradient_descent", "adam"):
        reason = "has no" if task.optimizer != "muon" else "orthogonalizes in bfloat16:"
        raise Unsupported(f"torch.optim {reason} {task.optimizer}")
    if task.runs > 1:
        raise Unsupported("torch.optim has no batch of learning rates")
    torch.set_num_threads(threads)
    softmax = task.loss == "softmax"
    matrix = torch.from_numpy(task.dense) if softmax else matrices(task)[0]
    classes = torch.from_numpy(task.targets.astype(np.int64))
    targets = torch.from_numpy(task.targets if softmax else task.signed()[1])
    rate = float(task.rates[0])
    ends = np.cumsum([rows * columns for rows, columns in task.layers])[:-1]

    def loss_of(parts: list[Any]) -> Any:
        if softmax:
            scores = matrix @ parts[0].t()
            return task.scale * torch.nn.functional.cross_entropy(scores, classes, reduction="sum")
        w, _ = predictor(parts, task.parametrization)
        z = matrix @ w
        if task.loss == "squared":
            return 0.5 * task.scale * torch.sum((z - targets) ** 2)
        # softplus(z) of torch is z itself from 20 on: wrong by 2e-9
        return -task.scale * torch.nn.functional.logsigmoid(-z).sum()

    def fresh() -> Run:
        pieces = zip(np.split(task.theta[0].copy(), ends), task.layers, strict=True)
        shaped = [part if b == 1 else part.reshape(a, b) for part, (a, b) in pieces]
        parts = [torch.from_numpy(part.copy()).requires_grad_() for part in shaped]
        optimizer: Any
        if task.optimizer == "adam":
            optimizer = torch.optim.Adam(parts, lr=rate, betas=(BETA1, BETA2), eps=EPS)
        else:
            optimizer = torch.optim.SGD(parts, lr=rate)

        def run() -> np.ndarray:
            for _ in range(task.steps):
                optimizer.zero_grad()
                loss_of(parts).backward()
                optimizer.step()
            return np.concatenate([part.detach().numpy().ravel() for part in parts])[None]

        return run

    return fresh
