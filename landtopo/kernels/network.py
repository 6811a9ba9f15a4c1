"""How a ReLU student on Gaussian inputs answers the compiled loops."""

import math

from landtopo.kernels import relu
from landtopo.kernels.compiled import njit
from landtopo.kernels.contract import (
    answers,
    constrain,
    finish,
    flow_task,
    gauge_rows,
    gradient,
    length_scale,
    newton_task,
    product,
    rounding,
    shaped,
    tabulate,
    tidy,
    undecided,
    value_gradient,
)
from landtopo.kernels.curvature import hvp_from_pairs
from landtopo.kernels.fast import fast_gradient, fast_task
from landtopo.kernels.tasks import ReluFlow, ReluNetwork, ReluTask
from landtopo.kernels.turns import turns
from landtopo.kernels.vectors import dot
from landtopo.kernels.zero_loss import end_at_zero_loss, narrower

__all__ = ["ReluNetwork"]

# Below this share of the loss without a student, zero loss may be near.
_LOW = 1e-2


# Settings under which the loops themselves are compiled.
_like_loops = njit(cache=True, error_model="numpy")


@answers(newton_task, ReluNetwork)
@_like_loops
def _newton_task(data):
    M, D = data.V.shape
    return ReluTask(data.V, data.constant, relu.workspace(data.K, M, D), data.K, D)


@answers(flow_task, ReluNetwork)
@_like_loops
def _flow_task(data):
    return fast_task(data.K, data.V)


@answers(shaped, ReluTask)
@_like_loops
def _shaped(task, x):
    return x.reshape(task.K, task.D)


@answers(value_gradient, ReluTask)
@_like_loops
def _value_gradient(task, X, G):
    return relu.value_gradient(X, task.V, task.constant, task.work, G)


@answers(tabulate, ReluTask)
@_like_loops
def _tabulate(task, X):
    relu.pairs(X, task.V, task.work)


@answers(product, ReluTask)
@_like_loops
def _product(task, X, P, OUT):
    hvp_from_pairs(X, task.V, task.work, P, OUT)


@answers(gauge_rows, ReluTask)
@_like_loops
def _gauge_rows(task, X):
    return turns(X, task.V)


@answers(rounding, ReluTask)
@_like_loops
def _rounding(task):
    return 1e-15 * task.constant


@answers(narrower, ReluTask)
@_like_loops
def _narrower(task, K):
    return ReluTask(task.V, task.constant, relu.workspace(K, task.V.shape[0], task.D), K, task.D)


@answers(finish, ReluTask)
@_like_loops
def _finish(task, x, value, norm, tolerance):
    if task.K == 1 or value >= _LOW * task.constant:
        return False, 0
    return end_at_zero_loss(x, task, tolerance, norm)


@answers(undecided, ReluTask)
@_like_loops
def _undecided(task, value):
    return task.V.shape[0] < task.K and value < _LOW * task.constant


@answers(shaped, ReluFlow)
@_like_loops
def _shaped_flow(task, x):
    return x.reshape(task.units.shape)


answers(gradient, ReluFlow)(fast_gradient)


@answers(constrain, ReluFlow)
@_like_loops
def _anywhere(task, X):
    pass


@answers(length_scale, ReluFlow)
@_like_loops
def _length_scale(task):
    return math.sqrt(dot(task.V.ravel(), task.V.ravel()))


@answers(tidy, ReluFlow)
@_like_loops
def _tidy(task, x, g, smallest):
    """Put neurons that have shrunk to nothing and still shrink to zero."""
    removed = False
    K, D = task.units.shape
    for k in range(K):
        size, slope = 0.0, 0.0
        for i in range(k * D, (k + 1) * D):
            size += x[i] * x[i]
            slope += x[i] * g[i]
        if 0.0 < size < smallest * smallest and slope > 0.0:
            removed = True
            for i in range(k * D, (k + 1) * D):
                x[i] = 0.0
    return removed
