"""An instance: a problem with its data fixed, as the engine and the analysis read it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from optbench.errors import UserError, one_line

if TYPE_CHECKING:
    from optbench.references import Reference

EFFECTIVE_P = (1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0, 10.0, float("inf"))
OWN_NAMES = {1.0: "l1", 2.0: "l2", float("inf"): "linf"}  # members of "lp" that are solved once

_SMALLEST, _LARGEST = 1e-140, 1e140  # squares, and sums of 1e20 of them, are finite and positive

Row = Callable[[float, float], tuple[float, float]]


def draws_samples(loss_and_grad: Callable[..., float]) -> bool:
    """Whether an objective takes a fourth argument ``rng``: it draws fresh samples each time."""
    return len(inspect.signature(loss_and_grad).parameters) == 4


def refuse_sizes(where: str, what: str, largest: np.ndarray) -> None:
    """Refuse columns whose squares, or the squares of whose weights, leave the range of float64."""
    wrong = (largest != 0.0) & ((largest < _SMALLEST) | (largest > _LARGEST))
    if np.any(wrong):
        size = float(np.atleast_1d(largest)[np.argmax(wrong)])
        raise UserError(
            f"{where}: {what} of size {size:.3g} have squares outside the range of float64; choose "
            f"a unit in which they are between {_SMALLEST:g} and {_LARGEST:g}"
        )


@dataclass(frozen=True, eq=False)
class Instance:
    """A problem with its data fixed.

    loss(w) = scale * sum_i row(x_i . w, target_i), or the plug-in's own ``loss_and_grad``.

    Attributes
    ----------
    problem, name : str
        The family and what this instance of it is called in tables.
    features : ndarray or CSR array, float64 (n, d)
        The data matrix.
    targets : ndarray, float64 (n,)
        Labels +1/-1 for margin losses, else real numbers.
    row : callable, optional
        ``row(prediction, target) -> (loss, derivative)``: a scalar kernel.
    loss_and_grad : callable, optional
        ``loss_and_grad(w, data, grad) -> loss`` in place of ``row``; ``data`` is ``features``.
        ``loss_and_grad(w, data, grad, rng)`` draws fresh samples at each evaluation, and the
        recorded loss is that of the sample.
    scale : float
        Factor of the sum, usually 1/n.
    kind : {"regression", "classification", "linear_program", "other"}
        What the implicit-bias table measures.
    exponential_tail : bool
        The row loss tends to exp(-margin): the engine then works in the log domain.
    references : mapping of str to callable
        Lazily computed certified reference solutions. ``"l1"``, ``"l2"`` and ``"linf"`` are
        members of the family ``"lp"`` where there is one.
    parametric : mapping of str to callable
        Reference families with one parameter, by what an optimizer ``selects``: ``"lp"`` of p
        (largest margin or least norm in L_p, also for the effective p), ``"hypentropy"`` of the
        scale, ``"fisher"`` of nothing (called with nan).
    predictions : callable, optional
        X w of every minimizer (n,), where they are many and the targets cannot be met.
    optimal_value : callable
        The certified infimum of the loss.
    smoothness : callable
        Largest eigenvalue of the Hessian (its supremum), for the linear parametrization.
    inverse_fisher : callable, optional
        Pseudo-inverse of the Fisher matrix of the predictor at the start, (d, d).
    start : ndarray, optional
        Predictor to start at, when the problem prescribes it (linear programs).
    positive : bool
        Predictors live in the positive orthant.
    in_order : bool
        The rows are a stream: optimizers that draw rows get them one after the other instead.
    parametrization : str
        What ``theta -> w`` is when the user names none.
    seeded : bool
        Whether another seed gives another instance.
    facts : mapping
        What tables and JSON say of it: sizes, source, certificates.
    """

    problem: str
    name: str
    features: Any
    targets: np.ndarray
    kind: str
    row: Row | None = None
    loss_and_grad: Callable[..., float] | None = None
    scale: float = 1.0
    exponential_tail: bool = False
    references: Mapping[str, Callable[[], Reference]] = field(default_factory=dict)
    parametric: Mapping[str, Callable[[float], Reference]] = field(default_factory=dict)
    predictions: Callable[[], np.ndarray] | None = None
    optimal_value: Callable[[], float] | None = None
    smoothness: Callable[[], float] | None = None
    inverse_fisher: Callable[[], np.ndarray] | None = None
    start: np.ndarray | None = None
    positive: bool = False
    in_order: bool = False
    parametrization: str = "linear"
    seeded: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse data that no optimizer could read."""
        where = f"{self.problem}:{self.name}"
        if len(getattr(self.features, "shape", ())) != 2 or not hasattr(self.targets, "shape"):
            raise UserError(f"{where}: features must be an (n, d) array, targets an (n,) array")
        rows, columns = self.features.shape
        if rows == 0 or columns == 0:
            raise UserError(f"{where}: data is {rows} x {columns}; it needs rows and columns")
        if self.targets.shape != (rows,):
            raise UserError(
                f"{where}: {rows} rows of features but targets of shape {self.targets.shape}"
            )
        values = self.features.data if hasattr(self.features, "indptr") else self.features
        if not (np.all(np.isfinite(values)) and np.all(np.isfinite(self.targets))):
            raise UserError(f"{where}: data contains NaN or infinite values")
        columns = abs(self.features).max(axis=0)
        columns = columns.toarray().ravel() if hasattr(columns, "toarray") else columns
        refuse_sizes(where, "features", columns)
        refuse_sizes(where, "targets", np.abs(self.targets).max())
        if (self.row is None) == (self.loss_and_grad is None):
            raise UserError(f"{where}: exactly one of row and loss_and_grad must be given")
        own = self.loss_and_grad
        if own is not None and len(inspect.signature(own).parameters) not in (3, 4):
            raise UserError(f"{where}: loss_and_grad must take (w, data, grad) or (..., rng)")

    @property
    def dimension(self) -> int:
        """Size d of the predictor w."""
        return int(self.features.shape[1])

    @property
    def stochastic(self) -> bool:
        """Whether its own objective draws fresh samples at each evaluation."""
        return self.loss_and_grad is not None and draws_samples(self.loss_and_grad)

    @property
    def sparse(self) -> bool:
        """Whether the data is CSR."""
        return hasattr(self.features, "indptr")

    @functools.cached_property
    def optimum(self) -> float:
        """The certified infimum of the loss; nan when it is not known."""
        return float("nan") if self.optimal_value is None else float(self.optimal_value())

    @functools.cached_property
    def fitted(self) -> np.ndarray:
        """What minimizers predict, as far as it is known; else the targets."""
        return self.targets if self.predictions is None else self.predictions()

    @functools.cached_property
    def curvature(self) -> float:
        """Smoothness of the loss in w; nan when it is not known."""
        return float("nan") if self.smoothness is None else float(self.smoothness())

    @functools.cached_property
    def key(self) -> str:
        """Hash of all that the instance's results depend on: what is on disk is found by it."""
        from optbench.store.references import data_hash

        start = np.zeros(0) if self.start is None else self.start
        facts = {k: v for k, v in self.facts.items() if isinstance(v, str | float | int)}
        if self.in_order:
            facts["in_order"] = True
        parts = (self.problem, self.name, self.kind, self.scale, self.exponential_tail)
        numbers = data_hash(self.features, self.targets, start)
        return "|".join(map(repr, (*parts, sorted(facts.items()), numbers)))

    @functools.cached_property
    def solved(self) -> dict[str, Reference]:
        """All reference solutions that could be found, each with its certificate."""
        found = {}
        for name, solve in self.references.items():
            try:
                found[name] = self._stored(name, solve)
            except UserError as error:
                self.unsolved[name] = str(error)
        return found

    @functools.cached_property
    def unsolved(self) -> dict[str, str]:
        """Why a reference of ``solved`` is missing."""
        return {}

    def family_member(self, family: str, value: float) -> Reference:
        """Return the reference of a one-parameter family, such as ``("lp", 3.0)``."""
        if family == "lp" and value in OWN_NAMES and OWN_NAMES[value] in self.solved:
            return self.solved[OWN_NAMES[value]]
        return self._stored(f"{family}({value!r})", lambda: self.parametric[family](value))

    @functools.cached_property
    def norm_optima(self) -> dict[float, float]:
        """Certified optimal margin or norm for each p of the effective-p grid."""
        if "lp" not in self.parametric:
            return {}
        found = {p: self.family_member("lp", p) for p in EFFECTIVE_P}
        return {p: reference.value for p, reference in found.items() if reference.certified}

    def _stored(self, name: str, solve: Callable[[], Reference]) -> Reference:
        from optbench.store.references import stored

        try:
            return stored(f"{self.key}|{name}", solve)
        except UserError:
            raise
        except Exception as error:  # of a plug-in's solver, or of SciPy on data it cannot solve
            where = f"{self.problem}:{self.name}: reference {name!r}"
            raise UserError(f"{where}: {one_line(error)}") from error
