"""Check certificates of what a saddle joins from nothing but their files.

    python verification/check_connections.py FILE...

Uses the enclosures of `check_certificates.py` and its check of points. Why that proves what a file
claims: docs/proofs.md. The flow is x' = -g(x), in orthonormal coordinates of the
weights that some symmetries leave alone.
"""

import sys
from itertools import pairwise

import check_certificates
from check_certificates import Network, Orbits, Point, diagonal, dot, matrix, need, row_sum, top
from flint import arb, arb_mat, fmpq

CLAIM = (
    "The two descents from the saddle, along its only direction of descent, end in the two minima."
)
SADDLE_CLAIM = (
    "The two descents from the saddle, along its only direction of descent, end in the two "
    "critical points, of which at least one is a saddle."
)
FIELDS = {"format", "format_version", "claim", "saddle", "symmetries", "descents"}
DESCENT = {"attraction", "points", "frusta"}


def norm(row):
    return dot(row, row).sqrt()


def positive(table):
    """Whether a symmetric matrix of thin balls is positive definite: elimination succeeds."""
    lines = table.tolist()
    for i, pivot in enumerate(lines):
        if not pivot[i] > 0:
            return False
        for j in range(i + 1, len(lines)):
            factor = lines[j][i] / pivot[i]
            lines[j] = [x - factor * y for x, y in zip(lines[j], pivot, strict=True)]
    return True


class Located(Point):
    """A certificate of a critical point, and the size of its box."""

    def __init__(self, record):
        super().__init__(record)
        self.radius = fmpq(record["box"]["radius"])


