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
# # A diagonal network solves a linear program
#
# A linear program asks for the cheapest $x \ge 0$ with $Ax = b$. Gradient descent
# on $\|A(u \circ u) - b\|^2$ does not know the costs $c$: it only ever sees
# whether the constraints hold. Tell it the costs once, by where it starts, and it
# solves the program.
#
# **Theorem** (Wang, Ghosal, Mazumder 2023,
# [arXiv:2310.02535](https://arxiv.org/abs/2310.02535)). From
# $u = \exp(-c / 2\lambda)$ and with a small step, gradient descent on
# $\frac14 \|A(u \circ u) - b\|^2$ converges linearly, to within an error
# proportional to the step, to
#
# $$\arg\min_{Ax = b,\ x \ge 0} \ c \cdot x + \lambda \sum_i x_i (\log x_i - 1).$$
#
# As $\lambda$ falls, that tends to a solution of the linear program.
# Exponentiated gradient on $x$ goes the same way, and its limit is exact for
# every step that converges: $\log x$ only ever moves by combinations of the rows
# of $A$.
#
# The program here is a small transport: four places with goods, four that need
# them, and what it costs to carry a unit from one to the other.

# %%
import numpy as np
import optbench
import seaborn as sns

strengths = [1.0, 0.3, 0.1, 0.03]
result = optbench.compare(
    [
        f"linear_program:data=transport,m=4,strength={strength}"
        for strength in strengths
    ],
    ["gradient_descent", "exponentiated_gradient"],
    horizon=20_000,
)
result

# %% [markdown]
# `gradient_descent` has a second mark where the theorem asks for a smaller rate
# than the one that converges fastest: with the latter it fits the constraints at
# another point.

# %%
strength = result.table("instances")[["instance_id", "strength"]]
rows = result.table("bias").merge(strength)
small = rows[rows.as_theorem_asks | (rows.optimizer == "exponentiated_gradient")]
small[
    ["strength", "optimizer", "infeasibility", "distance_entropic", "objective_gap"]
]

# %% [markdown]
# ## As the entropy loses its strength
#
# The optimum of the linear program is from HiGHS, the entropic solution from its
# dual. The two methods lie on each other.

# %%
axes = sns.lineplot(
    data=small, x="strength", y="objective_gap", style="optimizer", markers=True
)
axes.set(xscale="log", yscale="log", ylabel="objective over the optimum, less 1")
_ = axes.set_title("With a weaker entropy the limit comes to the optimum")

# %% [markdown]
# ## Does it hold?
#
# Every limit meets the constraints, is at the entropic solution of its own
# strength (exactly, for exponentiated gradient), and the weaker the entropy, the
# cheaper the transport.

# %%
exact = small[small.optimizer == "exponentiated_gradient"]
network = small[small.as_theorem_asks]
assert (small.infeasibility < 1e-8).all()
assert (exact.distance_entropic < 1e-8).all() and (
    network.distance_entropic < 1e-2
).all()
assert (np.diff(exact.objective_gap) < 0).all() and exact.objective_gap.iloc[
    -1
] < 0.05

# %% [markdown]
# ## Exercises
#
# 1. Go on to `strength=0.01`. How many more steps does it take, and why? (Look at
#    the start.)
# 2. The bias of the network is proportional to the step. Give
#    `learning_rates=[...]` and show it: plot `distance_entropic` against the
#    rate.
# 3. Optimal transport is solved by Sinkhorn's algorithm when it has an entropy.
#    Write it in ten lines, and compare its limit with the one found here.
