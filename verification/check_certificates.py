"""Check certificates of critical points from nothing but their files.

    python verification/check_certificates.py FILE...

A line a file; the exit code is 1 if one is refused. Needs python-flint and shares no code with
landtopo. What is computed, and why that proves what a file claims: docs/proofs.md.

Letters, as there: u, v rows of weights, a = u.u, b = v.v, c = u.v, s = |u||v| sin t, o = pi - t,
p = a v - c u, q = b u - c v; g(u, v) = (s + o c) / 2 pi. A *place* is a neuron and a column.
"""

import json
import sys
from itertools import combinations, product

from flint import arb, arb_mat, ctx, fmpq

CLAIM = (
    "The box holds exactly one critical point that has the symmetries, up to rotations outside the "
    "columns; its kind, its index in all dimensions and its loss are as stated."
)
FIELDS = "format format_version claim teacher dim kind index loss box pivots inverse symmetries"
FIELDS = {*FIELDS.split(), "sectors", "normal_basis"}
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
    """Largest sum of sizes in a row; for a symmetric matrix a bound of its norm."""
    return max(top(sum(map(abs, line))) for line in table.tolist())


def diagonal(values):
    return arb_mat([[x * (i == j) for j in range(len(values))] for i, x in enumerate(values)])


def dot(x, y):
    return (x * y.transpose())[0, 0]


class Pair:
    """The letters of two rows of balls; g, and its slope by u, times 2 pi."""

    def __init__(self, u, v):
        self.u, self.v, self.a, self.b, c = u, v, dot(u, u), dot(v, v), dot(u, v)
        self.p, self.q = v * self.a - u * c, u * self.b - v * c
        square = dot(self.p, self.p) / self.a
        self.s = square.sqrt() if square > 0 else arb(0).union(top(abs(square)).sqrt())
        self.o = arb.pi() - arb.atan2(self.s, c) if c > 0 else arb.atan2(self.s, -c)
        self.value, self.slope = self.s + self.o * c, u * (self.s / self.a) + v * self.o

    def turned(self, other, left, right, scale, bound):
        """p^T other / (scale s) by indicators: entries x_m y_n of vectors with |x||y| <= bound."""
        if self.s.rad() < self.s.mid() / 4:
            return (self.p * left).transpose() * (other * right) / (scale * self.s)
        ones = [[sum(line) for line in side.transpose().tolist()] for side in (left, right)]
        return arb_mat([[arb(0, top(bound)) * (x * y).sqrt() for y in ones[1]] for x in ones[0]])


class Network:
    """All students in a box, and the teacher, by rows. What follows is times 2 pi."""

    def __init__(self, students, teachers):
        self.students, self.teachers = students, teachers

    def partners(self, k):
        """(sign, number of the student or None, letters) of student k with all others."""
        u = self.students[k]
        yield from ((1, j, Pair(u, v)) for j, v in enumerate(self.students) if j != k)
        yield from ((-1, None, Pair(u, v)) for v in self.teachers)

    def loss(self, neurons):
        """The loss, from one neuron of each orbit and the number of its neurons."""
        found = sum(dot(v, v) for v in self.teachers) * arb.pi() / 2
        found += sum(Pair(x, y).value for x, y in combinations(self.teachers, 2))
        for k, count in neurons:
            terms = (pair.value * (0.5 if sign > 0 else -1) for sign, _, pair in self.partners(k))
            found += count * sum(terms, dot(self.students[k], self.students[k]) * arb.pi() / 2)
        return found

    def slope(self, k):
        """Gradient by student k, a row."""
        terms = (pair.slope * sign for sign, _, pair in self.partners(k))
        return sum(terms, self.students[k] * arb.pi())

    def normal(self, k):
        """Row k of the normal block A, by students."""
        pairs = [*self.partners(k)]
        own = sum((sign * pair.s / pair.a for sign, _, pair in pairs), arb.pi())
        return {j: pair.o for _, j, pair in pairs} | {k: own}

    def curvature(self, k, parts):
        """Second derivatives by student k and each student, both by indicators of columns."""
        left, across = parts[k], parts[k].transpose()
        found = {k: across * left * arb.pi()}
        for sign, j, pair in self.partners(k):
            u, bend, scale = pair.u * left, pair.s / pair.a, pair.a * pair.b
            own = across * left * bend - u.transpose() * u * (bend / pair.a)
            found[k] += sign * (own + pair.turned(pair.p, left, left, pair.a * pair.a, bend))
            if sign > 0:
                right, bound = parts[j], pair.s / scale.sqrt()
                found[j] = across * right * pair.o + pair.turned(pair.q, left, right, scale, bound)
                found[j] += u.transpose() * (pair.v * right) * (pair.s / scale)
        return found


