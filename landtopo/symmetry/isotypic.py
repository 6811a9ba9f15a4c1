"""The spectrum of an invariant matrix from its irreducible blocks.

A Hessian at a point with symmetries commutes with them. By Schur's lemma it acts on each isotypic
component as a small matrix, every eigenvalue of which counts as often as the irreducible
representation has dimensions (Arjevani, Field, arXiv:1912.11939, did this for students and
teachers). Weights whose neurons follow one onlooker each, or none, contain of the symmetric group
S_n on a class of n onlookers

    the trivial representation, once;           the standard one (n-1, 1), n - 1 times;
    (n-2, 2), n (n - 3) / 2 times;              (n-2, 1, 1), (n - 1)(n - 2) / 2 times,

and of two classes together the product of their standard ones. A vector that the subgroup fixes
which leaves onlooker p alone is in the trivial or the standard component. What the subgroup fixes
that leaves p and q alone is symmetric or antisymmetric under their exchange: besides what is known
already, the symmetric part holds (n-2, 2) once and the antisymmetric one (n-2, 1, 1) once. So each
block comes from fixed spaces of subgroups, by taking away those known already.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations

import numpy as np

from landtopo.objective import Array
from landtopo.shown import Brief
from landtopo.symmetry.shared import Shared

__all__ = ["IsotypicBlock", "isotypic_blocks", "isotypic_eigenvalues", "useful_blocks"]

_ROUNDING = 1e-9
_FEW = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class IsotypicBlock(Brief):
    """A representative of one isotypic component.

    Attributes
    ----------
    basis : ndarray, shape (size, m)
        Orthonormal columns, one in each copy of the representation.
    dimension : int
        Of the representation: how often each eigenvalue counts.
    """

    basis: Array = field(repr=False)
    dimension: int


@lru_cache(maxsize=32)
def isotypic_blocks(symmetry: Shared, size: int) -> tuple[IsotypicBlock, ...] | None:
    """Blocks of all matrices that commute with the symmetries, the trivial one first.

    Parameters
    ----------
    symmetry : Shared
    size : int
        Number of coordinates.

    Returns
    -------
    tuple of IsotypicBlock, or None
        None where other representations occur: neurons that follow two onlookers of a class.
    """
    trivial = symmetry.basis(size)
    blocks = [IsotypicBlock(basis=trivial, dimension=1)]
    standard: dict[int, Array] = {}
    for first, *others in symmetry.onlookers:
        count, one = 1 + len(others), others[0]
        alone = symmetry.basis(size, without=frozenset({one}))
        here = standard[one] = _without(alone, trivial)
        blocks.append(IsotypicBlock(basis=here, dimension=count - 1))
        if count < 3:
            continue
        other = others[1]
        both = symmetry.basis(size, without=frozenset({one, other}))
        there = _swapped(symmetry, (first, one, other), here)
        swapped = _swapped(symmetry, (first, one, other), both)
        even = _without(_range(both + swapped, both), np.hstack([trivial, here + there]))
        odd = _without(_range(both - swapped, both), here - there)
        blocks.append(IsotypicBlock(basis=even, dimension=count * (count - 3) // 2))
        blocks.append(IsotypicBlock(basis=odd, dimension=(count - 1) * (count - 2) // 2))
    sizes = {others[0]: len(others) for _, *others in symmetry.onlookers}
    for one, other in combinations(standard, 2):
        both = symmetry.basis(size, without=frozenset({one, other}))
        known = np.hstack([trivial, standard[one], standard[other]])
        blocks.append(
            IsotypicBlock(basis=_without(both, known), dimension=sizes[one] * sizes[other])
        )
    blocks = [block for block in blocks if block.basis.shape[1]]
    if sum(block.dimension * block.basis.shape[1] for block in blocks) != len(trivial):
        return None
    return tuple(blocks)


def useful_blocks(symmetry: Shared | None, size: int) -> tuple[IsotypicBlock, ...] | None:
    """The blocks where they save time: with few coordinates all eigenvalues at once take less.

    Parameters
    ----------
    symmetry : Shared or None
    size : int
        Number of coordinates.
    """
    if symmetry is None or size < _FEW:
        return None
    return isotypic_blocks(symmetry, size)


def isotypic_eigenvalues(matrix: Array, blocks: tuple[IsotypicBlock, ...]) -> Array | None:
    """All eigenvalues of a symmetric matrix that commutes with the symmetries, ascending.

    Parameters
    ----------
    matrix : ndarray, shape (size, size)
    blocks : tuple of IsotypicBlock
        From `isotypic_blocks`.

    Returns
    -------
    ndarray, shape (size,), or None
        None if their sum or the sum of their squares is not that of the matrix: it does not commute
        with the symmetries then.
    """
    values = np.sort(
        np.concatenate(
            [
                np.repeat(np.linalg.eigvalsh(one.basis.T @ (matrix @ one.basis)), one.dimension)
                for one in blocks
            ]
        )
    )
    square = float(np.einsum("ij,ij->", matrix, matrix))
    apart = abs(float(values @ values) - square)
    trace = abs(float(values.sum()) - float(np.trace(matrix)))
    right = apart <= _ROUNDING * square and trace <= _ROUNDING * np.sqrt(square * len(values))
    return values if right else None


def _swapped(symmetry: Shared, three: tuple[int, int, int], vectors: Array) -> Array:
    """Directions after two onlookers, neither the first of the class, change places."""
    first, one, other = three
    for exchange in (one, other, one):
        vectors = symmetry.exchanged(first, exchange, vectors)
    return vectors


def _without(basis: Array, known: Array) -> Array:
    """Orthonormal basis of what is left of a space when a part of it is taken away.

    Parameters
    ----------
    basis : ndarray, shape (n, m)
        Orthonormal columns.
    known : ndarray, shape (n, k)
        Columns in their span.
    """
    left, sizes, _ = np.linalg.svd(basis.T @ known)
    rank = int(np.sum(sizes > 1e-6 * max(float(sizes.max(initial=0.0)), 1e-300)))
    return np.asarray(basis @ left[:, rank:])


def _range(columns: Array, basis: Array) -> Array:
    """Orthonormal basis of the span of columns that lie in a space."""
    left, sizes, _ = np.linalg.svd(basis.T @ columns)
    return np.asarray(basis @ left[:, sizes > 1e-6])
