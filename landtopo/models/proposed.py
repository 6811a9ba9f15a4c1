"""Symmetries that minima of a function suggest: proposals, tried by values, and proved by nothing.

Minima that are copies of each other have the same value and spectrum. Classes of minima that agree
in these are proposed by HDBSCAN (L. McInnes, J. Healy, S. Astels, J. Open Source Softw. 2, 205
(2017)). Signed permutations of coordinates that carry one of a class to another, or leave a minimum
where it is, are candidates, and those that leave the function as it is at random points are told.
No minima are taken for one because of it: that is for who gives the symmetry to `function_model`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, permutations, product
from typing import Any

import numpy as np

from landtopo.checks import checked_instance
from landtopo.errors import InvalidArgument
from landtopo.models.functions import FunctionShape, format_signed
from landtopo.models.searches import find_minima
from landtopo.models.smooth import FunctionSearch, SmoothModel
from landtopo.objective import Array
from landtopo.shown import Table
from landtopo.symmetry.coordinates import SignedPermutations
from landtopo.tolerances import UNCHANGED
from landtopo.wording import counted

__all__ = ["ProposedSymmetry", "box_of", "propose_symmetry"]

# Coordinates of copies agree to this, in units of the model, as those of minima do.
_SAME = 1e-5
# Points at which a candidate is tried, and by how much values may differ, of their spread.
_POINTS = 20
# Candidates that are tried for one pair of minima: equal sizes of coordinates leave many.
_CANDIDATES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedSymmetry(Table):
    """Signed permutations of coordinates that seem to leave a function as it is.

    Attributes
    ----------
    generators : tuple of tuple of int
        As `function_model` takes them.
    classes : tuple of tuple of str
        Ids of minima that agree in value and spectrum, two or more in each.
    copies : tuple of tuple of str
        Ids of those of a class that the elements carry into each other, two or more in each.
    order : int
        Number of elements that the generators make, with those that are known.
    points : int
        Random points at which each was tried.

    Examples
    --------
    >>> import landtopo as lt
    >>> even = lt.function_model(lambda x: (x[0] ** 2 - 1) ** 2, low=[-2], high=[2])
    >>> lt.propose_symmetry(even)
    ProposedSymmetry(generators=<1 entry>, order=2)
    """

    _told = ("generators", "order")

    generators: tuple[tuple[int, ...], ...]
    classes: tuple[tuple[str, ...], ...]
    copies: tuple[tuple[str, ...], ...]
    order: int
    points: int

    def sentence(self) -> str:
        """What is proposed, and how sure it is.

        Examples
        --------
        >>> import landtopo as lt
        >>> even = lt.function_model(lambda x: (x[0] ** 2 - 1) ** 2, low=[-2], high=[2])
        >>> found = lt.propose_symmetry(even)
        >>> print(found.sentence()[:50])
        1 class of minima agree in value and spectrum, and
        """
        alike = counted(len(self.classes), "class", "classes")
        if not self.generators:
            return f"No symmetry is proposed; {alike} of minima agree in value and spectrum."
        shown = "; ".join(format_signed(_images(one)) for one in self.generators)
        return (
            f"{alike} of minima agree in value and spectrum, and the function is the same at "
            f"{self.points} random points after {shown}. That is a numerical check and no proof; "
            f"symmetry={[list(one) for one in self.generators]} of function_model uses it."
        )

    def rows(self) -> list[dict[str, Any]]:
        """One row a generator.

        Examples
        --------
        >>> import landtopo as lt
        >>> even = lt.function_model(lambda x: (x[0] ** 2 - 1) ** 2, low=[-2], high=[2])
        >>> found = lt.propose_symmetry(even)
        >>> found.rows()
        [{'generator': 'x1 -> -x1'}]
        """
        return [{"generator": format_signed(_images(one))} for one in self.generators]


def propose_symmetry(
    model: SmoothModel, found: FunctionSearch | None = None, *, seed: int = 0
) -> ProposedSymmetry:
    """Signed permutations of coordinates that the minima of a function suggest.

    Parameters
    ----------
    model : SmoothModel
        Of a function in a box, such as `function_model` makes.
    found : FunctionSearch, optional
        Minima of the model; they are searched for by default.
    seed : int
        Of the search, and of the points at which the function is compared.

    Returns
    -------
    ProposedSymmetry
        Elements that are known of the model already are not proposed.

    Raises
    ------
    InvalidArgument
        The model is no function in a box.

    Examples
    --------
    >>> import landtopo as lt
    >>> model = lt.function_model(
    ...     lambda x: (x[0] ** 2 - 1) ** 2 + (x[1] ** 2 - 1) ** 2 + 0.3 * x[0] * x[1],
    ...     low=[-2, -2],
    ...     high=[2, 2],
    ... )
    >>> lt.propose_symmetry(model).generators
    ((-2, -1), (2, 1))
    """
    shape = box_of(model)
    minima = (find_minima(model, seed=seed) if found is None else found).families
    classes = _classes(model, minima)
    given = [_entries(one.tolist()) for one in shape.symmetry.group.generators]
    known, new = shape.symmetry, []
    pairs = [(one, one) for one in range(len(minima))]
    pairs += [pair for numbers in classes for pair in combinations(numbers, 2)]
    tried = _Tried(shape, seed)
    for first, last in pairs:
        here, there = (minima[n].x / model.length for n in (first, last))
        for entries in islice(_candidates(here, there), _CANDIDATES):
            if _images(entries) not in known.group and tried.keeps(entries):
                new.append(entries)
                known = SignedPermutations(model.size, [*given, *new], gauge=shape.gauge)
    return ProposedSymmetry(
        generators=tuple(sorted(new)),
        classes=tuple(tuple(minima[n].id for n in numbers) for numbers in classes),
        copies=tuple(
            tuple(minima[n].id for n in numbers)
            for one in classes
            for numbers in _carried(known, {n: minima[n].x / model.length for n in one})
        ),
        order=known.order,
        points=_POINTS,
    )


def box_of(model: SmoothModel) -> FunctionShape:
    """The function in a box that a model is; refused where it is none.

    Parameters
    ----------
    model : SmoothModel
    """
    checked_instance("model", "propose_symmetry", model, SmoothModel)
    shape = model.shape
    if not isinstance(shape, FunctionShape) or not isinstance(shape.symmetry, SignedPermutations):
        raise InvalidArgument(
            f"The 'model' argument of propose_symmetry must be a function in a box; got {model!r}."
        )
    return shape


def _carried(symmetry: SignedPermutations, points: dict[int, Array]) -> list[list[int]]:
    """Numbers of points that elements carry into each other, where that are two or more."""
    groups: list[list[int]] = []
    for number, x in points.items():
        for group in groups:
            if symmetry.match(x, points[group[0]]) is not None:
                group.append(number)
                break
        else:
            groups.append([number])
    return [group for group in groups if len(group) > 1]


def _classes(model: SmoothModel, minima: Sequence[Any]) -> list[list[int]]:
    """Numbers of minima that agree in value and spectrum, in units of the model."""
    if len(minima) < 2:
        return []
    from sklearn.cluster import HDBSCAN

    curvature = model.energy / model.length**2
    rows = np.array(
        [[one.loss / model.energy, *(one.point.eigenvalues / curvature)] for one in minima]
    )
    found = HDBSCAN(min_cluster_size=2, allow_single_cluster=True, copy=True)
    labels = found.fit_predict(np.round(rows, 7))
    return [
        np.flatnonzero(labels == label).tolist() for label in sorted(set(labels.tolist()) - {-1})
    ]


class _Tried:
    """A function at random points, with which its values after candidates are compared."""

    def __init__(self, shape: FunctionShape, seed: int) -> None:
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(5,)))
        self._points = generator.uniform(shape.low, shape.high, size=(_POINTS, len(shape.low)))
        self._value = shape.objective.value
        self._values = np.asarray(self._value(self._points))
        size = float(np.ptp(self._values)) + 1e-6 * float(np.abs(self._values).max())
        self._allowed = UNCHANGED * size

    def keeps(self, entries: Sequence[int]) -> bool:
        """Whether values are the same after a signed permutation, at one point and then at all."""
        copies = np.empty_like(self._points)
        for i, entry in enumerate(entries):
            copies[:, abs(entry) - 1] = np.sign(entry) * self._points[:, i]
        return all(
            np.abs(np.asarray(self._value(copies[part])) - self._values[part]).max()
            <= self._allowed
            for part in (slice(0, 1), slice(1, None))
        )


def _candidates(x: Array, y: Array) -> Iterator[tuple[int, ...]]:
    """Signed permutations with y[image of i] = sign x[i], in no particular order."""
    size = len(x)
    near = [[j for j in range(size) if abs(abs(x[i]) - abs(y[j])) <= _SAME] for i in range(size)]
    if not all(near) or size > 8:
        # Beyond that, only where sizes of coordinates tell nearly all of them apart.
        order = np.argsort(np.abs(x), kind="stable"), np.argsort(np.abs(y), kind="stable")
        orders = [dict(zip(order[0].tolist(), order[1].tolist(), strict=True))]
    else:
        orders = [
            dict(enumerate(one)) for one in permutations(range(size))
            if all(j in near[i] for i, j in enumerate(one))
        ]  # fmt: skip
    for one in orders:
        if any(one[i] not in near[i] for i in range(size)):
            continue
        signs = [
            (1, -1) if abs(x[i]) <= _SAME else (int(np.sign(x[i] * y[one[i]])),)
            for i in range(size)
        ]
        for choice in product(*signs):
            yield tuple(choice[i] * (one[i] + 1) for i in range(size))


def _entries(images: Sequence[int]) -> tuple[int, ...]:
    """Images of signed coordinates as `function_model` takes them."""
    size = len(images) // 2
    return tuple(i + 1 if i < size else -(i - size + 1) for i in images[:size])


def _images(entries: Sequence[int]) -> tuple[int, ...]:
    """The inverse of `_entries`."""
    size = len(entries)
    forward = [entry - 1 if entry > 0 else size - entry - 1 for entry in entries]
    return tuple(forward + [(image + size) % (2 * size) for image in forward])
