"""Papers of the lists that make no statement about an optimizer's solution or rate."""

from __future__ import annotations

from optbench.claim import OutOfScope

PAPERS = (
    OutOfScope(
        "S0-18",
        "The outcome range problem in interval linear programming",
        "Mohammadi and Gentili",
        "sensitivity of linear programs under interval data; no optimization dynamics",
    ),
    OutOfScope(
        "S0-20",
        "not identified: minimising loss functions of neural networks",
        "unknown",
        "an introduction, cut off before any claim",
    ),
    OutOfScope(
        "S1-19",
        "Deep learning for explicitly modeling optimization landscapes",
        "Baluja 2017, arXiv:1703.07394",
        "a surrogate inside combinatorial search; no first-order method",
    ),
    OutOfScope(
        "S3-13",
        "Deep networks from the principle of rate reduction",
        "Chan, Yu, Qi, You, Wright, Ma 2020, arXiv:2010.14765",
        "constructs an architecture; no statement about training",
    ),
    OutOfScope(
        "S3-14",
        "Random sparse lifts: construction, analysis and convergence of finite sparse networks",
        "Robin, Scaman, Lelarge 2025, arXiv:2501.05930",
        "an existence theorem for architectures without a quantitative law",
    ),
    OutOfScope("S3-20", "not identified", "unknown", "the same abstract as S0-20"),
    OutOfScope(
        "S4-02",
        "Approximation results for gradient descent trained neural networks",
        "Welper 2023, arXiv:2309.04860",
        "approximation theory; no bias or rate for the models of this suite",
    ),
)