def grouped(things, moves):
    """Number of the orbit of each thing, and how many things each orbit has."""
    label, sizes = {}, []
    for thing in things:
        todo = {thing} - label.keys()
        sizes += [0] * len(todo)
        while todo:
            one = todo.pop()
            label[one] = len(sizes) - 1
            sizes[-1] += 1
            todo |= {move(one) for move in moves} - label.keys()
    return label, sizes


class Orbits:
    """Orbits of places, but for fixed zeros, and of neurons under symmetries of a teacher."""

    def __init__(self, width, teachers, fixed, symmetries):
        self.setting, columns = (width, teachers, fixed), range(len(teachers[0]))
        for one in symmetries:
            order = one["columns"]
            fits = sorted(one["neurons"]) == [*range(width)] and sorted(order) == [*columns]
            need(fits, "a symmetry permutes no neurons or no columns")
            moved = [[line[order.index(m)] for m in columns] for line in teachers]
            need(sorted(moved) == sorted(teachers), "a symmetry moves the teacher")
            need(not fixed, "there are symmetries beside fixed zeros")
        self.moves = [lambda x, s=s: (s["neurons"][x[0]], s["columns"][x[1]]) for s in symmetries]
        self.places = grouped(sorted({*product(range(width), columns)} - fixed), self.moves)
        orbit, sizes = grouped(range(width), [s["neurons"].__getitem__ for s in symmetries])
        self.rows = [(k, sizes[a]) for a, k in {orbit[k]: k for k in range(width)}.items()]
        self.lines = [[self.places[0].get((k, m)) for m in columns] for k in range(width)]
        self.mine = [sorted({*line} - {None}) for line in self.lines]
        both = zip(self.mine, self.lines, strict=True)
        self.parts = [arb_mat([[int(x == a) for a in mine] for x in line]) for mine, line in both]

    def finer(self, symmetries):
        """Orbits under symmetries that map each of these orbits to itself."""
        own, label = Orbits(*self.setting, symmetries), self.places[0]
        kept = all(label[move(x)] == a for move in own.moves for x, a in label.items())
        need(kept, "a symmetry moves the point")
        return own

    def slope(self, network):
        """Derivatives of the loss by the indicators of orbits of places, a column."""
        table = [[arb(0)] for _ in self.places[1]]
        for k, count in self.rows:
            found = (network.slope(k) * self.parts[k]).entries()
            for a, x in zip(self.mine[k], found, strict=True):
                table[a][0] += count * x
        return arb_mat(table) / (2 * arb.pi())

    def curvature(self, network):
        """Second derivatives by the indicators of orbits of places."""
        table = [[arb(0)] * len(self.places[1]) for _ in self.places[1]]
        for k, count in self.rows:
            for j, block in network.curvature(k, self.parts).items():
                for a, line in zip(self.mine[k], block.tolist(), strict=True):
                    for b, x in zip(self.mine[j], line, strict=True):
                        table[a][b] += count * x
        return arb_mat(table) / (2 * arb.pi())

    def index(self, sectors, network):
        """Number of negative eigenvalues, from sectors that see a place of every orbit once."""
        (label, sizes), seen, number = self.places, [], arb(0)
        for sector in sectors:
            own, places = self.finer(sector["symmetries"]), [(k, m) for k, m in sector["places"]]
            names, counts = own.places
            need(all(counts[names[x]] == 1 for x in places), "a sector moves what it counts")
            seen += [label[x] for x in places]
            marked = [(names[x], sizes[label[x]]) for x in places]
            number += negatives(own.curvature(network), counts, marked, sector["basis"])
        need(sorted(seen) == list(range(len(sizes))), "the sectors do not count each place once")
        need(number.unique_fmpz() is not None, "the number of negative eigenvalues is not proved")
        return int(number.unique_fmpz())


