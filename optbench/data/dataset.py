"""A table of features and targets, and the few preparations every experiment shares."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optbench.errors import UserError
from optbench.options import option_text

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

MAX_DENSE_BYTES = 2**30


def printable(text: str) -> str:
    """Return one line of what a file says, without characters that would move a terminal."""
    line = " ".join(text.split())
    return "".join(character if character.isprintable() else "?" for character in line)


@dataclass(frozen=True)
class Dataset:
    """Features, targets and where they come from.

    Parameters
    ----------
    name : str
        Short name, as shown in tables.
    features : ndarray or scipy.sparse.csr_array, shape (n, d), float64
        One row per sample, every entry finite.
    targets : ndarray, shape (n,), float64
        Class labels or regression targets, every entry finite.
    source : str
        Origin and licence, in one line.
    labels : tuple of str
        Names of the classes, where targets are numbers 0, 1, ... that stand for text.
    dropped : tuple of int
        Columns of the file that are not among the features, since they are constant.

    Raises
    ------
    UserError
        If the shapes disagree, n or d is zero, or an entry is not finite.
    """

    name: str
    features: Matrix | csr_array
    targets: Vector
    source: str
    labels: tuple[str, ...] = ()
    dropped: tuple[int, ...] = ()

    @property
    def facts(self) -> dict[str, str]:
        """Return what an instance tells of its data: where from, and which columns are missing."""
        missing = ", ".join(map(str, self.dropped))
        return {"source": self.source, **({"dropped_columns": missing} if missing else {})}

    def label(self, target: float) -> str:
        """Return what the file says for a target: the text of a class, or the number."""
        label = self.labels[int(target)] if self.labels else option_text(float(target))
        return printable(label)

    def __post_init__(self) -> None:
        if self.features.ndim != 2 or self.targets.ndim != 1:
            raise UserError(
                f"{self.name}: features must be (n, d) and targets (n,), "
                f"got {self.features.shape} and {self.targets.shape}"
            )
        n, d = self.features.shape
        if n == 0 or d == 0:
            raise UserError(f"{self.name}: need at least one row and one feature, got {n} x {d}")
        if self.targets.shape != (n,):
            raise UserError(
                f"{self.name}: {n} rows of features but {self.targets.size} targets; "
                "there must be one target per row"
            )
        self._require_finite()

    def _require_finite(self) -> None:
        bad = np.flatnonzero(~np.isfinite(self.targets))
        if bad.size:
            raise UserError(
                f"{self.name}: the target in row {bad[0] + 1} is {self.targets[bad[0]]}; "
                "it must be finite"
            )
        stored = self.features if isinstance(self.features, np.ndarray) else self.features.data
        if np.isfinite(stored).all():
            return
        if isinstance(self.features, np.ndarray):
            row, column = np.argwhere(~np.isfinite(self.features))[0]
        else:
            entry = np.flatnonzero(~np.isfinite(stored))[0]
            row = np.searchsorted(self.features.indptr, entry, side="right") - 1
            column = self.features.indices[entry]
        raise UserError(
            f"{self.name}: the feature in row {row + 1}, column {column + 1} is NaN or infinite; "
            "it must be finite"
        )


def _dense(dataset: Dataset) -> Matrix:
    """Features as an array; refuse sparse ones whose dense copy would exceed 1 GiB."""
    if isinstance(dataset.features, np.ndarray):
        return dataset.features
    n, d = dataset.features.shape
    if 8 * n * d > MAX_DENSE_BYTES:
        raise UserError(
            f"{dataset.name}: centring would turn the sparse {n} x {d} features into "
            f"{8 * n * d / 2**30:.1f} GiB; use scaling without centring, or the raw features"
        )
    dense: Matrix = dataset.features.toarray()
    return dense


def prepare(
    dataset: Dataset,
    *,
    standardize: bool = True,
    center: bool = True,
    intercept: bool = False,
) -> Dataset:
    """Scale columns to a standard deviation of 1, subtract their means, append a column of ones.

    Each is done or left out by itself; with the defaults entries become (x - mean) / std, as
    scikit-learn's ``StandardScaler`` has it. Constant columns are dropped by centring, which would
    leave zeros, and kept as they are where columns are only scaled. Sparse features become dense
    by centring, which fills the zeros, and stay sparse else.

    Parameters
    ----------
    dataset : Dataset
        Any data set.
    standardize : bool
        Divide columns by their population standard deviation (ddof=0).
    center : bool
        Subtract the mean of each column.
    intercept : bool
        Append a column of ones.

    Returns
    -------
    Dataset

    Raises
    ------
    UserError
        If every column is constant where columns are centred or zero where they are not, or sparse
        features are too large to become dense.
    """
    features, dropped = dataset.features, dataset.dropped
    if not abs(features).max() > 0.0:
        raise UserError(f"{dataset.name}: every feature is zero; nothing to learn from")
    if center:
        # One memory layout, hence one order of summation: results equal to the last bit.
        features = np.ascontiguousarray(_dense(dataset))
        # Exact comparison: the computed std of a constant column can be a rounding error, not 0.
        kept = np.flatnonzero(features.max(axis=0) > features.min(axis=0))
        if kept.size == 0:
            raise UserError(f"{dataset.name}: every feature is constant; nothing to learn from")
        dropped = tuple(np.setdiff1d(np.arange(features.shape[1]), kept).tolist())
        features, exponents = _moderate(features)
        centred = features[:, kept] - features.mean(axis=0)[kept]
        features = (
            centred / features.std(axis=0)[kept]
            if standardize
            else np.ldexp(centred, exponents[kept])
        )
    elif standardize:
        features = _scaled(features)
    if intercept:
        features = _beside_ones(features)
    if isinstance(features, np.ndarray):
        features = np.ascontiguousarray(features)
    return replace(dataset, features=features, dropped=dropped)


def _scaled(features: Matrix | csr_array) -> Matrix | csr_array:
    """Columns over their standard deviation, constant ones as they are."""
    from sklearn.preprocessing import StandardScaler

    moderate, exponents = _moderate(features)
    deviations = StandardScaler(with_mean=False).fit(moderate).scale_
    # Entries are below 1, so that only a constant column is left with the divisor 1.
    exponents = np.where(deviations == 1.0, exponents, 0)
    if isinstance(moderate, np.ndarray):
        return np.ldexp(moderate / deviations, exponents)
    columns = moderate.indices
    moderate.data = np.ldexp(moderate.data / deviations[columns], exponents[columns])
    return moderate


def _moderate(features: Matrix | csr_array) -> tuple[Matrix | csr_array, NDArray[np.int_]]:
    """Columns over powers of two that leave entries below 1, and the exponents.

    Squares then neither overflow nor vanish, and no bit of a mean or a deviation changes.
    """
    if isinstance(features, np.ndarray):
        exponents = np.frexp(np.abs(features).max(axis=0))[1]
        return np.ldexp(features, -exponents), exponents
    exponents = np.frexp(abs(features).max(axis=0).toarray().ravel())[1]
    moderate = features.copy()
    moderate.data = np.ldexp(features.data, -exponents[features.indices])
    return moderate, exponents


def _beside_ones(features: Matrix | csr_array) -> Matrix | csr_array:
    """Features and a last column of ones."""
    ones = np.ones((features.shape[0], 1))
    if isinstance(features, np.ndarray):
        return np.hstack([features, ones])
    from scipy import sparse

    return sparse.hstack([features, sparse.csr_array(ones)], format="csr")


def scale(dataset: Dataset, intercept: bool = False) -> Dataset:
    """Divide every column by its largest absolute value, without centring: zeros stay zeros.

    Columns of zeros are dropped. The convention of the scaled LIBSVM files, entries in [-1, 1].

    Parameters
    ----------
    dataset : Dataset
        Any data set.
    intercept : bool
        Append a column of ones after scaling.

    Returns
    -------
    Dataset
        Features of the kind given, dense or sparse.

    Raises
    ------
    UserError
        If every entry is zero.
    """
    if isinstance(dataset.features, np.ndarray):
        largest = np.abs(dataset.features).max(axis=0)
    else:
        largest = abs(dataset.features).max(axis=0).toarray().ravel()
    kept = np.flatnonzero(largest)
    if kept.size == 0:
        raise UserError(f"{dataset.name}: every feature is zero; nothing to learn from")
    if isinstance(dataset.features, np.ndarray):
        scaled = dataset.features[:, kept] / largest[kept]
    else:
        from scipy import sparse

        scaled = (dataset.features[:, kept] @ sparse.diags_array(1.0 / largest[kept])).tocsr()
    if intercept:
        scaled = _beside_ones(scaled)
    return replace(dataset, features=scaled)


def two_classes(
    dataset: Dataset,
    positive: str | float | None = None,
    negative: str | float | None = None,
) -> Dataset:
    """Keep two classes, with targets +1 and -1.

    Parameters
    ----------
    dataset : Dataset
        Targets are class labels.
    positive : str or float, optional
        The class that becomes +1, as the file writes it. Without it the data must have exactly
        two classes, of which the larger label becomes +1.
    negative : str or float, optional
        The class that becomes -1; other rows are dropped. Without it all others become -1.

    Returns
    -------
    Dataset
        Rows in their original order, targets in {-1, +1}. The source says which text is which.

    Raises
    ------
    UserError
        If a class does not occur, both are the same, or there are not two of them.
    """
    classes = np.unique(dataset.targets)
    if positive is None and classes.size > 2:
        raise UserError(
            f"{dataset.name}: {classes.size} classes where two are needed; say which one is "
            f"against the rest: {_choices(dataset, classes)}"
        )
    plus = float(classes[-1]) if positive is None else _class(dataset, classes, positive)
    minus = None if negative is None else _class(dataset, classes, negative)
    if minus is None and classes.size == 2:
        minus = float(classes[classes != plus][0])
    if classes.size < 2 or plus == minus:
        raise UserError(
            f"{dataset.name}: two different classes are needed, got only {dataset.label(plus)}"
        )
    source = dataset.source
    if dataset.labels:
        rest = "the rest" if minus is None else dataset.label(minus)
        source += f"; +1 is {dataset.label(plus)}, -1 is {rest}"
    features, targets = dataset.features, dataset.targets
    if minus is not None and classes.size > 2:
        rows = np.flatnonzero((targets == plus) | (targets == minus))
        features, targets = features[rows], targets[rows]
    targets = np.where(targets == plus, 1.0, -1.0)
    return replace(dataset, features=features, targets=targets, source=source, labels=())


def _class(dataset: Dataset, classes: Vector, label: str | float) -> float:
    """Return the target of a label that occurs."""
    if dataset.labels:
        found = [k for k, text in enumerate(dataset.labels) if text == str(label)]
    else:  # a number may be written in several ways: 1, 1.0, +1
        found = [target for target in classes if _is_number(label, target)]
    if not found or found[0] not in classes:
        raise UserError(
            f"{dataset.name}: no class {str(label)!r}; choose {_choices(dataset, classes)}"
        )
    return float(found[0])


def _is_number(label: str | float, target: float) -> bool:
    try:
        return float(label) == target
    except ValueError:
        return False


def _choices(dataset: Dataset, classes: Vector) -> str:
    """Return ``positive=0, 1 or 2``, the first ten of them."""
    labels = [dataset.label(target) for target in classes]
    if len(labels) > 10:
        return f"positive={', '.join(labels[:10])}, ..."
    return "positive=" + " or ".join(filter(None, [", ".join(labels[:-1]), labels[-1]]))


def quadratic_features(dataset: Dataset) -> Dataset:
    """Append all products of two features: x_1, ..., x_d, then x_i x_j for i <= j.

    Same columns and order as scikit-learn's ``PolynomialFeatures(2, include_bias=False)``,
    without the import of scikit-learn.

    Parameters
    ----------
    dataset : Dataset
        d features; sparse ones become dense.

    Returns
    -------
    Dataset
        d + d (d + 1) / 2 features.
    """
    features = _dense(dataset)
    i, j = np.triu_indices(features.shape[1])
    return replace(dataset, features=np.hstack([features, features[:, i] * features[:, j]]))
