"""A small comparison with every kind of cell: numbers, inf, nothing, skipped, failed, diverged."""

from optbench.columns import (
    DECLARED,
    BiasRow,
    ConvergenceRow,
    InstanceFacts,
    RateLaw,
    ReferenceFacts,
)
from optbench.result import Comparison
from optbench.status import Status

DIGITS = {"problem": "logistic_regression", "instance": "digits_3v8", "instance_id": "a" * 12}
DIABETES = {"problem": "linear_regression", "instance": "diabetes_quadratic_40",
            "instance_id": "b" * 12}  # fmt: skip
AFIRO = {"problem": "linear_program", "instance": "afiro", "instance_id": "c" * 12}
TARGETS = ("1e-1", "1e-2", "1e-4", "1e-6", "1e-8")


def reference(name, value, gap, unique=True, certified=True):
    """Return a reference solution as tables see it."""
    return ReferenceFacts(
        name=name, value=value, bound=value, gap=gap, certified=certified, unique=unique
    )


INSTANCES = [
    InstanceFacts(
        **DIGITS, kind="classification", n=357, d=57, separation_unit="deg",
        source="scikit-learn digits 3 and 8, standardized",
        infimum=0.0, infimum_from=DECLARED, more={"separable": True, "loss": "logistic"},
        references=(
            reference("l1", 0.0361823, gap=2e-11),
            reference("l2", 0.1529, gap=1.2e-12),
            reference("linf", 0.7712, gap=0.0, unique=False),
        ),
        separation={"l1-l2": 34.03, "l1-linf": 52.14, "l2-linf": 31.5},
    ),
    InstanceFacts(
        **DIABETES, kind="regression", n=40, d=64,
        source="scikit-learn diabetes & quadratic_features",
        infimum=0.0, infimum_from=DECLARED,
    ),
    InstanceFacts(
        **AFIRO, kind="linear_program", n=27, d=51, source="Netlib afiro",
        infimum=0.0, infimum_from=DECLARED,
        more={"optimum": -464.7531428571429, "strength": 0.1},
        references=(reference("vertex", -464.753, gap=1e-15, unique=None),),
        separation={"vertex-entropic": 0.31},
    ),
]  # fmt: skip


def bias(place, optimizer, selected, theory, measures, **changes):
    """Return a bias row with the usual values and some changes."""
    row = {
        **place,
        "parametrization": "linear",
        "optimizer": optimizer,
        "hyperparameters": {"learning_rate": 0.12},
        "seeds": 1,
        "horizon": 10_000,
        "status": Status.HORIZON,
        "reason": None,
        "selected": selected,
        "runner_up": "l1" if selected else None,
        "separation": 31.5 if selected else None,
        "theory": theory,
        "condition": "separable data",
        "effective_p": 2.04 if selected else None,
        "effective_p_interval": (1.97, 2.11) if selected else None,
        "measures": measures,
        "intervals": dict.fromkeys(measures),
    }
    return BiasRow(**(row | changes))


def margins(l1, l2, linf):
    """Return the measures of separable data."""
    ratios = {"margin_ratio_l1": l1, "margin_ratio_l2": l2, "margin_ratio_linf": linf}
    return ratios | {"angle_l2": None if l2 is None else 25.3 * (1 - l2)}


def convergence(place, optimizer, steps, **changes):
    """Return a convergence row with the usual values and some changes."""
    row = {
        **place,
        "parametrization": "linear",
        "optimizer": optimizer,
        "hyperparameters": {"learning_rate": 0.12},
        "seeds": 1,
        "horizon": 10_000,
        "status": Status.HORIZON,
        "reason": None,
        "steps_to": dict(zip(TARGETS, steps, strict=True)),
        "seconds_to": {
            target: None if step is None else step * 18.4e-9
            for target, step in zip(TARGETS, steps, strict=True)
        },
        "intervals": dict.fromkeys(TARGETS),
        "rate": RateLaw(law="power", value=1.02, low=1.0, high=1.04, window=(100, 10000),
                        text="t^-1.02"),
        "ns_per_step": 18.4,
        "relative_cost": 1.0,
        "baseline": "gradient_descent",
        "best_learning_rate": 0.12,
        "at_edge": False,
        "sensitivity_decades": 1.3,
        "critical_learning_rate": 0.41,
        "theory_learning_rate": 0.4,
        "success_rate": 1.0,
        "success_target": "1e-2",
        "final_loss": 0.5,
        "final_suboptimality": 1.2e-5,
        "log10_final_suboptimality": -4.920818753952375,
    }  # fmt: skip
    return ConvergenceRow(**(row | changes))


NO_RATE = RateLaw(text="not asymptotic yet: 5 records, 6 needed")
NEVER = (None,) * 5
EMPTY = {
    "rate": RateLaw(), "ns_per_step": None, "relative_cost": None, "best_learning_rate": None,
    "sensitivity_decades": None, "critical_learning_rate": None, "theory_learning_rate": None,
    "success_rate": None, "final_loss": None, "final_suboptimality": None,
    "log10_final_suboptimality": None,
}  # fmt: skip
SKIPPED = {"status": Status.SKIPPED, "hyperparameters": {},
           "reason": "needs positive parameters: use --parametrization nonnegative"}  # fmt: skip
FAILED = {"status": Status.FAILED, "hyperparameters": {},
          "reason": "my_rule.py:12: division by zero in step 3 (100% of runs)"}  # fmt: skip
DIVERGED = {"status": Status.DIVERGED, "reason": "loss is not finite from step 85 on at every rate"}
ADAM = {"learning_rate": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}

