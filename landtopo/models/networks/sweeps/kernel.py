"""Which irreducible representation of a symmetry group some directions are, in a word."""

from __future__ import annotations

import re
from itertools import product

import numpy as np

from landtopo.models.networks.symmetry import Isotropy, Relabelling
from landtopo.objective import Array
from landtopo.wording import counted

__all__ = ["representation"]

# So many directions at once are not looked at.
_LARGEST = 24
_SAMPLES, _WORD = 40, 12
_ROUNDING = 1e-6


def representation(group: Isotropy, actions: list[Array]) -> str:
    """The representation, by the characters of those that occur in Hessians.

    Of S_n these are the standard one (n-1, 1), (n-2, 2) and (n-2, 1, 1), of a product of such
    groups their products.

    Parameters
    ----------
    group : Isotropy
    actions : list of ndarray, shape (n, n)
        Orthogonal matrices of its generators.

    Returns
    -------
    str
        Such as ``(4, 1, 1) of S_6``.
    """
    count = len(actions[0]) if actions else 1
    if not _is_irreducible(actions):
        return f"{counted(count, 'direction')} of {group.name}"
    samples = _samples(group.generators, actions)
    orbits = _symmetric(group)
    kinds = [_characters(orbit, samples) for _, orbit in orbits]
    traces = np.array([np.trace(matrix) for _, matrix in samples])
    for choice in product(*kinds):
        values = np.prod([np.ones(len(traces)), *(one for _, one in choice)], axis=0)
        if np.allclose(values, traces, rtol=0, atol=_ROUNDING):
            named = zip(choice, orbits, strict=True)
            told = [f"{kind} of {name}" for (kind, _), (name, _) in named if kind]
            return " x ".join(told) or "the trivial representation"
    if count == 1:
        return f"change of sign under {group.name}"
    return f"irreducible, {count} dimensions, of {group.name}"


def _symmetric(group: Isotropy) -> list[tuple[str, tuple[int, ...]]]:
    """Factors that are all exchanges of some neurons, with those: students first."""
    found = []
    for one in group.factors:
        size = re.fullmatch(r"S_(\d+)", one.name)
        teachers = [tuple(group.width + m for m in orbit) for orbit in one.teachers]
        orbits = [
            orbit for orbit in (*one.students, *teachers) if size and len(orbit) == int(size[1])
        ]
        if orbits and len(orbits[0]) > 1:
            found.append((one.name, orbits[0]))
    return found


def _samples(
    generators: tuple[Relabelling, ...], actions: list[Array]
) -> list[tuple[tuple[int, ...], Array]]:
    """Products of generators, as permutations of all neurons, with their matrices."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(_SAMPLES if actions else 0):
        places = random.integers(len(actions), size=1 + int(random.integers(_WORD)))
        element, matrix = generators[places[0]], actions[places[0]]
        for place in places[1:]:
            element, matrix = generators[place].after(element), actions[place] @ matrix
        found.append((element.images(), matrix))
    return found


def _characters(
    orbit: tuple[int, ...], samples: list[tuple[tuple[int, ...], Array]]
) -> list[tuple[str, Array]]:
    """Of the representations that occur, each once, with their names; the trivial one has none.

    With a and b the cycles of length 1 and 2 of a permutation, by the formula of Frobenius: a - 1,
    a (a - 3) / 2 + b and (a - 1)(a - 2) / 2 - b.
    """
    n = len(orbit)
    a = np.array([sum(image[i] == i for i in orbit) for image, _ in samples])
    twice = np.array([sum(image[image[i]] == i for i in orbit) for image, _ in samples])
    b = (twice - a) / 2.0
    found = [("", np.ones(len(samples))), (f"({n - 1}, 1)", a - 1.0)]
    if n >= 4:
        found.append((f"({n - 2}, 2)", a * (a - 3) / 2.0 + b))
    if n >= 3:
        found.append((f"({n - 2}, 1, 1)", (a - 1) * (a - 2) / 2.0 - b))
    return found


def _is_irreducible(actions: list[Array]) -> bool:
    """Whether only multiples of the identity commute with all; of real type, that is."""
    if not actions:
        return True
    count = len(actions[0])
    if count == 1:
        return True
    if count > _LARGEST:
        return False
    unit = np.eye(count)
    rows = np.vstack([np.kron(one, unit) - np.kron(unit, one.T) for one in actions])
    return int(np.sum(np.linalg.eigvalsh(rows.T @ rows) < _ROUNDING)) == 1
