"""Check certificates of critical points from nothing but their files.

    python verification/check_certificates.py FILE...

A line a file; the exit code is 1 if one is refused. Needs python-flint and shares no code with
landtopo. What is computed, and why that proves what a file claims: docs/proofs.md.

Letters, as there: u, v rows of weights, a = u.u, b = v.v, c = u.v, s = |u||v| sin t, o = pi - t,
p = a v - c u, q = b u - c v; g(u, v) = (s + o c) / 2 pi. A *place* is a neuron and a column.
"""

import json
import sys
from fractions import Fraction

from flint import arb, arb_mat, ctx, fmpq

CLAIM = (
    "The box holds exactly one critical point that has the symmetries, up to rotations outside the "
    "columns; its kind, its index in all dimensions and its loss are as stated."
)
FIELDS = "format format_version claim teacher dim kind index loss box pivots inverse"
FIELDS += " symmetries sectors normal_basis"
BITS = 160


class Refused(Exception):
    """Why a file proves nothing."""


def need(condition, reason):
    if not condition:
        raise Refused(reason)


def matrix(table, size=None):
    """Fractions, by rows."""
    need(set(table) == {"denominator", "numerators"}, "a matrix is not exact")
    scale, lines = table["denominator"], table["numerators"]
    exact = all(type(x) is int for x in (scale, *(x for line in lines for x in line)))
    need(exact and scale > 0, "a matrix is not exact")
    shape = (len(lines), *{len(line) for line in lines})
    fits = len(shape) == 2 and all(shape) and size in (None, shape[0]) and size in (None, shape[1])
    need(fits, "a matrix has another shape than the rest demands")
    return [[Fraction(x, scale) for x in line] for line in lines]


def ball(number):
    return arb(fmpq(number.numerator, number.denominator))


def balls(table):
    return arb_mat([[ball(x) for x in line] for line in table])


def top(number):
    """An exact number that is not below the ball."""
    need(number.is_finite(), "a ball has no bounds, as where a neuron can be zero")
    return number.upper()


def total(values):
    return sum(values, arb(0))


def row_sum(table):
    """Largest sum of sizes in a row; for a symmetric matrix a bound of its norm."""
    return max(top(total(abs(x) for x in line)) for line in table.tolist())


def identity(size):
    return arb_mat([[int(i == j) for i in range(size)] for j in range(size)])


def dot(x, y):
    return (x * y.transpose())[0, 0]


class Pair:
    """The letters of two rows of balls."""

    def __init__(self, u, v):
        self.u, self.v, self.a, self.b, self.c = u, v, dot(u, u), dot(v, v), dot(u, v)
        self.p, self.q = v * self.a - u * self.c, u * self.b - v * self.c
        square = dot(self.p, self.p) / self.a
        self.s = square.sqrt() if square > 0 else arb(0).union(top(abs(square)).sqrt())
        self.apart = bool(self.s.rad() < self.s.mid() / 4)
        acute = bool(self.c > 0)
        angle = arb.atan2(self.s, self.c if acute else -self.c)
        self.o = arb.pi() - angle if acute else angle
        self.value = self.s + self.o * self.c


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
        found = total(dot(v, v) for v in self.teachers) * arb.pi() / 2
        for m, v in enumerate(self.teachers):
            found += total(Pair(v, x).value for x in self.teachers[:m])
        for k, count in neurons:
            found += count * dot(self.students[k], self.students[k]) * arb.pi() / 2
            for sign, _, pair in self.partners(k):
                found += count * pair.value * (0.5 if sign > 0 else -1)
        return found

    def slope(self, k):
        """Gradient by student k, a row."""
        terms = (
            (pair.u * (pair.s / pair.a) + pair.v * pair.o) * i for i, _, pair in self.partners(k)
        )
        return sum(terms, self.students[k] * arb.pi())

    def normal(self, k):
        """Row k of the normal block A."""
        found = [arb.pi()] * len(self.students)
        for sign, j, pair in self.partners(k):
            found[k] += sign * pair.s / pair.a
            if sign > 0:
                found[j] = pair.o
        return [x / (2 * arb.pi()) for x in found]

    def curvature(self, k, parts):
        """Second derivatives by student k and each student, both by indicators of columns."""
        left, across = parts[k], parts[k].transpose()
        found = {k: across * left * arb.pi()}
        for sign, j, pair in self.partners(k):
            u, bend, product = pair.u * left, pair.s / pair.a, pair.a * pair.b
            own = across * left * bend - u.transpose() * u * (bend / pair.a)
            found[k] += sign * (own + turned(pair, pair.p, left, left, pair.a * pair.a, bend))
            if sign > 0:
                right, bound = parts[j], pair.s / product.sqrt()
                found[j] = across * right * pair.o
                found[j] += u.transpose() * (pair.v * right) * (pair.s / product)
                found[j] += turned(pair, pair.q, left, right, product, bound)
        return found


