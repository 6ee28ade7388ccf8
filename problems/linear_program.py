"""Linear programs: min c.x, A x = b, x >= 0, by minimising 1/2 ||A x - b||^2 from exp(-c/strength).

Gradient descent on x = u*u (the diagonal network), or exponentiated gradient on x, tends to the
entropic solution argmin c.x + strength sum x (log x - 1) over the feasible set; as the strength
falls it tends to a solution of the linear program.  References: the program's optimum (HiGHS) and
the entropic solution (dual Newton).  On Netlib programs first-order methods are partial solvers:
the tables report infeasibility and objective error separately.
"""

import numpy as np

from optbench import Instance, Option, UserError, problem
from optbench.losses import squared_error

STRENGTH = 0.01  # of the entropy, in units of the largest cost


@problem(
    reference="Wang, Ghosal, Mazumder 2023, arXiv:2310.02535",
    references=("vertex", "entropic"),
    metrics=(
        "objective_gap",
        "infeasibility",
        "distance_entropic",
        "distance_vertex",
        "support_f1",
    ),
    default=({"data": "afiro"}, {"data": "transport"}),
)
def linear_program(
    data=Option("afiro"),
    strength=STRENGTH,
    m=Option(6, needs={"data": ("random", "transport", "basis_pursuit")}),
    n=Option(15, needs={"data": ("random", "basis_pursuit")}),
    seed=Option(0, needs={"data": ("random", "transport", "basis_pursuit")}),
):
    """Build an instance from a bundled Netlib name, an MPS file, or one of the seeded sources.

    ``random``: Gaussian; ``transport``: optimal transport between m and m points;
    ``basis_pursuit``: least L1 norm of w with X w = y, x = (w_+, w_-).
    """
    from optbench import references

    if not strength > 0:
        raise UserError(f"linear_program: strength={strength:g} must be positive")
    if m < 1 or n < 1:
        raise UserError(f"linear_program: m={m} and n={n} must be at least 1")
    name, matrix, b, c, objective, source = PROGRAMS.get(data, program)(data, m, n, seed)
    if strength != STRENGTH:
        name = f"{name}_strength{strength:g}"
    vertex, cost = solved(matrix, b, c)
    scale = max(float(np.max(np.abs(cost))), 1e-300)
    start = np.exp(-cost / (strength * scale))
    return Instance(
        problem="linear_program",
        features=matrix,
        targets=b,
        kind="linear_program",
        row=squared_error,
        references={
            "vertex": lambda: vertex,
            "entropic": lambda: references.entropic_program(matrix, b, cost, strength * scale),
        },
        optimal_value=float,
        smoothness=lambda: spectral_norm(matrix) ** 2,
        start=start,
        positive=True,
        parametrization="nonnegative",
        seeded=data in PROGRAMS,
        facts={
            "n": matrix.shape[0],
            "d": matrix.shape[1],
            "source": source,
            "cost": c,
            "optimum": objective(vertex.solution),
            "strength": strength,
        },
    )


def solved(matrix, b, c):
    """An optimal vertex, and the cost shifted to c + A^T nu >= 0; kept on disk."""
    from optbench import references
    from optbench.store.references import remembered

    vertex = remembered(references.solve_linear_program, matrix, b, c)
    return vertex, remembered(references.nonnegative_cost, matrix, c)


def program(data, m, n, seed):
    """A bundled Netlib program or an MPS file, in standard form, x in units of max |b|.

    Entropy has no scale of its own: in these units solutions are of order one and the strength
    means the same on every program.
    """
    from optbench import data as sources

    form = sources.to_standard_form(sources.load_program(data))
    unit = float(np.max(np.abs(form.b))) or 1.0

    def objective(x):
        return form.objective(unit * x)

    return form.name, form.A.toarray(), form.b / unit, form.c, objective, f"MPS {data}"


def random_program(data, m, n, seed):
    """A Gaussian, b = A |x0|, c uniform on (0.2, 1.2): feasible and bounded."""
    generator = np.random.Generator(np.random.PCG64(seed))
    matrix = generator.standard_normal((m, n))
    b = matrix @ np.abs(generator.standard_normal(n))
    c = generator.uniform(0.2, 1.2, n)
    return f"random_{m}x{n}_seed{seed}", matrix, b, c, c.dot, f"random, seed {seed}"


def transport(data, m, n, seed):
    """Optimal transport between m and m points of the unit square, squared distance costs."""
    generator = np.random.Generator(np.random.PCG64(seed))
    sources_, sinks = generator.random((m, 2)), generator.random((m, 2))
    c = ((sources_[:, None] - sinks[None]) ** 2).sum(axis=2).ravel()
    rows = np.kron(np.eye(m), np.ones(m))
    columns = np.kron(np.ones(m), np.eye(m))
    b = np.full(2 * m, 1.0 / m)
    matrix = np.vstack([rows, columns])
    return f"transport_{m}x{m}_seed{seed}", matrix, b, c, c.dot, f"transport, seed {seed}"


def basis_pursuit(data, m, n, seed):
    """min 1.x, [X, -X] x = y: Gaussian X (m, n), y the sum of its first m // 3 columns."""
    generator = np.random.Generator(np.random.PCG64(seed))
    features = generator.standard_normal((m, n))
    matrix, c = np.hstack([features, -features]), np.ones(2 * n)
    y = features[:, : max(m // 3, 1)].sum(axis=1)
    return f"basis_pursuit_{m}x{n}_seed{seed}", matrix, y, c, c.dot, f"Gaussian, seed {seed}"


PROGRAMS = {"random": random_program, "transport": transport, "basis_pursuit": basis_pursuit}


def spectral_norm(matrix):
    """Largest singular value."""
    return float(np.linalg.norm(matrix, 2))
