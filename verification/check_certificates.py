"""Check certificates of critical points: python verification/check_certificates.py FILE...

A line a file; the exit code is 1 if one is refused. Needs python-flint and shares no code with
landtopo. What is computed, why that proves what a file claims, and all letters: docs/proofs.md.
"""

import json
import sys
from itertools import product

from flint import arb, arb_mat, ctx, fmpq

CLAIM = (
    "The box holds exactly one critical point that has the symmetries, up to rotations outside the "
    "columns; its kind, its index in all dimensions and its loss are as stated."
)
FIELDS = "format format_version claim teacher dim kind index loss box pivots inverse symmetries"
PLAIN = {"activation": "relu", "parameter": "0", "outputs": None}
FIELDS = {n: {*FIELDS.split(), "sectors", "normal_basis", *x} for n, x in [(1, ()), (2, PLAIN)]}
PARAMETERS = {"relu": 0, "abs": -1, "leaky": None, "erf": 0, "quadratic": 0, "squared-relu": 0}
BITS = 160


class Refused(Exception):
    """Why a file proves nothing."""


def need(condition, reason):
    if not condition:
        raise Refused(reason)


def matrix(table, size=None):
    """Fractions, by rows; a square of a size that is given."""
    scale, lines = table["denominator"], table["numerators"]
    exact = all(type(x) is int for line in [[scale], *lines] for x in line)
    need(exact and scale > 0 and len(table) == 2, "a matrix is not exact")
    lengths = {len(line) for line in lines} | ({size, len(lines)} if size else set())
    need(len(lengths) == 1 and 0 not in lengths, "a matrix has another shape than it needs")
    return [[fmpq(x, scale) for x in line] for line in lines]


def top(number):
    """An exact number that is not below the ball."""
    need(number.is_finite(), "a ball has no bounds, as where a neuron can be zero")
    return number.upper()


def row_sum(table):
    return max(top(sum(map(abs, line))) for line in table.tolist())


def diagonal(values):
    return arb_mat([[x * (i == j) for j in range(len(values))] for i, x in enumerate(values)])


def dot(x, y):
    return (x * y.transpose())[0, 0]


class Pair:
    """Letters of two rows of balls, which may be one, and what an activation makes of them."""

    def __init__(self, u, v, name, al):
        self.u, self.v, self.a, self.b, self.c = u, v, dot(u, u), dot(v, v), dot(u, v)
        self.p, self.q = v * self.a - u * self.c, u * self.b - v * self.c
        self.value, self.along, self.across, *self.bends, self.turn = self.kernel(name, al)

    def kernel(self, name, al):
        """Value, along, across, aa, ac, bc, cc, ab and turn."""
        a, b, c, pi = self.a, self.b, self.c, arb.pi()
        if name == "erf":
            d = (1 + a) * (1 + b) - c * c
            h, value = 2 / (pi * d.sqrt()), 2 / pi * arb.atan2(c, d.sqrt())
            aa, ac, bc = c * h * (2 + (1 + a) * (1 + b) / d) / (1 + a) ** 2, 1 + b, 1 + a
            return value, -c * h / (1 + a), h, aa, -ac * h / d, -bc * h / d, *[c * h / d] * 2, 0
        if name == "quadratic":
            return a * b + 2 * c * c, 2 * b, 4 * c, 0, 0, 0, 4, 4, 0
        square = arb(0) if self.u is self.v else dot(self.p, self.p) / a
        self.s = s = square.sqrt() if square > 0 else arb(0).union(top(abs(square)).sqrt())
        o = pi - arb.atan2(s, c) if c > 0 else arb.atan2(s, -c)
        if name == "squared-relu":
            h, e = 2 * s / pi, 2 * o / pi
            value, along = (3 * c * h + e * (a * b + 2 * c * c)) / 4, (c * h / a + e * b) / 2
            return value, along, h + e * c, -c * h / a**2, h / a, h / b, e, e, 0
        h = (1 - arb(al)) ** 2 / (2 * pi)
        value, along = h * (s + o * c) + al * c, h * s / a
        return value, along, h * o + al, -along / a, 0, 0, 0, along / b, h

    def block(self, left, right, mixed):
        """H_uv or H_uu by indicators; a turn by an angle that may be zero is only bounded."""
        aa, ac, bc, cc, ab = self.bends
        own = self.along, self.p, self.a, [[aa, ac], [ac, cc]]
        flat, other, b, form = (self.across, self.q, self.b, [[ac, ab], [cc, bc]]) if mixed else own
        rows, scale = arb_mat([*self.u.tolist(), *self.v.tolist()]), self.a * b
        bent = (rows * left).transpose() * arb_mat(form) * (rows * right)
        found = left.transpose() * right * flat + bent
        if not self.turn:
            return found
        if self.s.rad() < self.s.mid() / 4:
            turned = (self.p * left).transpose() * (other * right)
            return found + turned * (self.turn / (scale * self.s))
        bound = arb(0, top(self.turn * self.s / scale.sqrt()))
        ones = [[sum(line) for line in side.transpose().tolist()] for side in (left, right)]
        return found + arb_mat([[bound * (x * y).sqrt() for y in ones[1]] for x in ones[0]])


