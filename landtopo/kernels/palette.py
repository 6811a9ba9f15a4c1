"""Colours of the entries of a block matrix [[Q, R], [R^T, T]] by a table of intervals, compiled."""

import numpy as np

from landtopo.kernels.compiled import njit

__all__ = ["colours_of"]


@njit(cache=True)
def colours_of(gram, width, lows, highs, starts, tolerance, colours):
    """Colour the entries of a matrix by the intervals of a palette.

    There are five kinds of entries, each with intervals of its own: students' diagonal and the rest
    of their block, overlaps, teachers' diagonal and the rest of theirs. Colour 0 of a kind is the
    largest value.

    Parameters
    ----------
    gram : (n, n) float64
    width : int
        Number of students; they come first.
    lows, highs : (c,) float64
        Ends of the intervals of the negated values, ascending within a kind.
    starts : (6,) int64
        Where the intervals of each kind start, and their number.
    tolerance : float
        Largest distance of a value from its interval.
    colours : (n, n) int64
        Result.

    Returns
    -------
    bool
        False when a value is in no interval.
    """
    n = len(gram)
    for i in range(n):
        for j in range(i + 1):
            if i == j:
                kind = 0 if i < width else 3
            elif i < width:
                kind = 1
            else:
                kind = 2 if j < width else 4
            value = -gram[i, j]
            left = starts[kind]
            right = starts[kind + 1]
            # First interval that does not end below the value; the one before may be nearer.
            low = left
            high = right
            while low < high:
                middle = (low + high) // 2
                if highs[middle] < value:
                    low = middle + 1
                else:
                    high = middle
            best = low
            distance = np.inf
            if low < right:
                distance = max(lows[low] - value, 0.0)
            if low > left and value - highs[low - 1] < distance:
                best = low - 1
                distance = value - highs[low - 1]
            if distance > tolerance:
                return False
            colours[i, j] = best
            colours[j, i] = best
    return True