class Tube:
    """The weights that have the symmetries, one coordinate an orbit."""

    def __init__(self, saddle, symmetries):
        self.saddle = saddle
        self.orbits = Orbits(*saddle.orbits.setting, symmetries)
        need(self.keeps(saddle, saddle.centre), "a symmetry moves the saddle")
        sizes = self.orbits.places[1]
        self.roots = [arb(n).sqrt() for n in sizes]
        self.whole = arb(sum(sizes)).sqrt()
        self.teachers = [arb_mat([line]) for line in saddle.teachers]

    def keeps(self, point, lines):
        """Whether the symmetries leave a critical point alone.

        They do if they map its orbits to themselves. They do, too, if it is the only critical point
        in its box, and so close to the centre that its image, which is one, is in the box.
        """
        # A place in a column that an end does not use has no orbit there, and the value zero.
        places, known = self.orbits.places[0], point.orbits.places[0]
        both = [(x, move(x)) for move in self.orbits.moves for x in places]
        if point.orbits.moves:
            return all(known.get(x) == known.get(y) for x, y in both)
        moved = max((abs(lines[k][m] - lines[i][j]) for (k, m), (i, j) in both), default=fmpq())
        return bool(point.tight + moved < point.radius)

    def row(self, values):
        """A point, from the value of each orbit."""
        return arb_mat([[x * root for x, root in zip(values, self.roots, strict=True)]])

    def centre(self, point):
        """Centre of the box of a certificate, and how far the critical point is from it at most."""
        outside = [0] * (len(self.saddle.centre[0]) - len(point.centre[0]))
        same = [line + outside for line in point.teachers] == self.saddle.teachers
        need(same and point.function == self.saddle.function, "an end has another teacher")
        need(len(point.centre) == len(self.saddle.centre), "an end has another shape")
        lines = [line + outside for line in point.centre]
        need(self.keeps(point, lines), "an end has not the symmetries of the descent")
        value = {a: lines[k][m] for (k, m), a in self.orbits.places[0].items()}
        return self.row([value[a] for a in range(len(value))]), point.tight * self.whole

    def network(self, row, reach):
        """Enclosures for all points whose coordinates are this close to those of a row."""
        both = zip(row.entries(), reach, self.roots, strict=True)
        entry = [(x + arb(0, top(r))) / root for x, r, root in both]
        students = [arb_mat([[entry[a] for a in line]]) for line in self.orbits.lines]
        return Network(students, self.teachers, self.saddle.function)

    def slope(self, row):
        """The gradient at a point."""
        found = self.orbits.slope(self.network(row, [arb(0)] * len(self.roots))).entries()
        return arb_mat([[x / root for x, root in zip(found, self.roots, strict=True)]])

    def curvature(self, row, reach):
        """A thin symmetric matrix, and a bound of the norm of what Hessians differ from it by."""
        table = self.orbits.curvature(self.network(row, reach)).tolist()
        size = range(len(self.roots))
        scale = [[1 / (2 * x * y) for y in self.roots] for x in self.roots]
        middle = [
            [(table[i][j].mid() + table[j][i].mid()) * scale[i][j] for j in size] for i in size
        ]
        wide = [[(table[i][j].rad() + table[j][i].rad()) * scale[i][j] for j in size] for i in size]
        return arb_mat(middle), row_sum(arb_mat(wide))

    def around(self, axis, thin, error, least):
        """Curvature along an axis, and how far the Hessian turns it; `least` is across."""
        bent = axis * thin
        along = dot(bent, axis)
        turned = axis.transpose() * axis
        flat = diagonal([1] * len(self.roots)) - turned
        across = flat * thin * flat + turned * (1 + abs(least) + error)
        proved = positive(across - diagonal([least + error] * len(self.roots)))
        need(proved, "the curvature across is not as large as stated")
        return along, norm(bent - axis * along) + error

    def cone(self, start, end, frustum):
        """From the saddle; its axis, and how far from it and its end it is left."""
        begin, finish, least = map(arb, frustum)
        centre, tight = self.centre(self.saddle)
        shift = norm(start - centre) + tight
        length, axis = norm(end - start), (end - start) / norm(end - start)
        slope = finish / length
        need(begin == 0 and finish > 0 and slope < 1, "the first frustum is no narrow cone")
        reach = [abs(x) * length / 2 + finish + shift for x in axis.entries()]
        thin, error = self.curvature((start + end) / 2, reach)
        along, turn = self.around(axis, thin, error, least)
        forward = along + error + slope * turn
        need(forward < 0, "the flow is not proved to go forwards at the saddle")
        need(slope * (least - forward) > turn, "the flow is not proved to stay in the cone")
        return axis, finish + shift, shift

    def frustum(self, start, end, frustum, before):
        """The same for a later frustum, from those of the one before."""
        begin, finish, least = map(arb, frustum)
        last, entry, shift = before
        length, axis = norm(end - start), (end - start) / norm(end - start)
        overlap, slope = entry * norm(axis - last) + shift, (finish - begin) / length
        need(begin - abs(slope) * overlap >= entry, "a frustum does not take up what enters")
        widest = (begin + finish + abs(finish - begin)) / 2 + abs(slope) * overlap
        narrow = (begin + finish - abs(finish - begin)) / 2 - abs(slope) * overlap
        half, middle = length / 2 + overlap, (start + end) / 2
        thin, error = self.curvature(middle, [abs(x) * half + widest for x in axis.entries()])
        along, turn = self.around(axis, thin, error, least)
        gradient = self.slope(middle)
        ahead = dot(gradient, axis)
        aside = norm(gradient - axis * ahead) + half * turn
        ahead += arb(0, top(half * (abs(along) + error) + widest * turn))
        need(ahead < 0, "the flow is not proved to go forwards")
        need(narrow > 0, "a frustum has no width")
        pull = least * (narrow if least > 0 else widest)
        need(pull - aside > slope * ahead, "the flow is not proved to stay in the tube")
        return axis, finish, arb(0)

    def descent(self, record):
        """Axis of the first cone, and the end, of a descent that holds."""
        kinds = set(record) - DESCENT
        need(set(record) > DESCENT and len(kinds) == 1, "a descent has wrong fields")
        (kind,) = kinds
        there = Located(record[kind])
        need(there.kind == kind, f"a descent ends at no {kind}")
        centre, tight = self.centre(there)
        radius = arb(fmpq(record["attraction"]))
        thin, error = self.curvature(centre, [radius + tight] * len(self.roots))
        convex = positive(thin - diagonal([error] * len(self.roots)))
        need(convex, "the loss is not proved to be convex around an end, on the weights of its way")
        rows = [self.row(values) for values in matrix(record["points"])]
        frusta = matrix(record["frusta"])
        need(len(rows) == len(frusta) + 1, "there are not as many frusta as pieces")
        state = first = self.cone(rows[0], rows[1], frusta[0])
        for (start, end), frustum in zip(pairwise(rows[1:]), frusta[1:], strict=True):
            state = self.frustum(start, end, frustum, state)
        inside = norm(rows[-1] - centre) + state[1] + state[2] + tight < radius
        need(inside, "a descent does not reach the neighbourhood of its end")
        return first[0], there


class Connection:
    """A certificate of a connection, once it was found to be true."""

    def __init__(self, record):
        lowest = all("minimum" in one for one in record.get("descents", ()))
        claim = CLAIM if lowest else SADDLE_CLAIM
        need(set(record) == FIELDS and record["claim"] == claim, "the claim is another one")
        need(record["format_version"] == 1, "the format_version is not 1")
        saddle = Located(record["saddle"])
        need(saddle.index == 1, "there is no saddle of index 1")
        need(len(record["saddle"]["pivots"]) < 2, "the saddle leaves the span in two directions")
        tube = Tube(saddle, record["symmetries"])
        need(len(record["descents"]) == 2, "there are not two descents")
        (left, first), (right, second) = map(tube.descent, record["descents"])
        need(dot(left, right) < 0, "both descents begin on the same side")
        self.told = f"joins {first.told} and {second.told} by {saddle.told}"


def main(files):
    return check_certificates.main(files, Connection)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
