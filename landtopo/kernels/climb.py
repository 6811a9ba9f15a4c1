"""Eigenvector following (compiled): the step, the trust region, the exit tests, batches of starts.

Along n chosen eigenvectors the function is maximised, along all others minimised. A mode with
eigenvalue b and gradient component c makes the step

    s = +- 2 c / (|b| + sqrt(b^2 + 4 c^2)),

the rational-function step of one variable (Banerjee, Adams, Simons, Shepard, J. Phys. Chem. 89, 52
(1985), partitioned to single modes as by Wales): it has the right sign whatever the sign of b.
Where as many modes fall as are wanted, the step is Newton's.

Modes are those of the Hessian on a Krylov space, which begins with the modes followed in the step
before and with the gradient, and grows by products with the Hessian until neither the step nor the
mode changes. A step so costs some tens of gradients, without a matrix of all coordinates. Ritz
values are never below the eigenvalues they stand for: what falls across the space is not seen, and
who wants to know the index of an end asks the whole spectrum there.

The trust radius follows how well the quadratic model predicts the gradient. Function values are
never compared, because they cannot tell points apart below |grad| ~ 1e-8.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.contract import (
    answers,
    gauge_rows,
    newton_task,
    product,
    shaped,
    value_gradient,
)
from landtopo.kernels.eigen import eigh_compiled
from landtopo.kernels.vectors import dot, without, write
from landtopo.objective import Array

__all__ = [
    "CONVERGED",
    "LEFT_REGION",
    "NOT_FINITE",
    "NOT_SMOOTH",
    "SHORTER",
    "STEPS_USED",
    "UNDER_WAY",
    "Climb",
    "Quadratic",
    "Rules",
    "adapted",
    "beginning",
    "climb_batch",
    "ended",
    "proposed",
]

CONVERGED = 0
STEPS_USED = 1
NOT_SMOOTH = 2
LEFT_REGION = 3
NOT_FINITE = 4
UNDER_WAY = 5
SHORTER = 6

# Dimensions of Krylov spaces at which the step is looked at, and their largest. Most steps need
# nearly as many as the last one, so the first look is one below what that needed.
_FIRST = 8
_GROWTH = 1.25
_MOST = 64
# What of H s + g a step may neglect, relative to the gradient; Newton's steps near the end neglect
# less. And what of H v - b v a followed mode may, relative to the geometric mean of b and the
# largest eigenvalue: b is then wrong by less than itself.
_STEP_ERROR = 0.1
_MODE_ERROR = 0.05
# A product that the rows before it span to this share brings no new direction.
_SPANNED = 1e-10
# Errors of the quadratic model, relative to the gradients it deals with, beyond which a step is
# taken back, and beyond and below which the next one is shorter or may be longer. Along a curved
# soft valley H s alone is tiny, and would forbid every useful step.
_REFUSED = 2.0
_POOR = 1.5
_GOOD = 0.8
# A step that takes back the last one is a poor one from this error on.
_FAIR = 0.3
_TURNED = 0.5
# A mode has little of the gradient if others with so many times its component have this share of
# the gradient's square.
_LITTLE = 10.0
_MOST_OF_IT = 0.9
# A gradient that still jumps where it is as small as this is one that rounding makes.
_ROUNDING = 1e-8


class Rules(NamedTuple):
    """How climbs are done: `landtopo.points.ascend.AscentOptions`; `climbed` is the index there."""

    climbed: int
    steps: int
    tolerance: float
    first: float
    largest: float
    smallest: float
    zero: float


class Climb(NamedTuple):
    """One climb under way.

    Attributes
    ----------
    x, g, step, change, last : ndarray, shape (n,)
        The point, the gradient there, the step proposed, what the quadratic model says it changes
        in the gradient, and the last step made.
    modes : ndarray, shape (p, n)
        The modes followed in the last step, or the direction to climb at first, orthonormal.
    known : ndarray of int, shape (3,)
        How many of them there are, whether the first is still to be tracked because it is not
        known to be the lowest, and the dimension at which the next step is first looked at.
    radius : ndarray, shape (1,)
        Of the trust region.
    Q, HQ, T : ndarray, shapes (m + p + 1, n), (m, n), (m, m)
        Basis of a Krylov space, products with it, and the Hessian on the space.
    """

    x: Array
    g: Array
    step: Array
    change: Array
    last: Array
    modes: Array
    known: Any
    radius: Array
    Q: Array
    HQ: Array
    T: Array


class Quadratic(NamedTuple):
    """A point of a function that is not compiled, known by its Hessian (n, n) and gauge rows."""

    H: Array
    gauge: Array


@answers(shaped, Quadratic)
@njit(cache=True, error_model="numpy")
def _shaped(task, x):
    return x


@answers(product, Quadratic)
@njit(cache=True, error_model="numpy")
def _product(task, X, P, OUT):
    for i in range(P.shape[0]):
        OUT[i] = dot(task.H[i], P)


@answers(gauge_rows, Quadratic)
@njit(cache=True, error_model="numpy")
def _gauge_rows(task, X):
    return task.gauge


@njit(cache=True, error_model="numpy")
def beginning(x, direction, rules):
    """A climb that starts at x, with a direction to climb at first.

    Parameters
    ----------
    x : ndarray, shape (n,)
    direction : ndarray, shape (n,)
        Zero where there is none.
    rules : Rules
    """
    n = x.size
    most = min(n, max(_MOST, 2 * rules.climbed + _FIRST))
    held = max(rules.climbed, 1)
    modes = np.zeros((held, n))
    known = np.zeros(3, dtype=np.int64)
    if rules.climbed == 1:
        length = math.sqrt(dot(direction, direction))
        if length > 0.0:
            for i in range(n):
                modes[0, i] = direction[i] / length
            known[:2] = 1
    return Climb(
        x.copy(),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.zeros(n),
        modes,
        known,
        np.full(1, rules.first),
        np.empty((most + held + 1, n)),
        np.empty((most, n)),
        np.empty((most, most)),
    )


@njit(cache=True, error_model="numpy")
def _appended(climb, filled, gauge):
    """Make row `filled` of Q orthonormal to those before it and to the gauge rows.

    Returns how many rows there are then: no more than before if it is spanned by them.
    """
    v = climb.Q[filled]
    before = math.sqrt(dot(v, v))
    for _ in range(2):
        without(v, gauge, gauge.shape[0])
        without(v, climb.Q, filled)
    left = math.sqrt(dot(v, v))
    if not left > _SPANNED * before:
        return filled
    for i in range(v.shape[0]):
        v[i] /= left
    return filled + 1


@njit(inline="always", error_model="numpy")
def _grown(task, climb, gauge, span):
    """Products with rows span[0] to span[1] of Q, of which each brings a row; (done, rows)."""
    first, last, filled = span
    Q, HQ, T = climb.Q, climb.HQ, climb.T
    X = shaped(task, climb.x)
    for j in range(first, last):
        if j == filled:
            return j, filled
        image = HQ[j]
        product(task, X, shaped(task, Q[j]), shaped(task, image))
        without(image, gauge, gauge.shape[0])
        for i in range(j + 1):
            T[i, j] = T[j, i] = dot(Q[i], image)
        if filled < Q.shape[0]:
            Q[filled] = image
            filled = _appended(climb, filled, gauge)
    return last, filled


@njit(cache=True, error_model="numpy")
def _followed(climb, vectors, values):
    """First of the Ritz vectors that are climbed; sets whether it still has to be tracked."""
    if climb.known[1] == 0:
        return 0
    # The direction tracked is the first row of the basis.
    best = 0
    for j in range(values.size):
        if abs(vectors[j, 0]) > abs(vectors[best, 0]):
            best = j
    if best == 0 and values[0] < 0.0:
        climb.known[1] = 0
    return best


@njit(cache=True, error_model="numpy")
def _cap(steps, components):
    """Let no mode that has little of the gradient go farther than those that have most of it.

    Near a flat set its eigenvalue and its component are what the distance from the set makes of
    them, of second order, and their ratio is any number: a step along it would lead away for ever.
    """
    norm = dot(components, components)
    for j in range(steps.size):
        part, length = 0.0, 0.0
        for i in range(steps.size):
            if abs(components[i]) >= _LITTLE * abs(components[j]):
                part += components[i] * components[i]
                length += steps[i] * steps[i]
        length = math.sqrt(length)
        if part >= _MOST_OF_IT * norm and abs(steps[j]) > length:
            steps[j] = math.copysign(length, steps[j])


@njit(cache=True, error_model="numpy")
def _mode_steps(values, components, first, falling, rules):
    """Steps along Ritz vectors: up those that are followed, down the others."""
    zero = rules.zero * max(abs(values[0]), abs(values[-1]))
    steps = np.zeros(values.size)
    for j in range(values.size):
        b, c = values[j], components[j]
        if falling:
            if b != 0.0:
                steps[j] = -c / b
            continue
        root = abs(b) + math.sqrt(b * b + 4.0 * c * c)
        # In a flat direction only rounding is left of the gradient; the formula would make it 1.
        if root == 0.0 or (abs(b) <= zero and abs(c) <= rules.tolerance):
            continue
        steps[j] = -2.0 * c / root
        if first <= j < first + rules.climbed:
            steps[j] = -steps[j]
    _cap(steps, components)
    return steps


@njit(cache=True, error_model="numpy")
def _combined(inner, rows, out):
    """Write the sum of rows times the entries of `inner`."""
    out[:] = 0.0
    for j in range(inner.size):
        row = rows[j]
        for i in range(out.size):
            out[i] += inner[j] * row[i]


@njit(cache=True, error_model="numpy")
def _outside(climb, inner):
    """Length of what the Hessian makes of a vector of the space outside it."""
    _combined(inner, climb.HQ, climb.change)
    total = dot(climb.change, climb.change)
    for j in range(inner.size):
        share = 0.0
        for i in range(inner.size):
            share += climb.T[j, i] * inner[i]
        total -= share * share
    return math.sqrt(max(total, 0.0))


@njit(cache=True, error_model="numpy")
def _spectrum(climb, count):
    """Ritz values, Ritz vectors as rows, and the gradient's components along them."""
    values, vectors = eigh_compiled(climb.T[:count, :count])
    components = np.zeros(count)
    for j in range(count):
        share = dot(climb.Q[j], climb.g)
        for i in range(count):
            components[i] += vectors[i, j] * share
    return values, vectors, components


