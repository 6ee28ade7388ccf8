"""What every optimizer with a learning rate can be combined with, without a line in its file.

A schedule of the rate, clipping of the gradient that the kernel gets, decoupled weight decay:
``adam[schedule=cosine,clip=1,weight_decay=0.01]``.  The combination is an optimizer like any other:
it has hyperparameters and a slot more, an identity of its own, and no theorem.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from optbench.contract.arguments import UNKNOWN, Hyper
from optbench.contract.optimizers import Optimizer
from optbench.contract.slots import Slot
from optbench.errors import UserError
from optbench.options import suggest
from optbench.schedules import COOLDOWN, FACTORS, WARMUP

SCHEDULE, CONSTANT = "schedule", "constant"
OPTIONS: Mapping[str, str] = {
    SCHEDULE: f"of the learning rate: {', '.join(FACTORS)}",
    "warmup": "part of the horizon in which the rate rises to its value",
    "cooldown": "of schedule=wsd: part of the horizon in which the rate falls to 0",
    "clip": "the L2 norm to which a longer gradient is scaled before the kernel gets it",
    "weight_decay": "decoupled: each step multiplies theta by 1 - learning rate x weight_decay",
}
CLIPPED = "clipped gradient"  # the slot that the kernel gets as its gradient; no argument's name
LONG = 1000  # steps of a run whose end is looked at
GRADIENTS = ("grad", "sample_grad")


def options_of(optimizer: Optimizer) -> dict[str, str]:
    """Return the options that an optimizer has beside its own hyperparameters: names, meanings.

    One that has a hyperparameter of the same name keeps it.  Whether they have an effect on it is
    told by :mod:`optbench.rehearsal.effects`.
    """
    if optimizer.learning_rate is None:
        return {}
    reads = set(GRADIENTS) & set(optimizer.arguments) and optimizer.probe is None
    return {
        name: text
        for name, text in OPTIONS.items()
        if name not in optimizer.hypers and (name != "clip" or reads)
    }


def combine(
    optimizer: Optimizer, schedule: str = CONSTANT, values: Mapping[str, float] | None = None
) -> Optimizer:
    """Return an optimizer with a schedule, clipping, weight decay.

    Parameters
    ----------
    optimizer : Optimizer
    schedule : str
        Of ``FACTORS``.
    values : mapping of str to float, optional
        Of the other options.

    Returns
    -------
    Optimizer
        The same one when nothing is asked for.

    Raises
    ------
    UserError
        For what is no option of it, and for values out of range.
    """
    where, values = f"optimizer {optimizer.name}", values or {}
    if schedule not in FACTORS:
        raise UserError(f"{where}: schedule={schedule}: unknown{suggest(schedule, FACTORS)}")
    if schedule == CONSTANT and not values:
        return optimizer
    asked = {**dict.fromkeys([SCHEDULE] * (schedule != CONSTANT)), **dict.fromkeys(values)}
    _check_options(where, optimizer, list(asked))
    defaults = {
        "warmup": WARMUP.get(schedule),
        "cooldown": COOLDOWN.get(schedule),
    }
    given = {k: v for k, v in defaults.items() if v is not None} | dict(values)
    if "cooldown" in values and schedule not in COOLDOWN:
        raise UserError(f"{where}: cooldown is for schedule=wsd, not schedule={schedule}")
    rate = optimizer.hypers[optimizer.learning_rate or ""]
    possible = {
        "warmup": Hyper(low=0.0, high=1.0),
        "cooldown": Hyper(low=0.0, high=1.0),
        "clip": Hyper(low=0.0, degree=1),  # in the unit of the gradient
        "weight_decay": Hyper(low=0.0, degree=-rate.degree),  # times the rate it is a number
    }
    hypers = {
        name: replace(possible[name], default=given[name]) for name in possible if name in given
    }
    for name, hyper in hypers.items():
        if reason := hyper.problem_with(given[name]):
            raise UserError(f"{where}: {name}={given[name]:g} {reason}")
    if given.get("clip") == 0.0:
        raise UserError(f"{where}: clip=0 must be more than 0: no gradient would be left")
    if given.get("warmup", 0.0) + given.get("cooldown", 0.0) > 1.0:
        raise UserError(f"{where}: warmup and cooldown are parts of the horizon: 1 at most in all")
    return replace(
        optimizer,
        base=optimizer,
        schedule=schedule,
        hypers={**optimizer.hypers, **hypers},
        slots={**optimizer.slots, **({CLIPPED: Slot(degree=1)} if "clip" in hypers else {})},
        # no theorem is about the combination: weight decay moves the limit, a rate that falls to 0
        # lets a run end anywhere
        selects=UNKNOWN,
        as_theorem_asks={},
        condition="",
        follows_flow=False,
        baseline=False,
        default=False,
        fixed_point=optimizer.fixed_point and "weight_decay" not in hypers,
    )


def combination_text(optimizer: Optimizer) -> list[str]:
    """Return its options as they are typed: ``["schedule=wsd", "warmup=0.1", "cooldown=0.2"]``."""
    if optimizer.base is None:
        return []
    schedule = [f"{SCHEDULE}={optimizer.schedule}"] if optimizer.schedule != CONSTANT else []
    return schedule + [f"{name}={hyper.default:g}" for name, hyper in added(optimizer).items()]


def ends_by_design(optimizer: Optimizer) -> bool:
    """Whether the learning rate has fallen to 0 when the run ends."""
    if optimizer.base is None:
        return False
    given = added(optimizer)
    parts = [given[name].default if name in given else 0.0 for name in ("warmup", "cooldown")]
    return FACTORS[optimizer.schedule](LONG + 1, LONG, *(float(part or 0.0) for part in parts)) == 0


def added(optimizer: Optimizer) -> dict[str, Hyper]:
    """Return the hyperparameters that its options gave to an optimizer."""
    own = optimizer.hypers if optimizer.base is None else optimizer.base.hypers
    return {name: hyper for name, hyper in optimizer.hypers.items() if name not in own}


def _check_options(where: str, optimizer: Optimizer, asked: list[str]) -> None:
    known = options_of(optimizer)
    for name in asked:
        if name in known:
            continue
        if optimizer.learning_rate is None:
            raise UserError(f"{where}: has no learning rate, so that {name} has no meaning")
        if name == "clip":
            raise UserError(
                f"{where}: steps by more, or other, than the gradient at theta: no clip"
            )
        raise UserError(f"{where}: {name} is no option{suggest(name, known)}")
