"""Small files that were read wrongly once; most have four rows, written out here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optbench.data import Dataset, read_dataset, two_classes
from optbench.errors import UserError

CASES = Path(__file__).with_name("cases")
LIBSVM = [[1, 0.5, 0], [-1, 0, 2], [2, 1, -1], [-0.5, -2, 0]]
TABLE = [[1, 2], [-2, 1], [1.5, 0.5], [-1, 3]]
SIGNS = [1, -1, 1, -1]


def dense(dataset: Dataset) -> Any:
    features = dataset.features
    return (features if isinstance(features, np.ndarray) else features.toarray()).tolist()


@pytest.mark.parametrize(
    "file, options, features, targets, name",
    [
        ("20-a1a", {}, LIBSVM, SIGNS, "20-a1a"),
        ("20-heart_scale", {}, LIBSVM, SIGNS, "20-heart_scale"),
        ("20-x.binary.bz2", {}, LIBSVM, SIGNS, "20-x.binary"),
        ("21-emptyrow.svm", {}, [LIBSVM[0], [0, 0, 0], *LIBSVM[2:]], SIGNS, "21-emptyrow"),
        (
            "21-reg.svm",
            {"regression": True},
            [[*row, int(k == 3), int(k == 4)] for k, row in enumerate([*LIBSVM, [2, 0, 0]])],
            [3.5, -1.25, 2, 0.5, 1.5],
            "21-reg",
        ),
        (
            "30-nohead.csv",
            {"target": 0},
            [[2, 3.5], [1, 1], [0.5, 2], [3, 4]],
            [1, 2, -1, 0],
            "30-nohead",
        ),
        (
            "30-nohead.csv",
            {"target": "1"},
            [[1, 3.5], [2, 1], [-1, 2], [0, 4]],
            [2, 1, 0.5, 3],
            "30-nohead",
        ),
        ("30-nohead.csv", {}, [[1, 2], [2, 1], [-1, 0.5], [0, 3]], [3.5, 1, 2, 4], "30-nohead"),
        ("31-conflict.csv", {}, [[1, 0.5], [1, 0.5], [2, 1], [-0.5, -2]], SIGNS, "31-conflict"),
        ("31-zerorow.csv", {}, [[1, 0.5], [0, 0], [2, 1], [-0.5, -2]], SIGNS, "31-zerorow"),
        ("36-y2x.csv", {"regression": True}, [[1], [2], [3], [4]], [2, 4, 6, 8], "36-y2x"),
        ("36-interp.csv", {"regression": True}, [[1, 1, 0], [2, 0, 1]], [2, 3], "36-interp"),
    ],
)
def test_numbers_are_those_of_the_file(
    file: str, options: dict[str, Any], features: Any, targets: Any, name: str
) -> None:
    dataset = read_dataset(CASES / file, **options)
    assert dense(dataset) == features
    assert dataset.targets.tolist() == targets
    assert dataset.labels == ()
    assert dataset.name == name


@pytest.mark.parametrize(
    "file, labels, positive",
    [
        ("30-NAlabel.csv", ("EU", "NA"), "NA"),
        ("30-Nonelabel.csv", ("Drug", "None"), "None"),
        ("30-plain.arff", ("p", "q"), "p"),
    ],
)
def test_every_text_but_the_empty_one_is_a_label(
    file: str, labels: tuple[str, ...], positive: str
) -> None:
    dataset = read_dataset(CASES / file)
    assert dense(dataset) == TABLE
    assert dataset.labels == labels
    assert two_classes(dataset, positive).targets.tolist() == SIGNS


def test_bad_scales_are_read_to_the_last_bit() -> None:
    """Features and the target of every row, against NumPy's parser."""
    dataset = read_dataset(CASES / "33-badscale.csv")
    expected = np.loadtxt(CASES / "33-badscale.csv", delimiter=",")
    assert np.array_equal(np.column_stack([dataset.features, dataset.targets]), expected)


@pytest.mark.parametrize(
    "file, options, message",
    [
        ("30-nohead.csv", {"target": 3}, "no column at position 3 .* positions are 0 to 2"),
        ("30-nohead.csv", {"target": -4}, "no column at position -4 .* positions are 0 to 2"),
        ("crash_mat_2.mat", {}, "not a readable MATLAB file"),
        ("crash_mat_3.mat", {}, "not a readable MATLAB file"),
    ],
)
def test_what_cannot_be_read_is_one_line(file: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        read_dataset(CASES / file, **options)
    assert "\n" not in str(error.value)
    assert str(CASES / file) in str(error.value)
