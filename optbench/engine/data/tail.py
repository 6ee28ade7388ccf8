"""The exponential tail of a margin loss, in a unit that never underflows.

Logistic and exponential losses both become exp(-m) for large margins m = prediction * target
(their ratio differs from 1 by less than exp(-m)).  In units of exp(-log_unit) a row's loss is
exp(log_unit - m).  Of several classes the cross-entropy becomes the sum of these over the margins
z_y - z_c to all wrong classes c.
"""

from __future__ import annotations

from optbench.elementwise import exp
from optbench.engine.compiler.views import part


def tail_slopes(predictions, targets, log_unit, out):
    """Write d/dprediction exp(log_unit - m) for each row."""
    for i in range(predictions.size):
        out[i] = -targets[i] * exp(log_unit - predictions[i] * targets[i])


def tail_losses(predictions, targets, log_unit):
    """Return the sum of exp(log_unit - m)."""
    total = 0.0
    for i in range(predictions.size):
        total += exp(log_unit - predictions[i] * targets[i])
    return total


def tail_curvatures(predictions, targets, log_unit, out):
    """Write d^2/dprediction^2 exp(log_unit - m) times the second prediction of each row."""
    stride, rows = predictions.size // 2, targets.size
    z, along = part(predictions, 0, rows), part(predictions, stride, rows)
    nothing, products = part(out, 0, rows), part(out, stride, rows)
    for i in range(rows):
        nothing[i] = 0.0
        square = targets[i] * targets[i]
        products[i] = square * exp(log_unit - z[i] * targets[i]) * along[i]


def tail_of_classes(predictions, target, slopes, log_unit):
    """Return the sum of exp(log_unit - (z_y - z_c)) over the wrong classes of a row; its slopes."""
    own = 0.0
    for c in range(predictions.size):
        own = predictions[c] if c == target else own
    total = 0.0
    for c in range(predictions.size):
        slopes[c] = 0.0 if c == target else exp(log_unit - (own - predictions[c]))
        total += slopes[c]
    for c in range(predictions.size):
        slopes[c] = -total if c == target else slopes[c]
    return total
