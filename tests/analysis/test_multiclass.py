"""Verdicts and measures of several classes, on matrices whose geometry is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optbench.analysis.instances import describe
from optbench.analysis.kinds import kind_of, measured
from optbench.analysis.selection import BETWEEN, INCONCLUSIVE, select, separations
from optbench.analysis.settling import judge
from optbench.instance import Instance
from optbench.losses import squared_error
from optbench.references import multiclass_margin, norm_name, schatten_name
from optbench.solutions import EXPONENTS, family_member, norm_grid, solved

NAMES = ("l1", "l2", "linf", "nuclear", "spectral")
NORMS = {"l1": lambda W: np.abs(W).sum(), "l2": np.linalg.norm, "linf": lambda W: np.abs(W).max(),
         "nuclear": lambda W: np.linalg.norm(W, "nuc"),
         "spectral": lambda W: np.linalg.norm(W, 2)}  # fmt: skip


def classes(features, labels, schatten=True):
    """An instance of which only the analysis is asked; no engine runs its row loss."""
    labels = np.asarray(labels)

    def margin(norm):
        return multiclass_margin(features, labels, norm)

    grids = {"lp": lambda p: margin(norm_name(p)), "schatten": lambda p: margin(schatten_name(p))}
    return Instance(
        problem="classes",
        features=features,
        targets=labels.astype(float),
        row=squared_error,
        kind="multiclass",
        references={norm: lambda norm=norm: margin(norm) for norm in NAMES},
        parametric=grids if schatten else {"lp": grids["lp"]},
        facts={"outputs": int(labels.max()) + 1},
    )


@pytest.fixture(name="instance", scope="module")
def instance_fixture():
    generator = np.random.default_rng(0)
    return classes(generator.standard_normal((12, 10)), np.arange(12) % 4)


def plain_margin(instance, W):
    return min(
        (W[int(y)] - W[c]) @ x
        for x, y in zip(instance.features, instance.targets, strict=True)
        for c in range(len(W))
        if c != y
    )


def test_measures_are_those_of_numpy(instance):
    W = np.random.default_rng(1).standard_normal((4, 10)) + 3.0 * solved(instance)[
        "l2"
    ].solution.reshape(4, 10)
    found = measured(instance, solved(instance), W.ravel())
    values = np.linalg.svd(W)[1]
    for name, norm in NORMS.items():
        expected = plain_margin(instance, W) / norm(W) / solved(instance)[name].value
        assert found[f"margin_ratio_{name}"] == pytest.approx(expected, rel=1e-12)
        assert found[f"margin_ratio_{name}"] < 1.0
    assert found["stable_rank"] == pytest.approx((values**2).sum() / values[0] ** 2, rel=1e-12)
    shares = values / values.sum()
    assert found["effective_rank"] == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))
    assert list(found) == [each.name for each in kind_of(instance).measures]


def test_a_common_vector_turns_no_angle_and_counts_in_the_norm(instance):
    references = solved(instance)
    W = references["spectral"].solution.reshape(4, 10)
    moved = W + np.random.default_rng(2).standard_normal(10)
    found = measured(instance, references, moved.ravel())
    assert found["angle_spectral"] == pytest.approx(0.0, abs=1e-6)
    ratio = np.linalg.norm(W, 2) / np.linalg.norm(moved, 2)
    # the margin of the reference is its value, up to a gap of 1e-8
    assert found["margin_ratio_spectral"] == pytest.approx(ratio, rel=1e-8)
    nothing = np.tile(np.arange(10.0), 4)
    assert measured(instance, references, nothing)["angle_spectral"] == 90.0


def test_each_reference_selects_itself_at_any_length(instance):
    assert min(separations(instance, solved(instance)).values()) > 5.0  # degrees: well apart
    for name, reference in solved(instance).items():
        for length in (1e-6, 1e9):
            verdict = select(instance, solved(instance), length * reference.solution)
            assert (verdict.selected, verdict.reason) == (name, None)


def test_solutions_of_other_exponents_get_none_of_the_names(instance):
    for family, names in (("lp", norm_name), ("schatten", schatten_name)):
        named = 0
        for p in EXPONENTS[family]:
            own = family_member(instance, family, p)
            assert own.certified and own.name == names(p)
            verdict = select(instance, solved(instance), own.solution)
            if own.name in NAMES:
                assert verdict.selected == own.name
            else:
                kind = kind_of(instance)
                apart = [kind.angle(instance, own.solution, r.solution)
                         for r in solved(instance).values()]  # fmt: skip
                named += verdict.selected == BETWEEN
                assert verdict.selected in (BETWEEN, INCONCLUSIVE) or min(apart) < kind.told_apart
            exponents = EXPONENTS[family]
            at = exponents.index(p)
            # a neighbour in the grid may be the same solution here
            assert verdict.effective[family].p in exponents[max(at - 1, 0) : at + 2]
        assert named >= 3


def test_between_names_the_family(instance):
    own = family_member(instance, "schatten", 3.0)
    verdict = select(instance, solved(instance), own.solution)
    assert verdict.selected == BETWEEN
    assert verdict.reason == "between l2 and spectral (effective Schatten p 3)"
    own = family_member(instance, "lp", 4.0)
    verdict = select(instance, solved(instance), own.solution)
    assert verdict.reason == "between l2 and linf (effective p 4)"


def test_l2_needs_both_exponents(instance):
    """Halfway from l2 to spectral the exponent of the entries is still about 2."""
    l2, spectral = (solved(instance)[name].solution for name in ("l2", "spectral"))
    unit = [w / np.linalg.norm(w) for w in (l2, spectral)]
    halfway = select(instance, solved(instance), unit[0] + unit[1])
    assert halfway.effective["lp"].p in (1.75, 2.0, 2.5)
    assert halfway.effective["schatten"].p not in (2.0, np.inf)
    assert halfway.selected in (BETWEEN, INCONCLUSIVE)


def test_with_two_classes_all_unitary_norms_are_one_solution():
    """(v, -v) has one singular value: they cannot be told apart, and the verdict says so."""
    generator = np.random.default_rng(3)
    two = classes(generator.standard_normal((6, 12)), np.arange(6) % 2)
    verdict = select(two, solved(two), solved(two)["l2"].solution)
    assert verdict.selected == INCONCLUSIVE
    assert "deg apart here" in verdict.reason
    linf = select(two, solved(two), solved(two)["linf"].solution)
    assert linf.selected == "linf"


def test_a_run_towards_one_of_two_solutions_that_are_the_same_is_not_said_to_move_to_it():
    """Of two classes the shortfalls to l2, nuclear and spectral differ by rounding only."""
    generator = np.random.default_rng(3)
    two = classes(generator.standard_normal((6, 12)), np.arange(6) % 2)
    l2, linf = (solved(two)[name].solution for name in ("l2", "linf"))
    unit = [w / np.linalg.norm(w) for w in (l2, linf)]
    path = [(10**k, unit[0] + 3.0 * 0.5**k * unit[1]) for k in range(3)]
    verdict = judge(two, solved(two), path)
    assert (verdict.selected, verdict.towards) == (INCONCLUSIVE, None)
    assert "deg apart here" in verdict.reason and not verdict.open
    assert verdict.trend["l2"] < 0.95
    away = [(10**k, unit[1] + 3.0 * 0.5**k * unit[0]) for k in range(3)]
    assert judge(two, solved(two), away).towards == "linf"


def test_a_run_towards_a_reference_moves_and_one_that_stays_has_settled(instance):
    l2, spectral = (solved(instance)[name].solution for name in ("l2", "spectral"))
    unit = [w / np.linalg.norm(w) for w in (l2, spectral)]
    path = [(10**k, unit[1] + 3.0 * 0.5**k * unit[0]) for k in range(7)]
    assert judge(instance, solved(instance), path).selected == "spectral"
    early = judge(instance, solved(instance), path[:3])
    assert (early.selected, early.towards) == ("moving", "spectral")
    still = [(10**k, 10.0**k * unit[1]) for k in range(4)]
    assert judge(instance, solved(instance), still).selected == "spectral"


def test_a_reference_that_is_not_certified_decides_nothing(instance):
    doubtful = {**solved(instance)}
    doubtful["spectral"] = replace(doubtful["spectral"], gap=1e-3)
    verdict = select(instance, doubtful, doubtful["spectral"].solution)
    assert verdict.selected != "spectral"


def test_without_a_grid_of_schatten_norms_distance_tells_them_apart(instance):
    plain = classes(instance.features, instance.targets.astype(int), schatten=False)
    assert norm_grid(plain, "schatten") == {} and describe(plain, {}).missing_schatten_p == ()
    for name, reference in solved(plain).items():
        verdict = select(plain, solved(plain), reference.solution)
        assert verdict.selected == name
        assert "schatten" not in verdict.effective


def test_facts_tell_what_is_missing(instance, monkeypatch):
    assert describe(instance, {}).missing_schatten_p == ()
    assert describe(instance, {}).kind == "multiclass"
    from optbench.analysis import instances

    monkeypatch.setattr(instances, "norm_grid", lambda own, family: {1.0: None})
    assert describe(instance, {}).missing_schatten_p == EXPONENTS["schatten"][1:]


def steepest(G, norm):
    """The direction of unit norm along which <G, .> is largest."""
    if norm == "l2":
        return G / np.linalg.norm(G)
    if norm == "linf":
        return np.sign(G)
    if norm == "l1":
        chosen = np.zeros_like(G)
        at = np.unravel_index(np.abs(G).argmax(), G.shape)
        chosen[at] = np.sign(G[at])
        return chosen
    left, _, right = np.linalg.svd(G, full_matrices=False)
    return left @ right if norm == "spectral" else np.outer(left[:, 0], right[0])


@pytest.mark.parametrize(
    ("norm", "decay"),
    [("l1", 0.1), ("l2", 0.5), ("linf", 0.5), ("nuclear", 0.1), ("spectral", 0.5)],
)
def test_normalized_steepest_descent_selects_the_margin_of_its_norm(instance, norm, decay):
    """Fan, Schmidt, Thrampoulidis 2025 (arXiv:2502.04664), by plain NumPy, seen by the verdict."""
    X, y = instance.features, instance.targets.astype(int)
    W, path = np.zeros((4, 10)), []
    own = np.eye(4)[y] > 0.0
    for step in range(1, 10001):
        scores = X @ W.T
        leads = scores - scores[own][:, None]  # of the other classes over a row's own
        top = leads[~own].max()  # the same factor in all rows: directions do not change
        rows = np.exp(np.minimum(leads, 700.0)).sum(axis=1)[:, None]
        shares = np.where(own, 0.0, np.exp(leads - top) / rows)
        shares[own] = -shares.sum(axis=1)
        W -= 0.3 * step**-decay * steepest(shares.T @ X, norm)
        if step in (100, 1000, 10000):
            path.append((step, W.ravel().copy()))
    verdict = judge(instance, solved(instance), path)
    # Steps of rank one are the slowest: the last per cent of their margin is still on its way, and
    # the L2 margin, whose solution is 7 degrees away, is missing by as little.
    told = verdict.nearest if norm == "nuclear" and verdict.selected == "INCONCLUSIVE" else None
    assert norm in (verdict.selected, told), verdict
    found = measured(instance, solved(instance), path[-1][1])
    others = [found[f"margin_ratio_{name}"] for name in NAMES if name != norm]
    assert found[f"margin_ratio_{norm}"] > max(0.95, *others)
