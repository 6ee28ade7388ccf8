"""Natural gradients: F^+ g with the Fisher matrix F = J^T F_w J, J = dw/dtheta at theta.

F_w, the metric of predictors, is constant.  With F_w = R^T R of full rank r and T = R J,
F = T^T T and g = J^T g_w = T^T h, where h = R^+T g_w, so that F^+ g = T^T (T T^T)^+ h: one system
of r equations, whatever the number of parameters.  A part of g_w outside the range of F_w, to
which no data answers, is dropped.  For the linear parametrization it is F_w^+ g_w.

References
----------
Amari 1998, doi:10.1162/089976698300017746.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from numba import types as numba_types
from numba.extending import register_jitable

from optbench.contract import Optimizer
from optbench.engine.compiler.overloads import CALLED, called
from optbench.engine.oracles.declared import PLACES, Argument, Oracle, like_theta
from optbench.engine.types import (
    RUNNING,
    Kernels,
    Rule,
    Runs,
    Scratch,
    b1,
    call_forward,
    call_pull_back,
    cube,
    matrix,
    vector,
)
from optbench.errors import UserError
from optbench.instance import Instance
from optbench.linear_algebra import RANK, solve_semidefinite
from optbench.parametrizations import Parametrization

INSTANCES_KEPT = 8  # whose Fisher matrices are kept: every call of `bind` asks for them again
NATURAL = PLACES["natural_grad"]


class Memory(NamedTuple):
    """What natural gradients need beside the rest."""

    wanted: bool
    fisher: np.ndarray  # (2, r, d): R and R^+T with F_w = R^T R of rank r, or (2, 0, 0)
    tangents: np.ndarray  # (r, p): the rows of R J
    normal: np.ndarray  # (2, r, r)
    dual: np.ndarray  # (r,)

    def with_scratch(self, _runs: Runs) -> Memory:
        """Return the same with working memory of its own."""
        own = {name: np.zeros_like(getattr(self, name)) for name in ("tangents", "normal", "dual")}
        return self._replace(**own)


def memory(instance: Instance, parametrization: Parametrization, optimizer: Optimizer) -> Memory:
    """Return the roots of the Fisher matrix, where they are asked for, and room to work in."""
    wanted = "natural_grad" in optimizer.needs
    fisher = _fisher(instance if wanted else None)
    rank = fisher.shape[1]
    tangents = 0 if parametrization.linear else rank
    return Memory(
        wanted,
        fisher,
        tangents=np.zeros((tangents, parametrization.parameters)),
        normal=np.zeros((2, tangents, tangents)),
        dual=np.zeros(rank),
    )


def missing(instance: Instance, _parametrization: Parametrization, _rule: Optimizer) -> str | None:
    """Say where no Fisher matrix is declared."""
    if instance.inverse_fisher is None:
        return f"needs the Fisher matrix; {instance.problem} declares none"
    return None


@functools.lru_cache(maxsize=INSTANCES_KEPT)
def _fisher(instance: Instance | None) -> np.ndarray:
    if instance is None or instance.inverse_fisher is None:
        return np.zeros((2, 0, 0))
    inverse, size = np.asarray(instance.inverse_fisher(), dtype=float), instance.dimension
    if inverse.shape != (size, size):
        where = f"{instance.problem}:{instance.name}"
        raise UserError(f"{where}: inverse_fisher has shape {inverse.shape}, not ({size}, {size})")
    return fisher_roots(inverse)


def fisher_roots(inverse_fisher: np.ndarray) -> np.ndarray:
    """Return R and R^+T with F_w = R^T R, from F_w^+ (d, d): float64 (2, r, d)."""
    values, vectors = np.linalg.eigh(0.5 * (inverse_fisher + inverse_fisher.T))
    kept = values > RANK * np.abs(values).max()
    roots = np.sqrt(values[kept])[:, None]
    return np.stack([vectors.T[kept] / roots, vectors.T[kept] * roots])


def natural_gradients(
    step, kernels: Kernels, data, scratch: Scratch, runs: Runs, aside, rule: Rule, memories
):
    """Write F^+ g of every run that asks for it, from its theta and its gradient in w."""
    memory = memories.natural_gradient
    dual = memory.dual
    for run in range(runs.theta.shape[0]):
        if runs.status[run] == RUNNING:
            own = runs.optimizer[run]
            natural = runs.state[run, rule.offsets[own, NATURAL] : rule.offsets[own, NATURAL + 1]]
            if natural.size == 0:
                continue
            for k in range(dual.size):
                dual[k] = dot(memory.fisher[1, k], runs.gradient_w[run])
            if rule.linear:
                combine(dual, memory.fisher[1], natural)
            else:
                write_tangents(run, kernels, scratch, runs, rule, memory)
                for k in range(dual.size):
                    for i in range(k + 1):
                        product = dot(memory.tangents[k], memory.tangents[i])
                        memory.normal[0, k, i] = product
                        memory.normal[0, i, k] = product
                solve_semidefinite(memory.normal[0], dual, memory.normal[1])
                combine(dual, memory.tangents, natural)


@called
def write_tangents(run, kernels: Kernels, scratch: Scratch, runs: Runs, rule: Rule, memory: Memory):
    """Write R J: the pull-back of each row of R."""
    theta, place = runs.theta[run : run + 1], scratch.pullback[run : run + 1]
    for k in range(memory.tangents.shape[0]):
        # a pull-back may use up what the forward map left for it
        call_forward(kernels.forward, (theta, rule.layers, place, runs.w[run : run + 1]))
        root, tangent = memory.fisher[0, k : k + 1], memory.tangents[k : k + 1]
        call_pull_back(kernels.pull_back, (theta, rule.layers, place, root, tangent))


@register_jitable(fastmath={"contract", "reassoc"}, **CALLED)
def dot(x, y):
    """Return x . y."""
    total = 0.0
    for i in range(x.size):
        total += x[i] * y[i]
    return total


@called
def combine(factors, rows, out):
    """Write sum_k factors[k] rows[k]."""
    out[:] = 0.0
    for k in range(factors.size):
        for i in range(out.size):
            out[i] += factors[k] * rows[k, i]


ORACLE = Oracle(
    arguments={
        "natural_grad": Argument(
            "read_only({kept})", kept=like_theta, like_theta=True, missing=missing
        )
    },
    work=natural_gradients,
    memory=memory,
    memory_type=numba_types.NamedTuple([b1, cube, matrix, cube, vector], Memory),
)
