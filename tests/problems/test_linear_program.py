"""Linear programs: the claims of S1-00, Netlib's published optima, bad programs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from reference_data import shared
from scipy.optimize import linprog
from small_instances import one_chunk

from optbench.errors import UserError
from optbench.instance import Instance
from optbench.references import entropic_program
from optbench.registry import load_registry
from optbench.solutions import solved
from optbench.study import build_instances

# The optima that the Netlib collection's index publishes, to its eleven digits.
NETLIB = {
    "adlittle": 225494.96316,
    "afiro": -464.75314286,
    "blend": -30.812149846,
    "kb2": -1749.9001299,
    "recipe": -266.616,
    "sc50a": -64.575077059,
    "sc50b": -70.0,
    "share2b": -415.73224074,
}


def build(text: str) -> Instance:
    ((instance,),) = build_instances(load_registry(), text, 1)
    return instance


def random_at(strength: float) -> Instance:
    """P7 (m = 6, n = 15) at an absolute strength: the problem's own is relative to max cost."""
    cost = build("linear_program:data=random").cost
    return build(f"linear_program:data=random,strength={strength / cost.max():.17g}")


def run(instance, name, rate, horizon, parameters):
    chunk = one_chunk(instance, name, [rate], parameters=parameters)
    chunk.advance(horizon)
    return chunk


def diagonal_network(instance: Instance, fraction: float = 0.1, horizon: int = 40_000):
    """GD on x = u*u at O18's eta = fraction / (|A|^2 max x).

    O18 moves u by eta u*(A^T r), half of the gradient 2 u*(A^T r): its rate is 2 of ours.
    """
    x = solved(instance)["entropic"].solution
    eta = fraction / (np.linalg.norm(instance.features, 2) ** 2 * max(x.max(), 1.0))
    return eta, run(instance, "gradient_descent", eta / 2.0, horizon, "nonnegative")


def test_the_residual_falls_at_the_predicted_rate():
    """S1-00 (a): log |r| falls by 2 eta lambda_min(A diag(x) A^T) a step, up to O(eta)."""
    for strength in (1.0, 0.5, 0.2):
        instance = random_at(strength)
        eta, chunk = diagonal_network(instance, horizon=10_000)
        A, x = instance.features, chunk.runs.w[0]
        log_residual = 0.5 * chunk.records.log_loss[:, 0]
        fallen = log_residual - log_residual[0]
        # Faster modes have died out at 1e-4; 1e-11 is well above rounding.
        window = (fallen < np.log(1e-4)) & (fallen > np.log(1e-11))
        assert window.sum() >= 3
        slope = np.polyfit(chunk.records.steps[window], log_residual[window], 1)[0]
        predicted = -2.0 * eta * np.linalg.eigvalsh(A * x @ A.T)[0]
        assert 0.97 <= slope / predicted <= 1.03


def test_the_bias_to_the_entropic_solution_is_proportional_to_the_learning_rate():
    """S1-00 (b): first order in eta, hence halved with it, up to its second order."""
    instance = random_at(0.5)
    entropic = solved(instance)["entropic"].solution
    bias = [
        np.linalg.norm(diagonal_network(instance, fraction, 100_000)[1].runs.w[0] - entropic)
        for fraction in (0.1, 0.05, 0.025)
    ]
    for coarse, fine in pairwise(bias):
        assert 1.9 <= coarse / fine <= 2.1


def exponentiated(instance: Instance, horizon: int = 40_000) -> np.ndarray:
    x = solved(instance)["entropic"].solution
    rate = 0.5 / (np.linalg.norm(instance.features, 2) ** 2 * max(x.max(), 1.0))
    return run(instance, "exponentiated_gradient", rate, horizon, "linear").runs.w[0]


def test_exponentiated_gradient_has_no_bias():
    """S1-00 (c): log x - log x0 stays in the span of A^T, so the limit is exact at any rate."""
    for strength in (1.0, 0.2, 0.1):
        instance = random_at(strength)
        entropic = solved(instance)["entropic"].solution
        assert np.linalg.norm(exponentiated(instance) - entropic) <= 1e-8 * np.linalg.norm(entropic)


def test_the_objective_gap_falls_with_the_strength():
    """S1-00 (d), against HiGHS through SciPy."""
    gaps = []
    for strength in (1.0, 0.5, 0.2, 0.1, 0.05):
        instance = random_at(strength)
        cost = instance.cost
        best = linprog(cost, A_eq=instance.features, b_eq=instance.targets, method="highs").fun
        gaps.append(float(cost @ exponentiated(instance, 200_000)) / best - 1.0)
    assert all(later < earlier for earlier, later in pairwise(gaps))
    assert 0.0 < gaps[-1] < 0.01


