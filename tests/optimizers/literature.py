"""What papers say that each optimizer selects: hyperparameters, kind of problem, solution.

Typed from the papers, not from the declarations in ``optimizers/``.  Hyperparameters that are not
named have their defaults; ``None``: the papers name no solution there.
"""

from __future__ import annotations

SEPARABLE, PARTLY, FINITE = "classification", "partly_separable", "nonseparable"
FIT, PROGRAM = "regression", "linear_program"
SEVERAL = "multiclass"
Row = tuple[dict[str, float], str, str | None]

# Zhang, Bengio, Hardt, Recht, Vinyals 2017 (arXiv:1611.03530), section 5: updates from zero that
# are combinations of gradients stay in the span of the rows; the solution there is the least norm.
SPAN: list[Row] = [
    ({}, FIT, "l2"),
    ({}, FINITE, "l2"),
    ({}, SEPARABLE, None),
    ({}, SEVERAL, None),
    ({}, PROGRAM, None),
]


def prescribed(solution: str) -> list[Row]:
    """Steepest descent with steps of length eta t^-a: needs eta_t -> 0 and a divergent sum.

    Fan, Schmidt, Thrampoulidis 2025 (arXiv:2502.04664), for every p-norm and several classes; the
    L2 norm with a = 1/2 is theorem 5 of Nacson et al. 2019 (arXiv:1803.01905).
    """
    return [
        row
        for kind in (SEPARABLE, SEVERAL)
        for row in (
            ({}, kind, solution),
            ({"decay": 1.0}, kind, solution),
            ({"decay": 0.0}, kind, None),
        )
    ]


ELSEWHERE: list[Row] = [({}, kind, None) for kind in (FIT, FINITE, PARTLY, PROGRAM)]
NOWHERE: list[Row] = [({}, SEPARABLE, None), ({}, SEVERAL, None), *ELSEWHERE]