class Network:
    """All students in a box, then the teacher, by rows; its neurons have the opposite outputs."""

    def __init__(self, students, teachers, function):
        self.width, self.vectors = len(students), [*students, *teachers]
        self.activation, self.outputs = function[:2], [*function[2], *(-b for b in function[3])]
        self.lines = arb_mat([v.entries() for v in self.vectors])

    def pairs(self, k):
        """(product of outputs, letters) of vector k with all, also with itself."""
        both, u, a = zip(self.vectors, self.outputs, strict=True), self.vectors[k], self.outputs[k]
        return [(a * b, Pair(u, v, *self.activation)) for v, b in both]

    def loss(self, neurons):
        """The loss, from one neuron of each orbit and the number of its neurons."""
        rows = [*neurons, *((m, 1) for m in range(self.width, len(self.vectors)))]
        return sum(n * x * pair.value for k, n in rows for x, pair in self.pairs(k)) / 2

    def normal(self, k):
        """Row k of A and B; times all rows, it is the gradient by student k."""
        pairs = self.pairs(k)
        along = sum(pair.along * x for x, pair in pairs)
        return [pair.across * x + along * (j == k) for j, (x, pair) in enumerate(pairs)]

    def curvature(self, k, parts):
        """Second derivatives by student k and each student, both by indicators of columns."""
        pairs, own = self.pairs(k), parts[k]
        found = [pair.block(own, y, True) * x for y, (x, pair) in zip(parts, pairs, strict=False)]
        found[k] = sum((pair.block(own, own, False) * x for x, pair in pairs), found[k])
        return found


def grouped(things, moves):
    """Number of the orbit of each thing, and how many things each orbit has."""
    label, sizes = {}, []
    for thing in things:
        orbit = new = {thing} - label.keys()
        while new := {move(one) for move in moves for one in new} - orbit:
            orbit = orbit | new
        label |= dict.fromkeys(orbit, len(sizes))
        sizes += [len(orbit)] if orbit else []
    return label, sizes


