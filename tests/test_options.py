"""What users type, parsed: any specification that is written out is read back."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optbench import UserError
from optbench.options import (
    Option,
    check_options,
    option_text,
    parse_options,
    parse_specification,
    suggest,
)

WORD = st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1, max_size=12)
VALUE = st.text("abcXYZ019._-/+ é", min_size=1, max_size=12).map(str.strip).filter(bool)
OPTIONS = st.dictionaries(WORD, VALUE, max_size=5)


@given(WORD, OPTIONS)
def test_both_forms_are_read_back(name: str, options: dict[str, str]) -> None:
    written = ",".join(f"{key}={value}" for key, value in options.items())
    if not options:
        with pytest.raises(UserError, match="nothing follows the colon"):
            parse_specification(f"{name}:")
        assert parse_specification(name) == (name, {})
        return
    assert parse_specification(f"{name}:{written}") == (name, options)
    assert parse_specification(f" {name}[{written}] ") == (name, options)
    spaced = " , ".join(f" {key} = {value} " for key, value in options.items())
    assert parse_specification(f"{name} : {spaced}") == (name, options)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(UserError):
        name, options = parse_specification(text)
        assert name.strip() == name != ""
        assert all(key and value for key, value in options.items())


@given(
    st.integers(),
    st.floats(allow_nan=False),
    st.booleans(),
    st.lists(st.integers(1, 99), min_size=1),
)
def test_values_take_the_type_of_their_default(whole, number, flag, widths) -> None:
    texts = {
        "whole": str(whole),
        "number": repr(number),
        "flag": str(flag),
        "widths": "x".join(map(str, widths)),
        "text": "as it is",
    }
    defaults = {"whole": 1, "number": 0.5, "flag": False, "widths": (16,), "text": ""}
    expected = {
        "whole": whole,
        "number": number,
        "flag": flag,
        "widths": tuple(widths),
        "text": "as it is",
    }
    assert parse_options("here", texts, defaults) == expected


@given(st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.integers())
def test_values_are_written_as_they_are_read(value) -> None:
    read = parse_options("here", {"key": option_text(value)}, {"key": type(value)()})
    assert read == {"key": value}


SYNTHETIC = {"data": ("gaussian", "uniform")}
OPTIONAL = {
    "data": Option("digits"),
    "rows": Option(0, unless=SYNTHETIC),
    "target": Option("", unless=SYNTHETIC),
    "n": Option(20, needs={"data": ("gaussian",)}),
    "d": Option(50, needs={"data": ("gaussian",)}),
    "seed": Option(0, needs=SYNTHETIC),
    "noise": Option(0.0, needs=SYNTHETIC, unless={"sparse": (False,)}),
    "sparse": Option(False),
    "loss": Option("square", choices=("square", "huber")),
}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"rows": 30, "target": "y"},
        {"data": "gaussian", "n": 20, "seed": 0, "loss": "huber"},
        {"data": "uniform", "seed": 3},
        {"data": "uniform", "noise": 0.5, "sparse": True},
    ],
)
def test_options_that_have_a_meaning_are_accepted(given) -> None:
    check_options("p", OPTIONAL, given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n": 20}, "option n is for data=gaussian, not data=digits: say p:data=gaussian,n=20"),
        (
            {"rows": 3, "loss": "huber", "d": 2, "n": 3, "seed": 1},
            "options d, n are for data=gaussian, not data=digits: "
            "say p:data=gaussian,loss=huber,d=2,n=3,seed=1",
        ),
        (
            {"seed": 0},
            "option seed is for data=gaussian|uniform, not data=digits: say p:data=gaussian,seed=0",
        ),
        (
            {"data": "uniform", "rows": 0, "target": ""},
            "options rows, target are not for data=uniform: "
            "leave them out or give data another value",
        ),
        (
            {"data": "uniform", "noise": 0.0},
            "option noise is not for sparse=false: leave it out or give sparse another value",
        ),
        ({"loss": "hinge"}, "loss=hinge; known: square, huber"),
        ({"sed": 1}, "unknown option 'sed' (did you mean 'seed'?)"),
    ],
)
def test_options_that_would_be_ignored_are_one_line(given, message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(f'p: {message}')}$"):
        check_options("p", OPTIONAL, given)


def test_conditions_in_words() -> None:
    assert OPTIONAL["noise"].condition == "data=gaussian|uniform, sparse other than false"
    assert OPTIONAL["loss"].condition == ""


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("whole", "1.5", "here: whole=1.5: must be an integer"),
        ("number", "fast", "here: number=fast: must be a number"),
        ("flag", "maybe", "here: flag=maybe: must be true or false"),
        ("widths", "4,4", "here: widths=4,4: must be integers joined by x"),
        ("numbr", "1", "here: unknown option 'numbr' (did you mean 'number'?)"),
        ("zzz", "1", "here: unknown option 'zzz'; known: flag, number, whole, widths"),
    ],
)
def test_wrong_values_are_one_line(key: str, text: str, message: str) -> None:
    defaults = {"whole": 1, "number": 0.5, "flag": False, "widths": (16,)}
    with pytest.raises(UserError, match=re.escape(message)):
        parse_options("here", {key: text}, defaults)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("adam[lr]", "'lr' is not of the form key=value"),
        ("adam[=3]", "'=3' is not of the form key=value"),
        ("adam[lr=]", "'lr=' is not of the form key=value"),
        ("adam[a=1,a=2]", "key 'a' is given twice"),
        (":a=1", "has no name"),
        ("", "has no name"),
    ],
)
def test_wrong_specifications_are_one_line(text: str, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        parse_specification(text)


def test_suggestions() -> None:
    assert suggest("adm", ["adam", "adagrad"]) == " (did you mean 'adam'?)"
    assert suggest("zzzz", ["b", "a"]) == "; known: a, b"


def test_of_many_names_the_three_nearest_are_suggested():
    known = [f"rule_{k}" for k in range(100)] + ["normalized_mirror_descent", "mirrors", "morror"]
    told = suggest("mirror", known)
    assert told == " (did you mean 'mirrors'?)"
    told = suggest("xmirrory", ["normalized_mirror_descent", *known[:100]])
    assert told.startswith("; the nearest of 101 names: normalized_mirror_descent, rule_")
    assert told.count(",") == 2
