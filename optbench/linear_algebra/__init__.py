"""Linear algebra inside kernels, without allocation.

``from optbench.linear_algebra import layer, orthogonalize`` in a plug-in.  NumPy's versions
allocate; these work in arrays that the caller holds, such as ``Slot(shape="rows x rows")``.  They
test the shapes that they are given and run unchecked then.
"""

from optbench.linear_algebra.features import (
    absolute_times,
    absolute_transposed_times,
    features_times,
    transposed_times,
)
from optbench.linear_algebra.layers import (
    columns_by_columns,
    layer,
    layer_columns,
    layer_rows,
    rows_by_rows,
)
from optbench.linear_algebra.orthogonal import CUBIC, MUON, orthogonalize, polar, qr
from optbench.linear_algebra.products import frobenius_norm, multiply
from optbench.linear_algebra.symmetric import (
    RANK,
    cholesky,
    inverse_root,
    solve_semidefinite,
    symmetric_eigen,
)

__all__ = [
    "CUBIC",
    "MUON",
    "RANK",
    "absolute_times",
    "absolute_transposed_times",
    "cholesky",
    "columns_by_columns",
    "features_times",
    "frobenius_norm",
    "inverse_root",
    "layer",
    "layer_columns",
    "layer_rows",
    "multiply",
    "orthogonalize",
    "polar",
    "qr",
    "rows_by_rows",
    "solve_semidefinite",
    "symmetric_eigen",
    "transposed_times",
]