class Orbits:
    """Orbits of places, but for fixed zeros, and of neurons under symmetries of a teacher."""

    def __init__(self, width, teachers, outputs, fixed, symmetries):
        self.setting, columns = (width, teachers, outputs, fixed), range(len(teachers[0]))
        for one in symmetries:
            fits = sorted(one["neurons"]) == [*range(width)] and sorted(one["columns"]) == [
                *columns
            ]
            need(fits and not fixed, "a symmetry permutes no neurons or no columns, or fixed zeros")
            moved = [[line[one["columns"].index(m)] for m in columns] for line in teachers]
            now, then = (sorted(zip(outputs[1], x, strict=True)) for x in (moved, teachers))
            same = [outputs[0][k] for k in one["neurons"]] == outputs[0]
            need(now == then and same, "a symmetry moves the teacher or the outputs")
        self.moves = [lambda x, s=s: (s["neurons"][x[0]], s["columns"][x[1]]) for s in symmetries]
        self.places = grouped(sorted({*product(range(width), columns)} - fixed), self.moves)
        orbit, sizes = grouped(range(width), [s["neurons"].__getitem__ for s in symmetries])
        self.rows = [(k, sizes[a]) for a, k in {orbit[k]: k for k in range(width)}.items()]
        self.lines = [[self.places[0].get((k, m)) for m in columns] for k in range(width)]
        self.mine = [sorted({*line} - {None}) for line in self.lines]
        both = zip(self.mine, self.lines, strict=True)
        self.parts = [arb_mat([[int(x == a) for a in mine] for x in line]) for mine, line in both]

    def slope(self, network):
        """Derivatives of the loss by the indicators of orbits of places, a column."""
        column = [[arb(0)] for _ in self.places[1]]
        for k, count in self.rows:
            found = arb_mat([network.normal(k)]) * network.lines * self.parts[k]
            for a, x in zip(self.mine[k], found.entries(), strict=True):
                column[a][0] += count * x
        return arb_mat(column)

    def curvature(self, network):
        """Second derivatives by the indicators of orbits of places."""
        table = [[arb(0)] * len(self.places[1]) for _ in self.places[1]]
        for k, count in self.rows:
            for j, block in enumerate(network.curvature(k, self.parts)):
                for a, line in zip(self.mine[k], block.tolist(), strict=True):
                    for b, x in zip(self.mine[j], line, strict=True):
                        table[a][b] += count * x
        return arb_mat(table)

    def index(self, sectors, network):
        """Number of negative eigenvalues, from sectors that see a place of every orbit once."""
        (label, sizes), seen, number = self.places, [], arb(0)
        for sector in sectors:
            own, here = Orbits(*self.setting, sector["symmetries"]), [*map(tuple, sector["places"])]
            (names, counts), moves = own.places, product(own.moves, label.items())
            need(all(label[move(x)] == a for move, (x, a) in moves), "a symmetry moves the point")
            need(all(counts[names[x]] == 1 for x in here), "a sector moves what it counts")
            seen += [label[x] for x in here]
            marked = [(names[x], sizes[label[x]]) for x in here]
            number += negatives(own.curvature(network), counts, marked, sector["basis"])
        need(sorted(seen) == list(range(len(sizes))), "the sectors do not count each place once")
        need(number.unique_fmpz() is not None, "the number of negative eigenvalues is not proved")
        return int(number.unique_fmpz())


def negatives(table, sizes, marked, basis):
    """Trace of the projector on what is negative, from `marked` orbits and how many look alike."""
    vectors = arb_mat(matrix(basis, len(sizes)))
    units = diagonal([arb(size).rsqrt() for size in sizes]) * vectors
    form = units.transpose() * table * units
    values = [form[i, i].mid() for i in range(len(sizes))]
    skew = row_sum(vectors.transpose() * vectors - diagonal([1] * len(sizes)))
    need(skew < 0.25, "a basis is not nearly orthonormal")
    slack, gap = 2 * skew + skew * skew, min(map(abs, values))
    error = top(row_sum(form - diagonal(values)) + slack * row_sum(form))
    need(error < gap, "the sign of an eigenvalue is not proved")
    below, number, error = [i for i, x in enumerate(values) if x < 0], arb(0), error / gap
    if len(marked) == len(sizes) == sum(sizes):
        return len(below)
    for orbit, count in marked:
        squares = [x * x for x in vectors.tolist()[orbit]]
        number += count * (
            sum(squares[i] for i in below) + arb(0, top(slack * sum(squares) + error))
        )
    return number


