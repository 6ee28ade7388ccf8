"""Certified reference solutions: the answers an optimizer could select, each with its proof."""

from optbench.norm_names import member_name, norm_name, schatten_name
from optbench.references.bounded_program import solve_bounded_program
from optbench.references.certificate import Reference, relative_gap, vector_norm
from optbench.references.entropic import entropic_program
from optbench.references.hypentropy import hypentropy, hypentropy_potential
from optbench.references.lasso import lasso, lasso_path
from optbench.references.least_norm import least_bregman, least_norm
from optbench.references.least_squares import (
    HessianEigenvalues,
    fitted_values,
    hessian_eigenvalues,
    least_squares,
    nearest_minimizer,
)
from optbench.references.linear_program import (
    OptimalityErrors,
    linear_program_errors,
    nonnegative_cost,
    solve_linear_program,
)
from optbench.references.logistic import (
    LogisticDecomposition,
    finite_minimizer,
    logistic_decomposition,
    smoothness_logistic,
)
from optbench.references.many_solutions import least_norms
from optbench.references.margin import max_margin, quadratic_margin
from optbench.references.matrix_norms import matrix_norm
from optbench.references.multiclass import multiclass_margin, multiclass_separability
from optbench.references.nonnegative_least_squares import nonnegative_least_squares
from optbench.references.nuclear_norm import least_nuclear_norm, nuclear_norm, soft_thresholded
from optbench.references.outputs import least_norm_of_outputs
from optbench.references.reduced_rank import reduced_rank
from optbench.references.scaling import rank, row_space
from optbench.references.separability import Separability, separability
from optbench.references.softmax import softmax_minimizer
from optbench.references.transport import entropic_transport

__all__ = [
    "HessianEigenvalues",
    "LogisticDecomposition",
    "OptimalityErrors",
    "Reference",
    "Separability",
    "entropic_program",
    "entropic_transport",
    "finite_minimizer",
    "fitted_values",
    "hessian_eigenvalues",
    "hypentropy",
    "hypentropy_potential",
    "lasso",
    "lasso_path",
    "least_bregman",
    "least_norm",
    "least_norm_of_outputs",
    "least_norms",
    "least_nuclear_norm",
    "least_squares",
    "linear_program_errors",
    "logistic_decomposition",
    "matrix_norm",
    "max_margin",
    "member_name",
    "multiclass_margin",
    "multiclass_separability",
    "nearest_minimizer",
    "nonnegative_cost",
    "nonnegative_least_squares",
    "norm_name",
    "nuclear_norm",
    "quadratic_margin",
    "rank",
    "reduced_rank",
    "relative_gap",
    "row_space",
    "schatten_name",
    "separability",
    "smoothness_logistic",
    "soft_thresholded",
    "softmax_minimizer",
    "solve_bounded_program",
    "solve_linear_program",
    "vector_norm",
]
