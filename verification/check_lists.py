"""Check complete lists of critical points from nothing but their files.

    python verification/check_lists.py FILE...

A line a file; the exit code is 1 if one is refused. Points are checked by `check_certificates.py`;
here all directions are searched for others. Needs python-flint and shares no code with landtopo.
What is computed, and why that proves what a file claims: docs/proofs.md.
"""

import sys

import check_certificates
from check_certificates import Point, diagonal, matrix, need, row_sum
from check_outside import Mirrored, Unlike
from check_plane import Circle, Line, Plane, direction
from flint import arb, arb_mat, ctx

CLAIM = (
    "These are all critical points with neurons that are not zero, and no others, up to exchanges "
    "of neurons; a split neuron is two parallel ones, of any lengths with this sum."
)
FIELDS = {"format", "format_version", "claim", "teacher", "dim", "width", "points"}
ENTRY = {"split", "kind", "index", "certificate"}
BITS = 64
# Sides of boxes that are not halved, how many boxes are looked at, and half sides of cubes; an axis
# is halved for what it adds unless another one is wider by a factor.
SMALLEST, MOST, UNEVEN = 1e-6, 200_000, 16
CUBES = (0.3, 0.1, 0.05, 0.02, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)


def span(side):
    return arb(side[0]).union(arb(side[1]))


def middles(table):
    return arb_mat([[arb(x.mid()) for x in line] for line in table])


def inverse(table):
    """Nearly one of a matrix of balls, or None."""
    try:
        return middles(middles(table).inv().tolist())
    except ZeroDivisionError:
        return None


def without_zero(of, box):
    """Whether the values in the middle and the slopes all over a box exclude a zero; the axis."""
    centre, sizes = [arb(x.mid()) for x in box], [float(x.rad()) for x in box]
    widest = max(range(len(box)), key=sizes.__getitem__)
    table = of.system(box)[1] if of.system else [[arb("nan")]]
    if not all(x.is_finite() for line in table for x in line):
        return False, widest
    forms = [*zip(of.system(centre)[0], table, strict=True)]
    mixed = inverse(table)
    if mixed is not None:
        values = mixed * arb_mat([[x] for x, _ in forms])
        forms += zip(values.entries(), (mixed * arb_mat(table)).tolist(), strict=True)
    closest, axis = 0.0, widest
    for value, line in forms:
        steps = [y * (x - z) for x, y, z in zip(box, line, centre, strict=True)]
        if not sum(steps, value).contains(0):
            return True, widest
        # What adds most to the form that is next to excluding the box is halved.
        adds = [float(x.rad()) for x in steps]
        share = abs(float(value.mid())) / max(sum(adds), 1e-300)
        if share > closest:
            closest, axis = share, max(range(len(box)), key=adds.__getitem__)
    return False, axis if sizes[widest] < UNEVEN * sizes[axis] else widest


def cube(of, place):
    """The largest cube around a zero in which the functions take no value twice, by its sides."""
    middle = [float(x.mid()) for x in place]
    for radius in CUBES:
        sides = [(x - radius, x + radius) for x in middle]
        held = all(arb(a) < x < arb(b) for x, (a, b) in zip(place, sides, strict=True))
        table = of.system([span(side) for side in sides])[1]
        mixed = inverse(table)
        if held and mixed is not None:
            error = mixed * arb_mat(table) - diagonal([1] * len(place))
            if all(x.is_finite() for x in error.entries()) and row_sum(error) < 1:
                return sides
    raise check_certificates.Refused("a listed point is not proved to be alone")


def cubes(of, points):
    """Cubes of all points, in all ways and turns in which a search can meet them."""
    found = []
    for angles in points:
        need(len(angles) == len(of.boxes[0]), "a point is of another kind")
        for place in of.places(angles):
            turned = [[x + 2 * arb.pi() * n for n in range(-2, 3)] for x in place]
            ways = [[x] for x in turned[0]]
            for more in turned[1:]:
                ways = [[*way, x] for way in ways for x in more]
            for way in ways:
                middle = [float(x.mid()) for x in way]
                room = zip(middle, of.boxes[0], strict=True)
                if all(a - CUBES[0] < x < b + CUBES[0] for x, (a, b) in room):
                    need(not within(found, [(x, x) for x in middle]), "a point is listed twice")
                    found.append(cube(of, way))
    return found


