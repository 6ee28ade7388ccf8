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
# # Your optimizer and its effective p
#
# Which solution does *your* update rule prefer? Write it down as a function;
# optbench compiles it, tunes its learning rate with the budget that all others
# have, and measures where it goes. The *effective p* of a run is the exponent of
# the $p$-norm in which its margin is closest to the largest one: 2 for gradient
# descent, infinity for sign descent, 1 for coordinate descent.
#
# **Theorem** (Gunasekar, Lee, Soudry, Srebro 2018,
# [arXiv:1802.08246](https://arxiv.org/abs/1802.08246)). On separable data and the
# exponential loss, steepest descent in a norm, with small enough steps, tends to
# the direction of largest margin in that same norm.
#
# So let us write steepest descent in the $p$-norm and see whether $p$ comes out
# again. With $1/p + 1/q = 1$ the steepest direction is
#
# $$-\|g\|_q^{2-q}\; \mathrm{sign}(g)\, |g|^{q-1}.$$

# %%
import numpy as np
import optbench
import seaborn as sns
from optbench import Hyper, optimizer


@optimizer(reference="Gunasekar et al. 2018, arXiv:1802.08246", homogeneous=True)
def steepest(theta, grad, learning_rate=Hyper(tune="log"), p=Hyper(3.0)):
    q = p / (p - 1.0)
    power = 0.0
    for i in range(theta.size):
        power += abs(grad[i]) ** q
    if power > 0.0:
        length = learning_rate * power ** (2.0 / q - 1.0)
        for i in range(theta.size):
            theta[i] -= length * np.sign(grad[i]) * abs(grad[i]) ** (q - 1.0)


# %% [markdown]
# A function is a name: beside it, `steepest[p=6]` is the same rule with another
# exponent. The loss is logistic, whose tail is that of the exponential loss.

# %%
result = optbench.compare(
    "logistic_regression:data=gaussian",
    [
        steepest,
        "steepest[p=1.5]",
        "steepest[p=6]",
        "gradient_descent",
        "sign_descent",
    ],
    horizon=100_000,
)
result

# %%
rows = result.table("bias").set_index("optimizer")
rows[["selected", "towards", "effective_p", "effective_p_interval", "status"]]

# %% [markdown]
# ## What the exponent does to the margins
#
# A larger exponent gives up margin in L1 for margin in the maximum norm.

# %%
ratios = rows.sort_values("effective_p").reset_index()
ratios = ratios.melt(
    "optimizer",
    ["margin_ratio_l1", "margin_ratio_l2", "margin_ratio_linf"],
    "norm",
    "ratio",
)
axes = sns.lineplot(data=ratios, x="optimizer", y="ratio", hue="norm", marker="o")
_ = axes.set(
    title="Each rule maximizes its own margin", ylabel="margin / largest margin"
)
axes.tick_params(axis="x", rotation=20)

# %% [markdown]
# ## Does it hold?
#
# The exponent that went in comes out, up to the grid of exponents on which
# optbench looks.

# %%
exponents = {
    "steepest[p=1.5]": 1.5,
    "gradient_descent": 2.0,
    "steepest": 3.0,
    "steepest[p=6]": 6.0,
    "sign_descent": float("inf"),
}
for name, p in exponents.items():
    low, high = rows.effective_p_interval[name]
    print(f"{name:18} p = {p:<4g} effective p = {rows.effective_p[name]:g}")
    assert low <= p <= high

# %% [markdown]
# ## Exercises
#
# 1. Give the rule a momentum: `velocity=Slot(degree=1)` is a further argument, an
#    array that begins at zero. Does the effective p change? (Of gradient descent,
#    Wang et al. 2022, [arXiv:2110.03891](https://arxiv.org/abs/2110.03891), prove
#    that it does not.)
# 2. Replace `np.sign(g) * abs(g) ** (q - 1)` by a rule of your own,
#    `g / (1 + abs(g))` say, without `homogeneous=True`. What is its effective p
#    after 1,000 steps, and after 100,000? Explain the two.
# 3. Put the function into a file and let `optbench check` look for mistakes.