BIAS_ROWS = [
    bias(DIGITS, "gradient_descent", "l2", "l2", margins(0.702, 0.941, 0.615)),
    bias(DIGITS, "normalized_gradient_descent", "l2", "l2", margins(0.71, 0.9996, 0.63)),
    bias(DIGITS, "coordinate_descent", "l1", "l1", margins(0.998, 0.61, 0.31), effective_p=1.0,
         effective_p_interval=(1.0, 1.05)),
    bias(DIGITS, "sign_descent", "linf", "linf", margins(0.40, 0.7, 0.997),
         effective_p=float("inf"), effective_p_interval=(60.0, float("inf"))),
    bias(DIGITS, "adam", "l2", "linf", margins(0.66, 0.93, 0.71), hyperparameters=ADAM,
         condition="separable data, eps = 0"),
    bias(DIGITS, "adam", "linf", "linf", margins(0.41, 0.7, 0.98),
         hyperparameters=ADAM | {"eps": 0.0}),
    bias(DIGITS, "p_norm_mirror_descent", "INCONCLUSIVE", "l3", margins(0.5, 0.9, 0.9),
         hyperparameters={"learning_rate": 0.3, "p": 3.0},
         reason="margins still grow: 12% in the last decade of steps"),
    bias(DIGITS, "exponentiated_gradient", None, "entropic", margins(None, None, None),
         **SKIPPED),
    bias(DIGITS, "my_rule", None, "unknown", {}, **FAILED),
    bias(DIGITS, "heavy_ball", None, "l2", margins(None, None, None), **DIVERGED),
    bias(DIABETES, "gradient_descent", "l2", "l2",
         {"norm_excess_l1": 0.412, "norm_excess_l2": 2.3e-11, "norm_excess_linf": 1.35,
          "residual": 1.1e-13}, seeds=5,
         intervals={"norm_excess_l1": (0.40, 0.42), "norm_excess_l2": (1e-11, 4e-11),
                    "norm_excess_linf": (1.2, 1.5), "residual": None}),
    bias(DIABETES, "gradient_descent", "hypentropy", "hypentropy",
         {"norm_excess_l1": 3e-4, "norm_excess_l2": 0.8, "norm_excess_linf": 4.1,
          "residual": 1e-9}, seeds=5, parametrization="diagonal:depth=2,scale=0.1"),
    bias(AFIRO, "exponentiated_gradient", "entropic", "entropic",
         {"objective_gap": 0.021, "infeasibility": 1.2e-8, "distance_entropic": 3e-7,
          "distance_vertex": 0.31, "support_f1": 0.97, "face_dimension": 2.0},
         parametrization="linear", effective_p=None, effective_p_interval=None),
]  # fmt: skip

CONVERGENCE_ROWS = [
    convergence(DIGITS, "gradient_descent", (41, 512, None, None, None)),
    convergence(DIGITS, "normalized_gradient_descent", (12, 95, 1234, 9100, None),
                ns_per_step=21.3, relative_cost=1.16, at_edge=True),
    convergence(DIGITS, "coordinate_descent", (12, 120, 5678, None, None)),
    convergence(DIGITS, "sign_descent", (8, 60, 900, 4000, 9999), status=Status.CONVERGED),
    convergence(DIGITS, "adam", (9, 66, 800, None, None), hyperparameters=ADAM, rate=NO_RATE,
                ns_per_step=123_456.0),
    convergence(DIGITS, "adam", (9, 66, 800, None, None), hyperparameters=ADAM | {"eps": 0.0}),
    convergence(DIGITS, "p_norm_mirror_descent", (50, 600, None, None, None)),
    convergence(DIGITS, "exponentiated_gradient", NEVER, **SKIPPED, **EMPTY),
    convergence(DIGITS, "my_rule", NEVER, **FAILED, **EMPTY),
    convergence(DIGITS, "heavy_ball", NEVER, **DIVERGED, **EMPTY),
    convergence(DIABETES, "gradient_descent", (100, 12_345, 123_456, 1_234_567, 9_876_543),
                seeds=5, horizon=10_000_000, success_rate=0.8,
                rate=RateLaw(law="linear", value=0.99931, low=0.99930, high=0.99932,
                             window=(10, 1000), text="0.9993/step"),
                intervals={target: (90.0, 20_000_000.0) for target in TARGETS}),
    convergence(DIABETES, "gradient_descent", (90, 200, 400, 800, 1600), seeds=5,
                parametrization="diagonal:depth=2,scale=0.1", status=Status.STALLED,
                reason="no progress from step 1,700 on"),
    convergence(AFIRO, "exponentiated_gradient", (10, 30, 400, 5000, None)),
]  # fmt: skip

ENVIRONMENT = {
    "python": "3.11.9",
    "versions": {"optbench": "0.1.0", "numba": "0.68.0", "numpy": "2.4.0", "scipy": "1.17.0"},
    "platform": "Linux-6.1-x86_64",
    "processor": "Example CPU @ 2.10GHz",
    "cores": 2,
    "threads": 1,
    "date": "2026-01-02T03:04:05+00:00",
    "seconds": {"references": 0.31, "compile": 2.5, "runs": 6.25, "total": 9.4},
    "compiled": 12,
}

EXAMPLE = Comparison(
    bias_rows=BIAS_ROWS,
    convergence_rows=CONVERGENCE_ROWS,
    instances=INSTANCES,
    traces=[],
    environment=ENVIRONMENT,
    notes=["broken plug-in: mine/broken.py:3: syntax error: invalid syntax"],
)
