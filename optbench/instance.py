"""An instance: a problem with its data fixed, as the engine and the analysis read it."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakValueDictionary

import numpy as np

from optbench.errors import UserError
from optbench.identity import identity, solving_versions
from optbench.losses import CURVATURES
from optbench.parameters import (
    arguments,
    check_arguments,
    check_curvature,
    check_objective,
    check_parameters,
    check_row,
    layout,
    place,
    shown,
    takes_outputs,
)

if TYPE_CHECKING:
    from optbench.contract import Problem
    from optbench.references import Reference

_SMALLEST, _LARGEST = 1e-140, 1e140  # squares, and sums of 1e20 of them, are finite and positive

DIRECTIONS = ("classification", "multiclass")  # kinds whose solutions w tends to at infinity
MOST_OUTPUTS = 4096  # a row loss has its numbers on the stack

Row = Callable[..., Any]


_SENT: WeakValueDictionary[tuple[str, str], Instance] = WeakValueDictionary()


def _again(problem: Problem, options: Mapping[str, Any], name: str, known: str) -> Instance:
    """Return an instance that was sent to this process: the same as long as it is in use."""
    found = _SENT.get((known, name))
    if found is None:
        found = replace(problem.build(**options), name=name)
        if found.identity != known:
            raise UserError(
                f"{problem.name}:{name}: is not what it was: data, code or versions differ here"
            )
        _SENT[known, name] = found
    return found


def refuse_sizes(where: str, what: str, largest: np.ndarray) -> None:
    """Refuse columns whose squares, or the squares of whose weights, leave the range of float64."""
    wrong = (largest != 0.0) & ((largest < _SMALLEST) | (largest > _LARGEST))
    if np.any(wrong):
        size = float(np.atleast_1d(largest)[np.argmax(wrong)])
        raise UserError(
            f"{where}: {what} of size {size:.3g} have squares outside the range of float64; choose "
            f"a unit in which they are between {_SMALLEST:g} and {_LARGEST:g}"
        )


@dataclass(frozen=True, eq=False, repr=False)
class Instance:
    """A problem with its data fixed.

    loss(w) = scale * sum_i row(x_i . w, target_i), or the plug-in's own ``loss_and_grad``.  With
    several outputs w is a matrix W, row by row, and the row loss gets all predictions W x_i.

    Attributes
    ----------
    problem : str
        The family.
    features : ndarray or CSR array, float64 (n, d)
        The data matrix.
    targets : ndarray, float64 (n,) or, of k outputs, (n, k)
        Labels +1/-1 for margin losses, classes 0, 1, ... for several outputs, else real numbers.
    row : callable, optional
        ``row(prediction, target) -> (loss, derivative)``: a scalar kernel.  With several outputs
        ``row(predictions, target, slopes) -> loss``: it writes the derivatives in the predictions
        (k,) to ``slopes`` (k,).  A further argument ``parameters`` is the instance's.
    row_curvature : callable, optional
        ``row_curvature(prediction, target) -> second derivative`` of the row loss of one output,
        for optimizers that ask for ``hessian_vector``; it may take ``parameters`` too.  Those of
        :mod:`optbench.losses` have theirs.
    penalty : callable, optional
        ``penalty(w, grad) -> value``: a function beside the rows' losses, which adds its gradient,
        or a subgradient, to ``grad``.
    prox : callable, optional
        ``prox(v, step_size)`` replaces v by the argmin over u of
        ``penalty(u) + norm(u - v)**2 / (2 * step_size)``, or by its projection onto the set to
        which w is restricted.
    outputs : int
        How many predictions a row has: rows of W.
    loss_and_grad : callable, optional
        ``loss_and_grad(w, data, grad) -> loss`` in place of ``row``; its arguments are recognised
        by name, see :data:`optbench.parameters.OBJECTIVE_ARGUMENTS`.  One that takes ``rng`` draws
        fresh samples at each evaluation, and the recorded loss is that of the sample.
    mean_of_rows : bool
        Whether ``loss_and_grad`` is a mean over the rows of ``data`` and ``targets``, as many as it
        gets: optimizers that draw rows hand it those that they drew.
    parameters : NamedTuple, optional
        What ``row`` or ``loss_and_grad`` reads beside the data: numbers, truth values and small
        arrays.  The kernel is compiled for their kinds, not for their values.
    scratch : int
        How many numbers of memory an evaluation of ``loss_and_grad`` needs for itself.
    scale : float
        Factor of the sum, usually 1/n.
    kind : str
        What the implicit-bias table measures: a name in :mod:`optbench.analysis.kinds`, or any
        other word for distances to the references.
    exponential_tail : bool
        The row loss tends to exp(-margin): the engine then works in the log domain.
    steepness : float
        A row's loss changes by at most ``steepness`` times itself per unit of its prediction:
        abs(slope) <= steepness * loss, such as 1 for logistic and exponential loss; of several
        slopes their L2 norm, such as sqrt(2) for cross-entropy.  It says how
        far a run can go without passing a target; by default the loss is evaluated at every step.
    references : mapping of str to callable
        Lazily computed certified reference solutions. ``"l1"``, ``"l2"`` and ``"linf"`` are
        members of the family ``"lp"`` where there is one.
    parametric : mapping of str to callable
        Reference families with one parameter, by what an optimizer ``selects``: ``"lp"`` of p
        (largest margin or least norm in L_p, also for the effective p), ``"hypentropy"`` of the
        scale, ``"fisher"`` of nothing (called with nan).
    optimal_value : callable or "best", optional
        The certified infimum of the loss; ``"best"``: take the best loss of all rows for it.
        Without any, what is measured from the optimum is left blank.
    smoothness : callable
        Largest eigenvalue of the Hessian (its supremum), for the linear parametrization.
    inverse_fisher : callable, optional
        Pseudo-inverse of the Fisher matrix of the predictor at the start, (d, d).
    start : ndarray, optional
        Predictor to start at, when the problem prescribes it (linear programs).  Of an objective
        of its own it says how many numbers a predictor has: else one for each column of features.
    layers : array_like of int (L, 3), optional
        Offset, rows and columns of each weight matrix in w, which lies there row by row.  By
        default w is one matrix with a row for each output.
    measures : mapping of str to callable
        What the problem itself measures of a predictor beside the host's measures:
        ``measure(w) -> float``, by the name of its column.
    cost : ndarray, optional
        The cost (d,) of a linear program.
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
    options : mapping
        All options of the problem as resolved: the host fills them in.
    name : str
        What tables call it, see :mod:`optbench.labels`: for people only, the host fills it in.
    made_by : Problem, optional
        What builds it from its options again, in another process; the host fills it in.
    """

    problem: str
    features: Any
    targets: np.ndarray
    kind: str
    row: Row | None = None
    outputs: int = 1
    loss_and_grad: Callable[..., float] | None = None
    scale: float = 1.0
    exponential_tail: bool = False
    steepness: float = math.inf
    references: Mapping[str, Callable[[], Reference]] = field(default_factory=dict)
    parametric: Mapping[str, Callable[[float], Reference]] = field(default_factory=dict)
    optimal_value: Callable[[], float] | Literal["best"] | None = None
    smoothness: Callable[[], float] | None = None
    inverse_fisher: Callable[[], np.ndarray] | None = None
    start: np.ndarray | None = None
    row_curvature: Callable[..., float] | None = None
    penalty: Callable[[np.ndarray, np.ndarray], float] | None = None
    prox: Callable[[np.ndarray, float], None] | None = None
    parameters: Any = None
    mean_of_rows: bool = False
    scratch: int = 0
    layers: Any = None
    measures: Mapping[str, Callable[[np.ndarray], float]] = field(default_factory=dict)
    cost: np.ndarray | None = None
    positive: bool = False
    in_order: bool = False
    parametrization: str = "linear"
    seeded: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    made_by: Problem | None = None

    def __post_init__(self) -> None:
        """Refuse data that no optimizer could read."""
        where = f"{self.problem}:{self.name}"
        if len(getattr(self.features, "shape", ())) != 2 or not hasattr(self.targets, "shape"):
            raise UserError(f"{where}: features must be an (n, d) array, targets an (n,) array")
        rows, columns = self.features.shape
        if rows == 0 or columns == 0:
            raise UserError(f"{where}: data is {rows} x {columns}; it needs rows and columns")
        self._check_outputs(where, rows)
        values = self.features.data if hasattr(self.features, "indptr") else self.features
        if not (np.all(np.isfinite(values)) and np.all(np.isfinite(self.targets))):
            raise UserError(f"{where}: data contains NaN or infinite values")
        columns = abs(self.features).max(axis=0)
        columns = columns.toarray().ravel() if hasattr(columns, "toarray") else columns
        refuse_sizes(where, "features", columns)
        refuse_sizes(where, "targets", np.abs(self.targets).max())
        if self.cost is not None and np.shape(self.cost) != self.features.shape[1:]:
            raise UserError(
                f"{where}: cost has shape {np.shape(self.cost)}; it must be "
                f"({self.features.shape[1]},), a number for each column of features"
            )
        self._check_kernels(where)
        self._check_beside(where)
        if self.layers is None and self.several:
            object.__setattr__(self, "layers", [(0, self.outputs, self.features.shape[1])])
        if self.layers is not None:
            object.__setattr__(self, "layers", self._weight_matrices(where))
        if self.parameters is not None:
            facts = {**self.facts, "parameters": shown(self.parameters)}
            object.__setattr__(self, "facts", facts)

    def _check_outputs(self, where: str, rows: int) -> None:
        outputs, shape = self.outputs, self.targets.shape
        if not isinstance(outputs, int | np.integer) or not 1 <= outputs <= MOST_OUTPUTS:
            raise UserError(
                f"{where}: outputs={outputs!r} must be a whole number from 1 to {MOST_OUTPUTS}"
            )
        if outputs > 1 and self.row is None:
            raise UserError(f"{where}: outputs={outputs} are those of a row loss; there is none")
        if shape != (rows,) and (not self.several or shape != (rows, outputs)):
            several = f" or ({rows}, {outputs})" * self.several
            raise UserError(
                f"{where}: {rows} rows of features but targets of shape {shape}; it must be "
                f"({rows},){several}"
            )
        if self.several and self.exponential_tail:
            classes = np.arange(outputs)
            if shape != (rows,) or not np.all(np.isin(self.targets, classes)):
                raise UserError(
                    f"{where}: exponential_tail of {outputs} outputs needs classes 0 to "
                    f"{outputs - 1} as targets"
                )

    def _check_kernels(self, where: str) -> None:
        if (self.row is None) == (self.loss_and_grad is None):
            raise UserError(f"{where}: exactly one of row and loss_and_grad must be given")
        if self.optimal_value not in (None, "best") and not callable(self.optimal_value):
            raise UserError(
                f"{where}: optimal_value={self.optimal_value!r} must be a function without "
                'arguments, "best" (the best loss of all rows) or None (unknown)'
            )
        kernel = self.row or self.loss_and_grad
        assert kernel is not None
        if self.row is not None:
            check_row(kernel, self.outputs)
        else:
            check_objective(kernel)
        if self.parameters is not None:
            check_parameters(where, self.parameters)
        if not self.steepness > 0.0:
            raise UserError(f"{where}: steepness={self.steepness!r} must be a positive number")
        if not isinstance(self.scratch, int | np.integer) or self.scratch < 0:
            raise UserError(f"{where}: scratch={self.scratch!r} must be a whole number, 0 or more")
        given = {"parameters": self.parameters is not None, "scratch": self.scratch > 0}
        for name, there in given.items():
            asks = name in arguments(kernel)
            if asks != there:
                told = "takes {}, which its instance does not give" if asks else "takes no {}"
                raise UserError(
                    f"{place(kernel)}: {kernel.__name__!r} {told.format(name)} ({where})"
                )
        if self.mean_of_rows and (self.loss_and_grad is None or self.stochastic):
            raise UserError(
                f"{where}: mean_of_rows is of an objective of the plug-in's own that draws nothing "
                "itself; rows of a row loss are drawn without it"
            )
        if self.loss_and_grad is not None and self.sparse:
            raise UserError(f"{where}: an objective of its own reads dense features")

    def _check_beside(self, where: str) -> None:
        """Refuse functions beside the row loss or objective that do not take what they get."""
        if self.row_curvature is not None:
            if self.row is None or self.several:
                raise UserError(f"{where}: row_curvature is that of a row loss of one output")
            check_curvature(self.row_curvature, self.row)
        if self.penalty is not None:
            check_arguments("penalty", self.penalty, ("w", "grad"))
        if self.prox is not None:
            check_arguments("prox", self.prox, ("v", "step_size"))

    def _weight_matrices(self, where: str) -> np.ndarray:
        table = np.array(self.layers, dtype=np.int64)
        if table.ndim != 2 or table.shape[1] != 3 or not len(table) or np.any(table[:, 1:] < 1):
            raise UserError(f"{where}: layers must be offset, rows and columns of each matrix")
        starts, ends = np.sort([table[:, 0], table[:, 0] + table[:, 1] * table[:, 2]])
        if starts[0] < 0 or ends[-1] > self.dimension or np.any(ends[:-1] > starts[1:]):
            raise UserError(
                f"{where}: layers overlap or leave the {self.dimension} numbers of the predictor"
            )
        return table

    def __repr__(self) -> str:
        rows, columns = self.features.shape
        return f"<Instance {self.problem}:{self.name}, {rows} x {columns}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as a problem and its options: each process builds the data for itself, once."""
        if self.made_by is None:
            raise UserError(
                f"{self.problem}:{self.name}: was made by hand; to be sent to other processes it "
                "must be built by a @problem"
            )
        return _again, (self.made_by, self.given, self.name, self.identity)

    @property
    def given(self) -> dict[str, Any]:
        """Those of its options that do not have their defaults."""
        if self.made_by is None:
            return {}
        defaults = self.made_by.option_defaults
        return {
            name: value
            for name, value in self.options.items()
            if value is not defaults[name] and identity(value) != identity(defaults[name])
        }

    @property
    def dimension(self) -> int:
        """Size d of the predictor w."""
        own = self.loss_and_grad is not None and self.start is not None
        if own:
            return int(self.start.size)  # type: ignore[union-attr]
        return int(self.outputs * self.features.shape[1])

    @property
    def several(self) -> bool:
        """Whether its row loss takes all outputs of a row, be it one, and writes their slopes."""
        return self.row is not None and takes_outputs(self.row)

    @property
    def second_derivative(self) -> Callable[..., float] | None:
        """The second derivative of its row loss of one output, where it is known."""
        if self.row is None or self.several:
            return None
        return self.row_curvature or CURVATURES.get(self.row)

    def predictions(self, w: np.ndarray) -> np.ndarray:
        """Return the predictions of all rows at w: (n,), or of several outputs (n, k)."""
        matrix = w.reshape(self.outputs, -1).T if self.several else w
        return np.asarray(self.features @ matrix)

    @property
    def stochastic(self) -> bool:
        """Whether its own objective draws fresh samples at each evaluation."""
        return self.loss_and_grad is not None and "rng" in arguments(self.loss_and_grad)

    @property
    def restricted(self) -> bool:
        """Whether w is restricted to a set: its prox is a projection, of no penalty."""
        return self.prox is not None and self.penalty is None

    def project(self, point: np.ndarray) -> None:
        """Replace a point by its projection onto the set to which w is restricted."""
        assert self.prox is not None
        self.prox(point, 1.0)

    @property
    def at_infinity(self) -> bool:
        """Whether solutions are directions, in which w grows without bound: separable data."""
        return self.kind in DIRECTIONS

    @property
    def sparse(self) -> bool:
        """Whether the data is CSR."""
        return hasattr(self.features, "indptr")

    @functools.cached_property
    def optimum(self) -> float:
        """The certified infimum of the loss; nan when it is not known."""
        return float(self.optimal_value()) if callable(self.optimal_value) else float("nan")

    @functools.cached_property
    def curvature(self) -> float:
        """Smoothness of the loss in w; nan when it is not known."""
        return float("nan") if self.smoothness is None else float(self.smoothness())

    @functools.cached_property
    def reach(self) -> float:
        """How much the logarithm of the loss changes per L2 distance of w, at most; 0: unknown."""
        if not math.isfinite(self.steepness) or self.row is None or self.penalty is not None:
            return 0.0
        rows = self.features.multiply(self.features) if self.sparse else self.features**2
        return self.steepness * math.sqrt(float(np.max(rows.sum(axis=1))))

    @functools.cached_property
    def identity(self) -> str:
        """Hash of all that results on it depend on: options, data, every function it reaches."""
        told = [f.name for f in fields(self) if f.name not in ("name", "made_by")]
        return identity(solving_versions(), *(getattr(self, name) for name in told))

    @functools.cached_property
    def kernel_identity(self) -> str:
        """Hash of the code of its row loss or objective, and of its parameters.

        In a row loss they are constants; an objective is compiled for their form only.
        """
        given = self.parameters
        if given is not None and self.loss_and_grad is not None:
            given = type(given), layout(given)
        return identity(self.row or self.loss_and_grad, given, self.outputs, self.targets.ndim)
