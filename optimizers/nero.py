"""Nero (Liu, Bernstein, Meister, Yue 2021): every step turns each neuron by about learning_rate.

For each neuron w, a row of a weight matrix with gradient g:
s <- beta s + (1 - beta) ||g||^2;  w <- w - learning_rate g / sqrt(s / (1 - beta^t));
then w <- w - mean(w), w <- w / ||w||.

The paper starts at such balanced neurons.  A neuron with one input, for which the constraint would
leave nothing, is not constrained, as the authors do for biases; one without a gradient stays.
"""

from math import sqrt

from optbench import Hyper, Slot, optimizer


@optimizer(
    reference="Liu, Bernstein, Meister, Yue 2021, arXiv:2102.07227",
    selects="unknown",  # at rest where the gradient is normal to the constraints
    condition="the solution has neurons of mean zero and unit norm",
    homogeneous=True,
    symmetries=(),  # the mean of a neuron singles out one direction
    default=False,
    convention="the authors' code without its eps = 1e-8; it balances the start and scales the "
    "rate of single weights by their initial size, this does neither",
)
def nero(
    theta,
    grad,
    step,
    layers,
    square=Slot(degree=2),  # of a neuron: where its first weight is
    learning_rate=Hyper(0.01, low=0.0),
    beta=Hyper(0.999, low=0.0, high=0.999999),
):
    for k in range(layers.shape[0]):
        columns = layers[k, 2]
        for row in range(layers[k, 1]):
            first = layers[k, 0] + row * columns
            total = 0.0
            for i in range(first, first + columns):
                total += grad[i] * grad[i]
            square[first] = beta * square[first] + (1.0 - beta) * total
            if total == 0.0:
                continue
            rate = learning_rate / sqrt(square[first] / (1.0 - beta**step))
            mean = 0.0
            for i in range(first, first + columns):
                theta[i] -= rate * grad[i]
                mean += theta[i] / columns
            if columns == 1:
                continue
            norm = 0.0
            for i in range(first, first + columns):
                theta[i] -= mean
                norm += theta[i] * theta[i]
            for i in range(first, first + columns):
                theta[i] /= sqrt(norm) if norm > 0.0 else 1.0
