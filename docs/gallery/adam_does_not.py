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
# # Adam does not
#
# Gradient descent finds the largest margin in the Euclidean norm. Adam divides
# each coordinate of the gradient by a running estimate of its size. On the same
# data, with the same loss, that changes the plane.
#
# **Theorem** (Zhang, Zou, Cao 2024,
# [arXiv:2406.10650](https://arxiv.org/abs/2406.10650)). On separable data, Adam
# without a stability constant ($\epsilon = 0$), with $\beta_1 \le \beta_2$ and a
# learning rate that falls like $t^{-a}$, $0 < a \le 1$, tends to the largest
# margin in the maximum norm,
#
# $$\max_w \ \min_i \frac{y_i\, x_i \cdot w}{\|w\|_\infty},$$
#
# as sign descent does. The reason in one line: where all gradients shrink at the
# same pace, $\hat m / \sqrt{\hat v}$ is close to their signs, and the sign of the
# gradient is the steepest direction in the maximum norm.
#
# With $\epsilon > 0$, as everybody uses it, the gradients at last become small
# against $\epsilon$, and Adam turns into gradient descent with momentum (Wang,
# Meng, Zhang, Sun, Chen, Ma, Liu 2022,
# [arXiv:2110.03891](https://arxiv.org/abs/2110.03891)): its limit is the
# Euclidean margin again. A run of a practical length sees neither limit.

# %%
import optbench

optimizers = ["gradient_descent", "sign_descent", "adam"]
result = optbench.compare(
    "logistic_regression:data=gaussian", optimizers, horizon=100_000
)
result

# %% [markdown]
# `adam` has two marks. The first is of Adam as it is used: it has not arrived
# anywhere. The second is of Adam as the theorem asks, which optbench runs beside
# it: it has arrived, at `linf`.
#
# The *effective p* sums up a run in a number: in which $p$-norm is its margin
# closest to optimal?

# %%
rows = result.table("bias").set_index("optimizer")
rows[
    ["selected", "effective_p", "margin_ratio_l2", "margin_ratio_linf", "angle_l2"]
]

# %% [markdown]
# ## Along the runs

# %%
result.plot("selection")

# %% [markdown]
# Sign descent and Adam with $\epsilon = 0$ come to 1 in the panel of the maximum
# norm, gradient descent in that of the Euclidean norm. Adam as it is used comes to
# neither within 100,000 steps.
#
# ## Does it hold?

# %%
theorem = rows[rows.as_theorem_asks].iloc[0]
used = rows.loc["adam"]
descent, signs = rows.loc["gradient_descent"], rows.loc["sign_descent"]

assert (
    theorem.selected == signs.selected == "linf"
    and theorem.effective_p == float("inf")
)
assert descent.selected == "l2" and descent.effective_p == 2.0
assert (
    theorem.margin_ratio_linf > 0.95 and theorem.angle_l2 > 25
)  # degrees: another plane
assert used.selected not in ("l2", "linf") and 2.0 < used.effective_p < float("inf")

# %% [markdown]
# ## Exercises
#
# 1. Ask for `adam[eps=1e-2]`, `adam[eps=1e-5]` and `adam[eps=0]`. How does the
#    effective p move with $\epsilon$, and why?
# 2. The theorem lets the learning rate fall. Try `adam[eps=0,decay=0]`: what
#    happens to the ratio in the maximum norm, and how does it depend on the
#    learning rate?
# 3. `muon` takes the signs of singular values instead of entries. In which norm
#    of a matrix would you look for its margin? Compare it on `softmax_regression`
#    and look at `effective_schatten_p`.
