"""What a plug-in declares, and nothing else: ``Hyper``, ``Slot``, ``@optimizer``, ``@problem``.

Nothing here imports Numba: declaring is cheap.
"""

from optbench.contract.arguments import ORACLE_ARGUMENTS, UNKNOWN, Hyper
from optbench.contract.combinations import combine, options_of
from optbench.contract.declared import Declared
from optbench.contract.optimizers import Optimizer, optimizer
from optbench.contract.problems import Problem, problem
from optbench.contract.selects import Selected
from optbench.contract.slots import Sizes, Slot

__all__ = [
    "ORACLE_ARGUMENTS",
    "UNKNOWN",
    "Declared",
    "Hyper",
    "Optimizer",
    "Problem",
    "Selected",
    "Sizes",
    "Slot",
    "combine",
    "optimizer",
    "options_of",
    "problem",
]
