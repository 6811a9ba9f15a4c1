"""Weights, gradient and Hessian on the space that exchanges of teacher vectors leave alone.

A symmetry permutes neurons and columns, and with the columns the teacher's vectors. Entries of the
weights in one orbit are equal at a point that has the symmetries, and one neuron of each orbit of
neurons stands for all of it. With no symmetry each entry is an orbit of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from landtopo.objective import Array
from landtopo.shown import Brief
from landtopo.symmetry.groups import orbits

if TYPE_CHECKING:
    from flint import arb, arb_mat

    from landtopo.proofs.enclosures import Network

__all__ = ["Exchange", "Reduction", "exchanges", "reduction", "within_values"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange(Brief):
    """A symmetry that exchanges two columns.

    Attributes
    ----------
    first, second : int
        The columns.
    neurons : ndarray of int, shape (K,)
        Neuron k becomes neuron ``neurons[k]``.
    """

    first: int
    second: int
    neurons: NDArray[np.intp]

    def column(self, index: int) -> int:
        """Where a column goes."""
        return {self.first: self.second, self.second: self.first}.get(index, index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction(Brief):
    """Orbits under some exchanges.

    Attributes
    ----------
    labels : ndarray of int, shape (K, D)
        Orbit of each entry; -1 for those that are held at zero.
    sizes : ndarray of int, shape (n,)
    neurons : ndarray of int, shape (K,)
        Orbit of each neuron.
    counts : ndarray of int, shape (m,)
    symmetries : tuple of Exchange
    """

    labels: NDArray[np.intp]
    sizes: NDArray[np.intp]
    neurons: NDArray[np.intp]
    counts: NDArray[np.intp]
    symmetries: tuple[Exchange, ...]

    def gradient(self, network: Network) -> arb_mat:
        """Sums of the gradient over orbits, a column."""
        from flint import arb, arb_mat

        total = [arb(0)] * len(self.sizes)
        for k, count in self._representatives():
            for label, entry in zip(
                self.labels[k].tolist(), network.gradient_row(k).entries(), strict=True
            ):
                if label >= 0:
                    total[label] += count * entry
        return arb_mat(len(total), 1, total)

    def hessian(self, network: Network) -> arb_mat:
        """Sums of the Hessian over pairs of orbits, shape (n, n)."""
        from flint import arb_mat

        total = arb_mat(len(self.sizes), len(self.sizes))
        for k, count in self._representatives():
            # The rows of one neuron against all, summed by orbits of the other side first.
            rows = arb_mat(network.columns, len(self.sizes))
            for j in range(network.width):
                rows += network.hessian_block(k, j) * self._indicator(j)
            total += self._indicator(k).transpose() * rows * count
        return total

    def weights(self, values: Sequence[arb]) -> arb_mat:
        """One value an orbit, written to all entries, shape (K, D); zero where held."""
        from flint import arb, arb_mat

        entries = [values[i] if i >= 0 else arb(0) for i in self.labels.ravel().tolist()]
        return arb_mat(len(self.labels), len(entries) // len(self.labels), entries)

    def _representatives(self) -> list[tuple[int, int]]:
        first = {int(orbit): k for k, orbit in reversed(list(enumerate(self.neurons)))}
        return [(k, int(self.counts[orbit])) for orbit, k in first.items()]

    def _indicator(self, k: int) -> arb_mat:
        from flint import arb_mat

        table = np.zeros((self.labels.shape[1], len(self.sizes)), dtype=int)
        used = self.labels[k] >= 0
        table[used, self.labels[k][used]] = 1
        return arb_mat(table.tolist())


def reduction(
    shape: tuple[int, int], held: NDArray[np.bool_], symmetries: Sequence[Exchange]
) -> Reduction:
    """Orbits of entries and of neurons.

    Parameters
    ----------
    shape : tuple of int
        (K, D).
    held : ndarray of bool, shape (K, D)
        Entries that are no unknowns.
    symmetries : sequence of Exchange
    """
    width, columns = shape
    entry = np.arange(width * columns).reshape(shape)
    moves = []
    for one in symmetries:
        order = [one.column(m) for m in range(columns)]
        moves.append(entry[one.neurons][:, order].ravel())
    fixed = held.ravel()
    places = [one for one in orbits(moves, width * columns) if not fixed[one[0]]]
    neurons = orbits([one.neurons for one in symmetries], width)
    return Reduction(
        labels=_numbers(places, width * columns).reshape(shape),
        sizes=np.array([len(one) for one in places]),
        neurons=_numbers(neurons, width),
        counts=np.array([len(one) for one in neurons]),
        symmetries=tuple(symmetries),
    )


def _numbers(parts: Sequence[tuple[int, ...]], total: int) -> NDArray[np.intp]:
    """The number of the part that each of some things is in; -1 for those in none."""
    found = np.full(total, -1, dtype=np.intp)
    for number, part in enumerate(parts):
        found[list(part)] = number
    return found


def exchanges(
    teachers: Array,
    weights: Array,
    tolerance: float,
    strengths: tuple[Array, Array] | None = None,
) -> list[list[Exchange]]:
    """Exchanges of columns that leave the teacher and a point alone, in classes of columns.

    Parameters
    ----------
    teachers : ndarray, shape (M, D)
    weights : ndarray, shape (K, D)
    tolerance : float
        How far the point may move.
    strengths : tuple of ndarray, optional
        Output weights of teacher and students, of which none may become another; ones by default.

    Returns
    -------
    list of list of Exchange
        For each class of columns, those of its first one with each other one.
    """
    columns = range(weights.shape[1])
    if strengths is not None:
        # Beside the columns, and so far apart that no tolerance takes one for another.
        teachers = np.column_stack([teachers, strengths[0]])
        numbers = np.unique(strengths[1], return_inverse=True)[1]
        weights = np.column_stack([weights, numbers * (1.0 + 10.0 * tolerance)])
    rows = sorted(map(tuple, teachers.tolist()))
    classes: list[list[Exchange]] = []
    firsts: list[int] = []
    for column in columns:
        for number, first in enumerate(firsts):
            neurons = _exchanged(teachers, rows, weights, (first, column), tolerance)
            if neurons is not None:
                classes[number].append(Exchange(first=first, second=column, neurons=neurons))
                break
        else:
            firsts.append(column)
            classes.append([])
    return [one for one in classes if one]


def _exchanged(
    teachers: Array,
    rows: list[tuple[float, ...]],
    weights: Array,
    columns: tuple[int, int],
    tolerance: float,
) -> NDArray[np.intp] | None:
    order = np.arange(weights.shape[1])
    order[list(columns)] = columns[::-1]
    if sorted(map(tuple, teachers[:, order].tolist())) != rows:
        return None
    moved = weights[:, order]
    distances = np.array([np.abs(weights - line).max(axis=1) for line in moved])
    neurons = distances.argmin(axis=1)
    if len(set(neurons.tolist())) < len(weights) or distances.min(axis=1).max() > tolerance:
        return None
    return np.asarray(neurons, dtype=np.intp)


def within_values(
    classes: Sequence[Sequence[Exchange]], row: NDArray[np.intp], kept: int | None
) -> list[Exchange]:
    """Exchanges that move neither a neuron nor one column, generators of all of them.

    Parameters
    ----------
    classes : sequence of sequence of Exchange
    row : ndarray of int, shape (D,)
        Orbits of the neuron's entries. An exchange of columns with equal entries keeps a neuron.
    kept : int or None
        The column.
    """
    found = []
    for one in classes:
        first = one[0].first
        known = {exchange.second: exchange.neurons for exchange in one}
        groups: dict[int, list[int]] = {}
        for column in (first, *known):
            if column != kept:
                groups.setdefault(int(row[column]), []).append(column)
        for group in groups.values():
            for a, b in pairwise(sorted(group)):
                # (a b) = (f a)(f b)(f a); the first column is the smallest of its class.
                neurons = known[b] if a == first else known[a][known[b][known[a]]]
                found.append(Exchange(first=a, second=b, neurons=neurons))
    return found
