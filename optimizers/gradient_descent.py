"""Gradient descent (Cauchy 1847): theta <- theta - learning_rate g."""

from optbench import Hyper, optimizer


@optimizer(
    reference="Soudry, Hoffer, Nacson, Gunasekar, Srebro 2018, arXiv:1710.10345; partly separable "
    "data: Ji, Telgarsky 2018, arXiv:1803.07300; several classes: also Ravi, Scott, Soudry, "
    "Wang 2024, arXiv:2411.01350",
    selects={
        "classification": "l2",
        "multiclass": "l2",
        "partly_separable": "direction",
        "nonseparable": "l2",  # from zero steps stay in the span of the data
        "regression": "l2",
    },
    follows_flow=True,
    condition="learning_rate < 2 / L (L: smoothness of the objective), constant; from zero",
    homogeneous=True,
    baseline=True,
)
def gradient_descent(theta, grad, learning_rate=Hyper(tune="log", low=0.0, degree=-1)):
    for i in range(theta.size):
        theta[i] -= learning_rate * grad[i]
