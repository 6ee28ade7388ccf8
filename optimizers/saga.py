"""SAGA: stochastic gradients corrected by a table of old ones (Defazio, Bach, Lacoste-Julien 2014).

With the drawn row x_j, the derivative s_j of its loss by its prediction, and a table s of them:
theta <- theta - learning_rate ((s_j - s[j]) x_j + mean);  mean <- mean + (s_j - s[j]) x_j / n;
s[j] <- s_j,  where mean = sum_i s[i] x_i / n.

A linear predictor's gradients are multiples of its rows: a number a row is all that is kept.  The
correction has mean zero and vanishes at the minimum: a constant rate converges linearly on a
strongly convex sum, without a pass over all rows.
"""

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Defazio, Bach, Lacoste-Julien 2014, arXiv:1407.0202",
    selects={"regression": "l2"},
    condition="from zero (steps stay in the span of the data), learning_rate <= 1 / (3 max "
    "||x_i||^2), batch 1",
    homogeneous=True,
    default=False,
    convention="the table begins with zeros, as in scikit-learn; the paper begins with the "
    "gradients at the start, scikit-learn divides the mean by the rows seen so far",
)
def saga(
    theta,
    sample_row,
    sample_index,
    sample_slope,
    slopes=Slot(shape="rows", degree=1),
    mean=Slot(degree=1),
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),
    batch=Hyper(1, low=1, high=1, integer=True),
):
    change = sample_slope - slopes[sample_index]
    for i in range(theta.size):
        theta[i] -= learning_rate * (change * sample_row[i] + mean[i])
        mean[i] += change * sample_row[i] / slopes.size
    slopes[sample_index] = sample_slope