LITERATURE: dict[str, list[Row]] = {
    # Soudry et al. 2018 (arXiv:1710.10345), theorem 3; Ji, Telgarsky 2018 (arXiv:1803.07300),
    # theorem 1.1: the direction of the largest margin of the rows that can be separated; several
    # classes: Soudry et al.; Ravi, Scott, Soudry, Wang 2024 (arXiv:2411.01350), their abstracts
    "gradient_descent": [
        ({}, SEPARABLE, "l2"),
        ({}, SEVERAL, "l2"),
        ({}, PARTLY, "direction"),
        *(row for row in SPAN if row[1] not in (SEPARABLE, SEVERAL)),
    ],
    # Wang et al. 2022 (arXiv:2110.03891), theorem 1: momentum in [0, 1)
    "heavy_ball": [
        ({}, SEPARABLE, "l2"),
        ({"momentum": 0.0}, SEPARABLE, "l2"),
        ({"momentum": 1.0}, SEPARABLE, None),
        ({}, PARTLY, None),
        *(row for row in SPAN if row[1] != SEPARABLE),
    ],
    # theorems on separable data are about other sequences of momentum (arXiv:2107.00595)
    "nesterov": [*SPAN, ({"momentum": 1.0}, FIT, None)],
    "normalized_gradient_descent": [
        *prescribed("l2"),
        ({}, FIT, "l2"),
        ({"decay": 0.0}, FIT, None),  # steps of constant length do not come to rest
        ({}, PARTLY, None),
    ],
    # Ji, Telgarsky 2021 (arXiv:1906.04540), theorem 3.1
    "loss_normalized_gradient_descent": [({}, SEPARABLE, "l2"), ({}, SEVERAL, None), *ELSEWHERE],
    "sign_descent": [*prescribed("linf"), *ELSEWHERE],
    "coordinate_descent": [
        *prescribed("l1"),
        ({"decay": 0.1}, SEPARABLE, "l1"),
        ({"decay": 0.1}, SEVERAL, "l1"),
        *ELSEWHERE,
    ],
    "steepest_descent": [*prescribed("lp(p)"), ({"p": 1.5}, SEPARABLE, "lp(p)"), *ELSEWHERE],
    # Gunasekar et al. 2018 (arXiv:1802.08246), theorem 5, steepest descent in the L1 norm
    "greedy_coordinate_descent": [({}, SEPARABLE, "l1"), *ELSEWHERE],
    # Zhang, Zou, Cao 2024 (arXiv:2406.10650): no eps, beta1 <= beta2, decreasing rates that tend
    # to 0 and whose sum is infinite.  Wang, Meng, Chen, Liu 2021 (arXiv:2012.06244) and theorem 3
    # of arXiv:2110.03891: eps > 0, beta1^4 < beta2, constant rate.  Several classes: Fan, Schmidt,
    # Thrampoulidis 2025 (arXiv:2502.04664; its abstract), of eps = 0 only
    "adam": [
        ({}, SEVERAL, None),
        ({"eps": 0.0, "decay": 0.5}, SEVERAL, "linf"),
        ({}, SEPARABLE, "l2"),
        ({"eps": 0.0, "decay": 0.5}, SEPARABLE, "linf"),
        ({"eps": 0.0, "decay": 1.0}, SEPARABLE, "linf"),
        ({"eps": 0.0}, SEPARABLE, None),
        ({"eps": 0.0, "decay": 0.5, "beta2": 0.8}, SEPARABLE, None),
        ({"eps": 0.0, "decay": 0.5, "beta2": 0.9}, SEPARABLE, "linf"),
        ({"eps": 0.0, "decay": 0.5}, SEVERAL, "linf"),
        ({"eps": 0.0}, SEVERAL, None),
        ({}, SEVERAL, None),
        ({"beta2": 0.65}, SEPARABLE, None),  # 0.9^4 = 0.6561
        ({"beta2": 0.66}, SEPARABLE, "l2"),
        ({"decay": 0.5}, SEPARABLE, None),
        *ELSEWHERE,
    ],
    # Adam with beta1 = 0
    "rmsprop": [
        ({}, SEPARABLE, "l2"),
        ({"eps": 0.0, "decay": 0.5}, SEPARABLE, "linf"),
        ({"eps": 0.0}, SEPARABLE, None),
        ({"decay": 0.5}, SEPARABLE, None),
        *ELSEWHERE,
    ],
    # Qian, Qian 2019 (arXiv:1906.03559): the metric of the limit depends on the path
    "adagrad": NOWHERE,
    # Shah et al. 2020 (arXiv:2011.14066): with the full matrix steps stay in the span
    "full_matrix_adagrad": SPAN,
    # Xie, Li 2024 (arXiv:2404.04454): a KKT point of the objective in a box, none of ours
    "adamw": NOWHERE,
    # Fan, Schmidt, Thrampoulidis 2025 (arXiv:2502.04664): normalized momentum descent in the max
    # norm; the abstract has no rates, which are taken to be those of steepest descent
    "signum": [*prescribed("linf"), ({"momentum": 1.0}, SEPARABLE, None), *ELSEWHERE],
    # Chen, Liu, Liang, Liu 2023 (arXiv:2310.05898), abstract: the objective in a box
    "lion": [*NOWHERE, *[({"weight_decay": 0.1}, kind, "unknown") for kind in (SEPARABLE, FIT)]],
    # the same in the spectral norm; of a matrix with one row that is the L2 norm.  A minimum: rows
    # of a factor U V^T are in the span of those of G, as with normalized gradient descent
    "normalized_spectral_descent": [
        ({}, SEPARABLE, "l2"),
        ({}, SEVERAL, "spectral"),
        ({}, FIT, "l2"),
        *[({"decay": 0.0}, kind, None) for kind in (SEPARABLE, SEVERAL, FIT)],
        ({}, PARTLY, None),
        ({}, PROGRAM, None),
    ],
    "muon": [
        *[({}, kind, None) for kind in (SEPARABLE, SEVERAL, PARTLY, PROGRAM)],  # Nesterov's form
        ({"nesterov": 0}, SEPARABLE, "l2"),
        ({"nesterov": 0, "exact": 1}, SEVERAL, "spectral"),
        ({"nesterov": 0}, SEVERAL, None),  # near U V^T is not U V^T
        *[({"nesterov": 0, "decay": 0.0}, kind, None) for kind in (SEPARABLE, SEVERAL, FIT)],
        ({"nesterov": 0, "momentum": 1.0}, SEPARABLE, None),
        ({}, FIT, "l2"),
    ],
    "spectral_descent": SPAN,
    # (eps I + sum G^T G)^(-1/4) takes the span of the rows to itself
    "shampoo": SPAN,
    "soap": NOWHERE,
    # rates of convergence only; whether several minimizers are there depends on the penalty
    "ista": NOWHERE,
    "fista": NOWHERE,
    # Foret et al. 2021 (arXiv:2010.01412) names no solution
    "sharpness_aware": NOWHERE,
    # papers with rates of convergence or regret only
    "adan": NOWHERE,
    "amsgrad": NOWHERE,
    "sophia": NOWHERE,
    "adafactor": NOWHERE,
    "prodigy": NOWHERE,
    "d_adaptation_adam": NOWHERE,
    "schedule_free_adamw": [*NOWHERE, ({"weight_decay": 0.1}, FIT, "unknown")],
    "lars": [*NOWHERE, ({"weight_decay": 0.1}, FIT, "unknown")],
    "lamb": [*NOWHERE, ({"weight_decay": 0.1}, FIT, "unknown")],
    # minimizes in a ball
    "conditional_gradient": NOWHERE,
    "frank_wolfe": [({}, kind, "unknown") for kind in (SEPARABLE, FIT, FINITE)],
    # minimizes another objective, with the penalty
    "weight_decay": NOWHERE,
    # its neurons have mean zero and unit norm: no unconstrained solution, not even the only one
    "nero": [({}, kind, "unknown") for kind in (SEPARABLE, FIT, FINITE)],
    "power_flow": NOWHERE,
    # Sun et al. 2022 (arXiv:2205.12808), theorem 3; Gunasekar et al. 2018, theorem 1
    "p_norm_mirror_descent": [
        ({}, SEPARABLE, "lp(p)"),
        ({}, FIT, "lp(p)"),
        ({}, FINITE, "lp(p)"),
        ({}, PROGRAM, None),
    ],
    # Sun et al. 2023 (arXiv:2306.13853)
    "normalized_mirror_descent": [({}, SEPARABLE, "lp(p)"), ({}, SEVERAL, None), *ELSEWHERE],
    # Woodworth et al. 2020 (arXiv:2002.09277), theorem 1; Pesme, Dragomir, Flammarion 2024
    # (arXiv:2406.12763): the potential's horizon is the L1 norm
    "hypentropy": [({}, FIT, "hypentropy(scale)"), ({}, SEPARABLE, "l1"), ({}, PROGRAM, None)],
    # Gunasekar et al. 2018, theorem 1, with the entropy as potential
    "exponentiated_gradient": [({}, PROGRAM, "entropic"), ({}, FIT, None)],
    # Gunasekar et al. 2018, theorem 5, in the norm of the metric; on regression the metric is that
    # of the data: in its span all interpolants are one
    "natural_gradient": [({}, SEPARABLE, "fisher"), ({}, FIT, "l2"), ({}, FINITE, "l2")],
    "online_natural_gradient": [({}, FIT, "l2"), ({}, SEPARABLE, None)],
    # Nacson, Srebro, Soudry 2019 (arXiv:1806.01796), theorem 2
    "stochastic_gradient_descent": [({}, SEPARABLE, "l2"), ({}, FIT, "l2"), ({}, PROGRAM, None)],
    # one weight matrix: gradient descent whose rate tends to rows / columns (arXiv:2304.05187)
    "automatic_gradient_descent": [({}, SEPARABLE, "l2"), *(r for r in SPAN if r[1] != SEPARABLE)],
    "adaptive_gradient_descent": SPAN,
    "armijo_gradient_descent": SPAN,
    "averaged_gradient_descent": SPAN,
    "barzilai_borwein": SPAN,
    "lbfgs": SPAN,  # H begins as a multiple of the identity and adds products of steps
    "schedule_free_sgd": SPAN,
    "dog": SPAN,
    "d_adaptation": SPAN,
    "dual_averaging": SPAN,
    "polyak_step": SPAN,
    "restarted_nesterov": SPAN,
    # a snapshot's gradient, and differences of those of rows: in the span
    "stochastic_variance_reduced_gradient": [({}, FIT, "l2"), ({}, SEPARABLE, None)],
    # the same of a table of old gradients
    # p is a combination of g, H g, H^2 g, ...: in the span of the rows
    "newton_cg": SPAN,
    "saga": [({}, FIT, "l2"), ({}, SEPARABLE, None)],
    "lookahead": SPAN,
    "rapp": SPAN,
    "extragradient": SPAN,
    "hypergradient": SPAN,
    # Applegate et al. 2021 (arXiv:2106.04756) prove linear convergence, to any of the solutions
    "restarted_pdhg": [({}, PROGRAM, None), ({}, FIT, None)],
}
