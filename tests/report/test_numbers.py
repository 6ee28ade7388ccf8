"""Numbers as text; the expected texts are written by hand."""

import math

import pytest

from optbench.report import numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (math.nan, "-"), (math.inf, "inf"), (0.0, "0"), (0.0123456, "0.0123"),
     (123456.0, "1.23e5"), (1.2e-7, "1.2e-7"), (-464.753, "-465"), (1e-10, "1e-10")],
)  # fmt: skip
def test_significant(value, text):
    assert numbers.significant(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (847.0, "847"), (12_300.0, "12,300"), (999_999, "999,999"), (1_234_567, "1.23e6"),
     (1e7, "1e7"), (None, "-"), (math.inf, "inf")],
)  # fmt: skip
def test_count(value, text):
    assert numbers.count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(18.4e-9, "18.4 ns"), (2.31e-6, "2.31 us"), (2.31e-3, "2.31 ms"), (12.44, "12.4 s"),
     (0.9999, "1 s"), (99.96, "1 min 39 s"), (200.0, "3 min 20 s"), (None, "-")],
)  # fmt: skip
def test_duration(value, text):
    assert numbers.duration(value) == text


@pytest.mark.parametrize(
    ("bounds", "text"),
    [([0.4, 0.42], "[0.4, 0.42]"), ([0.99930, 0.99932], "[0.9993, 0.99932]"),
     ([60.0, math.inf], "[60, inf]"), ([1.0, 1.0], "[1, 1]"), (None, ""), ((None, 1.0), ""),
     ([math.nan, 1.0], "")],
)  # fmt: skip
def test_interval_has_digits_that_tell_its_ends_apart(bounds, text):
    assert numbers.interval(bounds) == text


def test_ratio_has_fixed_decimals():
    assert [numbers.ratio(v) for v in (1.0, 0.5, 0.98765, None)] == ["1.000", "0.500", "0.988", "-"]


@pytest.mark.parametrize(("value", "text"), [(18.44, "18.4"), (99.9, "99.9"), (1240.4, "1,240")])
def test_nanoseconds(value, text):
    assert numbers.nanoseconds(value) == text
