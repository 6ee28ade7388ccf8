"""``@optimizer``: the signature of a kernel IS its declaration.

Its arguments are recognised by name (:data:`ORACLE_ARGUMENTS`); every other argument must default
to a ``Slot`` (state) or a ``Hyper`` (hyperparameter).
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from optbench.contract.arguments import ORACLE_ARGUMENTS, Hyper
from optbench.contract.declared import Declared
from optbench.contract.habits import check_body, check_brackets, check_form, check_parameter
from optbench.contract.probes import OF_SAMPLES, probe_arguments
from optbench.contract.selects import (
    Asked,
    Selected,
    Selects,
    check_asked,
    check_selects,
    selected,
)
from optbench.contract.slots import KNOWN, Slot
from optbench.errors import UserError, first_line
from optbench.identity import identity
from optbench.plugin_files import declared_again, is_shipped, require_sendable
from optbench.schedules import AT_ANY_TIME


@dataclass(frozen=True)
class Optimizer(Declared):
    """A declared update rule: a plain Python kernel and what is known about it.

    Attributes
    ----------
    name : str
        The kernel's name; what a user types.
    kernel : callable
        The update in place, as written in the plug-in file.
    probe : callable or None
        Writes the points beside theta at which it asks for the objective: see ``IN_PROBE`` of
        :mod:`optbench.contract.probes` for what it may ask for itself.
    arguments, probe_arguments : tuple of str
        All argument names in order, of the kernel and of the probe kernel.
    hypers, slots : dict
        Declared hyperparameters and state, in order of the signature.
    reference, condition : str
        The paper; the step-size condition of its theorem on implicit bias.
    selects : str, mapping of str to str, callable or None
        The solution that theory says it selects: everywhere, by the kind of problem
        (``{"classification": "linf"}``: nothing elsewhere), or by a function of ``kind`` and of
        hyperparameters, recognised by name, which returns it where the theorem's conditions hold
        and else None.  Of a family of solutions, with the hyperparameter that says which:
        ``"lp(p)"``.  ``"unknown"`` where it may come to rest although the objective does not.
    as_theorem_asks : mapping of str to mapping
        By kind of problem, hyperparameters that meet the conditions of its theorem where others
        are usual: a comparison then has a row for both.
    only_for : tuple of str
        The kinds of problem on which it can converge; on others nothing is selected.
    homogeneous : bool
        Its path does not change when the objective is multiplied by a positive constant and
        every ``Hyper`` and ``Slot`` is rescaled by its degree, so that the host may hand it
        gradients in a unit that never underflows.
    fixed_point : bool
        With fresh state a zero gradient leaves theta where it is.
    symmetries : tuple of str
        Of ``"permutation"`` and ``"sign"`` of coordinates: transformations that commute with it.
    start : str
        ``"zero"``, or ``"positive"`` when theta must start at positive numbers.
    default : bool
        Whether a comparison that names no optimizer runs it.
    follows_flow : bool
        Small steps follow gradient flow, at any speed: what theorems on gradient flow say of a
        parametrization then holds for it.
    baseline : bool
        Whether tables give the time of a step as a multiple of its own.
    convention : str
        Where papers and libraries disagree: which of them it follows, and what the others do.
    base : Optimizer or None
        What it is a combination of, see :mod:`optbench.contract.combinations`.
    schedule : str
        Of its learning rate.
    """

    name: str
    kernel: Callable[..., None]
    probe: Callable[..., Any] | None
    arguments: tuple[str, ...]
    probe_arguments: tuple[str, ...]
    hypers: Mapping[str, Hyper]
    slots: Mapping[str, Slot]
    formula: str
    reference: str
    selects: Selects
    as_theorem_asks: Asked
    only_for: tuple[str, ...]
    condition: str
    homogeneous: bool
    fixed_point: bool
    symmetries: tuple[str, ...]
    start: str
    default: bool
    follows_flow: bool
    baseline: bool
    convention: str
    file: str
    line: int
    base: Optimizer | None = None
    schedule: str = "constant"

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel by name: another process finds the file, and the same code in it, or says so."""
        if self.base is not None:
            own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "base"}
            changed = {k: v for k, v in own.items() if v is not getattr(self.base, k)}
            return _combined_again, (self.base, changed)
        require_sendable(self.kernel)
        path = inspect.getfile(self.kernel)
        where = self.kernel.__module__, path, self.kernel.__name__
        return _optimizer_again, (*where, self.identity)

    def __call__(self, *args: Any) -> None:
        """Run the kernel as plain Python."""
        self.kernel(*args)

    def selection(
        self, kind: str, values: Mapping[str, float], size: float = math.inf
    ) -> Selected | None:
        """Return what theory says it selects on a kind of problem, with these hyperparameters.

        ``size`` is the largest coordinate of a predictor; infinite: in the limit.
        """
        where = f"{self.file}:{self.line}: optimizer {self.name!r}"
        return selected(where, self.selects, self.hypers, kind, values, size)

    @functools.cached_property
    def identity(self) -> str:
        """Hash of its declaration and of all code that its kernel reaches."""
        if self.base is not None:
            return identity(self.base.identity, self.schedule, self.hypers)
        prose = ("formula", "reference", "convention", "condition", "as_theorem_asks")
        told = (*prose, "file", "line")
        return identity(*(getattr(self, f.name) for f in fields(self) if f.name not in told))

    def given(self, values: Iterable[float]) -> dict[str, float]:
        """Return hyperparameters by name, as the kernel gets them."""
        pairs = zip(self.hypers.items(), values, strict=True)
        return {k: int(value) if hyper.integer else float(value) for (k, hyper), value in pairs}

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the oracle arguments that it asks for, in its kernel or to write probes."""
        asked = {*self.arguments, *self.probe_arguments}
        return tuple(name for name in ORACLE_ARGUMENTS if name in asked)

    @property
    def evaluates_iterates(self) -> bool:
        """Whether it has the objective evaluated at theta in every step."""
        return not {"grad", "smooth_grad", "loss", "natural_grad"}.isdisjoint(self.needs)

    @property
    def evaluates_probes(self) -> bool:
        """Whether it has the objective evaluated at its probes: not for products alone."""
        asked = {"probe_grad", "probe_loss"}.isdisjoint(self.needs)
        return self.probe is not None and ("hessian_vector" not in self.needs or not asked)

    @property
    def projects(self) -> bool:
        """Whether it asks for the prox of a penalty or for the set to which w is restricted."""
        return not {"prox", "bounded_set"}.isdisjoint(self.needs)

    @property
    def samples(self) -> bool:
        """Whether it steps by gradients of drawn rows."""
        return not set(OF_SAMPLES).isdisjoint(self.arguments)

    @property
    def learning_rate(self) -> str | None:
        """Name of the hyperparameter that is searched unless it is given, if there is one."""
        return next((name for name, hyper in self.hypers.items() if hyper.tune is not None), None)

    @property
    def reads_horizon(self) -> bool:
        """Whether a step depends on how many there are: it cannot go on to another horizon."""
        warms_up = self.base is not None and "warmup" in self.hypers
        return "horizon" in self.arguments or warms_up or self.schedule not in AT_ANY_TIME

    @property
    def repeats(self) -> bool:
        """Whether a step is as the one before: nothing is drawn or counted."""
        same = {"rng", "step", "horizon", *OF_SAMPLES}.isdisjoint(self.needs)
        return same and self.schedule == "constant" and not self.reads_horizon

    @property
    def tuned(self) -> tuple[str, ...]:
        """Names of the hyperparameters that have no default: the host tunes them."""
        return tuple(name for name, hyper in self.hypers.items() if hyper.default is None)


def _combined_again(base: Optimizer, changed: Mapping[str, Any]) -> Optimizer:
    return replace(base, base=base, **changed)


def _optimizer_again(module: str, file: str, name: str, known: str) -> Optimizer:
    found = declared_again(module, file, name)
    if not isinstance(found, Optimizer) or found.identity != known:
        raise UserError(f"{file}: optimizer {name!r} is not what it was: it was edited meanwhile")
    return found


def optimizer(
    bare: object = None,
    /,
    *,
    reference: str | None = None,
    probe: Callable[..., Any] | None = None,
    selects: Selects = None,
    as_theorem_asks: Asked | None = None,
    only_for: tuple[str, ...] = (),
    condition: str = "",
    homogeneous: bool = False,
    fixed_point: bool = True,
    symmetries: tuple[str, ...] = ("permutation", "sign"),
    start: str = "zero",
    default: bool = True,
    follows_flow: bool = False,
    baseline: bool = False,
    convention: str = "",
) -> Callable[[Callable[..., None]], Optimizer]:
    """Declare an optimizer; see :class:`Optimizer` for the meaning of the arguments.

    ``reference`` is required, and nothing is given by position: ``@optimizer`` without brackets.

    Raises
    ------
    UserError
        When the signature is not a declaration: file, line, what, what would be right.
    """

    def declare(kernel: Callable[..., None]) -> Optimizer:
        check_form(kernel, "optimizer")
        file, line = first_line(kernel)
        where = f"{file}:{line}: optimizer {kernel.__name__!r}"
        check_brackets(where, "optimizer", bare, reference)
        hypers: dict[str, Hyper] = {}
        slots: dict[str, Slot] = {}
        for name, parameter in inspect.signature(kernel).parameters.items():
            check_parameter(where, parameter)
            if isinstance(parameter.default, Hyper):
                hypers[name] = parameter.default
            elif isinstance(parameter.default, Slot):
                slots[name] = parameter.default
            if name in ORACLE_ARGUMENTS and parameter.default is not inspect.Parameter.empty:
                raise UserError(f"{where}: oracle argument {name!r} takes no default")
        arguments = tuple(inspect.signature(kernel).parameters)
        if "theta" not in arguments:
            raise UserError(f"{where}: has no argument 'theta', the parameters it must update")
        _check_declaration(where, arguments, hypers, slots, symmetries, start)
        check_selects(where, selects, hypers)
        check_asked(where, as_theorem_asks or {}, selects, hypers)
        if isinstance(only_for, str):
            raise UserError(f"{where}: only_for={only_for!r} must be a tuple of kinds of problem")
        in_probe = probe_arguments(kernel.__name__, where, probe, arguments, (*hypers, *slots))
        _check_sampling(where, (*arguments, *in_probe), hypers)
        _check_convention(where, convention)
        if not is_shipped(kernel):  # reading the sources of all takes 0.1 s; a test does
            check_body(f"optimizer {kernel.__name__!r}", kernel, slots)
        doc = inspect.getdoc(inspect.getmodule(kernel)) or inspect.getdoc(kernel) or ""
        return Optimizer(
            name=kernel.__name__,
            kernel=kernel,
            probe=probe,
            arguments=arguments,
            probe_arguments=in_probe,
            hypers=hypers,
            slots=slots,
            formula=doc.strip(),
            reference=reference or "",
            selects=selects,
            as_theorem_asks=as_theorem_asks or {},
            only_for=only_for,
            condition=condition,
            homogeneous=homogeneous,
            fixed_point=fixed_point,
            symmetries=symmetries,
            start=start,
            default=default,
            follows_flow=follows_flow,
            baseline=baseline,
            convention=convention,
            file=file,
            line=line,
        )

    if bare is not None:
        declare(bare)  # type: ignore[arg-type]
    return declare


def _check_declaration(
    where: str,
    arguments: tuple[str, ...],
    hypers: Mapping[str, Hyper],
    slots: Mapping[str, Slot],
    symmetries: tuple[str, ...],
    start: str,
) -> None:
    for name, hyper in hypers.items():
        if hyper.default is None and hyper.tune is None:
            raise UserError(f'{where}: Hyper {name!r} needs a default value or tune="log"')
        if hyper.tune not in (None, "log"):
            raise UserError(f'{where}: Hyper {name!r} has tune={hyper.tune!r}; only "log" is known')
        if hyper.integer and hyper.degree != 0:
            raise UserError(f"{where}: Hyper {name!r} is an integer: it has no unit, degree=0")
        if hyper.default is not None and (reason := hyper.problem_with(hyper.default)):
            raise UserError(f"{where}: default {hyper.default!r} of Hyper {name!r} {reason}")
    for name, slot in slots.items():
        if not slot.known:
            raise UserError(f"{where}: Slot {name!r} has shape={slot.shape!r}; known are {KNOWN}")
        if slot.of_layers and "layers" not in arguments:
            raise UserError(
                f"{where}: Slot {name!r} has shape={slot.shape!r}, so that the kernel needs the "
                "argument 'layers' too"
            )
    if unknown := set(symmetries) - {"permutation", "sign"}:
        raise UserError(f"{where}: unknown symmetries {sorted(unknown)}")
    if start not in ("zero", "positive"):
        raise UserError(f'{where}: start={start!r}; known are "zero" and "positive"')


def _check_sampling(where: str, arguments: tuple[str, ...], hypers: Mapping[str, Hyper]) -> None:
    sampled = [name for name in arguments if name in OF_SAMPLES]
    if not sampled:
        return
    batch = hypers.get("batch")
    declared = batch is not None and batch.integer and batch.default is not None
    if batch is None or not declared or batch.low is None or batch.low < 1:
        raise UserError(
            f"{where}: asks for {sampled[0]!r}, so that it must declare the number of rows drawn a "
            "step: batch=Hyper(1, low=1, integer=True)"
        )
    whole = ("grad", "smooth_grad", "natural_grad", "loss", "optimal_loss")
    full = [name for name in arguments if name in whole]
    if full:
        raise UserError(
            f"{where}: asks for {sampled[0]!r} and {full[0]!r}; with samples the whole objective "
            "is evaluated at records only: ask for one of the two, or for the gradient at a probe"
        )


def _check_convention(where: str, convention: object) -> None:
    if not isinstance(convention, str) or "\n" in convention:
        raise UserError(
            f"{where}: convention={convention!r} must be one line of text: which paper or library "
            "it follows, and what the others do"
        )
