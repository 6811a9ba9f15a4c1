"""Readable names of permutation groups that act on students and teachers.

A name is given only when it is proved. Orbits that the group permutes in step are found as maps
between orbits that commute with every generator; the group then embeds in the product, over the
leading orbits, of any groups known to contain its action on each of them, and when the order of
that product is the order of the group, the two are equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial, lcm, prod

import numpy as np

from landtopo.shown import Brief
from landtopo.symmetry.groups import Images, PermutationGroup
from landtopo.symmetry.permutations import cycle_type, is_even

__all__ = ["GroupFactor", "name_group"]

_CLOSURE_LIMIT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFactor(Brief):
    """One factor of a group and what it permutes.

    Attributes
    ----------
    name : str
        Such as ``S_5``.
    order : int
        Number of elements.
    students, teachers : tuple of tuples of int
        The orbits of student and of teacher neurons that it permutes, in step with each other.
    """

    name: str
    order: int
    students: tuple[tuple[int, ...], ...]
    teachers: tuple[tuple[int, ...], ...]


def name_group(group: PermutationGroup, width: int) -> tuple[str, tuple[GroupFactor, ...]]:
    """Name a group that acts on K students and M teachers, numbered from K on.

    Names: products of symmetric (S_n), alternating (A_n), cyclic (C_n) and dihedral (D_n, of order
    2n) groups and of wreath products (``S_2 wr S_3``: three pairs, exchanged as wholes and inside);
    ``S_1`` stands for a student and a teacher that are both fixed, ``trivial`` for the group that
    fixes everything. A group that is none of these is named by its order.

    Parameters
    ----------
    group : PermutationGroup
        Of degree K + M.
    width : int
        K; 0 when the group acts on teachers alone, and then S_1 stands for a fixed teacher.

    Returns
    -------
    name : str
        Such as ``S_5 x S_1``.
    factors : tuple of GroupFactor
        Largest first, factors S_1 left out; one factor for a group that is no product.
    """
    order = group.order
    if order == 1:
        return "trivial", ()
    moving = [orbit for orbit in group.orbits() if len(orbit) > 1]
    bundles = _bundles(group.generators, moving)
    actions = [_Action(group.generators, bundle) for bundle in bundles]
    # From the cheapest description to the dearest, until the orders agree.
    for describe in (_Action.symmetric, _Action.containing, _Action.closed):
        named = [describe(action) for action in actions]
        if prod(size for size, _ in named) == order:
            break
    else:
        bundles = [moving]
        named = [(order, _name_whole(group, moving))]
    factors = [
        GroupFactor(
            name=name,
            order=size,
            students=tuple(orbit for orbit in sorted(bundle) if orbit[0] < width),
            teachers=tuple(
                tuple(point - width for point in orbit)
                for orbit in sorted(bundle)
                if orbit[0] >= width
            ),
        )
        for (size, name), bundle in zip(named, bundles, strict=True)
    ]
    factors.sort(key=lambda factor: -factor.order)
    fixed_students = width - sum(len(orbit) for orbit in moving if orbit[0] < width)
    fixed_teachers = group.degree - width - sum(len(orbit) for orbit in moving if orbit[0] >= width)
    fixed = fixed_teachers if width == 0 else min(fixed_students, fixed_teachers)
    return _product_name([factor.name for factor in factors], fixed), tuple(factors)


def _product_name(names: list[str], fixed: int) -> str:
    words = []
    for name in dict.fromkeys(names):
        many = len(names) + fixed > 1
        words += _repeated(f"({name})" if " " in name and many else name, names.count(name))
    return " x ".join(words + _repeated("S_1", fixed))


def _repeated(name: str, count: int) -> list[str]:
    return [name] * count if count < 3 else [f"{name}^{count}"]


def _bundles(generators: Images, moving: list[tuple[int, ...]]) -> list[list[tuple[int, ...]]]:
    """Orbits in bundles: a leading orbit, and the orbits that its permutation determines."""
    bundles: list[list[tuple[int, ...]]] = []
    for orbit in sorted(moving, key=lambda orbit: (-len(orbit), orbit)):
        for bundle in bundles:
            if _determines(generators, bundle[0], orbit):
                bundle.append(orbit)
                break
        else:
            bundles.append([orbit])
    return bundles


def _determines(generators: Images, leading: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether a map from one orbit onto another commutes with the group.

    Such a map is fixed by the image of one point. All choices are followed at once: row y of
    `images` is the map that sends the first point to the y-th point of the other orbit.
    """
    degree = generators.shape[1]
    images = np.full((len(other), degree), -1, dtype=np.int64)
    images[:, leading[0]] = other
    waiting = [leading[0]]
    for source in waiting:
        for generator in generators:
            target = int(generator[source])
            if images[0, target] < 0:
                images[:, target] = generator[images[:, source]]
                waiting.append(target)
    points = np.array(leading)
    works = np.ones(len(other), dtype=bool)
    for generator in generators:
        works &= np.all(images[:, generator[points]] == generator[images[:, points]], axis=1)
    return bool(np.any(works))


