"""Directions of neurons in the plane of one or two vectors: `check_lists.py` searches them.

phi_m, n_m are directions and norms of the vectors; k(t) = sin t + (pi - t) cos t, g = -k',
h = k'' = -g'; b = sum_m n_m k(theta - phi_m). Two neurons have directions u and u + d. Why critical
points are zeros of these functions: docs/proofs.md.
"""

import math

from check_certificates import need
from flint import arb

TURN, STRAIGHT = math.nextafter(2 * math.pi, 7), math.nextafter(math.pi, 4)


def k(t):
    return t.sin() + (arb.pi() - t) * t.cos()


def g(t):
    return (arb.pi() - t) * t.sin()


def h(t):
    return t.sin() - (arb.pi() - t) * t.cos()


def between(f, slope, t):
    """Range over a ball: that of both ends where the slope has one sign."""
    if slope > 0 or slope < 0:
        return f(t.lower()).union(f(t.upper()))
    return f(arb(t.mid())) + slope * (t - t.mid())


def waves(t):
    """Ranges of k, g and h over angles in [0, pi]."""
    return between(k, -g(t), t), between(g, -h(t), t), between(h, 2 * t.cos() + g(t), t)


def around(x):
    """Ranges of k, -k' and k'' over angles with signs, of period 2 pi."""
    full = 2 * arb.pi()
    x -= full * round(float(x.mid()) / (2 * math.pi))
    sign = 1 if x > 0 else -1 if x < 0 else arb(0, 1)
    t = x * sign if sign in (1, -1) else arb(0).union(abs(x).upper())
    if not t < arb.pi():
        # Past pi the angle comes back with the other sign.
        sign, t = arb(0, 1), t.lower().union((full - t).lower()).union(arb.pi())
    value, slope, second = waves(t)
    return value, sign * slope, second


def direction(row):
    """Angle of a vector, a thin ball."""
    near = arb(math.atan2(float(row[1].mid()), float(row[0].mid())))
    cos, sin = near.cos(), near.sin()
    return near + arb.atan2(row[1] * cos - row[0] * sin, row[0] * cos + row[1] * sin)


class Circle:
    """One neuron in the plane of two vectors: b' = 0."""

    boxes = ([(0.0, TURN)],)

    def __init__(self, vectors):
        rows = [[arb(x) for x in line] for line in vectors]
        need(
            not (rows[0][0] * rows[1][1] - rows[0][1] * rows[1][0]).contains(0), "parallel vectors"
        )
        self.vectors = [(direction(row), (row[0] ** 2 + row[1] ** 2).sqrt()) for row in rows]

    def overlap(self, theta):
        """Ranges of b, b' and b''."""
        parts = [(norm, around(theta - phi)) for phi, norm in self.vectors]
        return [
            sum(norm * sign * wave[i] for norm, wave in parts) for i, sign in enumerate((1, -1, 1))
        ]

    def places(self, angles):
        """Angles of a point, in all ways that a search meets them."""
        return [angles]

    def ranges(self, box):
        """Whether ranges show that there is no critical point in a box."""
        return not self.overlap(box[0])[1].contains(0)

    def system(self, box):
        """Functions whose zeros critical points are, and their slopes."""
        _, slope, second = self.overlap(box[0])
        return [slope], [[second]]


class Plane(Circle):
    """Two neurons in the plane of two vectors that are not parallel to each other: F1 = F2 = 0."""

    boxes = ([(0.0, TURN), (0.0, STRAIGHT)],)

    def places(self, angles):
        """With both names."""
        first, second = angles
        return [[first, second - first], [second, first - second]]

    def parts(self, box):
        """Ranges of b, b' and b'' at both neurons, and of k(d), g(d) and -g'(d)."""
        u, d = box
        return self.overlap(u), self.overlap(u + d), around(d)

    def ranges(self, box):
        """Also where lengths would not be positive, and where neurons are nearly parallel."""
        u, d = box
        pi, ((b1, p1, _), (b2, p2, _), (k, s, _)) = arb.pi(), self.parts(box)
        # Lengths times pi^2 - k^2, and by the parts of the gradient across neurons.
        if pi * b1 - k * b2 < 0 or pi * b2 - k * b1 < 0 or (d < pi and (p1 < 0 or p2 > 0)):
            return True
        if not ((p1 - p2) * (pi + k) - (b1 + b2) * s).contains(0):
            return True
        if not ((p1 + p2) * (pi - k) + (b1 - b2) * s).contains(0):
            return True
        high = d.upper()
        if not high < 0.5:
            return False
        # F1 / d, also at d = 0: sin d / d falls from 1, and b' has the slope b'' between.
        part = (pi - d) * arb(1).union(high.sin() / high)
        slope = self.overlap(u.union(u + d))[2]
        return not (slope * (pi + k) + (b1 + b2) * part).contains(0)

    def system(self, box):
        """F1 and F2, by u and d."""
        pi, ((b1, p1, q1), (b2, p2, q2), (k, s, r)) = arb.pi(), self.parts(box)
        last = [-q2 * (pi + k) - p1 * s + (b1 + b2) * r, q2 * (pi - k) + p1 * s - (b1 - b2) * r]
        return [(p1 - p2) * (pi + k) - (b1 + b2) * s, (p1 + p2) * (pi - k) + (b1 - b2) * s], [
            [(q1 - q2) * (pi + k) - (p1 + p2) * s, last[0]],
            [(q1 + q2) * (pi - k) + (p1 - p2) * s, last[1]],
        ]


class Line:
    """Two neurons on both sides of one vector, at angles x and y from it: D > 0 but on the axes."""

    boxes = ([(0.0, STRAIGHT), (0.0, STRAIGHT)],)

    def ranges(self, box):
        """Whether D > 0 follows."""
        (x, y), pi = box, arb.pi()
        if x.lower() + y.lower() > pi or x.lower() > y.upper():
            return True
        d = x + y
        if not d < pi:
            d = d.lower().union(pi)
        (kx, gx, hx), (ky, gy, hy), (k, s, r) = waves(x), waves(y), waves(d)
        if (gx + gy) * (pi + k) > (kx + ky) * s:
            return True
        if x.lower() > 0 or not x.contains(0):
            return False
        # D = 0 where x = 0; its slope there, and at the origin the mixed one.
        if (kx + ky) * r - hx * (pi + k) - gy * s > 0:
            return True
        return y.contains(0) and (hx + hy) * s + (kx + ky) * (2 * d.cos() + s) > 0

    # No zeros are listed.
    system = None