@njit(cache=True, error_model="numpy")
def _settled(climb, vectors, steps, first, rules, allowed):
    """Whether a larger space would change neither the followed modes nor the step.

    `allowed` is what may be neglected of a mode and of the step.
    """
    for j in range(first, min(first + rules.climbed, steps.size)):
        if _outside(climb, vectors[j]) > allowed[0]:
            return False
    inner = np.empty(steps.size)
    _combined(steps, vectors, inner)
    return _outside(climb, inner) <= allowed[1]


@njit(cache=True, error_model="numpy")
def _kept(climb, vectors, steps, first, rules):
    """Write the step, its change and the followed modes into a climb; length of the step."""
    last = min(first + rules.climbed, steps.size)
    climb.known[0] = last - first
    for j in range(first, last):
        _combined(vectors[j], climb.Q, climb.modes[j - first])
    inner = np.empty(steps.size)
    _combined(steps, vectors, inner)
    _combined(inner, climb.HQ, climb.change)
    _combined(inner, climb.Q, climb.step)
    return math.sqrt(dot(climb.step, climb.step))


@njit(cache=True, error_model="numpy")
def proposed(task, climb, rules):
    """Write the next step without its trust region into a climb, and what it changes.

    Parameters
    ----------
    task : named tuple
        With its tables made for climb.x.
    climb : Climb
    rules : Rules

    Returns
    -------
    length : float
        Of the step; not finite where a product with the Hessian is not.
    products : int
        How often the Hessian was applied.
    """
    gauge = gauge_rows(task, shaped(task, climb.x))
    most = min(climb.T.shape[0], climb.x.size - gauge.shape[0])
    norm = math.sqrt(dot(climb.g, climb.g))
    filled = 0
    for j in range(climb.known[0]):
        climb.Q[filled] = climb.modes[j]
        filled = _appended(climb, filled, gauge)
    climb.Q[filled] = climb.g
    filled = _appended(climb, filled, gauge)
    done, wanted = 0, min(most, max(_FIRST, 2 * rules.climbed + 4, climb.known[2]))
    while True:
        done, filled = _grown(task, climb, gauge, (done, wanted, filled))
        if not math.isfinite(np.sum(climb.T[:done, :done])):
            return np.inf, done
        values, vectors, components = _spectrum(climb, done)
        first = _followed(climb, vectors, values)
        negative = 0
        while negative < done and values[negative] < 0.0:
            negative += 1
        falling = negative == rules.climbed and climb.known[1] == 0
        steps = _mode_steps(values, components, first, falling, rules)
        if done >= most or done == filled:
            break
        scale = max(abs(values[0]), abs(values[-1]))
        share = min(_STEP_ERROR, norm) if falling else _STEP_ERROR
        curvature = math.sqrt(abs(values[first]) * scale)
        if _settled(climb, vectors, steps, first, rules, (_MODE_ERROR * curvature, share * norm)):
            break
        wanted = min(most, int(_GROWTH * done) + 1)
    climb.known[2] = int(done / _GROWTH)
    return _kept(climb, vectors, steps, first, rules), done


