"""What the kernel that writes an optimizer's probes may ask for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from typing import Any

from optbench.contract.arguments import ORACLE_ARGUMENTS
from optbench.errors import UserError, first_line

OF_PROBES = ("probe", "probe_grad", "probe_loss", "hessian_vector")
OF_SAMPLES = ("sample_grad", "sample_row", "sample_index", "sample_slope", "probe_sample_grad")
MOST_TRIALS = 1000  # in a step: a search that needs more has failed
# what is known when trials begin; of samples nothing is
IN_PROBE = (
    *("theta", "grad", "step", "loss", "optimal_loss", "natural_grad", "horizon", "layers", "rng"),
    *("features", "targets", "cost"),
    *OF_PROBES,
    "trial",
)


def probe_arguments(
    name: str,
    where: str,
    probe: Callable[..., Any] | None,
    arguments: Collection[str],
    declared: Collection[str],
) -> tuple[str, ...]:
    """Return the arguments of an optimizer's probe kernel; none without one.

    Parameters
    ----------
    name : str
        The optimizer's.
    where : str
        File, line and name of the optimizer, for messages.
    probe : callable or None
    arguments : collection of str
        Of the main kernel.
    declared : collection of str
        Hyperparameters and slots of the main kernel.

    Raises
    ------
    UserError
        For an argument that is not known there, or a default: the main kernel declares them.
    """
    if "trial" in arguments:
        raise UserError(f"{where}: 'trial' is for the kernel that writes probes, not for this one")
    asked = [argument for argument in arguments if argument in (*OF_PROBES, "probe_sample_grad")]
    if probe is None:
        if asked:
            raise UserError(
                f"{where}: asks for {asked[0]!r}, but nothing writes a probe: give "
                "@optimizer(probe=...) a function of theta, grad, probe, ..."
            )
        return ()
    if not inspect.isfunction(probe):
        raise UserError(f"{where}: probe={probe!r} must be a plain function that writes into probe")
    file, line = first_line(probe)
    here = f"{file}:{line}: probe {probe.__name__!r} of optimizer {name!r}"
    parameters = inspect.signature(probe).parameters
    for argument, parameter in parameters.items():
        if argument not in IN_PROBE and argument not in declared:
            late = argument in ORACLE_ARGUMENTS
            reason = "is not known when probes are written" if late else "is not known"
            known = ", ".join([*IN_PROBE, *declared])
            raise UserError(f"{here}: argument {argument!r} {reason}; known are {known}")
        if parameter.default is not inspect.Parameter.empty:
            raise UserError(
                f"{here}: argument {argument!r} takes no default: {name} declares what it is"
            )
    if "probe" not in parameters:
        raise UserError(f"{here}: has no argument 'probe', the point that it must write")
    return tuple(parameters)
