"""Data: bundled sets and programs, readers for user files, linear programs in standard form.

Importing this package loads NumPy only; SciPy, pandas, scikit-learn and HiGHS are imported by
the functions that need them.
"""

from optbench.data.bundled import bundled_names, load_bundled
from optbench.data.dataset import Dataset, prepare, quadratic_features, scale, two_classes
from optbench.data.general_program import GeneralProgram
from optbench.data.linear_programs import (
    bundled_program,
    bundled_program_names,
    read_linear_program,
)
from optbench.data.load import load_dataset, load_program
from optbench.data.readers import KINDS, read_dataset
from optbench.data.standard_form import StandardForm, to_standard_form

__all__ = [
    "KINDS",
    "Dataset",
    "GeneralProgram",
    "StandardForm",
    "bundled_names",
    "bundled_program",
    "bundled_program_names",
    "load_bundled",
    "load_dataset",
    "load_program",
    "prepare",
    "quadratic_features",
    "read_dataset",
    "read_linear_program",
    "scale",
    "to_standard_form",
    "two_classes",
]
