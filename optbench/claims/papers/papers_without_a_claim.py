"""Papers of the lists without a claim, and why."""

from __future__ import annotations

from optbench.claims.framework import Unmeasured

NOT_MEASURED = "not measured"

PAPERS = (
    Unmeasured(
        "S0-18",
        "The outcome range problem in interval linear programming",
        "Mohammadi and Gentili",
        "sensitivity of linear programs under interval data; no optimization dynamics",
    ),
    Unmeasured(
        "S0-20",
        "not identified: minimising loss functions of neural networks",
        "unknown",
        "an introduction, cut off before any claim",
    ),
    Unmeasured(
        "S1-19",
        "Deep learning for explicitly modeling optimization landscapes",
        "Baluja 2017, arXiv:1703.07394",
        "a surrogate inside combinatorial search; no first-order method",
    ),
    Unmeasured(
        "S3-13",
        "Deep networks from the principle of rate reduction",
        "Chan, Yu, Qi, You, Wright, Ma 2020, arXiv:2010.14765",
        "constructs an architecture; no statement about training",
    ),
    Unmeasured(
        "S3-14",
        "Random sparse lifts: construction, analysis and convergence of finite sparse networks",
        "Robin, Scaman, Lelarge 2025, arXiv:2501.05930",
        "an existence theorem for architectures without a quantitative law",
    ),
    Unmeasured("S3-20", "not identified", "unknown", "the same abstract as S0-20"),
    Unmeasured(
        "S4-02",
        "Approximation results for gradient descent trained neural networks",
        "Welper 2023, arXiv:2309.04860",
        "approximation theory; no bias or rate for the models of this suite",
    ),
    Unmeasured(
        "S0-03",
        "On the rate of convergence of a neural network regression estimate learned by gradient "
        "descent",
        "Braun, Kohler, Walk 2019, arXiv:1912.03921",
        "20 restarts at 100 to 1600 samples take more than the 20 s of a claim",
        NOT_MEASURED,
    ),
    Unmeasured(
        "S0-12",
        "Using linear regression for iteratively training neural networks",
        "Khadilkar 2023, arXiv:2307.05189",
        "criterion not met as stated: alternating least squares stalls at a mean squared error of "
        "0.005 to 0.45 on 10 of 10 seeds, where Adam reaches 1e-3",
        NOT_MEASURED,
    ),
    Unmeasured(
        "S0-17",
        "Weak correlations as the underlying principle for linearization of gradient-based "
        "learning systems",
        "Shem-Ur, Oz 2024, arXiv:2401.04013",
        "criterion half met: the contraction of the Hessian with gradients falls like width^-0.50, "
        "but sup |f - f_lin| like width^-0.98, faster than the interval [-0.65, -0.35] allows",
        NOT_MEASURED,
    ),
    Unmeasured(
        "S1-16",
        "Combining explicit and implicit regularization for efficient learning in deep networks",
        "Zhao 2023, arXiv:2306.00342",
        "criterion not met as stated: Adam with the penalty does have effective rank 5.4 against "
        "17.6, but gradient descent with it is better than without at large rates",
        NOT_MEASURED,
    ),
    Unmeasured(
        "S3-05",
        "Convergence of gradient descent for recurrent neural networks: a nonasymptotic analysis",
        "Cayci, Eryilmaz 2024, arXiv:2402.12241",
        "criterion half met: 16 units reach 1e-4 on 3 of 3 seeds, but the iterations do not grow "
        "with the spectral radius (14.3k, 15.3k, 14.7k, 12.9k at 0.5, 0.7, 0.8, 0.9)",
        NOT_MEASURED,
    ),
    Unmeasured(
        "S3-15",
        "Optimization-based separations for neural networks",
        "Safran, Lee 2021, arXiv:2112.02393",
        "ten seeds of two networks take more than the 20 s of a claim",
        NOT_MEASURED,
    ),
    Unmeasured(
        "S4-04",
        "On the effective number of linear regions in shallow univariate ReLU networks",
        "Safran, Vardi, Lee 2022, arXiv:2205.09072",
        "criterion not met as stated: 28 to 67 linear regions after 1e4 steps, above 8 r = 24",
        NOT_MEASURED,
    ),
    Unmeasured(
        "S4-07",
        "Mean-field analysis of piecewise linear solutions for wide ReLU networks",
        "Shevchenko, Kungurtsev, Mondelli 2021, arXiv:2111.02278",
        "at finite width every neuron is a knot: the count hangs on a tolerance that the theorem "
        "does not give",
        NOT_MEASURED,
    ),
)
