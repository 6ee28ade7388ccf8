"""The data sets that need no download: scikit-learn's own, by name.

Importing ``sklearn.datasets`` costs seconds; the files it ships are plain numbers, so they are
read from its folder with NumPy. The arrays are bit for bit those of ``sklearn.datasets.load_*``.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np

from optbench.data.dataset import Dataset, Matrix, quadratic_features, two_classes
from optbench.errors import UserError

LICENCE = "shipped with scikit-learn (BSD-3-Clause)"

LINNERUD_TARGETS = ("weight", "waist", "pulse")
REGRESSIONS = ("diabetes", "diabetes_quadratic", *(f"linnerud_{t}" for t in LINNERUD_TARGETS))


class _Table(NamedTuple):
    """A classification set: one file, the label in the last column."""

    file: str
    header_rows: int
    classes: int
    origin: str


CLASSIFICATIONS = {
    "breast_cancer": _Table(
        "breast_cancer.csv", 1, 2, "Breast Cancer Wisconsin (Street, Wolberg, Mangasarian 1993)"
    ),
    "digits": _Table("digits.csv.gz", 0, 10, "UCI Optical Digits (Alpaydin, Kaynak 1998)"),
    "iris": _Table("iris.csv", 1, 3, "Iris (Fisher 1936)"),
    "wine": _Table("wine_data.csv", 1, 3, "UCI Wine (Forina et al. 1991)"),
}


def bundled_names() -> tuple[str, ...]:
    """Names of all bundled data sets, without reading any.

    Returns
    -------
    tuple of str
        ``digits`` has all classes as targets 0, 1, ...; ``digits_3v8`` is class 3 (+1) against
        class 8 (-1); ``digits_3vrest`` is class 3 (+1) against all others (-1).
    """
    names = ["breast_cancer", *REGRESSIONS]
    for base, table in CLASSIFICATIONS.items():
        if table.classes > 2:
            names.append(base)
            names += [f"{base}_{a}v{b}" for a, b in combinations(range(table.classes), 2)]
            names += [f"{base}_{a}vrest" for a in range(table.classes)]
    return tuple(names)


def load_bundled(name: str) -> Dataset:
    """Load a bundled data set with its raw features.

    Parameters
    ----------
    name : str
        One of :func:`bundled_names`; ``digits_8v3`` is ``digits_3v8`` with the signs swapped.

    Returns
    -------
    Dataset
        Two-class sets have targets in {-1, +1} (``breast_cancer``: benign is +1).

    Raises
    ------
    UserError
        If there is no such name, or scikit-learn's files are not found.
    """
    base, _, pair = name.partition("_")
    if name in REGRESSIONS:
        return _regression(name)
    if name == "breast_cancer":
        return two_classes(_classification(name))
    table = CLASSIFICATIONS.get(base)
    if table is not None and name == base:
        return _classification(base)
    positive, _, negative = pair.partition("v")
    labels = [str(c) for c in range(table.classes)] if table is not None else []
    if positive not in labels or negative not in [*labels, "rest"] or positive == negative:
        raise UserError(
            f"no bundled data set {name!r}; known: breast_cancer, {', '.join(REGRESSIONS)}, "
            "and iris, wine, digits, each whole or as NAME_AvB or NAME_Avrest (digits_3v8)"
        )
    against = None if negative == "rest" else float(negative)
    return replace(two_classes(_classification(base), float(positive), against), name=name)


def _sklearn_file(file: str) -> Path:
    spec = find_spec("sklearn")
    if spec is None or not spec.submodule_search_locations:
        raise UserError("the bundled data sets need scikit-learn: pip install scikit-learn")
    path = Path(spec.submodule_search_locations[0], "datasets", "data", file)
    if not path.is_file():
        raise UserError(f"the installed scikit-learn has no {path}; install it again")
    return path


def _read(file: str, delimiter: str | None = None, header_rows: int = 0) -> Matrix:
    path = _sklearn_file(file)
    return np.loadtxt(path, delimiter=delimiter, skiprows=header_rows, encoding="utf-8")


def _classification(base: str) -> Dataset:
    table = CLASSIFICATIONS[base]
    data = _read(table.file, ",", table.header_rows)
    source = f"{table.origin}, {LICENCE}"
    return Dataset(base, np.ascontiguousarray(data[:, :-1]), data[:, -1].copy(), source)


def _regression(name: str) -> Dataset:
    if name.startswith("diabetes"):
        source = f"Diabetes (Efron, Hastie, Johnstone, Tibshirani 2004), {LICENCE}"
        features = _read("diabetes_data_raw.csv.gz")
        diabetes = Dataset(name, features, _read("diabetes_target.csv.gz"), source)
        return quadratic_features(diabetes) if name == "diabetes_quadratic" else diabetes
    source = f"Linnerud exercise data (Tenenhaus 1998), {LICENCE}"
    column = LINNERUD_TARGETS.index(name.removeprefix("linnerud_"))
    targets = _read("linnerud_physiological.csv", header_rows=1)[:, column].copy()
    return Dataset(name, _read("linnerud_exercise.csv", header_rows=1), targets, source)