@njit(cache=True, error_model="numpy")
def adapted(climb, gradient, full, scale, rules):
    """Judge a step from the gradient at its end, and set the radius of the next.

    Parameters
    ----------
    climb : Climb
    gradient : ndarray, shape (n,)
        At x + scale * step.
    full, scale : float
        Length of the proposed step, and how much of it was made.
    rules : Rules

    Returns
    -------
    int
        `UNDER_WAY` where the step is to be taken, `SHORTER` where a shorter one is to be tried,
        `NOT_SMOOTH` where none is short enough.
    """
    wrong, expected, norm = 0.0, 0.0, 0.0
    for i in range(gradient.size):
        change = scale * climb.change[i]
        difference = gradient[i] - climb.g[i] - change
        wrong += difference * difference
        expected += change * change
        norm += climb.g[i] * climb.g[i]
    norm = math.sqrt(norm)
    error = math.sqrt(wrong) / max(math.sqrt(expected), norm)
    length = scale * full
    if not error <= _REFUSED:
        if length > rules.smallest:
            climb.radius[0] = 0.25 * length
            return SHORTER
        if norm > _ROUNDING:
            return NOT_SMOOTH
    # Steps to and fro across a fold of the gradient can go on for ever at one length.
    back = scale * dot(climb.step, climb.last)
    turned = back < -_TURNED * length * math.sqrt(dot(climb.last, climb.last))
    for i in range(gradient.size):
        climb.last[i] = scale * climb.step[i]
    if error > _POOR or (error > _FAIR and turned):
        climb.radius[0] = 0.5 * length
    elif error < _GOOD:
        climb.radius[0] = min(max(climb.radius[0], 2.0 * length), rules.largest)
    return UNDER_WAY