def sinkhorn(cost: np.ndarray, strength: float) -> np.ndarray:
    """Scale the rows and columns of exp(-cost / strength) until all sum to 1/m (Sinkhorn 1964)."""
    kernel, size = np.exp(-cost / strength), len(cost)
    right = np.ones(size)
    for _ in range(5_000):
        left = 1.0 / (size * kernel @ right)
        right = 1.0 / (size * left @ kernel)
    return left[:, None] * kernel * right


def test_optimal_transport_equals_sinkhorn():
    """S1-00 (e): the plan of the diagonal network, whose O(eta) bias is below 1e-3 here."""
    instance = build("linear_program:data=transport,m=6,strength=0.1")
    cost = instance.cost.reshape(6, 6)
    plan = sinkhorn(cost, 0.1 * cost.max())
    np.testing.assert_allclose(plan.sum(axis=1), 1 / 6, rtol=1e-10)
    for parameters, name, rate, bound in (
        ("nonnegative", "gradient_descent", 1e-3, 1e-3),
        ("linear", "exponentiated_gradient", 0.5, 1e-8),
    ):
        x = run(instance, name, rate, 200_000, parameters).runs.w[0].reshape(6, 6)
        assert np.linalg.norm(x - plan) <= bound * np.linalg.norm(plan)


@pytest.mark.parametrize("name", NETLIB)
def test_netlib_optima_mapped_back_are_the_published_ones(name):
    instance = build(f"linear_program:data={name}")
    assert instance.facts["optimum"] == pytest.approx(NETLIB[name], rel=1e-8)
    vertex = instance.references["vertex"]()
    assert vertex.certified
    assert np.all(vertex.solution >= 0)
    misfit = np.abs(instance.features @ vertex.solution - instance.targets).max()
    assert misfit <= 1e-9 * np.abs(instance.targets).max()


@pytest.mark.parametrize("name", NETLIB)
def test_every_netlib_program_has_a_certified_entropic_solution(name):
    """recipe has coordinates that are zero in every feasible x; kb2's dual is nearly flat."""
    entropic = build(f"linear_program:data={name}").references["entropic"]()
    assert entropic.certified and np.all(entropic.solution >= 0)


def test_coordinates_that_are_zero_in_every_feasible_point_stay_zero():
    """x0 = 0 and x1 + x2 = 1: x1 and x2 are the softmax of -c / strength."""
    cost = np.array([0.3, 0.1, 0.2])
    found = entropic_program([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]], [0.0, 1.0], cost, 0.05)
    weights = np.exp(-cost[1:] / 0.05)
    np.testing.assert_allclose(found.solution, [0.0, *weights / weights.sum()], rtol=1e-10)
    assert found.certified


def test_negative_costs_are_shifted_without_changing_either_reference():
    """Trap 9: exp(-c / strength) would overflow where c < 0; c + A^T nu has the same solutions."""
    instance = build("linear_program:data=afiro")
    A, cost = instance.features, instance.cost
    used = -np.log(instance.start)  # a multiple of the shifted cost
    assert cost.min() < 0 <= used.min()
    outside = np.eye(cost.size) - np.linalg.pinv(A) @ A  # along which A x = b leaves x free
    used, cost = outside @ used, outside @ cost
    np.testing.assert_allclose(used * (used @ cost) / (used @ used), cost, atol=1e-9)


IMPOSSIBLE = """NAME          IMPOSSIBLE
ROWS
 N  COST
 G  ROW
COLUMNS
    X         COST      -1.0   ROW       1.0
RHS
    RHS       ROW       1.0
ENDATA
"""


def test_an_unbounded_program_is_said_in_one_line(tmp_path):
    file = tmp_path / "unbounded.mps"
    file.write_text(IMPOSSIBLE)  # min -x, x >= 1
    with pytest.raises(UserError, match="unbounded") as error:
        build(f"linear_program:data={file}")
    assert "\n" not in str(error.value)


def test_an_infeasible_program_is_said_in_one_line(tmp_path):
    file = tmp_path / "infeasible.mps"
    bound = "BOUNDS\n UP BND       X         0.5\nENDATA"  # x >= 1 and x <= 0.5
    file.write_text(IMPOSSIBLE.replace("ENDATA", bound))
    with pytest.raises(UserError, match="infeasible") as error:
        build(f"linear_program:data={file}")
    assert "\n" not in str(error.value)


def test_netlibs_infeasible_box1():
    with pytest.raises(UserError, match="infeasible"):
        build(f"linear_program:data={shared() / 'lp' / 'box1.mps.gz'}")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("data=afiro,m=3", "option m is for data=random.*basis_pursuit, not data=afiro"),
        ("data=afir", "did you mean 'afiro'"),
        ("strength=0", "strength=0 must be positive"),
        ("strength=nan", "strength=nan must be positive"),
        ("data=random,m=0", "m=0"),
        ("data=random,n=x", "n=x: must be an integer"),
        ("data=no/such.mps", "no/such.mps"),
    ],
)
def test_wrong_options(options, words):
    with pytest.raises(UserError, match=words) as error:
        build(f"linear_program:{options}")
    assert "\n" not in str(error.value)
