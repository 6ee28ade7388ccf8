"""w = sum over all sets S of k coordinates of a_S v_S, with v_S living on S.

Gradient: dL/da_S = g_S . v_S, dL/dv_S = a_S g_S with g = dL/dw.  Gradient flow conserves
a_S^2 - ||v_S||^2.  R(w) = 2 times the k-support norm of w: between 2 ||w||_1 (k = 1) and 2 ||w||_2.

References
----------
Dai, Karzand, Srebro 2021, "Representation costs of linear neural networks: analysis and design"
(NeurIPS); the norm: Argyriou, Foygel, Srebro 2012, arXiv:1204.5043.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from optbench.parametrizations.base import Parametrization, require, require_scale
from optbench.parametrizations.group import common_factors

MOST_SETS = 100_000


def k_support(dimension: int, k: int = 2, scale: float = 0.1) -> Parametrization:
    """Build the network with one factor for each of the (dimension choose k) sets.

    Parameters
    ----------
    dimension : int
        Size of the predictor w.
    k : int
        Size of the sets, 1 to ``dimension``.
    scale : float
        All a_S start at it and all v_S at zero, so that w starts at zero.
    """
    require("k_support", 1 <= k <= dimension, f"k={k} must be between 1 and {dimension}")
    require_scale("k_support", scale)
    count = math.comb(dimension, k)
    require(
        "k_support",
        count <= MOST_SETS,
        f"k={k} of {dimension} coordinates makes {count} sets; at most {MOST_SETS} are built",
    )

    def cost(w: np.ndarray) -> float:
        from optbench.references.representation_cost import k_support_norm

        return 2.0 * k_support_norm(w, k)

    return common_factors(
        name=f"k_support:k={k},scale={scale:g}",
        formula=f"w = sum of a_S v_S over all sets S of {k} coordinates",
        dimension=dimension,
        groups=list(itertools.combinations(range(dimension), k)),
        scale=scale,
        cost=cost,
    )
