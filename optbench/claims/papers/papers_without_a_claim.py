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
        "S3-15",
        "Optimization-based separations for neural networks",
        "Safran, Lee 2021, arXiv:2112.02393",
        "ten seeds of two networks take more than the 20 s of a claim",
        NOT_MEASURED,
    ),
)