@njit(cache=True, error_model="numpy")
def ended(climb, start, region, rules):
    """Whether a climb is at its end, and how: a status.

    Parameters
    ----------
    climb : Climb
    start : ndarray, shape (n,)
    region : float
        Distance from the start at which it gives up.
    rules : Rules
    """
    norm = math.sqrt(dot(climb.g, climb.g))
    if not math.isfinite(norm):
        return NOT_FINITE
    if norm <= rules.tolerance:
        return CONVERGED
    apart = 0.0
    for i in range(start.size):
        apart += (climb.x[i] - start[i]) ** 2
    return LEFT_REGION if math.sqrt(apart) > region else UNDER_WAY


@njit(inline="always", error_model="numpy")
def _climbed(task, climb, region, trace, rules):
    """One climb to its end; (status, value, cost).

    The trace takes the points and the cost is (steps, gradients, products).
    """
    n = climb.x.size
    start = climb.x.copy()
    trial = np.empty(n)
    g_trial = np.empty(n)
    X_trial, G_trial = shaped(task, trial), shaped(task, g_trial)
    write(trial, start)
    new = value_gradient(task, X_trial, G_trial)
    value, gradients, products = new, 1, 0
    for step in range(rules.steps + 1):
        write(climb.x, trial)
        write(climb.g, g_trial)
        value = new
        if step < trace.shape[0]:
            trace[step] = trial
        status = ended(climb, start, region, rules)
        if status == UNDER_WAY and step == rules.steps:
            status = STEPS_USED
        if status != UNDER_WAY:
            break
        full, used = proposed(task, climb, rules)
        products += used
        if not math.isfinite(full):
            status = NOT_FINITE
            break
        while True:
            scale = min(1.0, climb.radius[0] / full) if full > 0.0 else 1.0
            for i in range(n):
                trial[i] = climb.x[i] + scale * climb.step[i]
            new = value_gradient(task, X_trial, G_trial)
            gradients += 1
            status = adapted(climb, g_trial, full, scale, rules)
            if status != SHORTER:
                break
        if status != UNDER_WAY:
            break
    return status, value, (step, gradients, products)


@njit(cache=True, nogil=True, error_model="numpy")
def climb_batch(points, directions, regions, traces, data, rules):
    """Climb from every start of a batch.

    Parameters
    ----------
    points : ndarray, shape (n, size)
        Overwritten with the ends.
    directions : ndarray, shape (n, size)
        To climb at first, for index 1; zero where the lowest mode is to be followed at once.
    regions : ndarray, shape (n,)
        Distances from the starts at which climbs give up.
    traces : ndarray, shape (n, rows, size)
        Overwritten with the first points of each climb, as many as there is place for.
    data : named tuple
        The landscape; see `landtopo.kernels.contract`.
    rules : Rules

    Returns
    -------
    values, norms : ndarray, shape (n,)
        At the ends.
    statuses : ndarray of int, shape (n,)
    costs : ndarray of int, shape (n, 3)
        Steps, gradients, products with the Hessian.
    """
    count = points.shape[0]
    task = newton_task(data)
    values = np.empty(count)
    norms = np.empty(count)
    statuses = np.empty(count, dtype=np.int64)
    costs = np.empty((count, 3), dtype=np.int64)
    for b in range(count):
        climb = beginning(points[b], directions[b], rules)
        statuses[b], values[b], cost = _climbed(task, climb, regions[b], traces[b], rules)
        costs[b, 0], costs[b, 1], costs[b, 2] = cost
        norms[b] = math.sqrt(dot(climb.g, climb.g))
        points[b] = climb.x
    return values, norms, statuses, costs
