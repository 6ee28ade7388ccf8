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

import numpy as np
from numba.extending import register_jitable

from optbench.engine.compiler.overloads import CALLED, called
from optbench.engine.types import (
    RUNNING,
    Kernels,
    Oracle,
    Rule,
    Runs,
    Scratch,
    call_forward,
    call_pull_back,
)
from optbench.linear_algebra import RANK, solve_semidefinite


def fisher_roots(inverse_fisher: np.ndarray) -> np.ndarray:
    """Return R and R^+T with F_w = R^T R, from F_w^+ (d, d): float64 (2, r, d)."""
    values, vectors = np.linalg.eigh(0.5 * (inverse_fisher + inverse_fisher.T))
    kept = values > RANK * np.abs(values).max()
    roots = np.sqrt(values[kept])[:, None]
    return np.stack([vectors.T[kept] / roots, vectors.T[kept] * roots])


@called
def natural_gradients(kernels: Kernels, scratch: Scratch, runs: Runs, rule: Rule, oracle: Oracle):
    """Write F^+ g of every run that asks for it, from its theta and its gradient in w."""
    dual = oracle.dual
    for run in range(runs.theta.shape[0]):
        if runs.status[run] == RUNNING:
            own = runs.optimizer[run]
            natural = runs.state[run, rule.offsets[own, 0] : rule.offsets[own, 1]]
            if natural.size == 0:
                continue
            for k in range(dual.size):
                dual[k] = dot(oracle.fisher[1, k], runs.gradient_w[run])
            if rule.linear:
                combine(dual, oracle.fisher[1], natural)
            else:
                write_tangents(run, kernels, scratch, runs, rule, oracle)
                for k in range(dual.size):
                    for i in range(k + 1):
                        product = dot(oracle.tangents[k], oracle.tangents[i])
                        oracle.normal[0, k, i] = product
                        oracle.normal[0, i, k] = product
                solve_semidefinite(oracle.normal[0], dual, oracle.normal[1])
                combine(dual, oracle.tangents, natural)


@called
def write_tangents(run, kernels: Kernels, scratch: Scratch, runs: Runs, rule: Rule, oracle: Oracle):
    """Write R J: the pull-back of each row of R."""
    theta, place = runs.theta[run : run + 1], scratch.pullback[run : run + 1]
    for k in range(oracle.tangents.shape[0]):
        # a pull-back may use up what the forward map left for it
        call_forward(kernels.forward, (theta, rule.layers, place, runs.w[run : run + 1]))
        root, tangent = oracle.fisher[0, k : k + 1], oracle.tangents[k : k + 1]
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