class _Action:
    """How a group acts on the leading orbit of a bundle: orders and names of descriptions."""

    def __init__(self, generators: Images, bundle: list[tuple[int, ...]]) -> None:
        leading = bundle[0]
        self.size = len(leading)
        self.blocks_seen = any(len(orbit) < self.size for orbit in bundle)
        place = {point: i for i, point in enumerate(leading)}
        images = [[place[int(generator[point])] for point in leading] for generator in generators]
        self.images = np.array(images, dtype=np.int64)

    def symmetric(self) -> tuple[int, str]:
        """The group of all permutations of the orbit."""
        return factorial(self.size), f"S_{self.size}"

    def containing(self) -> tuple[int, str]:
        """The smallest group of a known kind that contains the action."""
        size = self.size
        known = [self.symmetric()]
        if size > 3 and all(is_even(row.tolist()) for row in self.images):
            known.append((factorial(size) // 2, f"A_{size}"))
        for block in _block_sizes(self.images):
            order = factorial(block) ** (size // block) * factorial(size // block)
            name = f"S_{block} wr S_{size // block}"
            # The same group; it is a square's unless its blocks are neurons of the other kind.
            known.append((order, "D_4" if size == 4 and not self.blocks_seen else name))
        return min(known)

    def closed(self) -> tuple[int, str]:
        """The action itself where it is small."""
        elements = _closure(self.images)
        if elements is None:
            return self.containing()
        order, name = self.containing()
        return (order, name) if len(elements) == order else (len(elements), _small_name(elements))


def _name_whole(group: PermutationGroup, moving: list[tuple[int, ...]]) -> str:
    """Name of a group that is no product over its orbits."""
    for orbit in moving:
        # An action with as many elements as the group is faithful, and its name is the group's.
        order, name = _Action(group.generators, [orbit]).closed()
        if order == group.order <= _CLOSURE_LIMIT and not name.startswith("order"):
            return name
    elements = _closure(group.generators)
    return f"order {group.order}" if elements is None else _small_name(elements)


def _closure(generators: Images) -> Images | None:
    """All elements of a group, or None when there are too many."""
    first = np.arange(generators.shape[1])
    seen = {first.tobytes()}
    elements = [first]
    for element in elements:
        for generator in generators:
            product = generator[element]
            key = product.tobytes()
            if key not in seen:
                if len(elements) == _CLOSURE_LIMIT:
                    return None
                seen.add(key)
                elements.append(product)
    return np.array(elements)


def _small_name(elements: Images) -> str:
    """Name of a group given by all its elements, up to isomorphism."""
    order = len(elements)
    orders = [lcm(*cycle_type(element.tolist())) for element in elements]
    if order in orders:
        return f"C_{order}"
    half = order // 2
    if order % 2 == 0 and half in orders and half > 2:
        rotation = elements[orders.index(half)]
        powers = {rotation.tobytes()}
        power = rotation
        for _ in range(half - 1):
            power = rotation[power]
            powers.add(power.tobytes())
        back = np.argsort(rotation)
        reflections = [element for element in elements if element.tobytes() not in powers]
        # An element outside the rotations that inverts them may be no involution: the quaternion
        # group has such ones.
        if all(
            np.array_equal(mirror[rotation[mirror]], back)
            and np.array_equal(mirror[mirror], elements[0])
            for mirror in reflections
        ):
            return "S_3" if half == 3 else f"D_{half}"
    if max(orders) == 2:
        return " x ".join(_repeated("C_2", order.bit_length() - 1))
    return f"order {order}"


def _block_sizes(images: Images) -> list[int]:
    """Sizes of the smallest blocks of a transitive action with the first point and another.

    A block is a set that every element either keeps or moves off itself (Atkinson, 1975).
    """
    size = images.shape[1]
    sizes = set()
    for other in range(1, size):
        parent = np.arange(size)
        parent[other] = 0
        waiting = [(0, other)]
        while waiting:
            left, right = waiting.pop()
            for row in images:
                a, b = int(parent[row[left]]), int(parent[row[right]])
                if a != b:
                    parent[parent == b] = a
                    waiting.append((a, b))
        block = int(np.sum(parent == parent[0]))
        if block < size:
            sizes.add(block)
    return sorted(sizes)
