# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A small initialization finds sparse solutions
#
# Twenty measurements of forty unknowns have infinitely many exact solutions.
# Nothing in the loss prefers one with many zeros, yet gradient descent finds it
# when the unknowns are written as a difference of squares and training starts
# close to zero.
#
# **Theorem** (Woodworth, Gunasekar, Lee, Moroshko, Savarese, Golan, Soudry,
# Srebro 2020, [arXiv:2002.09277](https://arxiv.org/abs/2002.09277)). Let
# $w = u \circ u - v \circ v$ and let gradient flow minimize $\|Xw - y\|^2$ from
# $u = v = \alpha$. If it fits the data in the limit, it has found, of all $w$
# that do, the one of least
#
# $$Q_\alpha(w) = \sum_i \alpha^2\, q\!\left(\frac{w_i}{\alpha^2}\right), \qquad
#   q(z) = 2 - \sqrt{4 + z^2} + z\, \mathrm{arcsinh}(z / 2),$$
#
# the *hypentropy*. For large $\alpha$ it is close to a multiple of $\|w\|_2^2$,
# for small $\alpha$ to one of $\|w\|_1$: the scale of the start moves the
# solution from the least Euclidean norm, which is dense, to the least L1 norm,
# which is sparse.

# %%
import numpy as np
import optbench
import seaborn as sns

scales = [1.0, 0.3, 0.1, 0.03, 0.01, 0.001]
result = optbench.compare(
    "linear_regression:data=gaussian,n=20,d=40,sparsity=3",
    "gradient_descent",
    parametrizations=[f"diagonal:scale={scale}" for scale in scales],
    horizon=50_000,
)
result

# %% [markdown]
# A row has two marks. The first is of the learning rate that reached the smallest
# loss: its steps are too long for the theorem, which is of gradient flow. The
# second is of a small rate, which optbench runs beside it because the theorem
# asks for one.
#
# ## From dense to sparse
#
# The excess is how much larger the norm is than the least one of all solutions,
# which is certified: the least Euclidean norm is a projection, the least L1 norm
# a linear program.

# %%
rows = result.table("bias")
ends = rows[rows.as_theorem_asks].assign(scale=scales)
excesses = ends.melt(
    "scale", ["norm_excess_l1", "norm_excess_l2"], "norm", "excess"
)
axes = sns.lineplot(data=excesses, x="scale", y="excess", hue="norm", marker="o")
_ = axes.set(
    xscale="log", title="The scale of the start decides which norm is least"
)

# %%
ends[
    ["scale", "norm_excess_l1", "norm_excess_l2", "distance_hypentropy", "residual"]
]

# %% [markdown]
# ## Does it hold?
#
# All of them fit the data to one per cent or better. The smallest start ends
# within one per cent of the least L1 norm, the largest within a thousandth of the
# least Euclidean norm, and every one is within two per cent of the least
# hypentropy of its own scale, a convex problem that optbench solves apart.

# %%
l1, l2 = ends.norm_excess_l1.to_numpy(), ends.norm_excess_l2.to_numpy()
assert (ends.residual < 0.01).all()
assert (np.diff(l1) < 0).all() and (np.diff(l2) > 0).all()
assert l1[-1] < 0.01 and l2[0] < 0.001
assert (ends.distance_hypentropy < 0.02).all()

# %% [markdown]
# ## Exercises
#
# 1. Which norm does the larger rate prefer, the one that wins the search? Compare
#    the two kinds of rows.
# 2. Plot `support` of `result.to_dataframe()` against the step: how many
#    coordinates are more than a ten-thousandth of the largest? Do the three that
#    made the data come first?
# 3. The excess in L1 falls slowly, like a power of $\alpha$. Read the power off
#    the figure. (Theorem 2 of the paper needs $\alpha$ to be exponentially small
#    in the worst case.)
# 4. Try `diagonal:depth=3,scale=0.1`. Deeper networks need a less extreme start:
#    by how much?
