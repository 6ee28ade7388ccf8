"""Write the golden trajectories with torch.optim and optax, in float64.

Run in tests/optimizers with an environment that has torch, jax and optax:
``PYTHONPATH=. python golden/make_golden.py``.  Each file says in its header which code made it
and with which hyperparameters; its rows are the step and theta.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from counterparts import COUNTERPARTS

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Write all files; where torch and optax both have a rule, insist that they agree."""
    for each in COUNTERPARTS:
        hypers = " ".join(f"{name}={value!r}" for name, value in each.hypers.items())
        for problem in each.problems:
            (source, path), *others = each.paths(problem).items()
            for _, other in others:
                for step, theta in other.items():
                    np.testing.assert_allclose(theta, path[step], rtol=0, atol=1e-12)
            # 17 significant digits: every float64 is read back exactly
            rows = [" ".join([str(t), *(f"{x:.17g}" for x in path[t])]) for t in path]
            name = "-".join(filter(None, (each.name, problem, each.variant.replace(" ", "_"))))
            lines = [f"# {source}", f"# {hypers}", *rows]
            (HERE / f"{name}.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
