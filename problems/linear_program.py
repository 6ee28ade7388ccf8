"""Linear programs: min c.x, A x = b, x >= 0, by minimising 1/2 ||A x - b||^2 from exp(-c/strength).

Gradient descent on x = u*u (the diagonal network), or exponentiated gradient on x, tends to the
entropic solution argmin c.x + strength sum x (log x - 1) over the feasible set; as the strength
falls it tends to a solution of the linear program.  References: the program's optimum (HiGHS) and
the entropic solution (dual Newton).  The variables x of a file are counted in units that its
optimum sets (docs/data.md): strength and entropic solution are those of these units.  Methods
that follow the gradient of the residual are partial solvers of Netlib programs: the tables report
infeasibility and objective error separately.  `restarted_pdhg`, which is given c, solves them.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from optbench import Instance, Option, UserError, problem
from optbench.losses import squared_error

STRENGTH = 0.01  # of the entropy, in units of the largest cost
LARGEST = 50_000_000  # numbers of a matrix, 400 MB: it is kept dense


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
    """Build an instance from a bundled Netlib name, an MPS or LP file, or a seeded source.

    ``random``: Gaussian; ``transport``: optimal transport between m and m points;
    ``basis_pursuit``: least L1 norm of w with X w = y, x = (w_+, w_-).
    """
    from optbench import references
    from optbench.store.references import remembered

    if not strength > 0:
        raise UserError(f"linear_program: strength={strength:g} must be positive")
    if m < 1 or n < 1:
        raise UserError(f"linear_program: m={m} and n={n} must be at least 1")
    matrix, b, c, vertex, source, sign, offset = PROGRAMS.get(data, program)(data, m, n, seed)
    cost = remembered(references.nonnegative_cost, matrix, c)
    scale = max(float(np.max(np.abs(cost))), 1e-300)
    start = np.exp(-cost / (strength * scale))

    def entropic():
        found = references.entropic_program(matrix, b, cost, strength * scale)
        # The program's objective, without the entropy, and as far from it as the dual value is.
        value = sign * float(c @ found.solution) + offset
        return replace(found, value=value, bound=value + sign * (found.bound - found.value))

    return Instance(
        problem="linear_program",
        features=matrix,
        targets=b,
        kind="linear_program",
        row=squared_error,
        references={"vertex": lambda: vertex, "entropic": entropic},
        optimal_value=float,
        smoothness=lambda: float(np.linalg.eigvalsh(matrix @ matrix.T)[-1]),
        start=start,
        cost=c,
        positive=True,
        parametrization="nonnegative",
        seeded=data in PROGRAMS,
        facts={
            "n": matrix.shape[0],
            "d": matrix.shape[1],
            "source": source,
            "optimum": vertex.value,
            "strength": strength,
        },
    )


class Standard(NamedTuple):
    """Minimise c.x, A x = b, x >= 0; the objective of the program as given is sign c.x + offset."""

    matrix: np.ndarray
    b: np.ndarray
    c: np.ndarray
    vertex: object
    source: str
    sign: float = 1.0
    offset: float = 0.0


def program(data, m, n, seed):
    """A bundled Netlib program or a file, in standard form, in units that its optimum sets."""
    from optbench import data as sources
    from optbench import references
    from optbench.store.references import remembered

    general = sources.load_program(data)
    sign = 1.0 if general.sense == "minimize" else -1.0
    limits = (general.row_lower, general.row_upper, general.col_lower, general.col_upper)
    try:
        best = remembered(references.solve_bounded_program, general.A, sign * general.c, *limits)
    except UserError as error:
        raise UserError(f"linear_program: {data}: {error}") from None
    form = sources.to_standard_form(general, best.solution)
    rows, columns = form.A.shape
    if rows * columns > LARGEST:
        raise UserError(
            f"linear_program: {data}: its standard form, {rows} x {columns}, is too large"
        )
    vertex = replace(
        best,
        solution=form.optimum,
        value=sign * best.value + general.offset,
        bound=sign * best.bound + general.offset,
        unique=best.unique if form.one_to_one else None,
    )
    source = f"{'Netlib' if data in sources.bundled_program_names() else 'file'} {data}"
    return Standard(form.A.toarray(), form.b, form.c, vertex, source, sign, form.offset)


def standard(matrix, b, c, source):
    """A program that is in standard form already."""
    from optbench import references
    from optbench.store.references import remembered

    vertex = remembered(references.solve_linear_program, matrix, b, c)
    return Standard(matrix, b, c, vertex, source)


def random_program(data, m, n, seed):
    """A Gaussian, b = A |x0|, c uniform on (0.2, 1.2): feasible and bounded."""
    generator = np.random.Generator(np.random.PCG64(seed))
    matrix = generator.standard_normal((m, n))
    b = matrix @ np.abs(generator.standard_normal(n))
    c = generator.uniform(0.2, 1.2, n)
    return standard(matrix, b, c, f"random, seed {seed}")


def transport(data, m, n, seed):
    """Optimal transport between m and m points of the unit square, squared distance costs."""
    generator = np.random.Generator(np.random.PCG64(seed))
    sources_, sinks = generator.random((m, 2)), generator.random((m, 2))
    c = ((sources_[:, None] - sinks[None]) ** 2).sum(axis=2).ravel()
    rows = np.kron(np.eye(m), np.ones(m))
    columns = np.kron(np.ones(m), np.eye(m))
    b = np.full(2 * m, 1.0 / m)
    matrix = np.vstack([rows, columns])
    return standard(matrix, b, c, f"transport, seed {seed}")


def basis_pursuit(data, m, n, seed):
    """min 1.x, [X, -X] x = y: Gaussian X (m, n), y the sum of its first m // 3 columns."""
    generator = np.random.Generator(np.random.PCG64(seed))
    features = generator.standard_normal((m, n))
    matrix, c = np.hstack([features, -features]), np.ones(2 * n)
    y = features[:, : max(m // 3, 1)].sum(axis=1)
    return standard(matrix, y, c, f"Gaussian, seed {seed}")


PROGRAMS = {"random": random_program, "transport": transport, "basis_pursuit": basis_pursuit}