def within(known, sides):
    """Whether a box lies in one of some boxes."""
    return any(
        all(a <= x and y <= b for (x, y), (a, b) in zip(sides, one, strict=True)) for one in known
    )


def search(of, points):
    """Halve boxes until each has no critical point or lies in the cube of a listed one."""
    with ctx.workprec(BITS):
        known, stack, seen = cubes(of, points), [*of.boxes], 0
        while stack:
            sides = stack.pop()
            seen += 1
            box = [span(side) for side in sides]
            if within(known, sides) or of.ranges(box):
                continue
            excluded, axis = without_zero(of, box)
            if excluded:
                continue
            longest = max(high - low for low, high in sides)
            told = [tuple(round(x, 7) for x in side) for side in sides]
            need(longest > SMALLEST and seen < MOST, f"not decided: directions in {told}")
            low, high = sides[axis]
            middle = 0.5 * (low + high)
            for half in ((low, middle), (middle, high)):
                stack.append([*sides[:axis], half, *sides[axis + 1 :]])
    return seen


class Listed:
    """A list, once it was found to be complete."""

    def __init__(self, record):
        need(set(record) == FIELDS and record["claim"] == CLAIM, "the claim is another one")
        need(record["format_version"] == 1, "the format_version is not 1")
        vectors, width, dim = matrix(record["teacher"]), record["width"], record["dim"]
        need(width in (1, 2) and len(vectors) in (1, 2), "not one or two neurons and vectors")
        need(len(vectors[0]) == len(vectors), "vectors that are parallel")
        points = {False: [], True: []}
        for entry in record["points"]:
            need(set(entry) == ENTRY, "an entry has other fields")
            split, certificate = entry["split"], entry["certificate"]
            need(certificate["format_version"] == 1, "a point is not of ReLU with outputs of 1")
            need(certificate["dim"] == dim, "a point is of another dimension")
            need(matrix(certificate["teacher"]) == vectors, "a point is of another teacher")
            point = Point(certificate)
            need(split in (False, True) and len(point.centre) == width - split, "another width")
            need(width == 2 or not split, "one neuron is split")
            # Parts that turn away from each other go down unless all vectors are parallel to them.
            kind = "saddle" if split and len(vectors) == 2 else point.kind
            need(entry["kind"] == kind, f"a point is a {kind}")
            need(entry["index"] == (None if split else point.index), "an index is another one")
            need(len(point.centre[0]) <= len(vectors) + 1, "a point uses too many directions")
            points[split].append(point)
        self.boxes = 0
        if len(vectors) == 1:
            need([len(points[False]), len(points[True])] == [width == 1, width == 2], "one point")
            self.boxes += search(Line(), []) if width == 2 else 0
        else:
            circle = Circle(vectors)
            self.boxes += search(circle, [directions(x) for x in points[width == 2]])
            plane = [x for x in points[False] if len(x.centre[0]) == 2]
            above = [x for x in points[False] if len(x.centre[0]) == 3]
            if width == 2:
                self.boxes += search(Plane(vectors), [directions(x) for x in plane])
            if width == 2 and dim != 2:
                # What is outside are mirror images, since there is nothing else.
                self.boxes += search(Unlike(circle.vectors), [])
                self.boxes += search(Mirrored(circle.vectors), [directions(x) for x in above])
        count = len(record["points"])
        self.told = f"{count} points and no others, by {self.boxes} boxes"


def directions(point):
    """Angles of all neurons of a certified point; outside the plane phi and eta of the first."""
    rows = [[arb(x) + arb(0, point.tight) for x in row] for row in point.centre]
    if len(rows[0]) == 2:
        return [direction(row) for row in rows]
    x, y, out = rows[0]
    return [direction([x, y]), direction([(x * x + y * y).sqrt(), abs(out)])]


if __name__ == "__main__":
    sys.exit(check_certificates.main(sys.argv[1:], Listed))
