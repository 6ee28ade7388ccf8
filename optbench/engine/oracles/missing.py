"""What an optimizer asks for and an instance or a parametrization cannot give."""

from __future__ import annotations

import numpy as np

from optbench.contract import Optimizer, Sizes
from optbench.instance import Instance
from optbench.parametrizations import Parametrization

MOST_NUMBERS = 62_500_000  # in the slots of a run: dozens of runs are held side by side


def missing_oracle(
    instance: Instance, parametrization: Parametrization, optimizer: Optimizer
) -> str | None:
    """Say which oracle argument of the optimizer has no value here, or return None."""
    needs = optimizer.needs
    name = parametrization.name.partition(":")[0]
    if "natural_grad" in needs and instance.inverse_fisher is None:
        return f"needs the Fisher matrix; {instance.problem} declares none"
    if optimizer.samples and instance.row is None and not instance.stochastic:
        return f"draws rows of the data; {instance.problem} has an objective of its own"
    if "sample_row" in needs and instance.row is None:
        return f"needs the drawn row; {instance.problem} draws samples of its own"
    if "sample_row" in needs and instance.several:
        several = f"{instance.problem} has a row loss of several outputs"
        return f"needs the drawn row as its gradient; {several}"
    if "sample_row" in needs and not parametrization.linear:
        return f"needs the drawn row as its gradient in theta; the {name} parametrization maps it"
    if "layers" in needs and not parametrization.weight_matrices:
        return f"needs weight matrices; the {name} parametrization has none"
    if "optimal_loss" in needs and np.isnan(instance.optimum):
        return "needs the optimal loss, which is not known here"
    layers = instance.layers if instance.layers is not None else parametrization.layers
    sizes = Sizes(parametrization.parameters, instance.features.shape[0], layers)
    numbers = sum(slot.size(sizes) for slot in optimizer.slots.values())
    if numbers > MOST_NUMBERS:
        return f"needs {8e-9 * numbers:.2g} GB a run for its slots; at most 0.5 GB are allowed"
    return None