def turned(pair, other, left, right, scale, bound):
    """p^T other / (scale s) by indicators: entries x_m y_n of vectors with |x||y| <= bound."""
    if pair.apart:
        return (pair.p * left).transpose() * (other * right) / (scale * pair.s)
    sides = [[dot(x, x).sqrt() for x in rows(side.transpose())] for side in (left, right)]
    return arb_mat([[x * y * arb(0, top(bound)) for y in sides[1]] for x in sides[0]])


def rows(table):
    return [arb_mat([line]) for line in table.tolist()]


def grouped(things, moves):
    """Number of the orbit of each thing, and how many things each orbit has."""
    label, sizes = {}, []
    for thing in things:
        todo = [thing] if thing not in label else []
        sizes += [0] * len(todo)
        while todo:
            one = todo.pop()
            if one not in label:
                label[one] = len(sizes) - 1
                sizes[-1] += 1
                todo += [move(one) for move in moves]
    return label, sizes


class Orbits:
    """Orbits of places, but for fixed zeros, and of neurons under symmetries of a teacher."""

    def __init__(self, width, teachers, fixed, symmetries):
        self.setting, columns = (width, teachers, fixed), range(len(teachers[0]))
        for one in symmetries:
            order = one["columns"]
            need(sorted(one["neurons"]) == list(range(width)), "a symmetry permutes no neurons")
            need(sorted(order) == list(columns), "a symmetry permutes no columns")
            moved = [[line[order.index(m)] for m in columns] for line in teachers]
            need(sorted(moved) == sorted(teachers), "a symmetry moves the teacher")
            need(not fixed, "there are symmetries beside fixed zeros")
        self.moves = [lambda x, s=s: (s["neurons"][x[0]], s["columns"][x[1]]) for s in symmetries]
        places = [(k, m) for k in range(width) for m in columns if (k, m) not in fixed]
        self.places = grouped(places, self.moves)
        labels, sizes = grouped(range(width), [s["neurons"].__getitem__ for s in symmetries])
        first = {labels[k]: k for k in reversed(range(width))}
        self.rows = [(first[orbit], count) for orbit, count in enumerate(sizes)]
        lines = [[self.places[0].get((k, m)) for m in columns] for k in range(width)]
        self.mine = [sorted({*line} - {None}) for line in lines]
        both = zip(lines, self.mine, strict=True)
        self.parts = [arb_mat([[int(x == a) for a in mine] for x in line]) for line, mine in both]

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
            for a, x in zip(
                self.mine[k], (network.slope(k) * self.parts[k]).entries(), strict=True
            ):
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


def negatives(table, sizes, marked, basis):
    """Negative eigenvalues of a matrix by indicators of orbits, as far as some entries see them.

    `marked` are (orbit of an entry, how many look like it). Their number is the trace of the
    projector on the eigenvectors, the sum of its diagonal entries.
    """
    size, vectors = len(sizes), balls(matrix(basis, len(sizes)))
    scale = [[arb(n * m).rsqrt() for m in sizes] for n in sizes]
    lines = zip(table.tolist(), scale, strict=True)
    scaled = arb_mat([[x * y for x, y in zip(*line, strict=True)] for line in lines])
    form = vectors.transpose() * scaled * vectors
    skew = row_sum(vectors.transpose() * vectors - identity(size))
    need(skew < 0.25, "a basis is not nearly orthonormal")
    diagonal = [form[i, i].mid() for i in range(size)]
    rest = form - arb_mat([[x * (i == j) for j in range(size)] for i, x in enumerate(diagonal)])
    slack, gap = 2 * skew + skew * skew, min(abs(x) for x in diagonal)
    error = top(row_sum(rest) + slack * row_sum(form))
    need(error < gap, "the sign of an eigenvalue is not proved")
    below = [i for i, x in enumerate(diagonal) if x < 0]
    if len(marked) == size == sum(sizes):
        return len(below)
    number = arb(0)
    for orbit, count in marked:
        squares = [x * x for x in vectors.tolist()[orbit]]
        room = top(slack * total(squares) + error / gap)
        number += count * (total(squares[i] for i in below) + arb(0, room))
    return number


