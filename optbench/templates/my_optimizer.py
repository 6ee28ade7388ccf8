"""My optimizer: what it is, in one line, and its formula; `optbench show my_optimizer` prints this.

v <- momentum v + g;  theta <- theta - learning_rate v.
"""

from optbench import Hyper, Slot, optimizer


# The paper is required.  What else the brackets may say (what theory it has, `selects=`, on which
# problems it makes sense, `only_for=`): docs/adding-an-optimizer.md.
@optimizer(
    reference="authors year, arXiv or DOI",
    homogeneous=True,  # its path does not depend on the unit of the objective; the check tests it
)
def my_optimizer(
    theta,  # the trained parameters, float64 (p,): write the update into them
    grad,  # the gradient at theta, (p,): read only
    velocity=Slot(degree=1),  # state like theta, 0 at first; Slot(shape=3) is three numbers
    learning_rate=Hyper(tune="log", low=0.0, degree=-1),  # no default: the host searches it
    momentum=Hyper(0.9, low=0.0, high=1.0),  # a default, and the range that is valid
):
    # One step, in plain Python: the host compiles it, with the functions of this file and of its
    # folder that it calls.  Nothing is returned, and nothing allocated: loops instead of slices.
    for i in range(theta.size):
        velocity[i] = momentum * velocity[i] + grad[i]
        theta[i] -= learning_rate * velocity[i]