def negatives(table, sizes, marked, basis):
    """Negative eigenvalues of a matrix by indicators of orbits: the trace of their projector.

    It is summed over `marked`, entries of the diagonal: (orbit, how many look like it).
    """
    vectors = arb_mat(matrix(basis, len(sizes)))
    units = diagonal([arb(size).rsqrt() for size in sizes]) * vectors
    form = units.transpose() * table * units
    values = [form[i, i].mid() for i in range(len(sizes))]
    skew = row_sum(vectors.transpose() * vectors - diagonal([1] * len(sizes)))
    need(skew < 0.25, "a basis is not nearly orthonormal")
    slack, gap = 2 * skew + skew * skew, min(map(abs, values))
    error = top(row_sum(form - diagonal(values)) + slack * row_sum(form))
    need(error < gap, "the sign of an eigenvalue is not proved")
    below, number = [i for i, x in enumerate(values) if x < 0], arb(0)
    if len(marked) == len(sizes) == sum(sizes):
        return len(below)
    for orbit, count in marked:
        squares = [x * x for x in vectors.tolist()[orbit]]
        room = top(slack * sum(squares) + error / gap)
        number += count * (sum(squares[i] for i in below) + arb(0, room))
    return number


class Point:
    """A certificate of a critical point, once it was found to be true."""

    def __init__(self, record):
        need(set(record) == FIELDS and record["claim"] == CLAIM, "the claim is another one")
        need(record["format_version"] == 1, "the format_version is not 1")
        teachers, self.centre = matrix(record["teacher"]), matrix(record["box"]["centre"])
        radius, pivots = fmpq(record["box"]["radius"]), record["pivots"]
        width, inside, columns = len(self.centre), len(teachers[0]), len(self.centre[0])
        need(len(pivots) == len({*pivots} & {*range(width)}) == columns - inside, "wrong pivots")
        self.teachers = [line + [fmpq()] * len(pivots) for line in teachers]
        fixed = {(k, m) for i, k in enumerate(pivots) for m in range(inside + i + 1, columns)}
        need(all(self.centre[k][m] == 0 for k, m in fixed), "a fixed zero is none")
        apart = all(abs(self.centre[k][inside + i]) > radius for i, k in enumerate(pivots))
        need(apart, "a pivot can vanish")
        self.orbits = Orbits(width, self.teachers, fixed, record["symmetries"])
        label, sizes = self.orbits.places
        values = {(a, self.centre[k][m]) for (k, m), a in label.items()}
        need(len(values) == len(sizes), "a point does not have the symmetries")
        self.values = [value for _, value in sorted(values)]
        self.tight = self.contraction(radius, arb_mat(matrix(record["inverse"], len(sizes))))
        around = self.network(self.values, self.tight)
        (low, high), loss = map(fmpq, record["loss"]), around.loss(self.orbits.rows)
        need(low * 2 * arb.pi() < loss < high * 2 * arb.pi(), "the loss is not proved to be so")
        self.index = self.orbits.index(record["sectors"], around)
        dim, free = record["dim"], [k for k in range(width) if k not in pivots]
        need(dim == "infinite" or type(dim) is int, "the dimension is no number")
        times = len(free) if dim == "infinite" else dim - columns
        need(times >= 0, "the dimension is too small")
        if times and free:
            block = arb_mat([[row[j] for j in free] for row in map(around.normal, free)])
            ones = [1] * len(free)
            self.index += times * negatives(block, ones, [*enumerate(ones)], record["normal_basis"])
        self.kind = "saddle" if self.index else "minimum"
        need(self.index == record["index"], f"the index is {self.index}")
        need(self.kind == record["kind"], f"the point is a {self.kind}")
        bounds = [int(bound.p) / int(bound.q) for bound in (low, high)]
        self.told = f"{self.kind}, index {self.index}, loss in {bounds}"

    def network(self, values, radius):
        """Enclosures for all points whose orbits' values are this close to some."""
        entry = {None: arb(0)} | {a: arb(x) + arb(0, radius) for a, x in enumerate(values)}
        students = [arb_mat([[entry[a] for a in line]]) for line in self.orbits.lines]
        return Network(students, [arb_mat([line]) for line in self.teachers])

    def contraction(self, radius, inverse):
        """Krawczyk's test: a bound of how far the critical point is from the centre."""
        wide = self.network(self.values, radius)
        error = inverse * self.orbits.curvature(wide) - diagonal([1] * len(self.values))
        step = row_sum(inverse * self.orbits.slope(self.network(self.values, 0)))
        need(row_sum(error) < 1, "the box is too large, or the inverse is none")
        tight = top(step / (1 - row_sum(error)))
        need(tight < radius, "the box is too small, or holds no critical point")
        return tight


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
