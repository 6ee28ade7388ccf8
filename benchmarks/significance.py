"""How often a table marks a row as slower that is not, and how often one that is.

``python -m benchmarks.significance`` prints both tables of docs/statistics.md, in about a minute.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optbench.analysis.significance import slower

SPREAD = 0.3  # standard deviation of log steps from seed to seed
TARGETS = 5
HORIZON = 1e5


@dataclass(frozen=True)
class Table:
    """A kind of table of which no row, or only some, is slower than the others.

    Attributes
    ----------
    name : str
    optimizers, blocks : int
    slow : int
        So many of the rows are truly slower, a thousand times; the others are alike.
    places : float
        Spread of how well an optimizer does from block to block, for instances as blocks: some
        suit one and some the other.
    skew : bool
        The first row is ahead by a hair in half of the blocks, and far behind in the others.
    horizon : float
        Steps at which runs end: what is beyond was not reached.
    """

    name: str
    optimizers: int
    blocks: int
    slow: int = 0
    places: float = 0.0
    skew: bool = False
    horizon: float = HORIZON


TABLES = (
    Table("two rows, 6 seeds", 2, 6),
    Table("4 rows, 10 seeds", 4, 10),
    Table("8 rows, 20 seeds", 8, 20),
    Table("8 rows, 20 seeds, half of the runs never arrive", 8, 20, horizon=300.0),
    Table("8 rows, 20 seeds, of which 4 are 1,000 times slower", 8, 20, slow=4),
    Table("14 rows, 12 instances, each suits others", 14, 12, places=2.0),
    Table("3 rows, 30 seeds, one ahead by 1% or behind by a factor 20", 3, 30, skew=True),
)


def simulated(table: Table, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return steps (K, N, T): the seeds of a row are shared, steps are whole numbers."""
    shape = (table.optimizers, table.blocks, 1)
    pace = rng.normal(0.0, SPREAD, shape) + rng.normal(0.0, 1.0, (1, table.blocks, 1))
    pace += rng.normal(0.0, table.places, shape)
    if table.skew:
        pace *= 1e-3
        # the median of a difference is 0, but it is far from symmetric
        pace[0] += np.where(rng.random(shape[1:]) < 0.5, -0.01, 3.0)
    pace[: table.slow] += np.log(1000.0)
    targets = np.linspace(1.0, 3.0, TARGETS) * np.log(10.0)
    steps = np.ceil(np.exp(pace + targets))
    return np.where(steps <= table.horizon, steps, np.inf)


def false_positives(table: Table, tables: int, seed: int = 0) -> int:
    """Return in how many tables one of the rows that are alike is marked against another."""
    rng = np.random.default_rng(seed)
    alike = set(range(table.slow, table.optimizers))
    found = 0
    for _ in range(tables):
        told = slower(simulated(table, rng))
        found += any(set(told[i].than) & alike for i in alike)
    return found


def power(optimizers: int, blocks: int, factor: float, tables: int, seed: int = 0) -> float:
    """Return how often the row that is ``factor`` times slower than all others is marked."""
    rng = np.random.default_rng(seed)
    steps = np.exp(rng.normal(0.0, SPREAD, (tables, optimizers, blocks, 1)))
    steps[:, 0] *= factor
    return float(np.mean([bool(slower(each)[0].than) for each in steps]))


def main() -> None:
    """Print the tables in Markdown."""
    count = 4000
    print(f"| no row is slower | marked, of {count:,} tables |\n|---|---|")
    for table in TABLES:
        print(f"| {table.name} | {false_positives(table, count) / count:.1%} |")
    factors = (1.25, 1.5, 2.0)
    print(f"\n| rows | seeds | {' | '.join(f'{f:g} times slower' for f in factors)} |")
    print("|---|---|---|---|---|")
    for rows, seeds in ((2, 6), (2, 10), (2, 20), (4, 10), (4, 20), (8, 12), (8, 20), (8, 40)):
        found = (power(rows, seeds, factor, 1000) for factor in factors)
        print(f"| {rows} | {seeds} | {' | '.join(f'{share:.0%}' for share in found)} |")


if __name__ == "__main__":
    main()
