"""The measures of the implicit-bias table: header, meaning, format, and place in the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from optbench.report.numbers import fixed, ratio, significant

HEADLINE = 1  # rank of the measures that verdicts are about


@dataclass(frozen=True)
class Measure:
    """How a measure is shown; ``best`` is its value at a perfect match."""

    header: str
    meaning: str
    rank: int = HEADLINE
    text: Callable[[float | None], str] = significant
    best: float = 0.0


_NORMS = {"l1": "L1", "l2": "L2", "linf": "Linf"}


def _of_norms(
    prefix: str,
    header: str,
    meaning: str,
    rank: int,
    text: Callable[[float | None], str],
    best: float = 0.0,
) -> dict[str, Measure]:
    return {
        f"{prefix}_{norm}": Measure(f"{header}\n{name}", meaning.format(name), rank, text, best)
        for norm, name in _NORMS.items()
    }


MEASURES: dict[str, Measure] = {
    **_of_norms("margin_ratio", "ratio", "{} margin of w over the largest one; 1 is best",
                HEADLINE, ratio, 1.0),
    **_of_norms("angle", "angle", "degrees between w and the direction of largest {} margin",
                7, fixed),
    **_of_norms("norm_excess", "excess", "{} norm of w over the least one that fits, minus 1",
                HEADLINE, significant),
    **_of_norms("distance", "distance", "relative L2 distance to the solution of least {} norm",
                7, significant),
    "norm_excess_nuclear": Measure("excess\nnuclear",
                                   "nuclear norm of w over the least one that fits, minus 1"),
    "distance_nuclear": Measure("distance\nnuclear",
                                "relative distance to the matrix of least nuclear norm", 7),
    "distance_hidden": Measure("distance\nhidden", "relative distance to the hidden matrix"),
    "distance_minimizer": Measure("distance\nminimizer", "relative distance to the minimizer"),
    "distance_solution": Measure("distance\nsolution", "relative distance to the only solution"),
    "angle_direction": Measure("angle\ndirection", "degrees between the part of w outside the span "
                               "of what cannot be separated and the limit", text=fixed),
    "distance_offset": Measure("distance\noffset",
                               "relative distance of the part inside that span to its limit"),
    "effective_rank": Measure("effective\nrank",
                              "exp of the entropy of the normalised singular values", 6, fixed),
    "stable_rank": Measure("stable\nrank", "||W||_F^2 / ||W||_2^2", 6, fixed),
    "residual": Measure("residual", "||X w - y|| / ||y||", 5),
    "objective_gap": Measure("objective\ngap", "relative error of c.x against the optimum"),
    "infeasibility": Measure("infeasi-\nbility", "||A x - b|| / (1 + ||b||)"),
    "distance_entropic": Measure("distance\nentropic", "relative distance to entropic solution"),
    "distance_vertex": Measure("distance\nvertex", "relative distance to the optimal vertex"),
    "support_f1": Measure("support\nF1", "F1 score of the recovered support; 1 is best", 5,
                          ratio, 1.0),
}  # fmt: skip


def measure(name: str) -> Measure:
    """Return how the measure called ``name`` is shown; plug-ins may bring their own."""
    return MEASURES.get(name) or Measure(name.replace("_", " "), "", 6)
