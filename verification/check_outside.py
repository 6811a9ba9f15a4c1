"""Directions of two neurons outside the plane of two vectors: `check_lists.py` searches them.

A neuron has the direction (cos(eta) cos(phi), cos(eta) sin(phi), sin(eta)) over the plane, and
pi - a_m is its angle with vector m of norm n_m; S = sum_m n_m a_m v_m / |v_m|,
N = sum_m n_m sin a_m. The angles of a second neuron, on the other side, are lam a_m with lam <= 1,
and pi - o is that between both. Why critical points are zeros of these functions: docs/proofs.md.
"""

import math

from flint import arb

QUARTER = math.nextafter(math.pi / 2, 2)
TURN = math.nextafter(2 * math.pi, 7)


class Jet:
    """A range and the ranges of its slopes by some unknowns."""

    def __init__(self, value, slopes):
        self.value, self.slopes = value, slopes

    def __add__(self, other):
        if not isinstance(other, Jet):
            return Jet(self.value + other, self.slopes)
        both = zip(self.slopes, other.slopes, strict=True)
        return Jet(self.value + other.value, [x + y for x, y in both])

    def __mul__(self, other):
        if not isinstance(other, Jet):
            return Jet(self.value * other, [x * other for x in self.slopes])
        both = zip(self.slopes, other.slopes, strict=True)
        slopes = [x * other.value + y * self.value for x, y in both]
        return Jet(self.value * other.value, slopes)

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -other

    def __rsub__(self, other):
        return -self + other

    __radd__, __rmul__ = __add__, __mul__

    def of(self, value, slope):
        """A function of it, from its range and that of its slope."""
        return Jet(value, [slope * x for x in self.slopes])


def sin(x):
    return x.of(x.value.sin(), x.value.cos())


def cos(x):
    return x.of(x.value.cos(), -x.value.sin())


def sinc(x):
    """The ratio sin x / x up to pi / 2, where it falls with a slope of -x / 3 at most."""
    high = abs(x.value).upper()
    low = arb(1) if x.value.contains(0) else x.value.lower().sinc()
    return x.of(
        low.union(high.sinc()),
        (arb(0, 1) if x.value.contains(0) else arb(0).union(-1)) * (high / 3),
    )


def root(x):
    """Of what is known not to be negative."""
    if x.value > 0:
        value = x.value.sqrt()
        return x.of(value, 0.5 / value)
    value = arb(0).union(abs(x.value).upper().sqrt())
    return x.of(value, arb("nan"))


def arccos(x):
    """Of what is known to be in [-1, 1]."""
    low, high = x.value.lower(), x.value.upper()
    ends = [arb(0) if high >= 1 else high.acos(), arb.pi() if low <= -1 else low.acos()]
    inside = low > -1 and high < 1
    slope = -1 / (1 - x.value * x.value).sqrt() if inside else arb("nan")
    return x.of(ends[0].union(ends[1]), slope)


def kept(x, bound):
    """A range of sizes that are known not to be above a bound."""
    return arb(0, bound) if not x.is_finite() or abs(x).upper() > bound else x


class Mirrored:
    """Neurons that are mirror images of each other: two functions of phi and eta."""

    boxes = ([(0.0, TURN), (0.0, QUARTER)],)

    def __init__(self, vectors):
        self.vectors = vectors
        self.units = [(phi.cos(), phi.sin()) for phi, _ in vectors]
        self.norms = [norm for _, norm in vectors]

    def places(self, place):
        """The place of a point, in all ways that a search meets it."""
        return [place]

    def angles(self, phi, eta):
        """Jets of a_m, by their values in the middle and slopes, which are at most 1."""
        found = []
        for towards, _ in self.vectors:
            x, y = phi.value - towards, eta.value
            middle = arb(x.mid()), arb(y.mid())
            side = (middle[1].sin() ** 2 + (middle[1].cos() * middle[0].sin()) ** 2).sqrt()
            value = arb.pi() - arb.atan2(side, middle[1].cos() * middle[0].cos())
            size = (y.sin() ** 2 + (y.cos() * x.sin()) ** 2).sqrt()
            slopes = kept(-y.cos() * x.sin() / size, 1), kept(-y.sin() * x.cos() / size, 1)
            value += slopes[0] * (x - middle[0]) + slopes[1] * (y - middle[1])
            pairs = zip(phi.slopes, eta.slopes, strict=True)
            found.append(Jet(value, [slopes[0] * p + slopes[1] * q for p, q in pairs]))
        return found

    def combined(self, values):
        """Sum of unit vectors along those of the teacher, by norms times values."""
        parts = [v * n for v, n in zip(values, self.norms, strict=True)]
        return [sum(p * unit[i] for p, unit in zip(parts, self.units, strict=True)) for i in (0, 1)]

    def summed(self, values):
        """Sum of norms times values."""
        return sum(v * n for v, n in zip(values, self.norms, strict=True))

    def terms(self, box):
        """The part of S along the neuron, and both functions."""
        phi, eta = unknowns(box)
        a = self.angles(phi, eta)
        s, n = self.combined(a), self.summed([sin(x) for x in a])
        along = s[0] * cos(phi) + s[1] * sin(phi)
        across = s[0] * sin(phi) - s[1] * cos(phi)
        o = arb.pi() - 2 * eta
        size = s[0] * s[0] + s[1] * s[1]
        return along, [across, size * (2 * eta + sin(2 * eta)) - 2 * o * n * along * cos(eta)]

    def ranges(self, box):
        """Whether ranges show that there is no critical point in a box."""
        along, values = self.terms(box)
        return along.value < 0 or any(not x.value.contains(0) for x in values)

    def system(self, box):
        """Functions whose zeros critical points are, and their slopes."""
        values = self.terms(box)[-1]
        return [x.value for x in values], [x.slopes for x in values]