class Point:
    """A certificate of a critical point, once it was found to be true."""

    def __init__(self, record):
        fits = set(record) == FIELDS.get(record["format_version"]) and record["claim"] == CLAIM
        need(fits, "the claim or the format_version is another one")
        teachers, self.centre = matrix(record["teacher"]), matrix(record["box"]["centre"])
        radius, pivots = fmpq(record["box"]["radius"]), record["pivots"]
        width, inside, columns = len(self.centre), len(teachers[0]), len(self.centre[0])
        need(len(pivots) == len({*pivots} & {*range(width)}) == columns - inside, "wrong pivots")
        self.teachers = [line + [fmpq()] * len(pivots) for line in teachers]
        fixed = {(k, m) for i, k in enumerate(pivots) for m in range(inside + i + 1, columns)}
        need(all(self.centre[k][m] == 0 for k, m in fixed), "a fixed zero is none")
        apart = all(abs(self.centre[k][inside + i]) > radius for i, k in enumerate(pivots))
        need(apart, "a pivot can vanish")
        record, sizes = PLAIN | record, [width, len(teachers)]
        name, al = record["activation"], fmpq(record["parameter"])
        need(PARAMETERS[name] in (None, al), "the activation has no such parameter")
        outputs = [[*map(fmpq, a)] for a in record["outputs"] or (["1"] * n for n in sizes)]
        need([*map(len, outputs)] == sizes, "there is not an output for each neuron")
        self.function = (name, al, *outputs)
        self.orbits = Orbits(width, self.teachers, outputs, fixed, record["symmetries"])
        label, sizes = self.orbits.places
        values = {(a, self.centre[k][m]) for (k, m), a in label.items()}
        need(len(values) == len(sizes), "a point does not have the symmetries")
        self.values = [value for _, value in sorted(values)]
        inverse = arb_mat(matrix(record["inverse"], len(sizes)))
        wide, centre = self.network(self.values, radius), self.network(self.values, 0)
        error = row_sum(inverse * self.orbits.curvature(wide) - diagonal([1] * len(sizes)))
        need(error < 1, "the box is too large, or the inverse is none")
        self.tight = top(row_sum(inverse * self.orbits.slope(centre)) / (1 - error))
        need(self.tight < radius, "the box is too small, or holds no critical point")
        around = self.network(self.values, self.tight)
        (low, high), loss = map(fmpq, record["loss"]), around.loss(self.orbits.rows)
        need(low < loss < high, "the loss is not proved to be so")
        self.index = self.orbits.index(record["sectors"], around)
        dim, free = record["dim"], [k for k in range(width) if k not in pivots]
        need(dim == "infinite" or (type(dim) is int and dim >= columns), "no such dimension")
        times = len(free) if dim == "infinite" else dim - columns
        if times and free:
            block = arb_mat([[row[j] for j in free] for row in map(around.normal, free)])
            ones = [1] * len(free)
            self.index += times * negatives(block, ones, [*enumerate(ones)], record["normal_basis"])
        self.kind = "saddle" if self.index else "minimum"
        bounds = [int(bound.p) / int(bound.q) for bound in (low, high)]
        self.told = f"{self.kind}, index {self.index}, loss in {bounds}"
        need([record["kind"], record["index"]] == [self.kind, self.index], "it is a " + self.told)

    def network(self, values, radius):
        """Enclosures for all points whose orbits' values are this close to some."""
        entry = {None: arb(0)} | {a: arb(x) + arb(0, radius) for a, x in enumerate(values)}
        students = [arb_mat([[entry[a] for a in line]]) for line in self.orbits.lines]
        return Network(students, [arb_mat([line]) for line in self.teachers], self.function)


def main(files, proof=Point):
    ctx.prec, failed = BITS, False
    for name in files:
        try:
            with open(name, encoding="utf-8") as file:
                told = proof(json.load(file)).told
        except Exception as error:
            told, failed = f"REFUSED: {error!r}", True
        print(f"{name}: {told}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