def counted(whole, sectors, network):
    """Number of negative eigenvalues, from sectors that see a place of every orbit once."""
    label, sizes = whole.places
    seen, number = [], arb(0)
    for sector in sectors:
        own = whole.finer(sector["symmetries"])
        names, counts = own.places
        places = [(k, m) for k, m in sector["places"]]
        need(all(counts[names[x]] == 1 for x in places), "a sector moves a place that it counts")
        seen += [label[x] for x in places]
        marked = [(names[x], sizes[label[x]]) for x in places]
        number += negatives(own.curvature(network), counts, marked, sector["basis"])
    need(sorted(seen) == list(range(len(sizes))), "the sectors do not count each place once")
    number = number.unique_fmpz()
    need(number is not None, "the number of negative eigenvalues is not proved")
    return int(number)


class Point:
    """A certificate of a critical point, once it was found to be true."""

    def __init__(self, record):
        need(
            set(record) == {*FIELDS.split()} and record["claim"] == CLAIM,
            "the claim is another one",
        )
        need(record["format_version"] == 1, "the format_version is not 1")
        teachers, self.centre = matrix(record["teacher"]), matrix(record["box"]["centre"])
        radius, pivots = Fraction(record["box"]["radius"]), record["pivots"]
        width, inside, columns = len(self.centre), len(teachers[0]), len(self.centre[0])
        once = len(pivots) == len({*pivots} & {*range(width)}) == columns - inside
        need(once, "columns outside have no pivots")
        self.teachers = [line + [Fraction()] * len(pivots) for line in teachers]
        fixed = {(k, m) for i, k in enumerate(pivots) for m in range(inside + i + 1, columns)}
        need(all(self.centre[k][m] == 0 for k, m in fixed), "a fixed zero is none")
        apart = all(abs(self.centre[k][inside + i]) > radius for i, k in enumerate(pivots))
        need(apart, "a pivot can vanish")
        self.orbits = Orbits(width, self.teachers, fixed, record["symmetries"])
        self.values = self.by_orbit(self.centre)
        self.tight = self.contraction(radius, balls(matrix(record["inverse"], len(self.values))))
        around = self.network(self.values, self.tight)
        low, high = (Fraction(x) for x in record["loss"])
        loss = around.loss(self.orbits.rows) / (2 * arb.pi())
        need(loss > ball(low) and loss < ball(high), "the loss is not proved to be as stated")
        self.index = counted(self.orbits, record["sectors"], around)
        dim, free = record["dim"], [k for k in range(width) if k not in pivots]
        need(dim == "infinite" or type(dim) is int, "the dimension is no number")
        times = len(free) if dim == "infinite" else dim - columns
        need(times >= 0, "the dimension is too small")
        if times and free:
            table, ones = [around.normal(k) for k in free], [1] * len(free)
            block = arb_mat([[line[j] for j in free] for line in table])
            marked = list(enumerate(ones))
            self.index += times * int(negatives(block, ones, marked, record["normal_basis"]))
        self.kind = "saddle" if self.index else "minimum"
        need(self.index == record["index"], f"the index is {self.index}")
        need(self.kind == record["kind"], f"the point is a {self.kind}")
        self.told = f"{self.kind}, index {self.index}, loss in [{float(low)!r}, {float(high)!r}]"

    def by_orbit(self, weights):
        """The value of each orbit, where each has one."""
        label = self.orbits.places[0]
        value = {a: weights[k][m] for (k, m), a in label.items()}
        same = all(weights[k][m] == value[a] for (k, m), a in label.items())
        need(same, "a point does not have the symmetries")
        return [value[a] for a in range(len(value))]

    def network(self, values, radius):
        """Enclosures for all points whose orbits' values are this close to some."""
        label, columns = self.orbits.places[0], range(len(self.centre[0]))
        entry = [ball(x) + arb(0, radius) for x in values]
        students = [
            arb_mat([[entry[label[k, m]] if (k, m) in label else arb(0) for m in columns]])
            for k in range(len(self.centre))
        ]
        return Network(students, rows(balls(self.teachers)))

    def contraction(self, radius, inverse):
        """Krawczyk's test: a bound of how far the critical point is from the centre."""
        wide = self.network(self.values, top(ball(radius)))
        factor = row_sum(inverse * self.orbits.curvature(wide) - identity(len(self.values)))
        step = row_sum(inverse * self.orbits.slope(self.network(self.values, 0)))
        need(factor < 1, "the box is too large, or the inverse is none")
        tight = top(step / (1 - factor))
        need(tight < ball(radius), "the box is too small, or holds no critical point")
        return tight


def main(files):
    ctx.prec = BITS
    failed = False
    for name in files:
        try:
            with open(name, encoding="utf-8") as file:
                told = Point(json.load(file)).told
        except (Refused, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            told, failed = f"REFUSED: {error!r}", True
        print(f"{name}: {told}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