class Unlike(Mirrored):
    """Neurons that are no mirror images of each other: none, by functions of phi, eta and lam."""

    boxes = ([(0.0, TURN), (0.0, QUARTER), (0.0, 1.0)],)

    def terms(self, box):
        """What `ranges` needs; pairs (P, Q) stand for h_2 P + h_1 Q, with heights h."""
        phi, eta, lam = unknowns(box)
        rest, a = 1 - lam, self.angles(phi, eta)
        mean, half = [(1 + lam) * x * 0.5 for x in a], [sinc(rest * x * 0.5) for x in a]
        place = [cos(eta) * cos(phi), cos(eta) * sin(phi)]
        other = self.solved([-cos(lam * x) for x in a])
        # (h_1^2 - h_2^2) / (1 - lam), from the differences of cosines over 1 - lam.
        moved = self.solved([-x * sin(y) * z for x, y, z in zip(a, mean, half, strict=True)])
        e = sum((x + y) * z for x, y, z in zip(place, other, moved, strict=True))
        h1 = sin(eta)
        square = 1 - other[0] * other[0] - other[1] * other[1]
        h2 = root(square)
        # The cosine of o, and terms of both neurons.
        o = arccos(h1 * h2 - place[0] * other[0] - place[1] * other[1])
        so, pi, s = sin(o), arb.pi(), self.combined(a)
        n1, n2 = self.summed([sin(x) for x in a]), self.summed([sin(lam * x) for x in a])
        d = self.summed([x * cos(y) * z for x, y, z in zip(a, mean, half, strict=True)])
        turns = [s[0] * y - s[1] * x for x, y in (place, other)]
        along = [s[0] * x + s[1] * y for x, y in (place, other)]
        size = s[0] * s[0] + s[1] * s[1]
        pairs = [
            turns,
            [n2 * (pi * lam - o) - n1 * lam * so, n2 * so - n1 * (pi - lam * o)],
            [size * (pi * lam - o) - o * n1 * along[0], size * so - o * n1 * along[1]],
        ]
        inner = n1 * h2 * so - h1 * d * (pi - o + so) - pi * n2 * h2 - o * n1 * h1
        divided = (h1 + h2) * inner - e * ((pi - o) * n2 - n1 * so)
        values = [h2 * pairs[0][0] + h1 * pairs[0][1], divided, h2 * pairs[2][0] + h1 * pairs[2][1]]
        return square, e, pairs, h2 * along[0] + h1 * along[1], values

    def solved(self, cosines):
        """The vector in the plane that has these products with both unit vectors."""
        (x1, y1), (x2, y2) = self.units
        scale = 1 / (x1 * y2 - x2 * y1)
        first, second = cosines
        return [(first * y2 - second * y1) * scale, (second * x1 - first * x2) * scale]

    def ranges(self, box):
        """Also by what is known of heights and lengths."""
        square, e, pairs, along, values = self.terms(box)
        # There is a second neuron, it is further from the plane, and lengths are positive.
        if square.value < 0 or e.value > 0 or along.value < 0:
            return True
        if any(not x.value.contains(0) for x in values):
            return True
        for i, (p, q) in enumerate([[x.value for x in one] for one in pairs]):
            # Not both heights are zero outside the plane.
            if (p > 0 and q > 0) or (p < 0 and q < 0):
                return True
            if any(not (p * y.value - q * x.value).contains(0) for x, y in pairs[:i]):
                return True
        return False


def unknowns(box):
    return [Jet(x, [arb(i == j) for j in range(len(box))]) for i, x in enumerate(box)]
