"""Points in the plane whose distances are as close to given ones as can be: a map.

Metric multidimensional scaling (`sklearn.manifold.smacof`; I. Borg and P. Groenen, Modern
Multidimensional Scaling, 2005) minimises the sum of (d_ij - D_ij)^2, d the distances in the plane.
It starts from classical scaling, which is exact where a planar configuration has the distances, and
from some random places; the best end counts.

What is left is told as the stress: the square root of that sum over the sum of D_ij^2. It is 0
where the map is true, and the share by which distances on it are wrong in the mean square
otherwise.
"""

from __future__ import annotations

import numpy as np

from landtopo.eigen import eigh
from landtopo.objective import Array

__all__ = ["placed", "placed_beside", "stress_beside", "stress_of"]

_RANDOM = 3
_STEPS = 3_000
_ENOUGH = 1e-10
# Places are equal where they differ by less than this part of the size of the map.
_SAME = 1e-9


def placed(distances: Array) -> tuple[Array, float]:
    """Places in the plane for points with these distances, and the stress.

    Parameters
    ----------
    distances : ndarray, shape (n, n)
        Symmetric, zero on the diagonal.

    Returns
    -------
    places : ndarray, shape (n, 2)
        About their middle, the longer axis first; the first point that is off an axis lies on its
        negative side. The same distances give the same places.
    stress : float

    Examples
    --------
    >>> import numpy as np
    >>> from landtopo.landscape.map import placed
    >>> places, stress = placed(np.array([[0.0, 3, 4], [3, 0, 5], [4, 5, 0]]))
    >>> round(float(np.linalg.norm(places[1] - places[2])), 9), stress < 1e-9
    (5.0, True)
    """
    count = len(distances)
    if not np.any(distances):
        return np.zeros((count, 2)), 0.0
    from sklearn.manifold import smacof

    scale = float(distances.max())
    wanted = distances / scale
    generator = np.random.default_rng(np.random.SeedSequence(count))
    starts = [_classical(wanted), *generator.uniform(-0.5, 0.5, (_RANDOM, count, 2))]
    ends = []
    for start in starts:
        exact = stress_of(start, wanted)
        if exact <= _SAME:
            ends = [(exact, start)]
            break
        end, _ = smacof(
            wanted,
            n_components=2,
            init=start,
            n_init=1,
            max_iter=_STEPS,
            eps=_ENOUGH,
            normalized_stress=False,
        )
        ends.append((stress_of(end, wanted), end))
    # Of ends of equal stress the first: random places are no better than the others.
    stress, best = min(ends, key=lambda end: round(end[0], 9))
    return _upright(best) * scale, stress


def stress_of(places: Array, distances: Array) -> float:
    """The stress of places in the plane.

    Parameters
    ----------
    places : ndarray, shape (n, 2)
    distances : ndarray, shape (n, n)

    Examples
    --------
    >>> import numpy as np
    >>> from landtopo.landscape.map import stress_of
    >>> stress_of(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 10.0], [10.0, 0.0]]))
    0.5
    """
    return stress_beside(places, places, distances)


def stress_beside(further: Array, places: Array, distances: Array) -> float:
    """The stress of further points against those that have a place already.

    Parameters
    ----------
    further : ndarray, shape (m, 2)
    places : ndarray, shape (n, 2)
    distances : ndarray, shape (m, n)
        Of the further points to the others.

    Examples
    --------
    >>> import numpy as np
    >>> from landtopo.landscape.map import stress_beside
    >>> stress_beside(np.array([[0.0, 1.0]]), np.array([[0.0, 0.0]]), np.array([[2.0]]))
    0.5
    """
    whole = float(np.sum(distances**2))
    apart = np.linalg.norm(further[:, None] - places[None], axis=2)
    return float(np.sqrt(np.sum((apart - distances) ** 2) / whole)) if whole else 0.0


def placed_beside(distances: Array, places: Array) -> Array:
    """Places of further points, each by its own stress against points that stay where they are.

    Points that are placed so move no other, however many there are.

    Parameters
    ----------
    distances : ndarray, shape (m, n)
        Of further points to those with a place.
    places : ndarray, shape (n, 2)

    Returns
    -------
    ndarray, shape (m, 2)

    Examples
    --------
    >>> import numpy as np
    >>> from landtopo.landscape.map import placed_beside
    >>> corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> placed_beside(np.full((1, 3), 0.5**0.5), corners).round(6)
    array([[0.5, 0.5]])
    """
    return np.array([_beside(row, places) for row in distances]).reshape(-1, 2)


def _beside(wanted: Array, places: Array) -> Array:
    from scipy.optimize import least_squares

    def left(place: Array) -> Array:
        return np.asarray(np.linalg.norm(place - places, axis=1) - wanted)

    # From the nearest points, from the middle, and from around the nearest one.
    near = places[np.argsort(wanted, kind="stable")[:4]]
    turns = np.linspace(0.0, 2.0 * np.pi, 6, endpoint=False)
    around = near[0] + wanted.min() * np.column_stack([np.cos(turns), np.sin(turns)])
    starts = np.vstack([around, near, places.mean(axis=0)[None]])
    # A start on a placed point has no slope there.
    scale = max(float(np.ptp(places, axis=0).max(initial=0.0)), float(wanted.max()), 1e-300)
    starts = starts + 1e-3 * scale * np.array([1.0, 0.7])
    ends = [least_squares(left, start, xtol=1e-12, ftol=1e-12, gtol=1e-12) for start in starts]
    return np.asarray(min(ends, key=lambda end: round(float(end.cost) / scale**2, 12)).x)


def _classical(distances: Array) -> Array:
    """Torgerson's scaling: the two leading axes of the Gram matrix that the distances have."""
    squares = distances**2
    rows = squares.mean(axis=0)
    gram = -0.5 * (squares - rows[:, None] - rows[None] + squares.mean())
    values, vectors = eigh(gram)
    return np.asarray(vectors[:, -2:] * np.sqrt(np.maximum(values[-2:], 0.0)))


def _upright(places: Array) -> Array:
    """Turned to a position that depends on distances alone, as far as these tell one."""
    places = places - places.mean(axis=0)
    _, axes = eigh(places.T @ places)
    turned = places @ axes[:, ::-1]
    size = float(np.abs(turned).max())
    for axis in range(2):
        off = np.flatnonzero(np.abs(turned[:, axis]) > _SAME * size)
        if len(off) and turned[off[0], axis] > 0.0:
            turned[:, axis] *= -1.0
    return np.asarray(turned)
